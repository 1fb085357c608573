#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What builds for engines are optimised by: the targets' replayers, compiled to count, run programs of the generator and the
# corpus; build/profile/engines.profdata says what ran how often. A build takes it with
#   cmake --preset fuzz-plain -DNOSNOOP_PROFILE=$PWD/build/profile/engines.profdata
# and does up to a quarter more programs a second. campaign.sh --profile does both. Needs clang, lld and LLVM's tools of
# clang's version (Debian: clang, lld, llvm), and installs nothing. Exit: 0, the last line is the file; 2: it cannot be had.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# -eq 0 ] || die "$1: expected no arguments"
can_profile || die "expected clang, ld.lld, llvm-ar and llvm-profdata of one version (Debian: clang, lld, llvm)"
profdata=$(llvm_tool profdata)
out=build/profile
mkdir -p $out
exec 9>$out/.lock
flock 9 # the next one finds all of it done
raw=$(mktemp -d -p $out)
trap 'rm -rf "$raw"' EXIT
log=$out/build.log
if ! { cmake --preset fuzz-plain -B $out -DNOSNOOP_PROFILE= -DCMAKE_C_FLAGS=-fprofile-instr-generate &&
	cmake --build $out -j "$(jobs_nr)" --target fuzz-policy-replay fuzz-codec-replay fuzz-text-replay; } >$log 2>&1; then
	die "the build failed, see $log"
fi
export LLVM_PROFILE_FILE=$raw/%p.profraw
log=$out/run.log
{ $out/bin/fuzz-policy-replay --generate 1000 --repeat 2 corpus/seed &&
	$out/bin/fuzz-codec-replay corpus/seed corpus/regress &&
	$out/bin/fuzz-text-replay corpus/seed corpus/regress; } >$log 2>&1 || die "a target ended with $?, see $log"
"$profdata" merge -o "$raw/new" "$raw"/*.profraw >>$log 2>&1 || die "llvm-profdata merge failed, see $log"
[[ $("$profdata" show --function=run_step_alone "$raw/new") == *"Function count: "[1-9]* ]] || die "nothing was counted, see $log"
# The same counts, the same file: nothing is compiled anew.
cmp -s "$raw/new" $out/engines.profdata || mv "$raw/new" $out/engines.profdata
say "$top/$out/engines.profdata"
