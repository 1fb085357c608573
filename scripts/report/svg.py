# SPDX-License-Identifier: GPL-2.0-only
"""
matplotlib's SVG as a part of a page: text stays text in the page's font, colours become the page's variables (light and dark), every
id is unique in the page, and nothing is said that the page does not need.
"""

import html
import io
import re

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402  (the backend is chosen first)

# Stand-ins that no figure uses otherwise; the style sheet holds what they become.
INK, FAINT, GRID, PAPER = "#010101", "#020202", "#030303", "#040404"
SERIES = ["#1000%02x" % i for i in range(1, 9)]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "*"]
SIGNS = dict(zip(MARKERS, "●■▲◆▼✚✖★"))  # the same in a line of text
VARIABLES = {INK: "var(--ink)", FAINT: "var(--faint)", GRID: "var(--grid)", PAPER: "var(--paper)"}
VARIABLES.update({c: f"var(--s{i})" for i, c in enumerate(SERIES)})

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "nosnoop", "font.family": "sans-serif", "font.size": 9.0,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT, "xtick.color": FAINT, "ytick.color": FAINT, "xtick.labelcolor": INK,
    "ytick.labelcolor": INK, "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none", "axes.grid": True,
    "grid.color": GRID, "grid.linewidth": 0.6, "axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False,
    "axes.titlesize": 9.5, "axes.titlelocation": "left", "lines.linewidth": 1.4, "lines.markersize": 4,
    "axes.prop_cycle": matplotlib.cycler(color=SERIES), "axes.unicode_minus": True,
})


def figure(width, height, rows=1, columns=1, **how):
    return pyplot.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **how)


def drop_unused_ids(text):
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))
    return re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", text)


def key_line(entries):
    """What stands above a figure: [(label, colour, sign)]. In the page's own text, so that it wraps on a phone."""
    spans = [f'<span><b style="color: {VARIABLES[colour]}">{html.escape(sign)}</b> {html.escape(label)}</span>' for label, colour, sign in entries]
    return '<p class="legend">' + " ".join(spans) + "</p>" if spans else ""


def embed(fig, name, label, entries=()):
    """
    The figure as <svg> in its box, its key above. @name: what its ids begin with, unique in the page. @label: what it
    shows, for who cannot see it.
    """
    out = io.StringIO()
    fig.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    pyplot.close(fig)
    text = out.getvalue()
    text = text[text.index("<svg"):]
    width, height = (float(x) for x in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups())
    text = text[text.index(">") + 1:]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.S)
    text = drop_unused_ids(text)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", text).replace("xlink:href", "href")
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font: (\w+ )+([\d.]+)px [^;\"]*", r"font-size: \2px", text)
    text = re.sub("#[0-9a-f]{6}", lambda m: VARIABLES.get(m[0], m[0]), text)
    text = re.sub(r"\n\s*", "\n", text)
    # matplotlib counts in points of 1/72 inch; the page in pixels of 1/96.
    return (f'<figure>{key_line(entries)}<div class="box"><svg class="figure" viewBox="0 0 {width:g} {height:g}" style="width: {width * 4 / 3:.0f}px" '
            f'role="img" aria-label="{html.escape(label)}">{text.strip()}</div></figure>')
