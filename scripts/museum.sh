#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the museum and lets each engine look for everything in it; FOLDER gets museum.txt and museum.json of the
# generator, campaign.txt and campaign.json of nosnoop-fuzz's engine, compare.txt, meta.json.
# Exit: 0 all found by the generator, 1 not so, 2 it could not start.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage="usage: scripts/museum.sh FOLDER [options of nosnoop-museum, such as --trials 10 --jobs 2]"
case ${1-} in
-h | --help)
	say "$usage"
	exit 0
	;;
"" | -*) die "no folder given. $usage" ;;
esac
[ ! -e "$1" ] || die "$1 exists already: expected the name of a new folder"
folder=$1
shift

need required
# Of what is built now; who works on meanwhile changes neither.
commit=$(git rev-parse HEAD 2>/dev/null) || commit=n/a
changed=$(git status --porcelain --untracked-files=no 2>/dev/null) || changed=
new=$(mktemp -d "$(dirname "$folder")/.museum.XXXXXX")
trap 'rm -rf "$new"' EXIT
if ! { cmake --preset museum && cmake --build build/museum -j "$(jobs_nr)" --target nosnoop-museum; } >"$new/build.log"; then
	tail -n 30 "$new/build.log" >&2
	die "the build failed"
fi
rm "$new/build.log"

status=0
museum=build/museum/bin/nosnoop-museum
$museum --out "$new/museum.json" "$@" >"$new/museum.txt" || status=$?
[ $status -le 1 ] || die "nosnoop-museum ended with $status"
$museum --engine campaign --out "$new/campaign.json" "$@" >"$new/campaign.txt" || [ $? = 1 ] || die "nosnoop-museum failed"
if has_scipy; then
	(cd "$new" && /usr/bin/python3 "$top/scripts/museum_compare.py" museum.json campaign.json) >"$new/compare.txt"
else
	say "skipped: compare.txt: python3-scipy is not installed"
fi
python3 - "$new/meta.json" "$($museum --version)" "$commit" "$changed" "$@" <<'END'
import datetime, json, os, platform, re, subprocess, sys

def run(*args):
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "n/a"

def cache(name):
    found = re.search(rf"^{name}:\w+=(.*)$", open("build/museum/CMakeCache.txt", encoding="utf-8").read(), re.M)
    return found[1] if found else "n/a"

cpu = re.search(r"^model name\s*: (.*)$", open("/proc/cpuinfo", encoding="utf-8").read(), re.M)
json.dump({
    "tool": sys.argv[2], "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "arguments": " ".join(sys.argv[5:]), "commit": sys.argv[3], "changed": sys.argv[4] != "",
    "cpu": cpu[1] if cpu else "n/a", "cpus": os.cpu_count(), "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
    "load": os.getloadavg()[2], "compiler": run(cache("CMAKE_C_COMPILER"), "-dumpfullversion"),
    "flags": cache("CMAKE_C_FLAGS_RELWITHDEBINFO"), "build": "museum"}, open(sys.argv[1], "w", encoding="utf-8"), indent=1)
END
chmod 755 "$new"
mv "$new" "$folder"
cat "$folder/museum.txt"
exit $status
