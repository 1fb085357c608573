#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The guest's only process: loads the modules, turns on the iommu events, does what /record.conf says, and prints
# what came of it on the console for scripts/record/console.py. Runs under busybox; the guest is gone when it ends.
#
# record.conf: what=nvme|vfio, shape=, maps= (of vfio_user), buffer_kb= (of the trace)
export PATH=/bin
mark="=== nosnoop-record"
ended=

tell() {
	echo "$mark $*"
}

finish() {
	ended=1
	tell end
	sync
	poweroff -f
	sleep 60
}

give_up() {
	tell "error=$*"
	finish
}

wait_for() { # TEST FILE: two minutes of a slow machine
	n=0
	until [ "$@" ]; do
		n=$((n + 1))
		[ $n -le 600 ] || return 1
		sleep 0.2
	done
}

load_modules() {
	for m in /modules/*.ko; do
		[ -f "$m" ] || continue
		said=$(insmod "$m" 2>&1) || case $said in
		*"File exists"*) ;;
		*) give_up "${m##*/}: ${said##*: }" ;;
		esac
	done
}

start_events() {
	t=/sys/kernel/tracing
	mount -t tracefs tracefs "$t" 2>/dev/null || give_up "no tracefs: wanted a kernel with CONFIG_TRACING"
	[ -d "$t"/events/iommu ] || give_up "no events/iommu: wanted a kernel with CONFIG_IOMMU_API and CONFIG_TRACING"
	echo 0 >"$t"/tracing_on
	echo >"$t"/trace
	echo "$buffer_kb" >"$t"/buffer_size_kb || give_up "buffer_size_kb=$buffer_kb: refused, wanted a smaller --buffer-kb"
	echo 1 >"$t"/events/iommu/enable
	echo 1 >"$t"/tracing_on
}

print_events() {
	echo 0 >"$t"/tracing_on
	cat "$t"/trace >/trace
	# What is missing on the other side is seen there: lines, and a sum of the bytes.
	tell "trace begin lines=$(wc -l </trace) md5=$(md5sum </trace | cut -d' ' -f1)"
	cat /trace
	tell "trace end"
}

say_iommu() {
	for i in /sys/class/iommu/*/intel-iommu; do
		[ -d "$i" ] || give_up "no Intel IOMMU in /sys/class/iommu: wanted a kernel with CONFIG_INTEL_IOMMU"
		tell "ecap=$(cat "$i/ecap")"
	done
}

run_nvme() {
	start_events
	load_modules
	wait_for -b /dev/nvme0n1 || give_up "no /dev/nvme0n1: wanted a kernel, or modules, with nvme"
	d=/dev/nvme0n1
	dd if=/dev/zero of=$d bs=64k count=64 conv=fsync 2>/dev/null || give_up "writes of 64 KiB failed"
	dd if=/dev/zero of=$d bs=64k count=32 seek=64 oflag=direct 2>/dev/null || give_up "direct writes of 64 KiB failed"
	dd if=$d of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null || give_up "reads of 4 KiB failed"
	dd if=$d of=/dev/null bs=1M count=8 iflag=direct 2>/dev/null || give_up "reads of 1 MiB failed"
	i=0
	while [ $i -lt 60 ]; do
		dd if=/dev/zero of=$d bs=4k count=1 seek=$((i * 7)) conv=fsync,notrunc 2>/dev/null || give_up "synced writes failed"
		i=$((i + 1))
	done
	print_events
}

run_vfio() {
	load_modules
	dev=
	for p in /sys/bus/pci/devices/*; do
		[ "$(cat "$p/class")" != 0x010802 ] || dev=$p
	done
	[ -n "$dev" ] || give_up "no nvme controller on the bus"
	[ -e /dev/vfio/vfio ] || give_up "no /dev/vfio/vfio: wanted a kernel, or modules, with vfio and vfio_iommu_type1"
	[ ! -e "$dev/driver" ] || echo "${dev##*/}" >"$dev/driver/unbind"
	echo vfio-pci >"$dev/driver_override"
	start_events
	echo "${dev##*/}" >/sys/bus/pci/drivers_probe
	[ -e "$dev/iommu_group" ] || give_up "the device has no iommu_group: the IOMMU is off"
	group=/dev/vfio/$(basename "$(readlink "$dev/iommu_group")")
	wait_for -e "$group" || give_up "no $group: vfio-pci did not take the device"
	vfio_user "$group" "$shape" "$maps" >/said
	rc=$?
	while read -r line; do
		tell "$line"
	done </said
	[ $rc = 0 ] || give_up "vfio_user ended with $rc"
	print_events
}

/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
# Messages of the kernel must not run into the trace.
dmesg -n 1
what=
shape=
maps=
buffer_kb=
# shellcheck source=/dev/null
. /record.conf
trap '[ -n "$ended" ] || give_up "the script ended early"' EXIT
tell "begin what=$what shape=$shape maps=$maps"
tell "kernel=$(uname -r)"
tell "version=$(uname -v)"
say_iommu
case $what in
nvme | vfio) "run_$what" ;;
*) give_up "what=$what: wanted nvme or vfio" ;;
esac
finish
