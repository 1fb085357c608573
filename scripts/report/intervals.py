# SPDX-License-Identifier: GPL-2.0-only
"""
Intervals of medians by bootstrap: the rounds are drawn again with replacement, and the middle 95 % of the medians of such draws are
the interval. Rounds of one process share its memory and its hour; the interval says how far they spread and nothing
about the next process. Draws are seeded: a folder always gives the same page.
"""

import functools
import zlib

import numpy as np

from report.folder import PHASES, number

DRAWS = 2000
SHARE = 95  # per cent


class Interval:
    """@lo and @hi are None where there was one round: a value, and no idea of its spread."""

    def __init__(self, median, lo=None, hi=None):
        self.median, self.lo, self.hi = median, lo, hi

    def overlaps(self, other):
        """None: one of them has no ends."""
        if self.lo is None or other.lo is None:
            return None
        return self.lo <= other.hi and other.lo <= self.hi


@functools.lru_cache(maxsize=None)
def draws(rounds, seed):
    return np.random.default_rng(seed).integers(0, rounds, (DRAWS, rounds))


def medians(values, name):
    """Medians of the draws. @name: workloads are drawn independently of each other, phases and policies of one alike."""
    v = np.asarray(values, dtype=float)
    return np.median(v[draws(len(v), zlib.crc32(name.encode()))], axis=1)


def ends(sample):
    lo, hi = np.percentile(sample, [(100 - SHARE) / 2, (100 + SHARE) / 2])
    return float(lo), float(hi)


def of_rounds(values, name, scale=1.0):
    """Interval of the median of @values, each times @scale; None without values."""
    if not values:
        return None
    median = float(np.median(values)) * scale
    if len(values) < 2:
        return Interval(median)
    lo, hi = ends(medians(values, name) * scale)
    return Interval(median, lo, hi)


def rounds_of(record, phase, over_none=False):
    """ns of a phase, round by round; @over_none: differences to the run of none beside it. Empty: not written down."""
    p = record.get(phase, {})
    ns, none = p.get("rounds_ns", []), p.get("rounds_none_ns", [])
    return [a - b for a, b in zip(ns, none)] if over_none else ns


def of_phase(record, phase, over_none=False):
    """Interval of ns a page; None where the phase has no pages or was not timed."""
    p = record.get(phase, {})
    pages = number(p.get("pages"))
    if not pages:
        return None
    values = rounds_of(record, phase, over_none)
    if values:
        return of_rounds(values, record["workload"], 1.0 / pages)
    spread = p.get("delta_interval" if over_none else "ns_page_interval")
    if isinstance(spread, dict) and number(spread.get("median")) is not None:
        return Interval(spread["median"], number(spread.get("lo")), number(spread.get("hi")))
    median = number(p.get("delta_ns_page" if over_none else "ns_page"))
    return None if median is None else Interval(median)


def of_sum(parts):
    """@parts: [(values, name)] of several workloads. Interval of the sum of their medians, each drawn for itself."""
    median = sum(float(np.median(values)) for values, _ in parts)
    if any(len(values) < 2 for values, _ in parts):
        return Interval(median)
    lo, hi = ends(sum(medians(values, name) for values, name in parts))
    return Interval(median, lo, hi)


def of_policy(folder, policy, phase, over_none=False, workloads=None):
    """ns a page over all workloads, or those named: sum of medians over sum of pages, as the summary has it. None: nothing timed."""
    parts, total, pages = [], 0.0, 0
    for r in folder.results.get("results", []):
        if r["policy"] != policy or workloads is not None and r["workload"] not in workloads:
            continue
        found = of_phase(r, phase, over_none)
        if found:
            parts.append((rounds_of(r, phase, over_none), r["workload"]))
            total += found.median * r[phase]["pages"]
            pages += r[phase]["pages"]
    if not pages:
        return None
    if not all(values for values, _ in parts):
        return Interval(total / pages)
    found = of_sum(parts)
    return Interval(found.median / pages, *(None if x is None else x / pages for x in (found.lo, found.hi)))


def total_over_none(record):
    """ns of all phases of a run together, more than none's beside it."""
    rounds = [rounds_of(record, p, True) for p in PHASES if p in record]
    if not rounds or len({len(r) for r in rounds}) != 1:
        return None
    return of_rounds([sum(x) for x in zip(*rounds)], record["workload"])

