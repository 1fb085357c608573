# SPDX-License-Identifier: GPL-2.0-only
"""
The table of policies and contracts, and the traces behind it. Verdicts and traces are nosnoop-check's (check.json and
check-failures.json of the folder: every sequence of a small configuration); where it was not run, the shortest traces of
corpus/regress, and what broke on the workloads.
"""

import glob
import os
import re

from report.folder import CONTRACTS, MEANS, SOUND

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REGRESS = os.path.join("corpus", "regress")


class Trace:
    """The shortest sequence that breaks a contract of a policy."""

    def __init__(self, policy, contract, requests, text, failing):
        self.policy, self.contract, self.requests, self.text, self.failing = policy, contract, requests, ops_of(text), failing
        self.anchor = f"trace-{policy}-{contract}"
        self.path = in_corpus(policy, contract, self.text)

    @property
    def command(self):
        if self.path:
            return f"build/rel/bin/nosnoop-replay --policy {self.policy} {self.path}"
        return f"build/rel/bin/nosnoop-replay --policy {self.policy} - <<'END'\n{self.text}END"


def ops_of(text):
    """Without the comments at its head."""
    return re.sub(r"\A(#[^\n]*\n)*", "", text)


def corpus_files(policy, contract):
    found = glob.glob(os.path.join(TOP, REGRESS, f"check-{policy}-{contract}.ops"))
    return found + glob.glob(os.path.join(TOP, REGRESS, f"check-{policy}-{contract}-failures.ops"))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def in_corpus(policy, contract, text):
    """Path of the file of the corpus that holds just these ops, from the top of the checkout; None without one."""
    for path in corpus_files(policy, contract):
        if ops_of(read(path)) == text:
            return os.path.relpath(path, TOP)
    return None


def from_corpus(policy, contract):
    best = None
    for path in corpus_files(policy, contract):
        text = read(path)
        said = re.search(rf"shortest for {contract}: (\d+) requests", text)
        if said and (not best or int(said[1]) < best.requests):
            best = Trace(policy, contract, int(said[1]), text, path.endswith("-failures.ops"))
    return best


def checked(check, policy, contract):
    """nosnoop-check's record, {} where there is none."""
    for r in (check or {}).get("results", []):
        if r["policy"] == policy:
            return r["contracts"].get(contract, {})
    return {}


def from_check(folder, policy, contract):
    best = None
    for check, failing in ((folder.check, False), (folder.failures, True)):
        v = checked(check, policy, contract)
        if v.get("verdict") == "broken" and "trace" in v and (not best or v["requests"] < best.requests):
            best = Trace(policy, contract, v["requests"], v["trace"], failing)
    return best


class Cell:
    """@kind: a class of the style sheet; @text: what stands in it; @trace or None; @broken_in: workloads that broke it here."""

    def __init__(self, folder, policy, contract):
        self.policy, self.contract = policy, contract
        self.claimed = contract in folder.claims(policy)
        self.broken_in = [(r["workload"], r["contracts"][contract]) for r in folder.results.get("results", [])
                          if r["policy"] == policy and isinstance(r.get("contracts", {}).get(contract), dict)]
        plain, failing = (checked(c, policy, contract) for c in (folder.check, folder.failures))
        self.trace = from_check(folder, policy, contract) if plain or failing else from_corpus(policy, contract)
        if self.broken_in or self.trace:
            self.kind = "wrong" if self.claimed else "broken"
            self.text = f"✗ {self.trace.requests}" if self.trace else "✗"
        else:
            self.kind, self.text = self.unbroken([v for v in (plain, failing) if v])
        self.title = f"{policy}, {contract}: {self.say()}"

    def unbroken(self, verdicts):
        if not verdicts:
            return ("claimed", "claimed") if self.claimed else ("silent", "·")
        if all(v.get("verdict") == "safe" for v in verdicts):
            return ("safe", "safe") if self.claimed else ("spare", "safe")
        return "bounded", f">{min(v.get('requests', 0) for v in verdicts)}"

    def say(self):
        said = {"safe": "claimed, and kept by every sequence of the small configuration",
                "spare": "not claimed, and kept by every sequence of the small configuration",
                "bounded": f"not broken by up to {self.text[1:]} requests, which proves nothing",
                "claimed": "claimed, and not broken on these runs, which proves nothing",
                "silent": "not claimed, and not seen to break"}.get(self.kind)
        if said:
            return said
        text = f"broken by {self.trace.requests} requests" if self.trace else "broken by " + self.broken_in[0][0]
        return text + (", though claimed" if self.claimed else ", not claimed")


def table(folder):
    """[(policy, [Cell])] in the order of the report."""
    return [(p, [Cell(folder, p, c) for c in CONTRACTS]) for p in folder.policies]


def source(folder):
    """Where the verdicts are from, in words."""
    if folder.check or folder.failures:
        space = (folder.check or folder.failures).get("space", {})
        size = ", ".join(f"{space[k]} {k if space[k] != 1 else singular(k)}" for k in ("objects", "pages", "areas", "tables", "domains", "accesses") if k in space)
        both = "without failing requests and with requests failing wherever they can" if folder.check and folder.failures \
            else "without failing requests" if folder.check else "with requests failing wherever they can"
        return f"by nosnoop-check, which executed every sequence of a small configuration ({size}) on the real core, {both}"
    return "by the streams of this folder alone, with the shortest traces of corpus/regress behind them; nosnoop-check was not run for this folder"


def singular(word):
    return {"accesses": "access"}.get(word, word[:-1])


def meaning(contract):
    return MEANS[contract]


def sound(folder, cells):
    """Names of policies that claim to be sound, and of those of which a claim was broken."""
    claim = [p for p, _ in cells if folder.is_sound(p)]
    wrong = [p for p, row in cells if any(c.kind == "wrong" for c in row)]
    return claim, wrong, SOUND
