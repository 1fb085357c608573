#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Instructions per page of core and of a kernel tree's own files, by valgrind: the same on every run and every machine of
# one kind, whatever else runs. The build has its own folder, build/count: without whole-program optimisation every function
# keeps its name, and all of it is -O2, as a kernel is.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
-h | --help | "")
	say "usage: scripts/bench-instructions.sh TREE [--json] [--top N] [--size N]
  TREE        the top of a kernel tree, as for core/linux/build.py
  --json      one JSON object instead of the tables
  --top N     the N dearest functions of each backend, too
  --size N    pages mapped at once (4096)"
	[ -n "${1-}" ] && exit 0
	exit 2
	;;
esac
tree=$(cd "$1" 2>/dev/null && pwd) || die "$1: no such folder, expected the top of a kernel tree"
shift
have valgrind || die "valgrind is not installed: apt-get install valgrind"
need required
log=$(mktemp)
if ! { cmake -S . -B build/count -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DNOSNOOP_JEMALLOC=OFF -DNOSNOOP_LINUX_TREE="$tree" &&
	cmake --build build/count -j "$(jobs_nr)" --target nosnoop-bench nosnoop-linux-production; } >"$log" 2>&1; then
	tail -n 40 "$log" >&2
	rm -f "$log"
	die "the build failed"
fi
rm -f "$log"
exec python3 -B scripts/instructions.py build/count "$@"
