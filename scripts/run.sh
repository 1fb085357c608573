#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs what is missing, builds, judges and prices every policy; leaves the report in results/latest.
# Verdicts are nosnoop-check's: every sequence of its small configuration, without and with failing requests.
# A run that fails or is interrupted leaves the results of the one before it as they were.
set -euo pipefail

usage() {
	cat <<'END'
usage: scripts/run.sh [--out DIR] [options of `nosnoop-bench report`]
  --out DIR   where the results go (default results/latest); DIR is replaced when the run is complete
See `build/rel/bin/nosnoop-bench report --help` (after a first build) for the other options.
END
}

args=()
out=results/latest
given=
policy=all
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--out)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		given=$2
		shift
		;;
	--out=*) given=${1#--out=} ;;
	--policy | -p)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		policy=$2
		args+=("$1" "$2")
		shift
		;;
	--policy=* | -p?*)
		policy=${1#--policy=}
		policy=${policy#-p}
		args+=("$1")
		;;
	*) args+=("$1") ;;
	esac
	shift
done
# A relative name is meant from where the caller stands; lib.sh changes the folder.
case $given in
"") ;;
/*) out=$given ;;
*) out=$PWD/$given ;;
esac

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

out=${out%/}
parent=$(dirname "$out")
mkdir -p "$parent" 2>/dev/null || die "cannot make $parent: expected a folder where results can be written"
if [ -e "$out" ] && [ ! -d "$out" ]; then
	die "$out is not a folder: expected a name for the results' folder"
fi
# Nothing but results of an earlier run is ever replaced.
if [ -d "$out" ]; then
	for f in "$out"/* "$out"/.[!.]*; do
		case ${f##*/} in
		report.html | report.txt | results.json | meta.json | check.json | check-failures.json | clean.json) ;;
		'*' | '.[!.]*') ;;
		*) die "$out holds ${f##*/}, which is no result: expected a new folder, or one that an earlier run left" ;;
		esac
	done
fi
work=$(mktemp -d "$parent/.$(basename "$out").new.XXXXXX" 2>/dev/null) ||
	die "$parent is not writable: expected a folder where results can be written; nothing was started"
old=
cleanup() {
	# The old results were set aside and the new ones did not take their place: put them back.
	if [ -n "$old" ] && [ -d "$old" ] && [ ! -e "$out" ]; then
		mv "$old" "$out"
	fi
	rm -rf "$work"
}
trap cleanup EXIT
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 130' INT TERM
if [ -d "$out" ] && [ ! -w "$out" ]; then
	die "$out is not writable: expected results that can be replaced; nothing was started"
fi

need report
jobs=$(jobs_nr)
log=$(mktemp)
libperf= # scripts/libperf.sh
[ ! -f build/libperf/libperf.a ] || libperf=$top/build/libperf
if ! { cmake --preset rel -DNOSNOOP_LIBPERF="$libperf" && cmake --build build/rel -j "$jobs"; } >"$log" 2>&1; then
	tail -n 60 "$log" >&2
	rm -f "$log"
	say "run.sh: the build failed" >&2
	exit 1
fi
rm -f "$log"

# in_front COMMAND...: in the background, so that a signal reaches this shell at once and the child through it
in_front() {
	local rc=0
	"$@" &
	child=$!
	wait "$child" || rc=$?
	child=
	return $rc
}

# check FILE OPTIONS...: 1 says that a claim is broken, which is a result; a policy has its seconds, and may stay bounded;
# none stands first, as in the report
check() {
	local file=$1 rc=0
	shift
	in_front build/rel/bin/nosnoop-check --policy "none,$policy" --seconds 3 --json "$@" >"$file" || rc=$?
	[ $rc -le 1 ] || { say "run.sh: nosnoop-check ended with $rc; the old results stay" >&2; exit 1; }
}

in_front build/rel/bin/nosnoop-bench report --out "$work" ${args[@]+"${args[@]}"}
# Without clflush, which would take most of the time to say that it is slow.
in_front build/rel/bin/nosnoop-bench clean --json --seconds 15 --states dirty,clean,uncached --sizes 4K,64K,1M,16M,64M \
	--only batched,clflushopt,clwb,civac,cvac,pmem_flush,nt-fill,memset,read >"$work/clean.json"
check "$work/check.json"
check "$work/check-failures.json" --failures

files="report.txt results.json meta.json clean.json check.json check-failures.json"
python=$(report_python)
if [ -n "$python" ]; then
	in_front "$python" -B scripts/report.py "$work"
	files="$files report.html"
fi
for f in $files; do
	[ -s "$work/$f" ] || { say "run.sh: $f was not written; the old results stay" >&2; exit 1; }
done

chmod 755 "$work"
if [ -d "$out" ]; then
	old=$work.old
	mv "$out" "$old"
fi
mv "$work" "$out"
[ -z "$old" ] || rm -rf "$old"
say "results: ${out#"$top"/}"
[ -n "$python" ] || say "no report.html: $(missing_report | tr '\n' ' ')not installed; report.txt is complete"
