#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A cluster of Slurm with this machine as its only node, on loopback, to try jobs on. All that it is made of lies in build/slurm, and
# `stop` takes it away again. Needs root; installs slurm-wlm and munge where they are missing.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage="usage: scripts/slurm-local.sh start [--cpus N] | stop | status
	--cpus N: processors that the node says it has (this machine's): more tasks at a time than there are processors
	start prints the SLURM_CONF to be set for sbatch and its like; campaign.sh --slurm finds it by itself.
	Exit: 0 done (status: it runs), 1 it does not run, 2 it cannot be started."
dir=$top/build/slurm
conf=$dir/slurm.conf
run_munge=/run/munge
patience=60 # seconds until the node is idle

# alive PIDFILE NAME: is the process that the file names still ours?
alive() {
	local pid
	pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$2" ]
}

# end PIDFILE NAME: asked, waited for, then killed
end() {
	local pid i
	alive "$1" "$2" || return 0
	pid=$(cat "$1")
	kill "$pid" 2>/dev/null || true
	for ((i = 0; i < 100; i++)); do
		[ -d "/proc/$pid" ] || return 0
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null || true
}

write_conf() { # CPUS
	local host
	host=$(hostname -s)
	cat >"$conf" <<END
ClusterName=nosnoop
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=26817
SlurmdPort=26818
AuthType=auth/munge
CryptoType=crypto/munge
# A job that is put back into the queue waits as long as its credential lives, two minutes by default.
AuthInfo=cred_expire=20
StateSaveLocation=$dir/ctld
SlurmdSpoolDir=$dir/d
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=$1 State=UNKNOWN
PartitionName=local Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
}

# One that runs already is used. Else ours, which has to be told apart from it when all ends.
start_munge() {
	if munge -n >/dev/null 2>&1; then
		return 0
	fi
	[ -s /etc/munge/munge.key ] || mungekey --create || die "no key for munge: expected /etc/munge/munge.key"
	: >"$dir/munge.ours"
	[ -d $run_munge ] || : >"$dir/munge.folder"
	install -d -o munge -g munge -m 755 $run_munge
	setpriv --reuid=munge --regid=munge --clear-groups munged --pid-file=$run_munge/munged.pid ||
		die "munged does not start: see /var/log/munge/munged.log"
}

start() {
	local cpus=$1 i
	[ "$(id -u)" = 0 ] || die "a cluster can be started by root alone"
	! alive "$dir/slurmctld.pid" slurmctld || die "it runs already: $dir"
	(need slurm) >&2
	[ -z "$(missing_slurm)" ] || die "missing, by the names of Debian's packages: $(missing_slurm | tr '\n' ' ')"
	rm -rf "$dir"
	mkdir -p "$dir/ctld" "$dir/d"
	write_conf "$cpus"
	start_munge
	export SLURM_CONF=$conf
	if ! { slurmctld -f "$conf" && slurmd -f "$conf"; } >"$dir/start.log" 2>&1; then
		cat "$dir/start.log" >&2
		stop
		die "slurmctld or slurmd does not start"
	fi
	for ((i = 0; i < patience * 5; i++)); do
		if [ "$(sinfo -h -o %T 2>/dev/null)" = idle ]; then
			say "SLURM_CONF=$conf"
			return 0
		fi
		sleep 0.2
	done
	tail -n 5 "$dir/slurmctld.log" "$dir/slurmd.log" >&2
	stop
	die "the node is not idle after $patience s"
}

stop() {
	local i
	[ -d "$dir" ] || { say "it does not run"; return 0; }
	if have slurmctld && alive "$dir/slurmctld.pid" slurmctld; then
		export SLURM_CONF=$conf
		scancel -u root >/dev/null 2>&1 || true
		# What a job has started is slurmd's to end.
		for ((i = 0; i < 150; i++)); do
			[ -n "$(squeue -h -t RUNNING,COMPLETING 2>/dev/null)" ] || break
			sleep 0.2
		done
		end "$dir/slurmd.pid" slurmd
		end "$dir/slurmctld.pid" slurmctld
	fi
	if [ -e "$dir/munge.ours" ]; then
		end $run_munge/munged.pid munged
		[ ! -e "$dir/munge.folder" ] || rm -rf $run_munge
	fi
	rm -rf "$dir"
}

status() {
	if have slurmctld && alive "$dir/slurmctld.pid" slurmctld; then
		say "it runs: SLURM_CONF=$conf"
		SLURM_CONF=$conf squeue
		return 0
	fi
	say "it does not run"
	return 1
}

case ${1-} in
start)
	cpus=$(jobs_nr)
	case ${2-} in
	--cpus) cpus=${3-} ;;
	--cpus=*) cpus=${2#*=} ;;
	"") ;;
	*) die "$2: unknown. $usage" ;;
	esac
	[[ $cpus =~ ^[1-9][0-9]{0,3}$ ]] || die "--cpus ${cpus:-(nothing)}: expected a number from 1 to 9999"
	start "$cpus"
	;;
stop) stop ;;
status) status ;;
-h | --help) say "$usage" ;;
*) die "${1-nothing}: expected start, stop or status. $usage" ;;
esac
