#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What `cmake --install` installs, used from outside of the tree: by pkg-config alone, and from where it was moved to.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
"") ;;
-h | --help)
	say "usage: scripts/test-install.sh    (no options; wants build/rel; exit: 0 passed, 1 failed, 2 could not start)"
	exit 0
	;;
*) die "unknown argument $1, expected none" ;;
esac

[ -f build/rel/libnosnoop.a ] || die "no build/rel/libnosnoop.a: cmake --preset rel && cmake --build build/rel"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	say "$*"
	exit 1
}

# Both ways to say where must give the same files.
cmake --install build/rel --prefix "$dir/first place" >/dev/null
DESTDIR=$dir/dest cmake --install build/rel --prefix /usr >/dev/null
diff -r "$dir/first place" "$dir/dest/usr" >/dev/null || fail "--prefix and DESTDIR installed different files"
mkdir "$dir/work"
mv "$dir/dest/usr" "$dir/moved"
rm -rf "$dir/first place" "$dir/dest"
if grep -rIlF -e "$top" -e "$dir" "$dir/moved"; then
	fail "these name the folder that they were built or installed in: the tree cannot be moved"
fi

pc=$(find "$dir/moved" -name nosnoop.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
cp -r "$dir/moved/share/doc/nosnoop/examples/." "$dir/work"
top_of_tree=$top
cd "$dir/work"
read -r -a cflags < <(pkg-config --cflags nosnoop)
read -r -a libs < <(pkg-config --libs nosnoop)

# Each header stands alone, but for the second half of flush.h: whatever it includes was installed, too.
include=$(pkg-config --variable=includedir nosnoop)
n=0
while IFS= read -r header; do
	[ "$header" != core/flush/flush_inline.h ] || continue
	echo "#include \"$header\"" | cc -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror -Wno-unused-function "${cflags[@]}" \
		-fsyntax-only -x c - || fail "$header needs something that was not installed"
	n=$((n + 1))
done < <(cd "$include" && find core bench -name '*.h')
[ "$n" -gt 0 ] || fail "no header was installed"

cc -O2 -Wall "${cflags[@]}" -shared -fPIC -o mine.so mine.c
cc -O2 -Wall "${cflags[@]}" -o judge judge.c "${libs[@]}"
read -r -a harness < <(pkg-config --cflags --libs nosnoop-harness)
cc -O2 -Wall -o sums sums.c "${harness[@]}"
./sums --json >sums.json || fail "the program with the harness library failed"
grep -q '"benchmarks"' sums.json || fail "the program with the harness library printed no results"

bin=$(find "$dir/moved" -name nosnoop-replay -printf '%h')
golden=("$top_of_tree"/corpus/seed/golden/*.ops)
"$bin/nosnoop-replay" --policy ./mine.so "${golden[@]}" >/dev/null || fail "nosnoop-replay did not take mine.so"
for trace in "${golden[@]}"; do
	for policy in ./mine.so sticky; do
		flushes=$("$bin/nosnoop-replay" --policy $policy --json "$trace" | sed -n 's/^ *"flushes": \([0-9]*\),$/\1/p')
		said=$(./judge $policy "$trace") || fail "judge $policy $trace: $said"
		case $said in
		*": good, $flushes flushes, "*) ;;
		*) fail "judge $policy $trace says \"$said\", nosnoop-replay $flushes flushes" ;;
		esac
	done
done
if ./judge none "$dir/nowhere.ops" 2>/dev/null; then fail "judge took a trace that does not exist"; fi
for command in "$bin"/nosnoop-*; do
	"$command" --help >/dev/null || fail "$command --help failed"
done
say "$n headers, ${#golden[@]} traces"
