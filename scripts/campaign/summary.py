# SPDX-License-Identifier: GPL-2.0-only
"""
What a session came to: the verdict, and its forms: text of at most 75 columns, JSON, KTAP, a line of the history. The JSON's schema
stands in results/README.md.
"""

import collections
import json
import os
import textwrap

import files
import lane
import ledger
import mistakes
import share

WIDTH = 75
SCHEMA = "nosnoop campaign summary 1"
NOTHING, FOUND, INVALID = 0, 1, 2
VERDICTS = {NOTHING: "nothing new", FOUND: "new findings", INVALID: "invalid"}
NO_TIME = 5  # seconds in which an engine need not have executed anything yet
STILL = 60  # seconds in which an engine that loads tells of another input; AFL++ runs each three times, and for 5 s at most
LISTED = 12  # findings in the text
PAST = 8  # sessions in the table of past campaigns


# --- the verdict -----------------------------------------------------------------------------------------------------


def reasons(session, workers, stopped):
    """Why a session says nothing; a line each. @workers: Session.workers()."""
    out = []
    for name, w in sorted(workers.items()):
        if len(w["deaths"]) >= lane.DEATHS:
            out.append(f"{name} died {len(w['deaths'])} times: {w['deaths'][-1]}")
        elif not w["executions"]:
            out += no_progress(name, w)
    if not stopped:
        done = {x["lane"] for x in session.lanes() if x["done"]}
        lost = [i for i in range(session.about["jobs"]) if i not in done]
        if lost:
            out.append(f"lane {', '.join(map(str, lost))}: not finished")
    if not sum(w["executions"] for w in workers.values()):
        out.append("nothing was executed")
    return out


def no_progress(name, w):
    """A worker that has executed nothing: it had time for that after it had loaded what was there, or loading did not go on."""
    load = w.get("load") or {"done": True}
    if load["done"]:
        seconds = w["wall_seconds"] - w["loading_seconds"]
        if seconds >= NO_TIME:
            yield f"{name} made no progress: no execution in {seconds:.0f} s"
    elif load["still"] >= (STILL if load["inputs"] else NO_TIME):
        yield f"{name} made no progress: nothing loaded in {load['still']:.0f} s"


def notes(session):
    """What else happened; a line each."""
    out = []
    for name, w in sorted(session.workers().items()):
        if 0 < len(w["deaths"]) < lane.DEATHS:
            out.append(f"{name} died once and was started again: {w['deaths'][0]}")
        elif w.get("load") and not w["load"]["done"]:
            of = f"{w['load']['inputs']:,} of {w['load']['of']:,} inputs" if w["load"]["of"] else f"{w['load']['inputs']:,} inputs"
            out.append(f"{name} had loaded {of} after {w['load']['seconds']:.0f} s, and did not come to fuzz in its last slice: it is first "
                       "in the next session")
    later = sorted({w.key for w in session.cycle()} - set(session.workers()))
    if later and session.about["ended"] == "time":
        out.append(f"no time was left by what there was to load: first in the next session: {', '.join(later)}")
    return out


def by_kind(workers):
    out = {}
    for w in workers.values():
        k = out.setdefault(w["kind"], collections.Counter())
        k["workers"] += 1
        for key in ("executions", "cpu_seconds", "wall_seconds", "loading_seconds", "findings"):
            k[key] += w[key]
    return {k: dict(out[k]) for k in share.KINDS if k in out}


def put_together(session, triage, corpus, coverage, invalid, notes):
    """The summary as JSON has it."""
    workers = session.workers()
    found = triage.findings()
    for first, *others in mistakes.apart(found):
        first["like"] = None
        for f in others:
            f["like"] = first["file"]
    code = INVALID if invalid else FOUND if any(f["new"] for f in found) else NOTHING
    about = session.about
    return {
        "schema": SCHEMA, "verdict": VERDICTS[code], "exit": code, "invalid": invalid, "notes": notes,
        "session": session.number, "started": about["started"], "ended": about["ended"], "commit": about["commit"],
        "seconds": about["seconds"], "jobs": about["jobs"], "slurm": about.get("slurm"),
        "targets": about["targets"], "policy": about["policy"], "contracts": about["contracts"], "backend": about["backend"],
        "tree": about.get("tree"),
        "executions": sum(w["executions"] for w in workers.values()),
        "cpu_seconds": round(sum(w["cpu_seconds"] for w in workers.values()), 1),
        "kinds": by_kind(workers), "workers": {k: dict(w, cpu_seconds=round(w["cpu_seconds"], 1)) for k, w in workers.items()},
        "left_out": about["left_out"], "starts": {str(x["lane"]): x["starts"] for x in session.lanes()},
        "findings": [{k: v for k, v in f.items() if k not in ("ops_used", "alone")} for f in found], "groups": triage.groups(),
        "not_looked_at": triage.left, "not_judged": triage.unjudged, "slow": triage.slow(), "corpus": corpus, "coverage": coverage,
    }


