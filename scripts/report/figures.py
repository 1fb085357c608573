# SPDX-License-Identifier: GPL-2.0-only
"""The figures of the page. Each is None where there is nothing to show; the page has a sentence for that."""

from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from report import intervals
from report.folder import NA, number
from report.svg import FAINT, INK, MARKERS, SERIES, SIGNS, embed, figure

LIMIT_DASHES = [(4, 2), (1, 1.5), (6, 1.5, 1, 1.5), (2, 1)]
LIMIT_SIGNS = ["╌╌", "┈┈", "─·─", "- -"]  # the same in a line of text
MOST_SERIES = len(SERIES)
# Which policies stand out where there are more than colours: the base line, the ends, and what was discussed.
TOLD = ("none", "eager", "v1_posted", "sticky", "storage_skip", "exact", "counter_table", "eager_merged")


def short(n, _=None):
    """Axis labels: 1.2M, 400k."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(n) >= unit:
            return f"{n / unit:g}{name}"
    return f"{n:g}"


def size(n, _=None):
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if n >= unit:
            return f"{n / unit:g} {name}"
    return f"{n:g} B"


# --- flushes beside the bound ------------------------------------------------------------------


def flushes(records, name):
    """Bars of flushes, a tick on each at the bound of what the policy claims, a line at the bound of L, I and S0."""
    rows = [(r["policy"], number(r.get("flushes")), number(r.get("bound"))) for r in records]
    rows = [r for r in rows if r[1] is not None]
    if not rows or not any(f for _, f, _ in rows):
        return None
    fig, axes = figure(6.0, 0.75 + 0.165 * len(rows))
    ax = axes[0][0]
    y = range(len(rows))
    ax.barh(y, [f for _, f, _ in rows], height=0.62, color=SERIES[0])
    bounded = [(i, b) for i, (_, _, b) in enumerate(rows) if b is not None]
    ax.plot([b for _, b in bounded], [i for i, _ in bounded], linestyle="", marker="|", markersize=8, markeredgewidth=2, color=SERIES[1])
    entries = [("page flushes", SERIES[0], "▬"), ("bound of what is claimed", SERIES[1], "|")]
    lis0 = {number(r.get("bound_lis0")) for r in records} - {None}
    if len(lis0) == 1:
        ax.axvline(lis0.copy().pop(), color=INK, linewidth=0.9, dashes=(4, 2))
        entries.append(("bound of L, I and S0", INK, "╌╌"))
    ax.set_yticks(list(y), [p for p, _, _ in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0)
    ax.grid(axis="y", visible=False)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.set_major_formatter(FuncFormatter(short))
    return embed(fig, name, f"page flushes of each policy beside the lower bound: {name}", entries)


# --- times -------------------------------------------------------------------------------------


def added(folder, phases=("map", "unmap", "teardown")):
    """What each policy adds to a page of none's, with intervals: a panel a phase."""
    rows = {p: [intervals.of_policy(folder, policy, p, True) for policy in folder.policies] for p in phases}
    phases = [p for p in phases if any(rows[p])]
    if not phases:
        return None
    fig, axes = figure(8.4, 0.7 + 0.165 * len(folder.policies), 1, len(phases), sharey=True)
    for k, phase in enumerate(phases):
        ax = axes[0][k]
        for i, found in enumerate(rows[phase]):
            if not found:
                continue
            if found.lo is not None:
                ax.plot([found.lo, found.hi], [i, i], color=SERIES[k], linewidth=2.2, alpha=0.55)
            ax.plot([found.median], [i], linestyle="", marker=MARKERS[k], color=SERIES[k], markersize=4)
        ax.set_title(phase)
        ax.axvline(0, color=FAINT, linewidth=0.8)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.tick_params(axis="y", length=0)
    axes[0][0].set_yticks(range(len(folder.policies)), folder.policies)
    axes[0][0].set_ylim(len(folder.policies) - 0.4, -0.6)
    fig.supxlabel("ns per 4 KiB page more than policy none", fontsize=9)
    return embed(fig, "added", "ns a page that each policy adds over none, medians and intervals")


# --- sweeps ------------------------------------------------------------------------------------


def is_wide(values):
    positive = [v for v in values if v > 0]
    return len(positive) == len(values) and max(positive) / min(positive) >= 20


def styles(names):
    """Colour and marker of each name: the told ones first where there are too many, the rest in one faint line."""
    told = names if len(names) <= MOST_SERIES else [n for n in TOLD if n in names]
    return {n: (SERIES[told.index(n)], MARKERS[told.index(n)]) if n in told else (FAINT, "") for n in names}


def median_of(value):
    """{median, lo, hi}, a number, or nothing."""
    if isinstance(value, dict):
        return number(value.get("median")), number(value.get("lo")), number(value.get("hi"))
    return number(value), None, None


def line(ax, points, colour, marker):
    """@points: [(x, (median, lo, hi))]"""
    points = sorted((x, v) for x, v in points if v[0] is not None)
    if not points:
        return
    x = [p[0] for p in points]
    ax.plot(x, [p[1][0] for p in points], color=colour, marker=marker, linewidth=1.4 if marker else 0.8, zorder=3 if marker else 2)
    if all(p[1][1] is not None and p[1][2] is not None for p in points):
        ax.fill_between(x, [p[1][1] for p in points], [p[1][2] for p in points], color=colour, alpha=0.16, linewidth=0)


def key_of(look, rest="other policies"):
    """Entries of the key for styles()."""
    told = [(name, colour, SIGNS[marker]) for name, (colour, marker) in look.items() if marker]
    return told + ([(rest, FAINT, "─")] if len(told) < len(look) else [])


