#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs what is missing, builds with ASan + UBSan, runs every test and every check.
# The last line is `N passed, N failed`; exit 0 when nothing failed, 1 when something did, 2 when it could not start.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
-h | --help)
	say "usage: scripts/test.sh    (no options; FUZZ_SECONDS=n sets how long each fuzzer runs, default 10;
	from 120 on each must also find the leak of the posted patch; LINUX_NEWEST=1 also fetches the newest kernel
	source of Debian unstable and runs the tests of the Linux backend on it; RECORD=1 boots a kernel in QEMU,
	which is installed, to record what VFIO maps; SLURM=1 runs a campaign as jobs of Slurm, which is installed)"
	exit 0
	;;
esac

passed=0
failed=0
fuzz_seconds=${FUZZ_SECONDS:-10}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

result() { # STATUS NAME SECONDS LOG
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
		say "ok      $2 ($3 s)"
	else
		failed=$((failed + 1))
		say "FAILED  $2 ($3 s)"
		tail -n 60 "$4"
	fi
}

# check NAME COMMAND...: counts one; its output is shown only when it failed. last: its status
last=0
check() {
	local name=$1 log start rc=0
	log="$logs/log"
	shift
	start=$SECONDS
	"$@" >"$log" 2>&1 || rc=$?
	last=$rc
	result $rc "$name" $((SECONDS - start)) "$log"
	[ $rc != 0 ] || grep '^skipped:' "$log" || true
	return 0
}

skipped() {
	say "skipped: $*"
}

# later NAME COMMAND...: the same, beside others, as many at a time as there are CPUs; what depends on
# nothing that comes after it. together: all of these have ended, and are told in their order.
later_names=()
later() {
	local log="$logs/later.${#later_names[@]}" name=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
		wait -n || true
	done
	(
		start=$SECONDS
		rc=0
		"$@" >"$log" 2>&1 </dev/null || rc=$?
		echo "$rc $((SECONDS - start))" >"$log.end"
	) &
	later_names+=("$name")
}

together() {
	local i log rc seconds
	wait
	for i in "${!later_names[@]}"; do
		log="$logs/later.$i"
		rc=1 seconds=0
		[ ! -f "$log.end" ] || read -r rc seconds <"$log.end"
		result "$rc" "${later_names[$i]}" "$seconds" "$log"
		[ "$rc" != 0 ] || grep '^skipped:' "$log" || true
	done
	later_names=()
}

# build_in DIR CMAKE-ARGUMENTS...: configure and build
build_in() {
	local dir=$1
	shift
	cmake "$@" && cmake --build "$dir" -j "$jobs"
}

# ctest's own count, taken from its summary line
run_ctest() {
	local log="$logs/ctest" start=$SECONDS rc=0 total bad
	ctest --test-dir build/dev -j "$jobs" --output-on-failure --timeout 600 >"$log" 2>&1 || rc=$?
	read -r bad total < <(sed -n 's/.*tests passed, \([0-9]*\) tests* failed out of \([0-9]*\)/\1 \2/p' "$log") || true
	if [ -z "${total-}" ]; then
		result 1 "ctest: no tests were run" $((SECONDS - start)) "$log"
		return 0
	fi
	passed=$((passed + total - bad))
	failed=$((failed + bad))
	if [ "$bad" = 0 ] && [ $rc = 0 ]; then
		say "ok      ctest: $total tests ($((SECONDS - start)) s)"
	else
		grep -v -E '^ *Start +[0-9]+:|Passed' "$log" | tail -n 200
		say "FAILED  ctest: $bad of $total ($((SECONDS - start)) s)"
	fi
}

# fuzz_seeds DIR FOLDER...: the binary form of the corpus' traces to start from
fuzz_seeds() {
	local dir=$1
	rm -rf "$dir"
	mkdir -p "$dir"
	shift
	build/dev/bin/fuzz-ops-replay --encode "$dir" "$@"
}

