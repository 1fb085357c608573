# SPDX-License-Identifier: GPL-2.0-only
"""The printed forms of scripts/kernel_check.py's result: a mail of at most 75 columns, KTAP."""

import textwrap

COLUMNS = 75
TOLD = ("L", "I", "S0", "O", "U")  # S1 and E ask for more than soundness: they are in the JSON
MEANS = {"L": "leak", "I": "integrity", "S0": "visibility", "O": "order", "U": "unpinned while mapped"}
FINDINGS = 3  # traces of findings in a mail


def wrapped(text, lead="", rest=None):
    return textwrap.wrap(text, COLUMNS, initial_indent=lead, subsequent_indent=rest if rest is not None else " " * len(lead),
                         break_on_hyphens=False) or [lead.rstrip()]


def short(name):
    return name if len(name) <= 40 else name[:37] + "..."


def number(n, what):
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def listed(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


# --- the verdict -------------------------------------------------------------------------------------------------------


def told(result):
    return [c for c in TOLD + ("S1", "E") if c in TOLD or result["contracts"][c]["claimed"]]


def broken(result, claimed=False):
    """@claimed: of those that are claimed only."""
    return [c for c in told(result) if result["contracts"][c]["verdict"] == "broken" and (result["contracts"][c]["claimed"] or not claimed)]


def rule_words(result):
    claimed = broken(result, True)
    if claimed:
        return f"{listed(claimed)} broken"
    if result["tree"]["flushes"]:
        return "every contract that is claimed is kept"
    others = [c for c in broken(result) if c in ("L", "I", "S0")]
    return "it does not flush" + (f": {listed(others)} are broken, as without a rule they must be" if others else "")


def verdict(result):
    core = (number(len(result["findings"]), "new finding") if result["findings"] else "nothing new") + " in the page core"
    parts = [rule_words(result), core]
    # What makes it bad goes first.
    if not broken(result, True) and result["findings"]:
        parts.reverse()
    # A tree without a rule is not called good: it was not asked for one.
    good = "GOOD: " if result["tree"]["flushes"] or broken(result, True) else "NO RULE: "
    return ("BAD: " if result["verdict"] == "bad" else good) + "; ".join(parts)


def strength(check):
    """What nosnoop-check came to, without failing requests and with."""
    plain, failing = check.get("none"), check.get("failures")
    if plain is None or failing is None:
        return ""
    if plain["verdict"] == "safe" and failing["verdict"] == "safe":
        return "for every sequence of the small configuration"
    if plain["verdict"] == "safe":
        return f"for every sequence of the small configuration; where requests also fail, for up to {failing['requests']} of them"
    return f"for up to {min(plain['requests'], failing['requests'])} requests of the small configuration"


def contract_words(v, result):
    if v["verdict"] == "broken":
        on = " (on the mended copy)" if v["on"] == "mended" and result["tree"]["flushes"] else ""
        claim = "" if v["claimed"] else ", not claimed"
        base = {"kept": "; the base keeps it", "broken": "; by the base too"}.get(v["base"], "")
        return f"BROKEN in {number(v['ops'], 'op')}{on}{claim}{base}"
    if v["verdict"] == "known":
        by = ", ".join(v["known"]) or "known deviations of Linux"
        return f"kept, but for {by} (in {number(v['ops'], 'op')})"
    # What ended before it could be looked at keeps nothing.
    ended = any(r["end"] in ("CRASH", "HANG") for r in result["tree"]["check"].values())
    return "not judged: the code crashes or hangs" if ended else "kept"


def contract_lines(result):
    lines, kept = [], {}
    for c in told(result):
        v = result["contracts"][c]
        lines += wrapped(contract_words(v, result), f"{c:<3}")
        if v["verdict"] != "broken":
            kept.setdefault(strength(v["check"]), []).append(c)
    for words, names in kept.items():
        if words:
            lines += wrapped(("kept: " if len(kept) == 1 else f"{listed(names)} kept: ") + words)
    return lines


# --- the page core -----------------------------------------------------------------------------------------------------


def core_lines(result):
    skipped = sum(f["skipped"] for f in result["corpus"])
    lines = wrapped(f"Page core: {number(result['traces'], 'trace')}, {number(result['programs'], 'program')}: " +
                    number(len(result["findings"]), "new finding") +
                    (f"; {number(skipped, 'trace')} could not be judged" if skipped else ""))
    known = {n: k for n, k in result["known"].items() if k["shows"] or k["corpus"] or k["fuzz"]}
    if known:
        lines += wrapped("known deviations, and how often they were met: " +
                         ", ".join(f"{n} {k['shows'] + k['corpus'] + k['fuzz']}" for n, k in sorted(known.items())), "  ")
    absent = sorted(n for n in result["known"] if n not in known)
    if absent:
        lines += wrapped("known deviations that this tree does not show: " + ", ".join(absent), "  ")
    if not result["tree"]["fuzz"]:
        lines += wrapped("not fuzzed: bad enough already for --bisect", "  ")
    elif result["mended"]:
        if result["consequences"]:
            lines += wrapped(f"{number(result['consequences'], 'further deviation')} gone on the copy: consequences of these", "  ")
        lines += wrapped("fuzzed as it is and, so that nothing is masked, on a copy with trial fixes: " + ", ".join(result["mended"]["fixes"]), "  ")
    else:
        lines += wrapped(f"fuzzed as it is only: {result['not_mended']}", "  ")
    if result["unfit"]:
        lines += wrapped("trial fixes that do not fit this tree: " + ", ".join(result["unfit"]) +
                         "; what they would mend may mask something else", "  ")
    if result["as_base"]:
        lines += wrapped(f"{number(result['as_base'], 'deviation')} as in the base", "  ")
    if any(t and t["fuzz"] and t["fuzz"]["diff"] for t in (result["tree"], result["mended"])):
        lines += wrapped("compared with nosnoop's own core after every op of every program", "  ")
    return lines


# --- tables and traces -------------------------------------------------------------------------------------------------


def flush_lines(result):
    base = result["base"] is not None
    lines = ["page flushes    tree" + ("    base" if base else "") + "   bound of L, I, S0"]
    for r in result["flushes"]:
        lines.append(f"{r['trace']:<12}{r['flushes']:>8}" + (f"{r['base']:>8}" if base else "") + f"{r['bound']:>8}")
    return lines


def body(text):
    """Without the header: who reads the mail wants the ops."""
    return [x for x in (text or "").splitlines() if x.strip() and not x.startswith("#")]


def trace_lines(result):
    lines, shown = [], broken(result, True)
    if not shown and not result["findings"]:
        shown = broken(result)  # of a tree that does not flush
    if shown:
        c = shown[0]
        v = result["contracts"][c]
        lines += [""] + wrapped(f"Shortest trace that breaks {c} ({MEANS.get(c, c)}), {v['trace']}:") + body(v["text"])
        rest = [result["contracts"][x]["trace"] for x in broken(result) if x != c]
        lines += wrapped("Others: " + ", ".join(rest)) if rest else []
    for f in result["findings"][:FINDINGS]:
        where = {"mended": ", on the mended copy", "tree": ""}.get(f["on"], "")
        lines += [""] + wrapped(f"New: {f['signature']} ({f['from'] or f['source']}{where}), {f['trace']}:") + body(f["text"])[:40]
    if len(result["findings"]) > FINDINGS:
        lines += ["", f"and {len(result['findings']) - FINDINGS} more in traces/"]
    return lines


def base_lines(result):
    against = result["against_base"]
    if not against:
        return []
    parts = [f"{listed(against['broken'])} newly broken"] if against["broken"] else ["no contract newly broken"]
    if against["kept"]:
        parts.append(f"{listed(against['kept'])} kept now")
    parts.append(number(against["findings"], "new finding"))
    changed = sum(against["flushes"].values())
    parts.append(f"{changed:+d} page flushes over these traces" if against["flushes"] else "as many page flushes")
    name = f"{short(result['base']['name'])} ({result['base']['sha256'][:16]})"
    return wrapped(f"Against {name}: " + ", ".join(parts))


def mail(result):
    tree = result["tree"]
    lines = wrapped(f"{short(tree['name'])}, iommufd {tree['sha256'][:16]}, {'flushes' if tree['flushes'] else 'never flushes'}")
    commit = result["commit"][:12] + (" (changed)" if "changed" in result["commit"] else "")
    lines += wrapped(f"nosnoop {commit}, {result['seconds']:.0f} s, {number(result['traces'], 'trace')}, " +
                     number(result["programs"], "program"))
    lines += wrapped(verdict(result)) + [""] + contract_lines(result) + [""] + core_lines(result)
    if tree["lacks"]:
        lines += wrapped("this tree lacks: " + "; ".join(tree["lacks"]), "  ")
    lines += [""] + flush_lines(result)
    if result["base"]:
        lines += [""] + base_lines(result)
    return "\n".join(lines + trace_lines(result)) + "\n"


# --- KTAP --------------------------------------------------------------------------------------------------------------


def tests(result):
    """(ok, name, directive, diagnostics)"""
    for c in told(result):
        v = result["contracts"][c]
        words = contract_words(v, result)
        if v["verdict"] == "broken" and not v["claimed"]:
            yield True, f"contract {c}", "SKIP " + words, []
        else:
            more = body(v["text"]) if v["verdict"] == "broken" else [strength(v["check"])]
            yield v["verdict"] != "broken", f"contract {c}", "", [words] + more
    for f in result["corpus"]:
        yield not f["new"], f["folder"], "", [f"{number(f['traces'], 'trace')}, {f['known']} with a known deviation, {f['new']} with a new one"]
    for name, t in (("tree", result["tree"]), ("mended copy", result["mended"])):
        if not t:
            yield True, f"stage check, fuzz on the {name}", f"SKIP {result['not_mended']}", []
            continue
        on = "mended" if t is result["mended"] else "tree"
        for stage in ("check", "fuzz"):
            mine = [f for f in result["findings"] if f["on"] == on and f["source"].startswith(stage)]
            if stage == "fuzz" and not t["fuzz"]:
                yield True, f"stage fuzz on the {name}", "SKIP not reached", []
                continue
            done = (f"{t['fuzz']['programs']} programs" if stage == "fuzz" else
                    ", ".join(f"{c['states']} states" for c in t["check"].values()))
            yield not mine, f"stage {stage} on the {name}", "", [done] + [f"{f['signature']}: {f['trace']}" for f in mine]


def ktap(result):
    rows = list(tests(result))
    lines = ["KTAP version 1", f"1..{len(rows)}"]
    for i, (ok, name, directive, remarks) in enumerate(rows, 1):
        lines += [f"# {x}" for text in remarks for x in (wrapped(text) if len(text) > COLUMNS - 2 else [text])]
        lines.append(f"{'ok' if ok else 'not ok'} {i} {name}" + (f" # {directive}" if directive else ""))
    return "\n".join(lines) + "\n"
