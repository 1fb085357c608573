# SPDX-License-Identifier: GPL-2.0-only
"""--install-timer: systemd units of the user, made from the templates beside this file, with the paths of this checkout in them."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = ("nosnoop-nightly.service", "nosnoop-nightly.timer")


def quoted(word):
    """One word of ExecStart=, whatever is in it."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$").replace("\n", "\\n")
    return f'"{word}"'


def when(text):
    """OnCalendar= of HH:MM, or as it is."""
    return f"*-*-* {text}:00" if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text) else text


def night_options(o, argv):
    """What the timer's nights are called with: the given ones, in full names, but for those of the installation."""
    words, skip = [], False
    for a in argv:
        if skip:
            skip = False
        elif a == "--at":
            skip = True
        elif a == "--install-timer" or a.startswith("--at=") or a == "--out" or a.startswith("--out="):
            skip = a == "--out"
        else:
            words.append(a)
    return ["--out", o.out, *words]


def fill(name, o, argv):
    script = os.path.join(os.path.dirname(HERE), "nightly.sh")
    words = " ".join(quoted(w) for w in [script, *night_options(o, argv)])
    with open(os.path.join(HERE, name + ".in"), encoding="utf-8") as f:
        return f.read().replace("@COMMAND@", words).replace("@WHEN@", when(o.at))


def verify(folder):
    """What systemd-analyze says against the units, "" for nothing; None: it is not here."""
    if not shutil.which("systemd-analyze"):
        return None
    said = ""
    for command in (["verify", "--user", *(os.path.join(folder, n) for n in UNITS)],):
        done = subprocess.run(["systemd-analyze", *command], capture_output=True, text=True, check=False,
                              env=dict(os.environ, SYSTEMD_LOG_LEVEL="warning", XDG_RUNTIME_DIR=os.environ.get("XDG_RUNTIME_DIR", folder)))
        said += done.stderr if done.returncode or any(n in done.stderr for n in UNITS) else ""
    return said.strip()


def install(o, argv):
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    there = os.path.join(home, "systemd", "user")
    with tempfile.TemporaryDirectory() as new:
        for name in UNITS:
            with open(os.path.join(new, name), "w", encoding="utf-8") as f:
                f.write(fill(name, o, argv))
        said = verify(new)
        if said:
            print(f"nightly.sh: systemd-analyze does not take the units, nothing was written: {said}", file=sys.stderr)
            return 2
        try:
            os.makedirs(there, exist_ok=True)
            for name in UNITS:
                shutil.copyfile(os.path.join(new, name), os.path.join(there, name + ".new"))
                os.rename(os.path.join(there, name + ".new"), os.path.join(there, name))
        except OSError as e:
            print(f"nightly.sh: {e.filename}: {e.strerror}", file=sys.stderr)
            return 2
    print("written" + (", not verified (no systemd-analyze here)" if said is None else ", verified") + ": " +
          ", ".join(os.path.join(there, n) for n in UNITS))
    print("  systemctl --user daemon-reload && systemctl --user enable --now nosnoop-nightly.timer   # switches it on")
    print("  loginctl enable-linger   # also when you are not logged in")
    print("  systemctl --user disable --now nosnoop-nightly.timer   # switches it off")
    return 0