# Of these seeds, those that do not show a leak of v1_posted already.
harmless_seeds() {
	local f
	fuzz_seeds "$1" corpus/seed/map corpus/seed/unmap corpus/seed/copy corpus/seed/domain
	for f in "$1"/*; do
		FUZZ_POLICY=v1_posted build/dev/bin/fuzz-ops-replay "$f" >/dev/null 2>&1 || rm -f "$f"
	done
}

# Seeds of target $1 in folder $2: binary programs, or the text itself.
target_seeds() {
	if [ "$1" = text ]; then
		rm -rf "$2"
		mkdir -p "$2"
		cp corpus/seed/golden/*.ops "$2"
	else
		fuzz_seeds "$2" corpus/seed
	fi
}

# Those that need no kernel tree: on Linux's own files something is found at once (results/findings).
fuzz_targets=(policy codec text plugin-diff)

# The target ops for the whole time, each other one for a fifth of it.
run_libfuzzer() {
	local out=build/fuzz/campaign t seconds
	mkdir -p $out/findings
	for t in ops "${fuzz_targets[@]}"; do
		target_seeds "$t" $out/in
		seconds=$fuzz_seconds
		[ "$t" = ops ] || seconds=$(((fuzz_seconds + 4) / 5))
		timeout $((fuzz_seconds * 3 + 60)) "build/fuzz/bin/fuzz-$t-libfuzzer" -runs=$((fuzz_seconds * 20000)) \
			-max_total_time="$seconds" -artifact_prefix=$out/findings/ $out/in || return 1
	done
}

afl() { # PROGRAM SECONDS OPTIONS...: of afl-fuzz
	local program=$1 seconds=$2
	shift 2
	AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 TERM=dumb \
		timeout $((seconds * 3 + 60)) afl-fuzz -V "$seconds" "$@" -- "$program"
}

# afl_clean PROGRAM SECONDS OUT: something was executed, and nothing found
afl_clean() {
	local execs
	rm -rf "$3/out"
	afl "$1" "$2" -E $((fuzz_seconds * 20000)) -i "$3/in" -o "$3/out" || return 1
	execs=$(sed -n 's/^execs_done *: *//p' "$3/out/default/fuzzer_stats")
	[ "${execs:-0}" -gt 0 ] || { echo "AFL++ executed nothing"; return 1; }
	if compgen -G "$3/out/default/crashes/id:*" >/dev/null; then
		echo "AFL++ found crashes: $3/out/default/crashes"
		return 1
	fi
}

run_afl() {
	local out=build/afl/campaign t
	for t in ops "${fuzz_targets[@]}"; do
		target_seeds "$t" $out/in
		if [ "$t" = ops ]; then
			afl_clean build/afl/bin/fuzz-ops-afl "$fuzz_seconds" $out || return 1
		else
			afl_clean "build/afl/bin/fuzz-$t-afl" $(((fuzz_seconds + 4) / 5)) $out || return 1
		fi
	done
}

# One program: a link with afl-clang-lto takes half a minute.
run_afl_lto() {
	local out=build/afl-lto/campaign
	cmake --preset afl-lto && cmake --build build/afl-lto -j "$jobs" --target fuzz-policy-afl || return 1
	target_seeds policy $out/in
	afl_clean build/afl-lto/bin/fuzz-policy-afl 2 $out
}

# As campaigns of an hour build: the oracles still speak, and a plug-in finds what it needs in a program optimised as a whole.
run_profiled() {
	local out=build/profiled profile program=build/profiled/bin/fuzz-policy-libfuzzer
	profile=$(scripts/fuzz-profile.sh) && # it looks whether something was counted
		cmake --preset fuzz-plain -B $out -DNOSNOOP_PROFILE="${profile##*$'\n'}" &&
		cmake --build $out -j "$jobs" --target fuzz-policy-libfuzzer || return 1
	target_seeds policy $out/in
	FUZZ_POLICY=build/dev/core/flush/plugins/mine.so timeout 60 $program -runs=2000 -artifact_prefix=$out/ $out/in || return 1
	! FUZZ_POLICY=v1_posted timeout 60 $program -runs=20000 -seed=1 -artifact_prefix=$out/ $out/in >$out/log 2>&1 &&
		grep '^class: contract_L' $out/log
}

# Does each engine find what is known to be wrong? Needs luck in little time: only with much of it.
leak_libfuzzer() {
	local out=build/fuzz/leak
	rm -rf $out
	harmless_seeds $out/in
	FUZZ_POLICY=v1_posted FUZZ_CONTRACTS=L timeout $((fuzz_seconds + 60)) build/fuzz/bin/fuzz-policy-libfuzzer \
		-max_total_time="$fuzz_seconds" -artifact_prefix=$out/ $out/in >$out/log 2>&1 || true
	tail -n 40 $out/log
	grep -q '^class: contract_L' $out/log
}

