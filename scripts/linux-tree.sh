#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Finds a kernel tree whose iommufd files can be built, and prints its folder as the last line of standard output.
set -euo pipefail

usage() {
	cat <<'END'
usage: scripts/linux-tree.sh [--linux-tree WHERE | --newest] [--no-install]
  WHERE           the top of a kernel tree, or a linux-source package's .deb or .tar.xz
  --newest        the newest linux-source package of Debian unstable, from the mirror that apt uses here
  --no-install    only what is here already
Without one of the first two: $NOSNOOP_LINUX_TREE, a linux-source package that is installed (6.12 or later), or
the first of those that apt has, installed. Of a package only the folders that are needed are unpacked, once, into build/linux.
exit: 0 found, 1 none here (one line says why), 2 bad input
END
}

where=${NOSNOOP_LINUX_TREE-}
newest=
install=1
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--linux-tree)
		[ $# -ge 2 ] || { usage >&2; exit 2; }
		where=$2
		shift
		;;
	--linux-tree=*) where=${1#--linux-tree=} ;;
	--newest) newest=1 ;;
	--no-install) install= ;;
	*) printf 'linux-tree.sh: unknown option %s\n' "$1" >&2; usage >&2; exit 2 ;;
	esac
	shift
done
case $where in
"" | /*) ;;
*) where=$PWD/$where ;;
esac

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

none() {
	printf 'linux-tree.sh: %s\n' "$*" >&2
	exit 1
}

# The shim's, the selftests', and for scripts/libperf.sh the tools'.
needed=(drivers/iommu include/linux include/uapi lib/xarray.c lib/interval_tree.c tools/include tools/lib
	tools/arch tools/build tools/scripts
	tools/testing/selftests/iommu tools/testing/selftests/kselftest.h tools/testing/selftests/kselftest_harness.h Makefile)

# complete DIR: all that is needed now was unpacked there, not only what an older version of this wanted
complete() {
	[ "$(cat "$1/.complete" 2>/dev/null)" = "${needed[*]}" ]
}

# unpack TARBALL NAME: into build/linux/NAME, all or nothing
unpack() {
	local to=$top/build/linux/$2 work list
	! complete "$to" || { printf '%s\n' "$to"; return 0; }
	mkdir -p "$top/build/linux"
	work=$(mktemp -d "$top/build/linux/.$2.XXXXXX")
	say "unpacking what is needed of $(basename "$1")" >&2
	list=("${needed[@]/#/*/}")
	if ! tar -xf "$1" -C "$work" --strip-components=1 --wildcards --no-wildcards-match-slash "${list[@]}" 2>"$work/.log" &&
		[ ! -e "$work/drivers/iommu/iommufd/pages.c" ]; then
		tail -n 3 "$work/.log" >&2
		rm -rf "$work"
		none "$1 has no drivers/iommu/iommufd: wanted the source of a kernel of 6.2 or later"
	fi
	rm -rf "$work/.log" "$to"
	printf '%s\n' "${needed[*]}" >"$work/.complete"
	mv "$work" "$to"
	printf '%s\n' "$to"
}

# from_deb FILE: the tarball inside a linux-source package
from_deb() {
	local work name
	have dpkg-deb || none "$1: dpkg-deb is not here"
	name=$(basename "$1" .deb)
	! complete "$top/build/linux/$name" || { printf '%s\n' "$top/build/linux/$name"; return 0; }
	mkdir -p "$top/build/linux"
	work=$(mktemp -d "$top/build/linux/.deb.XXXXXX")
	dpkg-deb --fsys-tarfile "$1" | tar -x -C "$work" --wildcards './usr/src/*.tar.*' ||
		{ rm -rf "$work"; none "$1 holds no tarball: wanted a linux-source package"; }
	unpack "$(compgen -G "$work/usr/src/*.tar.*" | head -n 1)" "$name"
	rm -rf "$work"
}

installed() { # the newest tarball of 6.12 or later
	compgen -G '/usr/src/linux-source-*.tar.*' |
		sed -n 's,.*/linux-source-\([0-9]*\)\.\([0-9]*\)[.0-9]*\.tar\.[a-z0-9]*$,\1 \2 &,p' |
		awk '$1 > 6 || ($1 == 6 && $2 >= 12)' | sort -n -k1,1 -k2,2 | tail -n 1 | cut -d' ' -f3- || true
}

