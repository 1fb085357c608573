#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Builds the core of a commit or of a folder as a shared object for `nosnoop-bench gate`, or finds it built already.
# bench/gate/module.c of *this* checkout is added to that tree's build, so a tree need not know of the gate.
set -euo pipefail
here=$PWD
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	say "usage: scripts/gate-build.sh [--check] COMMIT|FOLDER
  COMMIT   anything that git rev-parse takes in this repository
  FOLDER   a checkout with whatever has been changed in it, or a build folder of one
  --check  say only whether there is such a thing
prints, a line each: so PATH, kind commit|folder, commit HASH, subject TEXT, cached yes|no.
Exit 0; 1: it does not build (the log's last lines on standard error); 2: no such thing."
}

case ${1-} in
-h | --help)
	usage
	exit 0
	;;
esac
check=
if [ "${1-}" = --check ]; then
	check=yes
	shift
fi
[ $# = 1 ] || {
	usage >&2
	exit 2
}
spec=$1
cc=${CC:-gcc}
# Functions begin on cache lines of their own: how code happens to lie is not what is compared. Names of folders stay out,
# so that the same sources give the same bytes.
flags="-falign-functions=64"
cache=build/gate/cache
keep=64 # objects; the oldest go
# Not "does not build": to git bisect that would be a commit to skip, and so would be all others.
mkdir -p "$cache" || die "expected to be able to make $top/$cache"
[ -w "$cache" ] || die "$top/$cache: expected a folder that can be written"
work=$(mktemp -d build/gate/work.XXXXXX) || die "$top/build/gate: expected a folder that can be written"
trap 'rm -rf "$work"' EXIT

g() {
	git -c safe.directory='*' "$@" 2>/dev/null
}

# --- what is it? -------------------------------------------------------------------------------

# source_of FOLDER: the checkout that it is, or that it was configured from
source_of() {
	if [ -f "$1/CMakeCache.txt" ]; then
		sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$1/CMakeCache.txt"
	else
		printf '%s\n' "$1"
	fi
}

# Only what the core is made of: a change of documents or of bench makes no other object.
wanted() {
	find . -type f \( -path './core/*' -o -path ./CMakeLists.txt \) \
		\( -name '*.[chS]' -o -name '*.def' -o -name '*.py' -o -name '*.cmake' -o -name '*.in' -o -name CMakeLists.txt \) -print | LC_ALL=C sort
}

export_commit() {
	g archive --format=tar "$1" CMakeLists.txt core | tar -x -C "$work/src"
}

export_folder() {
	(cd "$1" && wanted | tar -c -T -) | tar -x -C "$work/src"
}

mkdir "$work/src"
folder=
case $spec in
/*) [ ! -d "$spec" ] || folder=$spec ;;
*) [ ! -d "$here/$spec" ] || folder=$(cd "$here/$spec" && pwd) ;;
esac
if [ -n "$folder" ] && { [ "$spec" = . ] || [[ $spec = */* ]] || ! g rev-parse -q --verify "$spec^{commit}" >/dev/null; }; then
	kind=folder
	source=$(source_of "$folder")
	if [ ! -f "$source/core/op/run.h" ] || [ ! -f "$source/CMakeLists.txt" ]; then
		die "$spec: expected a checkout or a build folder of nosnoop: no core/op/run.h there"
	fi
	[ -z "$check" ] || exit 0
	export_folder "$source"
	commit=$(g -C "$source" rev-parse HEAD || true)
	subject=$(g -C "$source" log -1 --format=%s || true)
	if [ -n "$commit" ] && ! g -C "$source" diff --quiet HEAD -- core CMakeLists.txt; then
		subject="$subject, changed"
	fi
elif commit=$(g rev-parse -q --verify "$spec^{commit}"); then
	kind=commit
	subject=$(g log -1 --format=%s "$commit")
	g cat-file -e "$commit:core/op/run.h" || die "$spec: commit ${commit:0:12} has no core/op/run.h, expected a commit of nosnoop with op_run()"
	[ -z "$check" ] || exit 0
	export_commit "$commit"
else
	die "$spec: expected a commit of this repository, a folder, a gate module or a policy (.so)"
fi

# --- is it there? ------------------------------------------------------------------------------

have "$cc" || die "$cc: no such compiler, expected one in CC"
key=$({
	(cd "$work/src" && wanted | xargs sha256sum)
	sha256sum <bench/gate/module.c
	sha256sum <bench/gate/module.h
	sha256sum <bench/gate/module.cmake
	"$cc" --version | head -n 1
	printf '%s\n' "$flags" "$(uname -m)"
} | sha256sum | cut -c1-24)
so=$top/$cache/$key.so

answer() { # CACHED
	printf '%s\n' "so $so" "kind $kind" "commit ${commit:-n/a}" "subject ${subject:-n/a}" "cached $1"
}

# One build of an object at a time; who waited finds it built.
exec 9>"$cache/$key.lock"
if have flock; then flock 9; fi
if [ -f "$so" ]; then
	touch "$so"
	answer yes
	exit 0
fi

# --- build -------------------------------------------------------------------------------------

# The glue in a folder of its own: no header of this checkout may stand in for one of that tree.
glue=$work/glue/bench/gate
mkdir -p "$glue"
cp bench/gate/module.c bench/gate/module.h bench/gate/module.cmake "$glue"
log=$cache/$key.log
build() {
	cmake -S "$work/src" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="$cc" \
		-DCMAKE_C_FLAGS="$flags" -DCMAKE_PROJECT_nosnoop_INCLUDE="$top/$glue/module.cmake" &&
		cmake --build "$work/build" -j "$(jobs_nr)" --target nosnoop-gate
}
if ! build >"$log" 2>&1; then
	printf '%s: %s does not build; the end of %s:\n' "$(basename "$0")" "$spec" "$log" >&2
	tail -n 15 "$log" >&2
	exit 1
fi
mv "$work/build/bin/nosnoop-gate.so" "$work/done.so"
mv "$work/done.so" "$so"
rm -f "$log"
find "$cache" -maxdepth 1 -name '*.so' -printf '%T@ %p\n' | sort -rn | tail -n +$((keep + 1)) | cut -d' ' -f2- |
	while IFS= read -r old; do rm -f "$old" "${old%.so}.lock"; done
answer no