leak_afl() {
	local out=build/afl/leak f
	rm -rf $out
	harmless_seeds $out/in
	FUZZ_POLICY=v1_posted FUZZ_CONTRACTS=L AFL_BENCH_UNTIL_CRASH=1 afl build/afl/bin/fuzz-policy-afl "$fuzz_seconds" -i $out/in -o $out/out || return 1
	for f in "$out"/out/default/crashes/id:*; do
		FUZZ_POLICY=v1_posted FUZZ_CONTRACTS=L build/dev/bin/fuzz-ops-replay "$f" || true
	done >$out/log 2>&1
	cat $out/log
	grep -q '^class: contract_L' $out/log
}

# Built; its own tests, then one trial of everything; programs are counted, not seconds.
run_museum() {
	cmake --preset museum && cmake --build build/museum -j "$jobs" --target nosnoop-museum test_museum &&
		ctest --test-dir build/museum -R museum --output-on-failure --timeout 300 &&
		build/museum/bin/nosnoop-museum --trials 1 --runs 100000 --seconds 1000 --jobs "$jobs"
}

run_tsan() {
	cmake --preset tsan && cmake --build build/tsan -j "$jobs" --target test_threads && build/tsan/bin/test_threads
}

# Do the exact counters of HEAD say that it is worse than its parent? A commit that means it says so (bench/gate/README.md).
gate_parent() {
	build/rel/bin/nosnoop-bench gate --base HEAD^ --candidate HEAD --exact-only
}

# A newer tree than the one that the rest is tested on: only when asked for, since it moves.
newest_tree() {
	local tree so=build/kernel/newest.so
	mkdir -p build/kernel
	tree=$(scripts/linux-tree.sh --newest | tail -n 1)
	[ -n "$tree" ] || return 1
	python3 -B core/linux/build.py --linux-tree "$tree" --out $so && NOSNOOP_LINUX_SO=$PWD/$so build/rel/bin/test_linux
}

# A kernel is booted where QEMU and the kernel are there already, or when they shall be fetched.
record_a_kernel() {
	local args=(vfio --maps 8 --timeout 240 --out build/record/test.ops) there
	if [ -z "${RECORD-}" ]; then
		there=$(compgen -G 'build/record/linux-image-*/.complete' | sort -V | tail -n 1) || true
		if ! have qemu-system-x86_64 || [ -z "$there" ]; then
			skipped "record: a kernel is booted: QEMU or the kernel is not here (RECORD=1 fetches them)"
			return 0
		fi
		args+=(--no-install --kernel "$(basename "$(dirname "$there")")")
	fi
	check "record: a kernel is booted" scripts/record.sh "${args[@]}"
}

need all
jobs=$(jobs_nr)
tree=$(scripts/linux-tree.sh 2>"$logs/tree" | tail -n 1) || true
if [ -n "$tree" ]; then
	say "kernel tree: ${tree#"$top"/}"
else
	skipped "everything on Linux's own files: $(tail -n 1 "$logs/tree")"
fi

# The counters' first source. Without a tree, or where that tree's tools do not build, they do without.
libperf=
if [ -n "$tree" ]; then
	libperf=$(scripts/libperf.sh --linux-tree "$tree" 2>"$logs/libperf" | tail -n 1) || true
	[ -n "$libperf" ] || skipped "counters by libperf: $(tail -n 1 "$logs/libperf")"
fi

check "build dev (gcc, ASan + UBSan)" build_in build/dev --preset dev -DNOSNOOP_LINUX_TREE="$tree" -DNOSNOOP_LIBPERF="$libperf"
if [ $last = 0 ]; then
	run_ctest
else
	skipped "ctest: the build failed"
fi

check "build rel" build_in build/rel --preset rel -DNOSNOOP_LINUX_TREE="$tree" -DNOSNOOP_LIBPERF="$libperf"
if has_lib jemalloc; then
	[ $last != 0 ] || check "alloc, with jemalloc" build/rel/bin/test_alloc
else
	skipped "alloc, with jemalloc: libjemalloc-dev is not installed"
fi
if [ ! -x build/rel/bin/nosnoop-bench ]; then
	skipped "gate: the build failed"
elif ! have git || ! git -c safe.directory='*' rev-parse -q --verify 'HEAD^{commit}' >/dev/null 2>&1; then
	skipped "gate: exact counters against the parent: no git, or no repository here"
elif ! git -c safe.directory='*' rev-parse -q --verify 'HEAD^^{commit}' >/dev/null 2>&1; then
	skipped "gate: exact counters against the parent: this commit has none here (the first one, or a shallow clone)"
else
	check "gate: exact counters against the parent" gate_parent
	later "gate" python3 -B scripts/test_gate.py
