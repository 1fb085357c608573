#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A fuzzing campaign: builds the engines that can be had, and leaves the rest to scripts/campaign (README.md there).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
start=$PWD
log=
# 1 means new findings, and only the campaign itself has any: what fails here is bad input, or a machine that is not fit.
ended() {
	local rc=$?
	rm -f "$log"
	[ $rc -ne 1 ] || exit 2
}
trap ended EXIT

absolute() { # OPTION NAME: a relative name is meant from where the caller stands; lib.sh changes the folder
	if [ -z "$2" ]; then
		printf 'campaign.sh: %s: no name, expected a file or folder\n' "$1" >&2
		return 2
	fi
	realpath -ms -- "$2"
}

args=()
build=1
slurm=
profile=
where=
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) exec python3 -B "$here/campaign" --help ;;
	--no-build)
		build=
		args+=("$1")
		;;
	--profile)
		profile=1
		args+=("$1")
		;;
	--slurm)
		slurm=1
		args+=("$1")
		;;
	--linux-tree=*) where=$(absolute "${1%%=*}" "${1#*=}") ;;
	--linux-tree)
		where=$(absolute "$1" "${2-}")
		shift $(($# > 1))
		;;
	--out=* | --history=* | --expected=* | --builds=*)
		name=$(absolute "${1%%=*}" "${1#*=}")
		args+=("${1%%=*}" "$name")
		;;
	--out | --history | --expected | --builds)
		name=$(absolute "$1" "${2-}")
		args+=("$1" "$name")
		shift $(($# > 1))
		;;
	*) args+=("$1") ;;
	esac
	shift
done

# shellcheck source=scripts/lib.sh
. "$here/lib.sh"
have python3 || need required >&2
if ! [ -d "${TMPDIR:-/tmp}" ] || ! [ -w "${TMPDIR:-/tmp}" ]; then
	die "TMPDIR is ${TMPDIR:-/tmp}: expected a folder that can be written to"
fi

campaign() { # where the caller stands: --policy ./mine.so
	(cd "$start" && exec python3 -B "$here/campaign" "$@")
}

# Wrong options are told before anything is installed or built.
chosen=$(campaign ${args[@]+"${args[@]}"} --check-only) || exit $?
read -ra targets <<<"$chosen"

# Two targets need a kernel tree in every build.
tree=
case " $chosen " in
*" diff "* | *" linux "*)
	tree=$(scripts/linux-tree.sh ${where:+--linux-tree "$where"} | tail -n 1) || exit 2
	args+=(--tree "$tree")
	;;
*) [ -z "$where" ] || die "--linux-tree: expected a target that runs on one: --targets linux,diff" ;;
esac

# build NAME "PROGRAMS" [CMAKE_OPTION]: the targets' programs of a preset, configured once, for another tree and with the
# option; a failure is told in one line
build() {
	local options=(${tree:+"-DNOSNOOP_LINUX_TREE=$tree"} ${3:+"$3"})
	if { [ -f "build/$1/build.ninja" ] && [ ${#options[@]} -eq 0 ] || cmake --preset "$1" ${options[@]+"${options[@]}"}; } >"$log" 2>&1 &&
		eval "cmake --build build/$1 -j $(jobs_nr) --target $2" >"$log" 2>&1; then
		return 0
	fi
	say "campaign.sh: build/$1 failed: $(grep -m 1 -E 'error|Error' "$log" || tail -n 1 "$log")" >&2
	return 1
}

# counting NAME "PROGRAMS": likewise, of the engines that count, by the profile if there is one. What does not build with it is
# built without; what does not build at all is not there, since an older one would be of other code.
counting() {
	[ -n "$profile" ] && build "$1" "$2" "-DNOSNOOP_PROFILE=$profile" && return
	build "$1" "$2" -DNOSNOOP_PROFILE= || (cd "build/$1/bin" && rm -f $2) 2>/dev/null || true
}

programs() { # ENDING: fuzz-TARGET-ENDING of all targets, and the tree
	printf "fuzz-%s-$1 " "${targets[@]}"
	[ -z "$tree" ] || printf nosnoop-linux
}

build_all() {
	log=$(mktemp)
	build rel "nosnoop-fuzz nosnoop-shrink nosnoop-replay $(programs replay)" || exit 2
	if [[ $(cmake --build build/rel --target help) == *$'\nmutator-ops: '* ]]; then # AFL++'s custom mutator
		build rel mutator-ops || true
	fi
	build dev "nosnoop-shrink $(programs replay)" || exit 2
	if [ -n "$profile" ]; then # it says why, if there is none
		profile=$(scripts/fuzz-profile.sh | tail -n 1) || profile=
	fi
	if links_fuzzer clang; then
		counting fuzz-plain "$(programs libfuzzer)"
		build fuzz "$(programs libfuzzer)" || true
	fi
	if have afl-fuzz && have afl-clang-fast; then
		counting afl "$(programs afl)"
		build afl-cmplog "fuzz-${targets[0]}-afl ${tree:+nosnoop-linux}" || true
		build afl-asan "fuzz-${targets[0]}-afl ${tree:+nosnoop-linux}" || true
	fi
	rm -f "$log"
	log=
}

if [ -n "$build" ]; then
	(need engines) >&2 # what stays missing is left out, and said
	build_all
fi
# A cluster by slurm-local.sh is there from start to stop.
[ -z "$slurm" ] || [ -n "${SLURM_CONF-}" ] || [ ! -f build/slurm/slurm.conf ] || export SLURM_CONF=$top/build/slurm/slurm.conf
cd "$start"
exec python3 -B "$here/campaign" ${args[@]+"${args[@]}"}