# --- text ------------------------------------------------------------------------------------------------------------


def number(value, digits=0):
    return "n/a" if value is None else f"{value:,.{digits}f}"


def short(value):
    """Of a count, at most 9 characters up to 10^14."""
    if value < 10_000_000:
        return f"{value:,.0f}"
    return f"{value / 1e6:,.0f} M" if value < 1e11 else f"{value / 1e9:,.0f} G"


def percent(value):
    return "n/a" if value is None else f"{value:.1f} %"


def wrapped(text, indent="  "):
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=True, break_on_hyphens=False)


def kinds_table(kinds):
    yield f"{'kind':<16}{'workers':>8}{'executions':>15}{'CPU s':>10}{'exec/CPU s':>12}{'inputs':>10}"
    for kind, k in kinds.items():
        rate = k["executions"] / k["cpu_seconds"] if k["cpu_seconds"] >= 1 else None
        yield (f"{kind:<16}{k['workers']:>8}{short(k['executions']):>15}{short(k['cpu_seconds']):>10}{number(rate):>12}"
               f"{short(k['findings']):>10}")
    yield "(inputs: those that ended an engine, or findings of the built-in fuzzer)"
    wall, loading = (sum(k[x] for k in kinds.values()) for x in ("wall_seconds", "loading_seconds"))
    if loading >= 1:
        yield f"(of {short(wall)} s of all workers they loaded what was there for {short(loading)} s)"


def alone(s):
    """[(a finding, how many others may be the same mistake)]"""
    others = collections.Counter(f["like"] for f in s["findings"])
    return [(f, others[f["file"]]) for f in s["findings"] if not f["like"]]


def findings_text(s):
    rows = alone(s)
    new = sum(f["new"] for f, _ in rows)
    yield f"findings: {new} new, {len(rows) - new} known"
    for f, others in rows[:LISTED]:
        mark = "NEW  " if f["new"] else "known"
        what = f"{f['rule']} under {f['policy']}" + (f" ({f['what']})" if f["what"] else "")
        size = f", {f['ops']} ops" if f["ops"] is not None else ""
        yield from wrapped(f"  {mark} {what}{size}, {f['count']} times, by {', '.join(f['workers'][:3])}"
                           f"{' and others' if len(f['workers']) > 3 else ''}", "        ")
        yield from wrapped("        " + (f["known"] or "findings/" + f["file"]), "        ")
        if others:
            yield from wrapped(f"        and {others} that contain it or show the same, in other shapes: findings/findings.json", "        ")
    if len(rows) > LISTED:
        yield f"  and {len(rows) - LISTED} more: findings/findings.json"
    for g in s["groups"]:
        if g["inputs"] > g["shrunk"]:
            yield from wrapped(f"  {g['rule']} under {g['policy']} ({g['target']}): {g['inputs']} inputs in all sessions, of which "
                               f"{g['inputs'] - g['shrunk']} were not shrunk", "    ")
    if s["slow"]:
        yield from wrapped(f"  {s['slow']} inputs ran out of an engine's time or memory and came to nothing when they were replayed", "    ")
    if s["not_looked_at"]:
        yield from wrapped(f"  {s['not_looked_at']} inputs more than a session looks at are left for the next one", "    ")


def corpus_text(s):
    for target, c in s["corpus"].items():
        by = f", by {c['by']}" if c["by"] else ""
        yield f"corpus/{target}: {c['after']:,} inputs of {c['before']:,}{by}"
    c = s["coverage"]
    yield f"coverage of core/: lines {percent(c['lines'])}, branches {percent(c['branches'])}; {number(c['states'])} states of the model"


def trend_text(history):
    yield "past campaigns:"
    yield f"  {'date':<16}{'executions':>12}{'CPU s':>10}{'new':>5}{'corpus':>10}{'lines':>6}{'branch':>7}{'states':>7}"
    for h in history[-PAST:]:
        yield (f"  {h['date'][:16].replace('T', ' '):<16}{short(h['executions']):>12}{short(h['cpu_seconds']):>10}"
               f"{'!' if h['exit'] == INVALID else h['new']:>5}{short(h['corpus']):>10}{number(h['lines'], 1):>6}"
               f"{number(h['branches'], 1):>7}{number(h['states']):>7}")
    if any(h["exit"] == INVALID for h in history[-PAST:]):
        yield "  !: invalid"