mirror() { # what apt reads Debian from
	{ sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null
	  sed -n 's/^deb *\(\[[^]]*\]\)\{0,1\} *\([^ ]*\).*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null; } |
		tr ' ' '\n' | grep '/debian/\{0,1\}$' | head -n 1 || true
}

fetch() { # URL FILE
	if have curl; then curl -sfL --retry 2 -o "$2" "$1"; else wget -q -O "$2" "$1"; fi
}

newest_of_unstable() {
	local base index package path sum file
	base=$(mirror)
	base=${base%/}
	[ -n "$base" ] || none "--newest: no Debian mirror in apt's sources"
	have curl || have wget || none "--newest: neither curl nor wget is here"
	mkdir -p "$top/build/linux"
	index=$top/build/linux/.index
	fetch "$base/dists/unstable/main/binary-all/Packages.xz" "$index.xz" || none "--newest: $base does not answer"
	package=$(xz -dc "$index.xz" | sed -n 's/^Package: \(linux-source-[0-9.]*\)$/\1/p' | sort -V | tail -n 1)
	read -r path sum < <(xz -dc "$index.xz" | awk -v p="$package" '
		/^Package: /{on = $2 == p} on && /^Filename: /{f = $2} on && /^SHA256: /{s = $2} END{print f, s}')
	[ -n "${sum-}" ] || none "--newest: no linux-source package in unstable"
	file=$top/build/linux/$(basename "$path")
	[ -f "$file" ] || { say "fetching $(basename "$path")" >&2; fetch "$base/$path" "$file.part" || none "--newest: cannot fetch $path"; mv "$file.part" "$file"; }
	printf '%s  %s\n' "$sum" "$file" | sha256sum -c --quiet - >&2 || { rm -f "$file"; none "--newest: $(basename "$file") is not what the index says"; }
	from_deb "$file"
}

# The name of a package that apt has: 6.12, which the tests know best, else the oldest after it.
package() {
	{ apt-cache search --names-only '^linux-source-[0-9]+[.][0-9.]+$' 2>/dev/null || true; } |
		sed -n 's,^\(linux-source-\([0-9]*\)\.\([0-9]*\)[.0-9]*\) .*,\2 \3 \1,p' |
		awk '$1 > 6 || ($1 == 6 && $2 >= 12)' | sort -n -k1,1 -k2,2 | head -n 1 | cut -d' ' -f3
}

apt_source() {
	local log name
	have apt-get || none "no kernel tree: give one with --linux-tree DIR, or install a linux-source package (6.12 or later)"
	name=$(package)
	if [ -z "$name" ] && as_root apt-get update -q >/dev/null 2>&1; then
		name=$(package)
	fi
	[ -n "$name" ] || none "no kernel tree: apt has no linux-source package of 6.12 or later here; give a tree with --linux-tree DIR"
	as_root true || none "no kernel tree: run sudo apt-get install $name, or give one with --linux-tree DIR"
	log=$(mktemp)
	say "installing: $name" >&2
	apt_install "$name" >"$log" 2>&1 || { tail -n 5 "$log" >&2; rm -f "$log"; none "no kernel tree: apt could not install $name"; }
	rm -f "$log"
}

if [ -n "$newest" ]; then
	newest_of_unstable
elif [ -n "$where" ]; then
	case $where in
	*.deb) [ -f "$where" ] || die "$where: no such file"; from_deb "$where" ;;
	*.tar | *.tar.*) [ -f "$where" ] || die "$where: no such file"; unpack "$where" "$(basename "${where%.tar*}")" ;;
	*)
		[ -f "$where/drivers/iommu/iommufd/pages.c" ] ||
			die "$where: wanted the top of a kernel tree of 6.2 or later: no drivers/iommu/iommufd/pages.c there"
		printf '%s\n' "$where"
		;;
	esac
else
	tarball=$(installed)
	if [ -z "$tarball" ] && [ -n "$install" ]; then
		apt_source
		tarball=$(installed)
	fi
	[ -n "$tarball" ] || none "no kernel tree: give one with --linux-tree DIR, or install a linux-source package (6.12 or later)"
	unpack "$tarball" "$(basename "${tarball%.tar*}")"
fi
