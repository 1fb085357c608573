# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Shared by run.sh and test.sh: where things are, what must be installed, how many jobs.
# Sourced from a script with `set -euo pipefail`; changes to the top of the checkout.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top" || exit 2
export LC_ALL=C

say() {
	printf '%s\n' "$*"
}

die() { # exit code 2: nothing was started
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 2
}

have() {
	command -v "$1" >/dev/null 2>&1
}

jobs_nr() {
	nproc 2>/dev/null || echo 2
}

# compiles COMPILER FLAGS...: does an empty program compile and link with these flags?
compiles() {
	local dir rc=0
	have "$1" || return 1
	dir=$(mktemp -d)
	printf 'int main(void) { return 0; }\n' >"$dir/probe.c"
	"$@" "$dir/probe.c" -o "$dir/probe" >/dev/null 2>&1 || rc=1
	rm -rf "$dir"
	return $rc
}

# links_fuzzer COMPILER: are libFuzzer and the sanitizer runtimes of this compiler there?
links_fuzzer() {
	local dir rc=0
	have "$1" || return 1
	dir=$(mktemp -d)
	printf '%s\n' '#include <stddef.h>' '#include <stdint.h>' \
		'int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);' \
		'int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) { return n && p[0] ? 0 : 0; }' \
		>"$dir/probe.c"
	"$1" -fsanitize=fuzzer,address "$dir/probe.c" -o "$dir/probe" >/dev/null 2>&1 || rc=1
	rm -rf "$dir"
	return $rc
}

# llvm_tool NAME: LLVM's, of the version of `clang` if there are several; as fuzz/engine/engines.cmake finds llvm-ar
llvm_tool() {
	local v
	v=$(clang -dumpversion 2>/dev/null | cut -d. -f1) || return 1
	command -v "llvm-$1-$v" || command -v "llvm-$1"
}

# Builds for engines by a profile: what they need besides.
can_profile() {
	[ -n "$(llvm_tool profdata)" ] && [ -n "$(llvm_tool ar)" ] && [ -n "$(llvm_tool ranlib)" ] && compiles clang -flto -fuse-ld=lld
}

# Does afl-clang-lto link? It needs lld and LLVM's tools of its own version.
links_afl_lto() {
	have afl-fuzz && have llvm-ar && AFL_QUIET=1 compiles afl-clang-lto
}

has_lib() { # by pkg-config
	have pkg-config && pkg-config --exists "$1"
}

has_header() { # of the C compiler's
	printf '#include <%s>\n' "$1" | gcc -E -x c - >/dev/null 2>&1
}

# The Debian name of the compiler runtime that belongs to the distribution's `clang`.
clang_rt_package() {
	local v
	v=$(clang -dumpversion 2>/dev/null | cut -d. -f1) || true
	[ -n "$v" ] || v=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9][0-9]*\)$/\1/p' | head -n 1)
	echo "libclang-rt-${v:-14}-dev"
}

# One Debian package name a line, of what the build and the tests cannot do without.
missing_required() {
	have cmake || echo cmake
	have ninja || echo ninja-build
	compiles gcc || printf '%s\n' gcc libc6-dev
	have nm || echo binutils
	have pkg-config || echo pkg-config
	has_lib jansson || echo libjansson-dev
	has_lib cmocka || echo libcmocka-dev
	have python3 || echo python3
}

# The interpreter that sees what report.py needs; nothing where none does. Debian's own sees Debian's packages.
report_python() {
	local p
	for p in /usr/bin/python3 python3; do
		if have "$p" && "$p" -c 'import numpy, scipy, matplotlib, jinja2' 2>/dev/null; then
			echo "$p"
			return 0
		fi
	done
}

# Of report.html: without them run.sh ends with report.txt.
missing_report() {
	[ -n "$(report_python)" ] ||
		printf '%s\n' python3-numpy python3-scipy python3-matplotlib python3-jinja2
}

# Of a night's gate: without git there is none, without valgrind it counts no instructions.
missing_nightly() {
	missing_engines
	have git || echo git
	have valgrind || echo valgrind
}

