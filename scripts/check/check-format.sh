#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Every .c and .h is as clang-format leaves it. Versions of clang-format differ in details: the house has 14.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

house=14

formatter() { # prints the program of the house's version, nothing when there is none
	local f
	for f in clang-format "clang-format-$house"; do
		if have "$f" && "$f" --version | grep -q "version $house\."; then
			echo "$f"
			return
		fi
	done
}

format=$(formatter)
if [ -z "$format" ]; then
	say "skipped: check-format: clang-format $house is not installed"
	exit 0
fi

if [ "${1-}" = --self-test ]; then
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
	cp .clang-format "$dir/"
	printf 'int f(int x)\n{\n\treturn x;\n}\n' >"$dir/good.c"
	printf 'int f(int x) {\n  return x; }\n' >"$dir/bad.c"
	"$format" --dry-run -Werror "$dir/good.c" || { say "self-test: refuses what is well formatted"; exit 1; }
	if "$format" --dry-run -Werror "$dir/bad.c" 2>/dev/null; then
		say "self-test: accepts what is badly formatted"
		exit 1
	fi
	exit 0
fi

mapfile -t files < <(tracked '*.c' '*.h')
[ ${#files[@]} -gt 0 ] || { say "check-format: found no sources"; exit 1; }
rc=0
for f in "${files[@]}"; do
	out=$("$format" --dry-run -Werror "$f" 2>&1) && continue
	# The first place is enough: the cure is the same for all.
	say "$(grep -m 1 'error:' <<<"$out" || echo "$f") (clang-format -i $f)"
	rc=1
done
exit $rc
