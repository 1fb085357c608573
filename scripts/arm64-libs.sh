#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The arm64 libraries that the cross build needs, unpacked into build/arm64-root; nothing is installed, and the package
# system of this machine never hears of another architecture: apt works on lists and a status file of its own.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case ${1-} in
"") ;;
-h | --help)
	say "usage: scripts/arm64-libs.sh    (no options; exit: 0 build/arm64-root is complete, 1 one line says why not)"
	exit 0
	;;
*) die "unknown argument $1, expected none" ;;
esac

packages=(libjansson-dev libjansson4 libcmocka-dev libcmocka0)
root=$top/build/arm64-root

none() {
	printf 'arm64-libs.sh: %s\n' "$*" >&2
	exit 1
}

[ ! -f "$root/.complete" ] || exit 0
if ! have apt-get || ! have dpkg-deb; then
	none "no arm64 libraries: neither apt-get nor dpkg-deb is here"
fi
mkdir -p "$top/build"
work=$(mktemp -d "$top/build/.arm64.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
: >"$work/status"

apt() {
	(cd "$work/debs" && apt-get -q -o APT::Architecture=arm64 -o APT::Architectures::=arm64 \
		-o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
		-o Acquire::Languages=none -o APT::Sandbox::User=root "$@") >"$work/log" 2>&1
}

# One source that has nothing for arm64 must not stop the others: what counts is whether the packages come.
apt update || true
apt download "${packages[@]}" || { tail -n 3 "$work/log" >&2; none "no arm64 libraries: apt's sources do not have ${packages[*]}"; }
for deb in "$work"/debs/*.deb; do
	dpkg-deb -x "$deb" "$work/root" || none "no arm64 libraries: cannot unpack $(basename "$deb")"
done
touch "$work/root/.complete"
rm -rf "$root"
mv "$work/root" "$root"