# Can a script look at a page in a browser?
has_browser() {
	have chromium && have chromedriver && [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import selenium' 2>/dev/null
}

# Of the fuzzing engines: a campaign leaves out what is not there.
missing_engines() {
	compiles clang || echo clang
	links_fuzzer clang || clang_rt_package
	have afl-fuzz && have afl-clang-fast || echo afl++
	links_afl_lto && can_profile || printf '%s\n' lld llvm
}

# Of slurm-local.sh alone.
missing_slurm() {
	have slurmctld && have slurmd && have sbatch || echo slurm-wlm
	have munged || echo munge
}

# Likewise, of what only some steps of the tests need: without it they say that they were skipped.
missing_optional() {
	missing_report
	has_browser || printf '%s\n' chromium chromium-driver python3-selenium
	have git || echo git
	missing_engines
	have clang-format || echo clang-format
	have clang-tidy || echo clang-tidy
	have cppcheck || echo cppcheck
	compiles aarch64-linux-gnu-gcc || printf '%s\n' gcc-aarch64-linux-gnu libc6-dev-arm64-cross
	have qemu-aarch64 || echo qemu-user
	has_scipy || echo python3-scipy
	has_yaml || echo python3-yaml
	have busybox || echo busybox-static
	have cpio || echo cpio
	has_header perfmon/pfmlib.h || echo libpfm4-dev
	has_lib jemalloc || echo libjemalloc-dev
	have make || echo make # the kernel's libperf
	[ -f /usr/share/benchmark/compare.py ] || echo libbenchmark-tools
	[ -f /usr/include/benchmark/benchmark.h ] || echo libbenchmark-dev
	compgen -G '/usr/lib/*/libpmem.so.1' >/dev/null || echo libpmem1
	have valgrind || echo valgrind
	have gcovr || echo gcovr
}

# Debian's python3 is the one that sees Debian's packages.
has_scipy() {
	[ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import scipy.stats' 2>/dev/null
}

has_yaml() {
	[ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import yaml' 2>/dev/null
}

# as_root COMMAND...: status 126 when there is no way to be root
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif have sudo && sudo -n true 2>/dev/null; then
		sudo -n "$@"
	else
		return 126
	fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# need required|report|engines|nightly|slurm|all: installs what is missing, or says what to install and exits with 2.
# "report": also what report.html needs; "engines": what fuzzes; "nightly": what a night wants; "slurm": a cluster; "all": what
# merely some steps of the tests want. Of these, what stays missing is named.
need() {
	local required optional p log
	mapfile -t required < <(missing_required)
	optional=()
	case $1 in
	report) mapfile -t optional < <(missing_report) ;;
	engines) mapfile -t optional < <(missing_engines) ;;
	nightly) mapfile -t optional < <(missing_nightly) ;;
	slurm) mapfile -t optional < <(missing_slurm) ;;
	all) mapfile -t optional < <(missing_optional) ;;
	esac
	[ ${#required[@]} -gt 0 ] || [ ${#optional[@]} -gt 0 ] || return 0

	if ! have apt-get; then
		[ ${#required[@]} -gt 0 ] || { say "not installed (some steps are skipped): ${optional[*]}"; return 0; }
		die "missing, by the names of Debian's packages: ${required[*]}${optional[*]:+ ${optional[*]}}; install them and start again"
	fi
	if ! as_root true; then
		[ ${#required[@]} -gt 0 ] || { say "not installed (some steps are skipped): ${optional[*]}"; return 0; }
		die "missing packages, and neither root nor passwordless sudo here. Run:
  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${required[*]}${optional[*]:+ ${optional[*]}}"
	fi

	log=$(mktemp)
	say "installing: ${required[*]}${required[*]:+ }${optional[*]}"
	if ! as_root apt-get update -q >"$log" 2>&1; then
		tail -n 5 "$log" >&2
		say "apt-get update failed; trying with the package lists that are there"
	fi
	if [ ${#required[@]} -gt 0 ] && ! apt_install "${required[@]}" >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "apt-get install failed: ${required[*]}"
	fi
	# Some distributions lack one of these: that must not stop the others. Asked again, because the
	# name of the runtime is known only when the package lists (or clang) are there.
	for p in "${optional[@]}"; do
		case $p in libclang-rt-*) p=$(clang_rt_package) ;; esac
		apt_install "$p" >"$log" 2>&1 || say "could not install $p: the steps that need it are skipped"
	done
	rm -f "$log"
	mapfile -t required < <(missing_required)
	[ ${#required[@]} -eq 0 ] || die "still missing after the installation: ${required[*]}"
}

# tracked PATTERN...: files of the checkout, also those not added yet, one a line; without git, all but build/.
tracked() {
	if have git && git -c safe.directory='*' rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@" |
			sort -u | while IFS= read -r f; do [ ! -f "$f" ] || printf '%s\n' "$f"; done
	else
		local p
		for p in "$@"; do
			find . \( -path ./build -o -path ./.git \) -prune -o -type f -name "$p" -print
		done | sed 's,^\./,,' | sort -u
	fi
}
