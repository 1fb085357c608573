#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Records what a real kernel maps and unmaps: boots it in QEMU on an emulated Intel IOMMU, lets it work, and makes a
# trace of its iommu events. Nothing is installed but QEMU and busybox; the kernel is unpacked into build/record.
set -euo pipefail

usage() {
	cat <<'END'
usage: scripts/record.sh nvme|vfio [options]
  nvme        the nvme driver on the DMA API: writes of 64 KiB, reads of 4 KiB and 1 MiB, synced writes of 4 KiB
  vfio        a VFIO type1 v2 user with a device of its own (scripts/record/vfio_user.c)
  --snoop-control on|off   can the IOMMU enforce snooping? off: domains are non-coherent, VFIO_DMA_CC_IOMMU is 0 (default off)
  --shape ram|replug       vfio: the RAM of a small guest and single pages of it; or memory blocks and the device
                           taken out and put in again (default ram)
  --maps N                 vfio: how many single pages (ram), how many blocks are replaced (replug) (default 50)
  --out FILE.ops           the trace (default build/record/WHAT[-SHAPE]-[non]coherent.ops)
  --kernel PACKAGE         a Debian package, or one that depends on it (default linux-image-amd64)
  --kernel BZIMAGE [--modules DIR]   a kernel of your own and its lib/modules/VERSION; without DIR all must be built in
  --no-install             only with the packages that are here
  --accel tcg|kvm          tcg takes seconds everywhere; that /dev/kvm opens does not mean that a guest runs (default tcg)
  --timeout SECONDS        of the guest (default 240)
  --buffer-kb N            size of the trace's ring buffer in the guest (default 16384)
  --keep                   leave the events' text beside the trace (.trace.gz), and the guest with its console in build/record/last

On a machine of your own: trace-cmd record -e iommu (or perf record -e 'iommu:*'), then scripts/trace2ops.py on the
text of trace-cmd report (perf script): it renumbers addresses and leaves out names. An arm64 guest, an AMD IOMMU and
kernels packaged otherwise than Debian's are not known here; those of the latter work by --kernel BZIMAGE --modules DIR.

exit: 0 the trace is written; 1 the guest, the kernel or a package failed; 2 bad input or something is missing
END
}

what=
snoop=off
shape=
maps=50
out=
kernel=linux-image-amd64
modules=
install=1
accel=tcg
limit=240
buffer_kb=16384
keep=
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) usage; exit 0 ;;
	--no-install) install= ;;
	--keep) keep=1 ;;
	--snoop-control | --shape | --maps | --out | --kernel | --modules | --accel | --timeout | --buffer-kb)
		[ $# -ge 2 ] || { printf 'record.sh: %s wants a value\n' "$1" >&2; exit 2; }
		case $1 in
		--snoop-control) snoop=$2 ;;
		--shape) shape=$2 ;;
		--maps) maps=$2 ;;
		--out) out=$2 ;;
		--kernel) kernel=$2 ;;
		--modules) modules=$2 ;;
		--accel) accel=$2 ;;
		--timeout) limit=$2 ;;
		--buffer-kb) buffer_kb=$2 ;;
		esac
		shift
		;;
	--no-install=* | --keep=* | --help=*)
		printf 'record.sh: %s takes no value\n' "${1%%=*}" >&2
		exit 2
		;;
	--*=*)
		set -- "${1%%=*}" "${1#*=}" "${@:2}"
		continue
		;;
	-*) printf 'record.sh: unknown option %s\n' "$1" >&2; usage >&2; exit 2 ;;
	*)
		[ -z "$what" ] || { printf 'record.sh: %s after %s, expected one of nvme, vfio\n' "$1" "$what" >&2; exit 2; }
		what=$1
		;;
	esac
	shift
done
# Relative names are meant from where the caller stands; lib.sh changes the folder.
from_here() {
	case $1 in "" | /*) printf '%s' "$1" ;; *) printf '%s' "$PWD/$1" ;; esac
}
out=$(from_here "$out")
modules=$(from_here "$modules")
case $kernel in */*) kernel=$(from_here "$kernel") ;; *) [ ! -f "$kernel" ] || kernel=$PWD/$kernel ;; esac

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fail() { # exit code 1: something was started and did not work
	printf 'record.sh: %s\n' "$*" >&2
	exit 1
}

one_of() { # OPTION VALUE CHOICES...
	local option=$1 value=$2 c
	shift 2
	for c in "$@"; do [ "$c" != "$value" ] || return 0; done
	die "$option ${value:-(nothing)}: expected one of $*"
}

