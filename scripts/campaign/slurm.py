# SPDX-License-Identifier: GPL-2.0-only
"""
A campaign as jobs of Slurm: an array whose tasks are the lanes, and a job that depends on them and does the end. The folder of the
campaign and the checkout are on a file system that all nodes see. A task whose process is killed asks to be put back into
the queue, as Slurm itself does when a node goes; what it had done is on disk, and it does the rest.
"""

import os
import shlex
import shutil
import subprocess
import sys

import builds as built
import ledger

SPARE = 15  # minutes beyond the fuzzing that a task may take
RESTARTS = 5  # of a task
WARNING = 90  # seconds between SIGTERM and the end of a task's time: Slurm may be 60 s early

TASK = """#!/bin/sh
# SIGTERM: stop, keep what there is. Another death of the lane's process: back into the queue.
asked=
{command} &
lane=$!
trap 'asked=1; kill -TERM $lane' TERM INT
status=0
wait $lane || status=$?
while kill -0 $lane 2>/dev/null; do
	status=0
	wait $lane || status=$?
done
if [ $status -gt 128 ] && [ -z "$asked" ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {restarts} ]; then
	echo "lane $SLURM_ARRAY_TASK_ID died by signal $((status - 128)): back into the queue"
	scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"
fi
exit $status
"""


def missing():
    """What is needed and not there, or None."""
    absent = [n for n in ("sbatch", "squeue", "scancel", "scontrol") if not shutil.which(n)]
    if absent:
        return f"{absent[0]} is not installed: expected Slurm's commands (Debian: slurm-client), or no --slurm"
    done = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        return f"no Slurm answers: {(done.stderr.strip().splitlines() or ['nothing said'])[0]}; scripts/slurm-local.sh start makes one"
    return None


def submit(script, *args):
    done = subprocess.run(["sbatch", "--parsable", *args], input=script, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ledger.Refused(f"sbatch: {done.stderr.strip()}")
    return done.stdout.strip().split(";")[0]


def call(session, builds, *args):
    words = [sys.executable, "-B", os.path.join(built.TOP, "scripts", "campaign"), "--out", session.place.root,
             "--session", str(session.number), "--builds", builds.root, *args]
    return " ".join(shlex.quote(w) for w in words)


def start(session, builds, extra, history, expected, no_build):
    """Submits both; the ids."""
    about, log = session.about, session.place.made("log")
    minutes = int(about["seconds"] / 60) + SPARE
    common = ["--requeue", "--open-mode=append", f"--chdir={built.TOP}", "--ntasks=1", *extra]
    task = TASK.format(command=call(session, builds, "--lane") + ' "$SLURM_ARRAY_TASK_ID"', restarts=RESTARTS)
    array = submit(task, "--job-name=nosnoop-fuzz", f"--array=0-{about['jobs'] - 1}", "--cpus-per-task=1", f"--time={minutes}",
                   f"--signal=B:TERM@{WARNING}", f"--output={log}/slurm-%a.log", *common)
    more = ["--history", history] + [w for e in expected for w in ("--expected", e)] + ["--no-build"] * no_build
    end = "#!/bin/sh\nexec " + call(session, builds, "--finish", *more) + "\n"
    try:
        merge = submit(end, "--job-name=nosnoop-merge", f"--dependency=afterany:{array}", f"--output={log}/slurm-merge.log", *common)
    except ledger.Refused:
        cancel({"array": array})
        raise
    return {"array": array, "merge": merge}


def alive(ids):
    """Are any of these jobs waiting or at work? Not to be told: yes, they may be. Slurm forgets jobs a while after their end."""
    if not ids:
        return False
    try:
        done = subprocess.run(["squeue", "-h", "-o", "%i", "-j", ",".join(ids.values())], capture_output=True, text=True, check=False,
                              timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return True
    if done.returncode:
        return "Invalid job id" not in done.stderr
    return bool(done.stdout.strip())


def cancel(ids):
    """The tasks are asked to stop; those that wait are taken out. The merge job then has its turn."""
    subprocess.run(["scancel", "--state=PENDING", ids["array"]], capture_output=True, check=False)
    subprocess.run(["scancel", "--signal=TERM", "--batch", ids["array"]], capture_output=True, check=False)
