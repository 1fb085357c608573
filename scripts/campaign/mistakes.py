# SPDX-License-Identifier: GPL-2.0-only
"""
Which findings may be one mistake. A mistake of the core shows under every policy, by several rules, in dozens of shapes: whoever mends it
wants the smallest of them. So a finding goes with a smaller one that it contains: the smaller one's ops are all in its trace, and that
shows all that the smaller one shows. This is no proof. What was a mistake of its own is there still when the smaller one is mended, and
stands alone from the first session on that finds it and not the smaller one.

Pure functions of what triage keeps of a finding: "ops_used", words of its trace's lines; "shows", the rules in its expectations.
"""

import collections
import re

CONTRACTS = ("L", "I", "S0", "S1", "E", "O", "U")  # that a policy keeps; all other rules are the core's


# Rules that any mistake may break: with the op at which it was, they are signs.
ANY = ("R1", "WARN", "DIFF")


def of_trace(text):
    """{"ops_used": [op and its options, a line each], "shows": [rules]}; names and numbers do not count."""
    lines = [words for words in (line.split("#")[0].split() for line in text.splitlines()) if words]
    ops = [words for words in lines if words[0] not in ("expect", "name", "more")]
    used = [" ".join([words[0]] + sorted(w for w in words[1:] if re.fullmatch(r"[a-z_]{2,}", w)))
            for words in lines if words[0] not in ("expect", "name")]
    shows = {sign(words[2], words[3:], ops) for words in lines if words[:2] == ["expect", "finding"] and len(words) > 2}
    return {"ops_used": sorted(used), "shows": sorted(shows)}


def sign(rule, rest, ops):
    """The rule; with the op's word, where the rule alone says next to nothing and "at N" says more."""
    if rule in ANY and rest[:1] == ["at"] and rest[1:2] and rest[1].isdigit() and 0 < int(rest[1]) <= len(ops):
        return f"{rule} {ops[int(rest[1]) - 1][0]}"
    return rule


def signs(f):
    """What it shows. A contract is one policy's; what ended a process is what was said then."""
    rule, shows = f["rule"].removeprefix("finding:"), set(f.get("shows", ()))
    if f["rule"] in CONTRACTS:
        return {(f["rule"], f["policy"]), *shows}
    if f["rule"] in ("CRASH", "HANG"):
        return {(f["rule"], f["what"]), *shows}
    return shows if any(s.split()[0] == rule for s in shows) else {rule, *shows}


def code(target):
    """What is at work there: findings of different code are different mistakes."""
    return {"ops": "core", "policy": "core", "linux": "a tree", "diff": "a tree"}.get(target, target)


def contains(f, smaller):
    """Are all of the smaller one's ops in @f, each with its options, and all that it shows?"""
    shown = signs(f)
    if not smaller.get("ops_used") or not all(s in shown or isinstance(s, str) and s.split()[0] in shown for s in signs(smaller)):
        return False
    left = collections.defaultdict(list)
    for line in f.get("ops_used") or ():
        word, *options = line.split()
        left[word].append(set(options))
    for line in sorted(smaller["ops_used"], key=len, reverse=True):
        word, *options = line.split()
        fits = sorted((x for x in left[word] if x >= set(options)), key=len)
        if not fits:
            return False
        left[word].remove(fits[0])
    return True


def alike(f, smaller):
    """May @f be the mistake that @smaller is? Not if it was told of alone before, nor if it came without the smaller one since."""
    if f.get("alone") or (f["new"], f["known"], code(f["target"])) != (smaller["new"], smaller["known"], code(smaller["target"])):
        return False
    if smaller.get("seen", 0) < f.get("seen", 0):
        return False
    return (smaller["rule"], smaller["policy"], smaller["what"]) == (f["rule"], f["policy"], f["what"]) or contains(f, smaller)


def apart(rows):
    """
    [[the smallest, others that may be the same], ...], in the order of the rows. New and known ones are never together, nor those that
    are known by different traces.
    """
    groups = []
    for f in sorted(rows, key=lambda f: (f["ops"] is None, f["ops"] or 0, len(signs(f)))):
        g = next((g for g in groups if alike(f, g[0])), None)
        if g:
            g.append(f)
        else:
            groups.append([f])
    place = {id(f): n for n, f in enumerate(rows)}
    return sorted(groups, key=lambda g: place[id(g[0])])
