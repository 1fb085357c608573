#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds as OSS-Fuzz does, without docker, for both engines: build.sh in an environment that has the conventional
# variables and nothing else. Then each fuzzer runs, and a policy that leaks must be found by its class.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
seconds=${1:-2}
case $seconds in
'' | *[!0-9]*)
	echo "usage: fuzz/oss-fuzz/test.sh [SECONDS]    (of each fuzzer; default 2)" >&2
	exit 2
	;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

fail() {
	printf 'oss-fuzz: %s\n' "$*" >&2
	exit 1
}

# build ENGINE CC CXX CFLAGS LIB_FUZZING_ENGINE
build() {
	local dir=$work/$1
	mkdir -p "$dir/src" "$dir/out" "$dir/work"
	ln -s "$root" "$dir/src/nosnoop"
	env -i PATH="$PATH" CC="$2" CXX="$3" CFLAGS="$4" CXXFLAGS="$4" LIB_FUZZING_ENGINE="$5" SRC="$dir/src" \
		OUT="$dir/out" WORK="$dir/work" "$dir/src/nosnoop/fuzz/oss-fuzz/build.sh" >"$dir/log" 2>&1 || {
		tail -n 40 "$dir/log"
		fail "$1: build.sh failed"
	}
}

# check_files ENGINE: what ClusterFuzz looks for
check_files() {
	local out=$work/$1/out name
	for name in ops policy codec text plugin-diff; do
		[ -x "$out/fuzz-$name" ] || fail "$1: no fuzz-$name"
		mkdir -p "$work/$1/seeds-$name"
		python3 -m zipfile -e "$out/fuzz-${name}_seed_corpus.zip" "$work/$1/seeds-$name"
		[ -n "$(ls -A "$work/$1/seeds-$name")" ] || fail "$1: fuzz-$name has no seeds"
		grep -q '^max_len = ' "$out/fuzz-$name.options" || fail "$1: fuzz-$name has no options"
	done
	[ -s "$out/fuzz-text.dict" ] && [ -s "$out/fuzz-ops.dict" ] || fail "$1: a dictionary is missing"
}

run_libfuzzer() { # NAME
	local out=$work/libfuzzer/out args=(-max_total_time="$seconds" -artifact_prefix="$work/libfuzzer/")
	[ ! -e "$out/fuzz-$1.dict" ] || args+=(-dict="$out/fuzz-$1.dict")
	"$out/fuzz-$1" "${args[@]}" "$work/libfuzzer/seeds-$1" >"$work/log" 2>&1 || {
		tail -n 20 "$work/log"
		fail "libfuzzer: fuzz-$1"
	}
	grep -qE '^Done [1-9]' "$work/log" || fail "libfuzzer: fuzz-$1 ran nothing"
}

run_afl() { # NAME
	local out=$work/afl/out args=()
	[ ! -e "$out/fuzz-$1.dict" ] || args+=(-x "$out/fuzz-$1.dict")
	AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_ALLOW_TMP=1 TERM=dumb \
		timeout 120 afl-fuzz -V "$seconds" "${args[@]}" -i "$work/afl/seeds-$1" -o "$work/afl/o-$1" -- "$out/fuzz-$1" \
		>"$work/log" 2>&1 || {
		tail -n 20 "$work/log"
		fail "afl: fuzz-$1"
	}
	grep -qE '^execs_done *: *[1-9]' "$work/afl/o-$1/default/fuzzer_stats" || fail "afl: fuzz-$1 ran nothing"
	! compgen -G "$work/afl/o-$1/default/crashes/id:*" >/dev/null || fail "afl: fuzz-$1 crashed"
}

# The seeds show the leak of the posted patch: each fuzzer, given them as ClusterFuzz gives a test case.
planted() { # ENGINE
	local f
	for f in "$work/$1/seeds-policy"/golden-*; do
		# The shell's own word about an abort is of no interest.
		{ FUZZ_POLICY=v1_posted FUZZ_CONTRACTS=L "$work/$1/out/fuzz-policy" "$f" >>"$work/$1/planted" 2>&1 || true; } 2>/dev/null
	done
	grep -q '^class: contract_L' "$work/$1/planted" || fail "$1: the planted leak was not found"
}

engines=()
if printf 'int LLVMFuzzerTestOneInput(void *p, long n); int LLVMFuzzerTestOneInput(void *p, long n) { return 0; }' |
	clang -x c -fsanitize=fuzzer,address - -o "$work/probe" 2>/dev/null; then
	build libfuzzer clang clang++ "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fsanitize=fuzzer-no-link" \
		-fsanitize=fuzzer
	engines+=(libfuzzer)
else
	echo "skipped: oss-fuzz with libFuzzer: clang or its runtime is not installed"
fi
driver=$(compgen -G '/usr/lib*/afl/libAFLDriver.a' | head -n 1) || true
if command -v afl-clang-fast >/dev/null && [ -n "$driver" ]; then
	build afl afl-clang-fast afl-clang-fast++ "-O2" "$driver"
	engines+=(afl)
else
	echo "skipped: oss-fuzz with AFL++: afl++ is not installed"
fi
for engine in "${engines[@]}"; do
	check_files "$engine"
	for name in ops policy codec text plugin-diff; do
		"run_$engine" "$name"
	done
	planted "$engine"
	echo "oss-fuzz: $engine: built, 5 fuzzers run, the planted leak found"
done
