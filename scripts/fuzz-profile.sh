#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What builds for engines are optimised by: the targets' replayers, compiled to count, run programs of the generator and the
# corpus; build/profile/engines.profdata says what ran how often. A build takes it with
#   cmake --preset fuzz-plain -DNOSNOOP_PROFILE=$PWD/build/profile/engines.profdata
# and does up to a quarter more programs a second. campaign.sh --profile does both. Exit: 0; 2: clang is missing, or it did not build.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -eq 0 ] || die "$1: expected no arguments"
need engines >&2
out=build/profile
profdata=$(llvm_profdata) || die "llvm-profdata of clang's version: not found"
log=$out/build.log
mkdir -p $out
targets=(fuzz-policy-replay fuzz-codec-replay fuzz-text-replay)
if ! { cmake --preset fuzz-plain -B $out -DCMAKE_C_FLAGS=-fprofile-instr-generate &&
	cmake --build $out -j "$(jobs_nr)" --target "${targets[@]}"; } >$log 2>&1; then
	die "the build failed, see $log"
fi
rm -f $out/*.profraw
export LLVM_PROFILE_FILE=$out/%p.profraw
$out/bin/fuzz-policy-replay --generate 1000 --repeat 2 corpus/seed >$log
for t in codec text; do
	$out/bin/fuzz-$t-replay corpus/seed corpus/regress >>$log
done
"$profdata" merge -o $out/new.profdata $out/*.profraw
rm -f $out/*.profraw
# The same counts, the same file: nothing is compiled anew.
cmp -s $out/new.profdata $out/engines.profdata || mv $out/new.profdata $out/engines.profdata
rm -f $out/new.profdata
say "$top/$out/engines.profdata"
