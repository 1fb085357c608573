#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# cppcheck over what build/dev compiles, but for tests: warnings, portability and performance, not style. What it says wrongly stands with a
# reason in cppcheck-suppressions.txt.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

if ! have cppcheck; then
	say "skipped: check-cppcheck: cppcheck is not installed"
	exit 0
fi

judge() { # CPPCHECK-ARGUMENTS...
	cppcheck --enable=warning,portability,performance --std=c11 --quiet --error-exitcode=1 -j "$(jobs_nr)" \
		--library=posix --library=scripts/check/cppcheck.cfg --template='{file}:{line}: {severity}: {message} [{id}]' "$@" 2>&1
}

if [ "${1-}" = --self-test ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	printf 'int good(int i)\n{\n\tint a[4] = {0};\n\treturn a[i & 3];\n}\n' >"$dir/good.c"
	printf 'int bad(void)\n{\n\tint a[4] = {0};\n\treturn a[4];\n}\n' >"$dir/bad.c"
	out=$(judge "$dir/good.c") || { say "self-test: refuses what is right: $out"; exit 1; }
	if out=$(judge "$dir/bad.c") || ! grep -q arrayIndexOutOfBounds <<<"$out"; then
		say "self-test: does not find an index out of bounds: $out"
		exit 1
	fi
	exit 0
fi
[ $# = 0 ] || die "unknown argument $1, expected --self-test or none"

commands=build/dev/compile_commands.json
[ -f $commands ] || { say "build/dev: no compile_commands.json, expected a dev build (cmake --preset dev)"; exit 1; }
mkdir -p build/cppcheck
judge --project=$commands --relative-paths="$top" --cppcheck-build-dir=build/cppcheck -i "$top/build" \
	--suppressions-list=scripts/check/cppcheck-suppressions.txt --suppress='*:*/test_*'
