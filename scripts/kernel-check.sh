#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The gate for a kernel tree: does its flush rule keep the contracts, do its iommufd files keep the page core's invariants?
# Installs and builds what is needed, finds the tree, and leaves the rest to kernel_check.py.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
args=()
where=
base=
quiet=
while [ $# -gt 0 ]; do
	case $1 in
	--linux-tree | --base)
		# Without a value: kernel_check.py says so.
		if [ $# -lt 2 ] || [[ $2 = --* ]]; then
			args+=("$1")
		elif [ "$1" = --base ]; then
			base=$2
			shift
		else
			where=$2
			shift
		fi
		;;
	--linux-tree=*) where=${1#*=} ;;
	--base=*) base=${1#*=} ;;
	--bisect)
		quiet=1
		args+=("$1")
		;;
	# A relative name is meant from where the caller stands; lib.sh changes the folder.
	--out=*) args+=(--out "$(realpath -ms "${1#*=}")") ;;
	--out)
		args+=("$1")
		if [ $# -ge 2 ]; then
			args+=("$(realpath -ms "$2")")
			shift
		fi
		;;
	-h | --help) exec python3 -B "$here/kernel_check.py" --help ;;
	*) args+=("$1") ;;
	esac
	shift
done
case $where in "" | /*) ;; *) where=$PWD/$where ;; esac
case $base in "" | /*) ;; *) base=$PWD/$base ;; esac

# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

# To git bisect every other status means a verdict.
unusable=2
[ -z "$quiet" ] || unusable=125

# Wrong options are told before anything is installed or built.
! have python3 || python3 -B scripts/kernel_check.py --dry-run ${args[@]+"${args[@]}"} || exit $?

tree_at() { # WHERE: its folder
	local rc=0 out
	out=$(scripts/linux-tree.sh ${1:+--linux-tree "$1"}) || rc=$?
	[ $rc = 0 ] || exit $unusable # linux-tree.sh has said why
	printf '%s\n' "$out" | tail -n 1
}

(need required) >&2 || exit $unusable
tree=$(tree_at "$where") || exit $?
[ -z "$base" ] || base=$(tree_at "$base") || exit $?

log=$(mktemp)
if ! { { [ -f build/rel/build.ninja ] || cmake --preset rel; } &&
	cmake --build build/rel -j "$(jobs_nr)" --target nosnoop-replay nosnoop-check nosnoop-fuzz nosnoop-shrink; } >"$log" 2>&1; then
	tail -n 60 "$log" >&2
	rm -f "$log"
	say "kernel-check.sh: the build failed" >&2
	exit $unusable
fi
rm -f "$log"

exec python3 -B scripts/kernel_check.py --linux-tree "$tree" ${base:+--base "$base"} ${args[@]+"${args[@]}"}
