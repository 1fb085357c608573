#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# No writable globals in core: several runs, builds and policies live in one process, and a snapshot of the
# arena must hold all state. Looks at the sections of the rel build's libraries; .data.rel.ro is written by
# the loader only. Allowed, each with its reason, are the symbols of this list:
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

allowed=(
	# name          reason
)

# writable LIBRARY...: "library[object]: symbol section" of each object in a writable section
writable() {
	nm -A -f sysv --defined-only "$@" 2>/dev/null | awk -F '|' '
		NF >= 7 {
			section = $7; name = $1; type = $4
			gsub(/[ \t]/, "", section); gsub(/[ \t]+$/, "", name); gsub(/[ \t]/, "", type)
			if (section !~ /^(\.data|\.bss|\.tdata|\.tbss|\.ldata|\.lbss|\*COM\*|COMMON)/) next
			if (section ~ /^\.data\.rel\.ro/ || type == "SECTION") next
			print name " is in " section
		}'
}

if [ "${1-}" = --self-test ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cat >"$dir/good.c" <<'END'
static const char *const names[] = { "a", "b" };
struct ops { const char *const *n; };
extern const struct ops good_ops;
const struct ops good_ops = { names };
const char *good(int i) { return names[i]; }
END
	cat >"$dir/bad.c" <<'END'
int counter;
static int started = 1;
static _Thread_local int mine;
int bad(void) { static int calls; return ++calls + ++started + ++counter + ++mine; }
END
	for f in good bad; do
		gcc -fPIC -O2 -c "$dir/$f.c" -o "$dir/$f.o"
		ar rcs "$dir/lib$f.a" "$dir/$f.o"
	done
	[ -z "$(writable "$dir/libgood.a")" ] || { say "self-test: refuses constants: $(writable "$dir/libgood.a")"; exit 1; }
	n=$(writable "$dir/libbad.a" | wc -l)
	[ "$n" = 4 ] || { say "self-test: found $n of 4 writable objects: $(writable "$dir/libbad.a")"; exit 1; }
	exit 0
fi

mapfile -t libs < <(find build/rel/core -name 'lib*.a' 2>/dev/null | sort)
if [ ${#libs[@]} -eq 0 ]; then
	say "build/rel/core: no libraries, expected a rel build (cmake --preset rel && cmake --build build/rel)"
	exit 1
fi
rc=0
while IFS= read -r line; do
	for a in ${allowed[@]+"${allowed[@]}"}; do
		case $line in *":$a is in "*) continue 2 ;; esac
	done
	say "$line: expected no writable global"
	rc=1
done < <(writable "${libs[@]}")
exit $rc