def sweep(records, name):
    """One sweep: flushes with their bound, and ns a page, by the parameter."""
    points = [r for r in records if number(r.get("value")) is not None]
    policies = list(dict.fromkeys(str(r.get("policy", NA)) for r in points))
    if not points:
        return None
    look = styles(policies)
    entries = key_of(look)
    fig, axes = figure(8.4, 3.0, 1, 2)
    for policy in policies:
        own = [r for r in points if str(r.get("policy", NA)) == policy]
        colour, marker = look[policy]
        line(axes[0][0], [(r["value"], (number(r.get("flushes")), None, None)) for r in own], colour, marker)
        line(axes[0][1], [(r["value"], median_of(r.get("ns_page"))) for r in own], colour, marker)
    bound = {r["value"]: number(r.get("bound")) for r in points if number(r.get("bound"))}
    if bound and len({(r["value"], r.get("bound")) for r in points if number(r.get("bound"))}) == len(bound):
        axes[0][0].plot(sorted(bound), [bound[x] for x in sorted(bound)], color=INK, linewidth=1, dashes=(4, 2), zorder=4)
        entries.append(("lower bound", INK, "╌╌"))
    axes[0][0].set_title("page flushes")
    axes[0][1].set_title("ns per 4 KiB page")
    values = [r["value"] for r in points]
    for ax in axes[0]:
        if is_wide(values):
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter(FuncFormatter(short))
        ax.set_xlabel(str(points[0].get("parameter", "")))
        ax.set_ylim(0)
        ax.yaxis.set_major_formatter(FuncFormatter(short))
    return embed(fig, name, f"flushes and time by {points[0].get('parameter')}", entries)


# --- clean primitives --------------------------------------------------------------------------


def primitives(clean, limits, key="complete_ns_line"):
    """Curves by size, a panel a state, beside the limits. Of a size the rows with the fewest fences."""
    points = [r for r in clean if number(r.get("size")) and "primitive" in r and median_of(r.get(key))[0] is not None]
    if not points:
        return None
    states = list(dict.fromkeys(str(r.get("state", NA)) for r in points))
    names = list(dict.fromkeys(str(r.get("name", NA)) for r in limits if limit_ns(r) is not None))
    look = styles(list(dict.fromkeys(str(r["primitive"]) for r in points)))
    columns = min(2, len(states))
    rows = -(-len(states) // columns)
    fig, axes = figure(8.4, 0.6 + 2.6 * rows, rows, columns, sharey=True)
    for i, state in enumerate(states):
        ax = axes[i // columns][i % columns]
        own = [r for r in points if str(r.get("state", NA)) == state]
        widest = {n: max(number(r.get("fence_bytes")) or 0 for r in own if r["size"] == n) for n in {r["size"] for r in own}}
        for name, (colour, marker) in look.items():
            line(ax, [(r["size"], median_of(r[key])) for r in own if str(r["primitive"]) == name and (number(r.get("fence_bytes")) or 0) == widest[r["size"]]],
                 colour, marker)
        for k, name in enumerate(names):
            line_of = sorted((r["size"], limit_ns(r)) for r in limits if str(r.get("name", NA)) == name and r.get("state", state) == state
                             and number(r.get("size")) and limit_ns(r) is not None)
            if line_of:
                ax.plot(*zip(*line_of), color=INK, linewidth=1, dashes=LIMIT_DASHES[k % len(LIMIT_DASHES)])
        by_size(ax)
        ax.set_title(f"lines {state}")
        ax.set_ylim(0)
    for i in range(len(states), rows * columns):
        axes[i // columns][i % columns].set_visible(False)
    fig.supylabel("ns per 64-byte line", fontsize=9)
    entries = key_of(look, "other primitives") + [(f"limit: {n}", INK, LIMIT_SIGNS[k % len(LIMIT_SIGNS)]) for k, n in enumerate(names)]
    return embed(fig, "primitives", "ns a line of each clean primitive by size, beside the limits", entries)


def limit_ns(record):
    """Of a limit: ns a line, under whichever name the record has it."""
    for key in ("complete_ns_line", "ns_line"):
        if key in record:
            return median_of(record[key])[0]
    return None


def by_size(ax):
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter(FuncFormatter(size))
    ax.xaxis.set_major_locator(LogLocator(base=16, numticks=7))
    ax.xaxis.set_minor_locator(NullLocator())


def fences(clean):
    """Fence distance at the largest size that has several: dirty lines."""
    points = [r for r in clean if number(r.get("fence_bytes")) and number(r.get("size")) and r.get("state") == "dirty"
              and median_of(r.get("complete_ns_line"))[0] is not None]
    several = [s for s in {r["size"] for r in points} if len({r["fence_bytes"] for r in points if r["size"] == s}) > 1]
    if not several:
        return None
    largest = max(several)
    own = [r for r in points if r["size"] == largest]
    look = styles(list(dict.fromkeys(str(r["primitive"]) for r in own)))
    fig, axes = figure(6.0, 3.0)
    ax = axes[0][0]
    for name, (colour, marker) in look.items():
        line(ax, [(r["fence_bytes"], median_of(r["complete_ns_line"])) for r in own if str(r["primitive"]) == name], colour, marker)
    by_size(ax)
    ax.set_xlabel(f"bytes cleaned between two fences ({size(largest)} of dirty lines)")
    ax.set_ylabel("ns per 64-byte line")
    ax.set_ylim(0)
    return embed(fig, "fences", "ns a line by how many bytes are cleaned between two fences", key_of(look, "other primitives"))
