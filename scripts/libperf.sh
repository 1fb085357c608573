#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the kernel's libperf, for the bench's counters, from a kernel tree; prints its folder as the last line of standard output.
set -euo pipefail

usage() {
	cat <<'END'
usage: scripts/libperf.sh [--linux-tree WHERE | --newest] [--no-install]
Builds libperf.a and libapi.a of tools/lib into build/libperf (the tree itself stays as it is), with the headers:
  cmake --preset rel -DNOSNOOP_LIBPERF=$PWD/build/libperf
The options, and where a tree is looked for without one: scripts/linux-tree.sh --help
exit: 0 built, 1 cannot be built here (one line says why), 2 bad input
END
}

case ${1-} in
-h | --help) usage; exit 0 ;;
esac

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rc=0
tree=$("$here/linux-tree.sh" "$@") || rc=$?
[ $rc = 0 ] || exit $rc
tree=$(cd "$(tail -n 1 <<<"$tree")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

none() {
	printf 'libperf.sh: %s\n' "$*" >&2
	exit 1
}

have make || none "make is not installed"
for d in tools/lib/perf tools/lib/api tools/include tools/build tools/scripts tools/arch; do
	[ -d "$tree/$d" ] || none "$tree has no $d"
done

out=$top/build/libperf
mkdir -p "$top/build"
work=$(mktemp -d "$top/build/.libperf.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/made"
# The tree's own makefiles ask for warnings as errors, of the compiler that they were written with.
if ! make -s -C "$tree/tools/lib/perf" O="$work/made/" EXTRA_CFLAGS="-O2 -Wno-error" \
	"$work/made/libperf.a" "$work/made/libapi.a" >"$work/log" 2>&1; then
	tail -n 5 "$work/log" >&2
	none "tools/lib/perf of $tree could not be built"
fi
mkdir "$work/new"
cp "$work/made/libperf.a" "$work/made/libapi.a" "$work/new/"
cp -R "$tree/tools/lib/perf/include" "$work/new/include"
rm -rf "$out"
mv "$work/new" "$out"
printf '%s\n' "$out"