fi
if [ -n "$tree" ] && [ -n "${LINUX_NEWEST-}" ]; then
	check "the newest packaged tree" newest_tree
fi

# Before what runs side by side, since some of that looks at these builds.
libfuzzer=
if links_fuzzer clang; then
	check "build the targets for libFuzzer" build_in build/fuzz --preset fuzz -DNOSNOOP_LINUX_TREE="$tree"
	[ $last != 0 ] || libfuzzer=1
else
	skipped "targets for libFuzzer: clang or its runtime is not installed"
fi
aflpp=
if have afl-fuzz && have afl-clang-fast; then
	check "build the targets for AFL++" build_in build/afl --preset afl -DNOSNOOP_LINUX_TREE="$tree"
	[ $last != 0 ] || aflpp=1
else
	skipped "targets for AFL++: afl++ is not installed"
fi

if compiles clang; then
	later "build with clang -Werror" build_in build/clang -S . -B build/clang -G Ninja \
		-DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo
else
	skipped "build with clang: clang is not installed"
fi

if have gcov; then
	later "coverage: the corpus meets core and policies, or there is a reason" python3 -B scripts/test_coverage.py
else
	skipped "coverage: gcov is not installed"
fi

later "threads under ThreadSanitizer" run_tsan

later "museum: what is known is found again" run_museum
if has_scipy; then
	later "museum_compare" /usr/bin/python3 -B scripts/test_museum_compare.py
else
	skipped "museum_compare: python3-scipy is not installed"
fi

python=$(report_python)
if [ -n "$python" ]; then
	later "report" "$python" -B scripts/test_report.py
else
	skipped "report: $(missing_report | tr '\n' ' ')not installed"
fi

for c in includes licence docs; do
	later "check-$c can fail" python3 scripts/check/check-$c.py --self-test
	later "check-$c" python3 scripts/check/check-$c.py
done
for c in format globals tidy cppcheck; do
	later "check-$c can fail" scripts/check/check-$c.sh --self-test
	later "check-$c" scripts/check/check-$c.sh
done
later "install" scripts/test-install.sh
later "arm64 under qemu-user" scripts/test-arm64.sh
later "trace2ops" python3 -B scripts/test_trace2ops.py
later "record" python3 -B scripts/record/test_record.py
later "linux_shim" env NOSNOOP_LINUX_TREE="$tree" python3 -B scripts/test_linux_shim.py
later "linux_variant" env NOSNOOP_LINUX_TREE="$tree" python3 -B scripts/test_linux_variant.py
if [ -n "$tree" ]; then
	later "kernel-check" env NOSNOOP_LINUX_TREE="$tree" python3 -B scripts/test_kernel_check.py
else
	skipped "kernel-check: no kernel tree"
fi
together
record_a_kernel

# Apart from the rest: campaigns measure coverage, too, in the same build.
if links_afl_lto; then
	later "afl-clang-lto: fuzz-policy-afl" run_afl_lto
else
	skipped "afl-clang-lto: not installed, or it does not link here (Debian: afl++, lld, llvm)"
fi
if links_fuzzer clang && can_profile; then
	later "libFuzzer: fuzz-policy-libfuzzer by a profile" run_profiled
else
	skipped "libFuzzer by a profile: not installed (Debian: clang, lld, llvm)"
fi
later "oss-fuzz" fuzz/oss-fuzz/test.sh 1

if [ -n "$libfuzzer" ]; then
	later "run the targets under libFuzzer" run_libfuzzer
	[ "$fuzz_seconds" -lt 120 ] || later "libFuzzer finds the posted leak" leak_libfuzzer
fi
if [ -n "$aflpp" ]; then
	later "run the targets under AFL++" run_afl
	[ "$fuzz_seconds" -lt 120 ] || later "AFL++ finds the posted leak" leak_afl
fi
later "campaign" python3 -B scripts/campaign/test_campaign.py
[ -n "${SLURM-}" ] || skipped "campaign: as jobs of Slurm: SLURM=1 installs it and starts a cluster on loopback"

# A night works in the museum's build, too.
python=python3
! has_yaml || python=/usr/bin/python3
later "nightly" "$python" -B scripts/nightly/test_nightly.py
has_yaml || skipped "nightly: the schedules of CI: python3-yaml is not installed"

# Of what the builds above have left, each looks at what is there.
later "mutator for engines" python3 -B fuzz/engine/test_mutator.py
later "fuzz_seeds" python3 -B scripts/test_fuzz_seeds.py
together

say "$passed passed, $failed failed"
[ "$failed" = 0 ]