def text(s, history):
    named = ", ".join(os.path.basename(p) for p in s["policy"].split(",")) if s["policy"] else "those of each target"
    what = f"{', '.join(s['targets'])}; policies: {named}"
    if s["contracts"]:
        what += f"; contracts {s['contracts']}"
    for key in ("backend", "tree"):
        if s[key]:
            what += f"; {key} {os.path.basename(s[key])}"
    out = wrapped("nosnoop campaign: " + what)
    out += wrapped(f"session {s['session']}, {s['started']}, commit {s['commit'][:12]}, {s['seconds']:.0f} s, {s['jobs']} jobs"
                   + (" of Slurm" if s["slurm"] else ""))
    if s["ended"] == "signal":
        out.append("ended by a signal before its time")
    out += ["", {NOTHING: "NOTHING NEW", FOUND: "NEW FINDINGS", INVALID: "INVALID: this session proves nothing"}[s["exit"]]]
    for line in s["invalid"]:
        out += wrapped("  " + line, "    ")
    out += [f"tried: {s['executions']:,} executions in {s['cpu_seconds']:,.0f} CPU seconds", ""]
    out += list(kinds_table(s["kinds"]))
    for line in s["left_out"] + s["notes"]:
        out += wrapped(line)
    again = [i for i, n in s["starts"].items() if n > 1]
    if again:
        out += wrapped(f"started again where they were: lane {', '.join(again)}")
    out += [""] + list(findings_text(s)) + [""] + [x for line in corpus_text(s) for x in wrapped(line)]
    if history:
        out += [""] + list(trend_text(history))
    return "\n".join(out) + "\n"


# --- other forms -------------------------------------------------------------------------------------------------------


def ktap(s):
    """A line for each finding that stands alone; what is known is ok. Of an invalid session a test of its own fails."""
    rows = alone(s)
    out = ["KTAP version 1", f"1..{len(rows) + 1}"]
    for line in s["invalid"]:
        out.append(f"# {line}")
    out.append(f"{'not ok' if s['invalid'] else 'ok'} 1 campaign valid")
    for n, (f, others) in enumerate(rows, 2):
        out.append(f"# {f['count']} times, first seen {f['first_seen']} by {f['workers'][0]}" + (f", known: {f['known']}" if f["known"] else "")
                   + (f"; {others} may be the same" if others else ""))
        out.append(f"{'not ok' if f['new'] else 'ok'} {n} {os.path.splitext(f['file'])[0]}")
    return "\n".join(out) + "\n"


def line_of_history(s, folder):
    return {"date": s["started"], "folder": os.path.basename(folder), "session": s["session"], "exit": s["exit"],
            "executions": s["executions"], "cpu_seconds": s["cpu_seconds"], "findings": len(alone(s)),
            "new": sum(f["new"] for f, _ in alone(s)), "corpus": sum(c["after"] for c in s["corpus"].values()),
            "lines": s["coverage"]["lines"], "branches": s["coverage"]["branches"], "states": s["coverage"]["states"],
            "targets": s["targets"], "policy": s["policy"], "commit": s["commit"]}


def read_history(path):
    """Lines that are none of ours are left out."""
    out = []
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                try:
                    h = json.loads(line)
                    if isinstance(h, dict) and isinstance(h.get("executions"), int) and "date" in h:
                        out.append(h)
                except ValueError:
                    pass
    except FileNotFoundError:
        pass
    return out


def check_history(path):
    """Before hours of work: a file that a line can be added to. Raises Refused; one that is new does not stay."""
    new = not os.path.lexists(path)
    try:
        with open(path, "ab"):
            pass
    except OSError as e:
        raise ledger.Refused(f"{path}: {e.strerror}: expected a history that can be written; --history names another") from None
    if new and os.path.getsize(path) == 0:
        os.unlink(path)


def add_to_history(path, line):
    """All of the history with this line. One write at the end of the file: several campaigns may share it."""
    with open(path, "ab+") as f:
        f.seek(max(0, f.seek(0, os.SEEK_END) - 1))
        whole = f.read() in (b"", b"\n")
        f.write((("" if whole else "\n") + json.dumps(line) + "\n").encode())
    return read_history(path)


def write(place, s, history):
    """The text; it and its other forms are files in the folder, too."""
    told = text(s, history)
    files.save(place("findings", "findings.tap"), ktap(s))
    files.save_json(place("findings", "findings.json"), s["findings"])
    files.save_json(place("summary.json"), s)
    files.save(place("summary.txt"), told)
    return told


def progress(session, started, now):
    """One line on how it goes."""
    lanes = session.lanes()
    workers = session.workers()
    alive = sum(1 for x in lanes if x["now"] and not x["done"])
    executions = sum(w["executions"] for w in workers.values())
    corpus = sum(len(files.inputs(session.place.afl(t, n, "queue"))) for t in session.about["targets"]
                 for n in files.folders(session.place.afl(t)))
    corpus += sum(len(files.inputs(session.place("libfuzzer", t, n, "corpus"))) for t in session.about["targets"]
                  for n in files.folders(session.place("libfuzzer", t)))
    ended = sum(w["findings"] for w in workers.values())
    wall = max(1.0, now - started)
    return (f"{wall / 60:5.1f} min: {alive} of {session.about['jobs']} at work, {executions:,} executions, "
            f"{executions / wall:,.0f}/s, {corpus:,} inputs kept, {ended} ended an engine")
