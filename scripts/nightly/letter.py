# SPDX-License-Identifier: GPL-2.0-only
"""The mail of a night: text of at most 75 columns, the verdict in its subject."""

import datetime
import textwrap

COLUMNS = 75
SUBJECT = COLUMNS - len("Subject: ")
TREND = 7  # nights
SHORT = 24  # lines of a trace that stands in the mail
SHOWN = 6  # findings that are told with all they have
STEP_WORDS = {"ok": "ok", "found": "FOUND", "worse": "WORSE", "skipped": "skipped", "invalid": "INVALID"}


def wrapped(text, lead="", rest=None):
    return textwrap.wrap(text, COLUMNS, initial_indent=lead, subsequent_indent=" " * len(lead) if rest is None else rest,
                         break_on_hyphens=False) or [lead.rstrip()]


def number(n, what):
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def grouped(n):
    return "n/a" if n is None else f"{n:,}" if isinstance(n, int) else f"{n:,.2f}" if n >= 1 else f"{n:.2g}"


def duration(seconds):
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min {seconds % 60} s" if seconds < 3600 else f"{seconds // 3600} h {seconds % 3600 // 60} min"


def is_ascii(text):
    """Mail without a word about its character set."""
    return text.encode("ascii", "backslashreplace").decode()


# --- the verdict -------------------------------------------------------------------------------------------------------


def of(night, status):
    return [s["step"] for s in night["steps"] if s["status"] == status]


def judge(night):
    """(verdict, exit status): what was found outweighs what could not run, and both are said."""
    if of(night, "found") or of(night, "worse") or night["findings"]:
        return "found", 1
    return ("invalid", 2) if of(night, "invalid") else ("nothing", 0)


def new_ones(night):
    """A regression is told as one."""
    return [f for f in night["findings"] if not f["since"] and f["step"] != "gate"]


def sentence(night):
    new = new_ones(night)
    old = [f for f in night["findings"] if f["since"]]
    parts = [number(len(new), "new finding")] if new else []
    parts += ["worse than the last night"] if of(night, "worse") else []
    parts += [f"{number(len(old), 'finding')} as before"] if old else []
    if not parts and of(night, "found"):
        parts.append(f"{of(night, 'found')[0]} found something")
    if of(night, "invalid"):
        parts.append("invalid: " + ", ".join(of(night, "invalid")))
    return "; ".join(parts) if parts else "nothing new"


def subject(night):
    commit = (night["commit"] or "n/a")[:7] + ("+" if night["changed"] else "")
    text = is_ascii(f"nosnoop nightly {night['night']} {commit}: {sentence(night)}")
    return text if len(text) <= SUBJECT else text[:SUBJECT - 3] + "..."


# --- the parts ---------------------------------------------------------------------------------------------------------


def head(night):
    lines = wrapped(sentence(night)[:1].upper() + sentence(night)[1:] + ".") + [""]
    if night["commit"]:
        lines += wrapped(f"commit {night['commit'][:12]} {night['about'] or ''}".rstrip(), "", "  ")
    lines += wrapped("the checkout has changes that no commit holds") if night["changed"] else []
    lines += wrapped(f"began {night['began']}, took {duration(night['seconds'])}, {number(night['options']['jobs'], 'job')}")
    for note in night["notes"]:
        lines += wrapped(note, "note: ", "  ")
    return lines


def step_lines(night):
    lines = ["step      result    time"]
    for s in night["steps"]:
        lead = f"{s['step']:<9} {STEP_WORDS[s['status']]:<8} {duration(s['seconds']):>13}  "
        lines += wrapped(s["words"], lead, " " * 20)
    return lines


def is_short(text):
    lines = body(text)
    return 0 < len(lines) <= SHORT and all(len(line) <= COLUMNS - 4 for line in lines)


def body(text):
    """Without comments: who reads the mail wants the ops."""
    return [x.rstrip() for x in is_ascii(text or "").splitlines() if x.strip() and not x.startswith("#")]


def command_lines(command, lead):
    """A command that is too long goes on behind a backslash."""
    lines = textwrap.wrap(command, COLUMNS - 2, initial_indent=lead, subsequent_indent=" " * (len(lead) + 4), break_on_hyphens=False,
                          break_long_words=False)
    return [line + " \\" for line in lines[:-1]] + lines[-1:]


def finding_lines(f, nr):
    since = f", since {f['since']}" if f["since"] else ""
    lines = wrapped(f"{f['what']} ({f['step']}{since})", f"{nr}. ")
    if f["replay"]:
        lines += command_lines(f["replay"].replace("FILE", f["file"] or f["from"] or "FILE"), "   $ ")
    if is_short(f["text"]):
        lines += ["    " + x for x in body(f["text"])]
    elif f["text"]:
        lines += wrapped(f"{len(body(f['text']))} lines: {f['file']}", "   ")
    return lines


def findings(night):
    if not night["findings"]:
        return []
    # New ones first; the numbers are those of the files.
    order = sorted(enumerate(night["findings"], 1), key=lambda x: bool(x[1]["since"]))
    lines = ["Findings"]
    for nr, f in order[:SHOWN]:
        lines += finding_lines(f, nr) + [""]
    for nr, f in order[SHOWN:]:
        lines += wrapped(f"{f['what']} ({f['step']})", f"{nr}. ")
    return lines + ([""] if len(order) > SHOWN else [])


TRIED = (("replay", "verdicts", "verdicts on the corpus"), ("replay", "inputs", "inputs of fuzz targets, each twice and backwards"),
         ("check", "policies", "policies in every sequence of the small configuration"), ("check", "states", "states of it"),
         ("check", "transitions", "requests executed there"), ("museum", "executions", "programs in search of known mistakes"),
         ("gate", "workloads", "workloads against the last night"), ("campaign", "executions", "executions of the campaign"),
         ("campaign", "cpu_hours", "CPU hours of it"), ("campaign", "states", "states of the model reached"),
         ("campaign", "lines", "% of the lines of core/ covered"), ("campaign", "branches", "% of its branches"),
         ("campaign", "corpus", "programs kept"))


def tried(night):
    figures = {s["step"]: s["figures"] for s in night["steps"]}
    rows = [(grouped(figures[s][k]), words) for s, k, words in TRIED if figures.get(s, {}).get(k) is not None]
    verdict = judge(night)[0]
    title = {"nothing": "Nothing, and this much was tried", "invalid": "No finding, but not all was tried"}.get(verdict, "This much was tried")
    missing = [s["step"] for s in night["steps"] if s["status"] in ("invalid", "skipped") and s["step"] != "build"]
    lines = [title] + [f"{n:>14}  {words}" for n, words in rows]
    return lines + wrapped("not run: " + ", ".join(missing), "  ") if missing else lines


def trend(records):
    """Tonight last."""
    lines = ["Trend", f"{'night':<13} {'commit':<7} {'verdict':<8} {'new':>4} {'executions':>14} {'CPU hours':>9} {'states':>8}"]
    for r in records:
        c = next((s["figures"] for s in r["steps"] if s["step"] == "campaign"), {})
        lines.append(f"{r['night']:<13} {(r['commit'] or 'n/a')[:7]:<7} {r['verdict']:<8} {len(new_ones(r)):>4} {grouped(c.get('executions')):>14} "
                     f"{grouped(c.get('cpu_hours')):>9} {grouped(c.get('states')):>8}")
    return lines


def reproduce(night):
    lines = wrapped("Commands on a file of findings/ are meant in the night's folder, others in the checkout; with the programs of this "
                    "commit (build/rel/bin, build/museum/bin) on PATH.") if night["findings"] else []
    o = night["options"]
    lines += wrapped("The night again" + (", with the museum's next part:" if "museum" in o["steps"] else ":"))
    lines += command_lines(f"scripts/nightly.sh --date {night['date']} --hours {o['hours']:g} --jobs {o['jobs']} --steps {','.join(o['steps'])}", "   $ ")
    # A name cannot be wrapped: of all lines this one may be longer.
    return lines + ["folder: " + night["folder"]]


def mail(night, before):
    """@before: night.json of the nights before, the oldest first."""
    parts = [["Subject: " + subject(night)], head(night), step_lines(night), findings(night)[:-1], tried(night), trend((before + [night])[-TREND:]),
             reproduce(night)]
    return is_ascii("\n\n".join("\n".join(p) for p in parts if p)) + "\n"


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M %Z")