count() { # OPTION VALUE LEAST MOST
	if ! [[ $2 =~ ^[0-9]{1,9}$ ]] || [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then die "$1 $2: expected a number from $3 to $4"; fi
}

one_of "what to record:" "$what" nvme vfio
one_of --snoop-control "$snoop" on off
[ "$what" = vfio ] || [ -z "$shape" ] || die "--shape $shape: only with vfio"
[ "$what" = nvme ] || shape=${shape:-ram}
[ "$what" = nvme ] || one_of --shape "$shape" ram replug
one_of --accel "$accel" tcg kvm
if [ "$accel" = kvm ] && ! (: <>/dev/kvm) 2>/dev/null; then die "--accel kvm: /dev/kvm cannot be opened here, expected tcg"; fi
[ -n "$kernel" ] || die "--kernel (nothing): expected a package or a BZIMAGE"
case $kernel in */*) [ -f "$kernel" ] || die "--kernel $kernel: no such file" ;; esac
count --maps "$maps" 1 100000
count --timeout "$limit" 1 3600
count --buffer-kb "$buffer_kb" 64 262144
case $snoop in on) coherent=coherent ;; off) coherent=noncoherent ;; esac
[ -n "$out" ] || out=$top/build/record/$what${shape:+-$shape}-$coherent.ops
case $out in *.ops) ;; *) die "--out $out: expected a name that ends in .ops" ;; esac
[ ! -d "$out" ] || die "--out $out: is a folder, expected a file"
cache=$top/build/record
mkdir -p "$cache" || die "$cache: expected a folder that can be made"
[ -d "$(dirname "$out")" ] || die "--out $out: no such folder, expected one that is there"
[ -w "$(dirname "$out")" ] || die "--out $out: its folder is not writable"
if [ -n "$modules" ] && [ ! -d "$modules" ]; then die "--modules $modules: no such folder, expected lib/modules/VERSION"; fi
case $(uname -m) in
x86_64) ;;
*) die "this is $(uname -m): the guest's VFIO program is built by gcc for this machine, expected x86_64" ;;
esac

static_libc() {
	local dir rc=0
	dir=$(mktemp -d)
	printf '#include <linux/vfio.h>\nint main(void) { return 0; }\n' >"$dir/probe.c"
	gcc -static "$dir/probe.c" -o "$dir/probe" >/dev/null 2>&1 || rc=1
	rm -rf "$dir"
	return $rc
}

static_busybox() { # prints its path
	local b
	for b in /bin/busybox /usr/bin/busybox; do
		[ -x "$b" ] || continue
		# A busybox of shared libraries would not start in the guest.
		readelf -l "$b" 2>/dev/null | grep -q INTERP || { printf '%s\n' "$b"; return 0; }
	done
	return 1
}

missing() {
	have qemu-system-x86_64 || echo qemu-system-x86
	static_busybox >/dev/null || echo busybox-static
	have cpio || echo cpio
	have readelf || echo binutils
	have python3 || echo python3
	static_libc || printf '%s\n' gcc libc6-dev linux-libc-dev
}

get_packages() {
	local log
	mapfile -t lack < <(missing)
	[ ${#lack[@]} -gt 0 ] || return 0
	if [ -z "$install" ] || ! have apt-get || ! as_root true; then
		die "missing, by the names of Debian's packages: ${lack[*]}; install them and start again"
	fi
	say "installing: ${lack[*]}"
	log=$work/apt
	as_root apt-get update -q >"$log" 2>&1 || true
	apt_install "${lack[@]}" >"$log" 2>&1 || { tail -n 5 "$log" >&2; fail "apt-get install failed: ${lack[*]}"; }
	mapfile -t lack < <(missing)
	[ ${#lack[@]} = 0 ] || fail "still missing after the installation: ${lack[*]}"
}

# The package with the files: the one named, or what it (a meta-package) depends on.
image_package() {
	local dep
	dep=$(apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-.*\)$/\1/p' | head -n 1) || true
	printf '%s\n' "${dep:-$1}"
}

# kernel_of PACKAGE: sets bzimage and modules; downloads and unpacks what is not there yet
kernel_of() {
	local name to deb
	if ! have apt-get || ! have dpkg-deb; then die "--kernel $1: no apt here; give --kernel BZIMAGE --modules DIR"; fi
	[ -z "$modules" ] || die "--modules goes with --kernel BZIMAGE, not with the package $1"
	name=$(image_package "$1")
	to=$cache/$name
	if [ ! -f "$to/.complete" ]; then
		[ -n "$install" ] || die "$name is not unpacked in build/record, and --no-install was given"
		say "fetching $name"
		mkdir "$work/deb"
		# apt wants to write there as another user; without it, it only warns.
		(cd "$work/deb" && timeout 300 apt-get download -q "$name") >"$work/apt" 2>&1 ||
			{ tail -n 3 "$work/apt" >&2; fail "apt has no package $name here: expected a package that apt-cache search linux-image shows"; }
		deb=$(compgen -G "$work/deb/*.deb" | head -n 1)
		mkdir "$work/kernel"
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/kernel" --wildcards './boot/vmlinu*' '*/modules.builtin' \
			'*/modules/*/kernel/'{drivers/nvme,drivers/vfio,drivers/iommu,virt,crypto,lib,block,arch/x86/crypto,arch/x86/lib}'/*' \
			2>"$work/tar" || true # that a pattern has no match is no error: modules.py asks for what is needed
		if grep -v -e 'Not found in archive' -e 'Exiting with failure' "$work/tar" >&2; then fail "$name cannot be unpacked"; fi
		compgen -G "$work/kernel/boot/vmlinuz*" >/dev/null || fail "$name holds no boot/vmlinuz: expected a linux-image package with the kernel in it"
		touch "$work/kernel/.complete"
		rm -rf "$to"
		mv "$work/kernel" "$to"
	fi
	bzimage=$(compgen -G "$to/boot/vmlinuz*" | head -n 1)
	modules=$(dirname "$(find "$to" -name modules.builtin | head -n 1)")
}

find_kernel() {
	if [ -f "$kernel" ]; then
		bzimage=$kernel
	else
		kernel_of "$kernel"
	fi
}

# The guest: busybox, init, the modules in order, the VFIO user.
make_initramfs() {
	local root=$work/root names=(vfio vfio_iommu_type1 vfio_pci)
	[ "$what" = vfio ] || names=(nvme)
	mkdir -p "$root"/{bin,dev,proc,sys,modules}
	cp "$(static_busybox)" "$root/bin/busybox"
	install -m 755 scripts/record/init.sh "$root/init"
	sed -i '1s,.*,#!/bin/busybox sh,' "$root/init"
	printf '%s\n' "what=$what" "shape=$shape" "maps=$maps" "buffer_kb=$buffer_kb" >"$root/record.conf"
	if [ -n "$modules" ]; then
		python3 -B scripts/record/modules.py "$modules" "$root/modules" "${names[@]}" || exit 2
	fi
	gcc -std=gnu11 -O2 -Wall -static -o "$root/bin/vfio_user" scripts/record/vfio_user.c >"$work/gcc" 2>&1 ||
		{ cat "$work/gcc" >&2; fail "the VFIO user does not compile"; }
	(cd "$root" && find . -print0 | cpio -0 -o -H newc --quiet | gzip -1) >"$work/initramfs"
}

run_guest() {
	local rc=0
	qemu-system-x86_64 -device intel-iommu,help 2>/dev/null | grep -q snoop-control ||
		die "this QEMU's intel-iommu has no snoop-control: expected a newer one (7.2 has it)"
	machine="q35 kernel-irqchip=split, intel-iommu intremap=on caching-mode=on snoop-control=$snoop, nvme, $accel, 1 CPU, 1024 MiB"
	truncate -s 64M "$work/disk"
	: >"$work/console"
	# no_timer_check: on a busy machine an emulated timer may be late, which early boot takes for a broken one and
	# dies of. mitigations=off and notests only save time.
	timeout -k 5 "$limit" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,kernel-irqchip=split -accel "$accel" -smp 1 -m 1024 \
		-device "intel-iommu,intremap=on,caching-mode=on,snoop-control=$snoop" \
		-drive "file=$work/disk,if=none,id=disk,format=raw" -device nvme,drive=disk,serial=nosnoop \
		-serial "file:$work/console" -kernel "$bzimage" -initrd "$work/initramfs" \
		-append "console=ttyS0 loglevel=5 panic=-1 mitigations=off cryptomgr.notests no_timer_check rdinit=/init intel_iommu=on iommu.passthrough=0 iommu.strict=1" \
		</dev/null >"$work/qemu" 2>&1 &
	guest=$!
	wait "$guest" || rc=$?
	guest=
	case $rc in
	0) ;;
	124 | 137) hung ;;
	*) tail -n 5 "$work/qemu" >&2; fail "QEMU ended with $rc" ;;
	esac
}

hung() {
	printf 'record.sh: the guest did not end within %s s; the last lines of its console:\n' "$limit" >&2
	tr -d '\r' <"$work/console" | tail -n 15 | sed 's/^/  /' >&2
	exit 1
}

price() { # what a few policies would have cost; only where they are built
	local replay=build/rel/bin/nosnoop-replay
	[ -x "$replay" ] || { say "price it: build/rel/bin/nosnoop-replay --policy all ${out#"$top"/}"; return 0; }
	"$replay" --policy eager,v1_posted,sticky,storage_skip,exact "${out#"$top"/}" ||
		fail "the replay of ${out#"$top"/} failed"
}

work=$(mktemp -d "$cache/.work.XXXXXX")
guest=
cleanup() {
	[ -z "$guest" ] || kill "$guest" 2>/dev/null || true
	if [ -n "$keep" ] && [ -d "$work" ]; then
		rm -rf "$cache/last"
		rm -rf "$work/disk" "$work/deb"
		mv "$work" "$cache/last"
		say "kept: build/record/last" >&2
	fi
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

get_packages
find_kernel
make_initramfs
run_guest
machine_qemu=$(qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
python3 -B scripts/record/console.py --what "$what" --snoop-control "$snoop" --machine "$machine" --qemu "$machine_qemu" \
	--date "$(date -u +%F)" ${keep:+--trace "${out%.ops}.trace.gz"} -o "$out" "$work/console" || exit 1
sed -n 's/^# \(recorded on: \|meta: \|maps \)/\1/p' "$out"
price
say "trace: ${out#"$top"/}"
