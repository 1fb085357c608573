#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# clang-tidy with the tree's .clang-tidy over what build/dev compiles. The path-sensitive analyzer takes nine tenths of the time:
# it runs only when asked for. TIDY_ANALYZE=core: at core/ without its tests, all: at everything.
# core/linux is compiled against a kernel tree by build.py, so it is not among the commands and not looked at.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

if ! have clang-tidy; then
	say "skipped: check-tidy: clang-tidy is not installed"
	exit 0
fi

# tidy FOLDER-OF-COMMANDS CLANG-TIDY-OPTIONS... < files: 1 when anything was found
tidy() {
	local commands=$1
	shift
	# Small portions, so that no job is left over; xargs makes any failure 123.
	xargs -r -d '\n' -n 4 -P "$(jobs_nr)" clang-tidy -p "$commands" --quiet "$@" 2>/dev/null | sed "s,^$top/,,"
}

if [ "${1-}" = --self-test ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cp .clang-tidy "$dir/"
	printf 'int good(const int *p);\nint good(const int *p)\n{\n\treturn p ? *p : 0;\n}\n' >"$dir/good.c"
	cat >"$dir/analyzed.c" <<'END'
int bad(int *p);
int bad(int *p)
{
	if (!p)
		return *p;
	return 0;
}
END
	cat >"$dir/matched.c" <<'END'
#include <string.h>
void bad(int *p);
void bad(int *p)
{
	memset(p, '0', 4);
}
END
	for f in good analyzed matched; do
		printf '%s{"directory": "%s", "file": "%s.c", "command": "cc -c %s.c"}' "$([ $f = good ] || echo ,)" "$dir" $f $f
	done | sed '1s/^/[/; $s/$/]/' >"$dir/compile_commands.json"
	out=$(echo "$dir/good.c" | tidy "$dir") || { say "self-test: refuses what is right: $out"; exit 1; }
	for f in analyzed:core.NullDereference matched:bugprone-suspicious-memset-usage; do
		if out=$(echo "$dir/${f%%:*}.c" | tidy "$dir") || ! grep -q "${f#*:}" <<<"$out"; then
			say "self-test: does not find ${f#*:}: $out"
			exit 1
		fi
	done
	exit 0
fi
[ $# = 0 ] || die "unknown argument $1, expected --self-test or none"

commands=build/dev
[ -f $commands/compile_commands.json ] || { say "$commands: no compile_commands.json, expected a dev build (cmake --preset dev)"; exit 1; }
mapfile -t files < <(sed -n "s#^ *\"file\": \"$top/\(.*\.c\)\",*\$#\1#p" $commands/compile_commands.json | grep -v '^build/' | sort -u)
[ ${#files[@]} -gt 0 ] || { say "check-tidy: $commands names no sources of the tree"; exit 1; }

analyzed=()
matched=()
for f in "${files[@]}"; do
	case ${TIDY_ANALYZE-}:$f in
	all:*) analyzed+=("$f") ;;
	core:*/test_*) matched+=("$f") ;;
	core:core/*) analyzed+=("$f") ;;
	*) matched+=("$f") ;;
	esac
done
rc=0
[ ${#analyzed[@]} -eq 0 ] || printf '%s\n' "${analyzed[@]}" | tidy $commands || rc=1
[ ${#matched[@]} -eq 0 ] || printf '%s\n' "${matched[@]}" | tidy $commands --checks='-clang-analyzer-*' || rc=1
say "check-tidy: ${#analyzed[@]} files with the analyzer, ${#matched[@]} without"
exit $rc
