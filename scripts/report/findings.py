# SPDX-License-Identifier: GPL-2.0-only
"""What the tables say, in sentences. Each follows from figures of the folder; none is printed where they are missing."""

from report import intervals, verdicts
from report.folder import number
from report.tables import count, ns


def with_interval(found):
    return ns(found.median) + (f" ({ns(found.lo)} to {ns(found.hi)})" if found.lo is not None else "")


def about_claims(folder, rows):
    claim, wrong, _ = verdicts.sound(folder, rows)
    judged = "any sequence of the small configuration or any stream here" if folder.check or folder.failures else "any stream here"
    yield f"{len(claim)} of {len(rows)} policies claim to be sound (L, I, S0, O and U)."
    if wrong:
        yield f"Broken although claimed: {', '.join(wrong)}."
    else:
        yield f"No policy was seen to break what it claims, by {judged}."


def about_flushes(folder):
    sound = [s for s in folder.summary if folder.is_sound(s["policy"]) and number(s.get("flushes")) is not None and number(s.get("bound_lis0"))]
    if not sound:
        return
    least = min(s["flushes"] for s in sound)
    most = max(sound, key=lambda s: s["flushes"])
    names = [s["policy"] for s in sound if s["flushes"] == least]
    best = next(s for s in sound if s["flushes"] == least)
    yield (f"Of those that claim to be sound, fewest page flushes over all workloads: {', '.join(names)}, {count(least)}, "
           f"{least / best['bound_lis0']:.2f} times the bound of L, I and S0; most: {most['policy']}, {count(most['flushes'])}, "
           f"{most['flushes'] / most['bound_lis0']:.2f} times.")


def about_times(folder):
    """No ranking: medians of one process do not carry one."""
    for phase in ("map", "unmap", "teardown"):
        found = [intervals.of_policy(folder, p, phase, True) for p in folder.policies if folder.is_sound(p)]
        found = [v.median for v in found if v]
        if found:
            yield f"Under the policies that claim to be sound a page of {phase} takes {ns(min(found))} to {ns(max(found))} ns more than without flushing."
    noise = intervals.of_policy(folder, "none", "map", True)
    if noise:
        yield f"The method's noise, none beside none: {with_interval(noise)} ns a page of map."


def about_runs(folder):
    differ = [s["policy"] for s in folder.summary if s.get("as_claimed") is False]
    if differ:
        yield f"Not as claimed on these runs: {', '.join(differ)}."
    rounds = {number(w.get("rounds")) for w in folder.workloads} - {None}
    if rounds and min(rounds) < 2:
        yield "Some workloads were timed once only: their times have no interval."


def sentences(folder, rows):
    return [*about_claims(folder, rows), *about_flushes(folder), *about_times(folder), *about_runs(folder)]
