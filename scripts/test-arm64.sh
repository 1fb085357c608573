#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The tree on arm64: cross-compiled (preset arm64), run under qemu-user, and beside this machine's own build.
# What emulation cannot show: times, and whether a line has reached memory; dc is executed, and does nothing there.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
"") ;;
-h | --help)
	say "usage: scripts/test-arm64.sh    (no options; wants build/rel; exit: 0 passed, 1 failed, 2 could not start;
	where a package is missing one line says so and nothing is run)"
	exit 0
	;;
*) die "unknown argument $1, expected none" ;;
esac

# Those that start no program of ours (an emulator cannot exec one), and that an emulator gets through in seconds.
tests=(compat contracts model flush iopt run threads bind twin)
small=0.01 # of what NOSNOOP_TEST_SCALE scales

for p in aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-aarch64:qemu-user; do
	have "${p%%:*}" || { say "skipped: arm64: ${p#*:} is not installed"; exit 0; }
done
[ -x build/rel/bin/nosnoop-replay ] || die "no build/rel/bin/nosnoop-replay: cmake --preset rel && cmake --build build/rel"
if ! why=$(scripts/arm64-libs.sh 2>&1); then
	say "skipped: arm64: $(tail -n 1 <<<"$why")"
	exit 0
fi

cmake --preset arm64 --fresh
cmake --build build/arm64 -j "$(jobs_nr)" --target nosnoop-replay "${tests[@]/#/test_}"

emulated() { # PROGRAM ARGUMENTS...: of build/arm64
	local program=$1
	shift
	qemu-aarch64 -L /usr/aarch64-linux-gnu "build/arm64/bin/$program" "$@"
}

out=build/arm64/compared
mkdir -p $out
# The golden traces say by `expect` what must come out; no verdict, count or state may differ from this machine's.
emulated nosnoop-replay --policy all corpus/seed/golden/*.ops >/dev/null
emulated nosnoop-replay --policy all --digest --json corpus/seed/golden/*.ops >$out/arm64.json
build/rel/bin/nosnoop-replay --policy all --digest --json corpus/seed/golden/*.ops >$out/here.json
cmp $out/arm64.json $out/here.json
emulated nosnoop-replay --policy eager,sticky,exact --digest --json corpus/seed/*/*.ops >$out/arm64-seed.json || true
build/rel/bin/nosnoop-replay --policy eager,sticky,exact --digest --json corpus/seed/*/*.ops >$out/here-seed.json || true
cmp $out/arm64-seed.json $out/here-seed.json
# mine.so, built for arm64 by the cross compiler, through the loader
emulated nosnoop-replay --policy build/arm64/core/flush/plugins/mine.so corpus/seed/golden/*.ops >/dev/null

NOSNOOP_TEST_SCALE=$small ctest --test-dir build/arm64 -j "$(jobs_nr)" --timeout 300 --output-on-failure \
	-R "^test_($(IFS='|'; echo "${tests[*]}"))\$"
