# SPDX-License-Identifier: GPL-2.0-only
"""
Which findings may be one mistake. A mistake of the core shows under every policy, by several rules, in dozens of shapes: whoever mends it
wants the smallest of them. So a finding goes with a smaller one that it contains: the smaller one's ops are all in its trace, and that
shows all that the smaller one shows. This is no proof. What was a mistake of its own is there still, and first, when the smaller one is mended.

Pure functions of what triage keeps of a finding: "ops_used", words of its trace's lines; "shows", the rules in its expectations.
"""

import collections
import re

CONTRACTS = ("L", "I", "S0", "S1", "E", "O", "U")  # that a policy keeps; all other rules are the core's


def of_trace(text):
    """{"ops_used": [op and its options, a line each], "shows": [rules]}; names and numbers do not count."""
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    used = [" ".join([words[0]] + sorted(w for w in words[1:] if re.fullmatch(r"[a-z_]{2,}", w)))
            for words in lines if words and words[0] not in ("expect", "name")]
    shows = {words[2] for words in lines if words[:2] == ["expect", "finding"] and len(words) > 2}
    return {"ops_used": sorted(used), "shows": sorted(shows)}


def signs(f):
    """What it shows; a contract is one policy's."""
    own = (f["rule"], f["policy"]) if f["rule"] in CONTRACTS else f["rule"].removeprefix("finding:")
    return {own, *f.get("shows", ())}


def contains(f, smaller):
    """Are all of the smaller one's ops in @f, each with its options, and all that it shows?"""
    if not smaller.get("ops_used") or not signs(smaller) <= signs(f):
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


def apart(rows):
    """
    [[the smallest, others that may be the same], ...], in the order of the rows. New and known ones are never together, nor those that
    are known by different traces.
    """
    groups = []
    for f in sorted(rows, key=lambda f: (f["ops"] is None, f["ops"] or 0, len(signs(f)))):
        for g in groups:
            if (g[0]["new"], g[0]["known"]) == (f["new"], f["known"]) and (
                    (g[0]["rule"], g[0]["policy"], g[0]["what"]) == (f["rule"], f["policy"], f["what"]) or contains(f, g[0])):
                g.append(f)
                break
        else:
            groups.append([f])
    place = {id(f): n for n, f in enumerate(rows)}
    return sorted(groups, key=lambda g: place[id(g[0])])
