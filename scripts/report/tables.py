# SPDX-License-Identifier: GPL-2.0-only
"""Tables of the pages: cells with a class, numbers as people read them. What is not known is "n/a", never 0."""

from markupsafe import Markup

from report.folder import NA, number


class Cell:
    def __init__(self, text, kind="", href=None, title=None):
        self.text, self.kind, self.href, self.title = text, kind, href, title


class Table:
    """@head: names of columns; the first column is the row's name. @key: id, and the class of the table."""

    def __init__(self, key, head, rows, kind=""):
        self.key, self.head, self.kind = key, head, kind
        self.rows = [[c if isinstance(c, Cell) else plain(c) for c in row] for row in rows]


def plain(value):
    """As it comes out of JSON."""
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if number(value) is not None:
        return Cell(count(value) if isinstance(value, int) else f"{value:,.2f}", "n")
    if value is None:
        return Cell("")
    if isinstance(value, dict) and number(value.get("median")) is not None:
        return interval(value["median"], value.get("lo"), value.get("hi"))
    return Cell(str(value), "na" if value == NA else "")


def count(n):
    return f"{n:,}"


def whole(value):
    """A count, or n/a."""
    return Cell(count(value), "n") if number(value) is not None else Cell(NA, "n na")


def ratio(value):
    return Cell(f"{value:.2f}", "n") if number(value) is not None else Cell("–", "n na")


def ns(value):
    """Three digits that mean something."""
    if number(value) is None:
        return NA
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def interval(median, lo=None, hi=None):
    if number(median) is None:
        return Cell(NA, "n na")
    if number(lo) is None or number(hi) is None:
        return Cell(ns(median), "n")
    return Cell(Markup("{} <small>{}…{}</small>").format(ns(median), ns(lo), ns(hi)), "n")


def of(found):
    """Of an intervals.Interval or None."""
    return interval(found.median, found.lo, found.hi) if found else Cell(NA, "n na")


def flat(value, name=""):
    """A record's leaves by their path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and any(isinstance(x, (dict, list)) for x in value):
        for i, inner in enumerate(value):
            yield from flat(inner, f"{name}[{i}]")
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else value


def of_records(key, records):
    """Records as they are, the columns in the order in which they come up."""
    columns = list(dict.fromkeys(k for r in records for k in r))
    return Table(key, columns, [[r.get(c) for c in columns] for r in records])
