#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Makes FOLDER/report.html of a results folder (schema: results/README.md), one file that needs nothing from outside; or one page, and one
text of 75 columns beside it, of two folders.
"""

import argparse
import os
import sys
import tempfile

NEEDED = ("numpy", "scipy", "matplotlib", "jinja2")
DEBIAN = "/usr/bin/python3"


def with_modules():
    """Debian's packages are seen by Debian's python3 only: go on as that one where this one lacks them."""
    try:
        for name in NEEDED:
            __import__(name)
    except ImportError as e:
        if os.path.realpath(sys.executable) == os.path.realpath(DEBIAN) or not os.access(DEBIAN, os.X_OK) or os.environ.get("NOSNOOP_REPORT"):
            print(f"report.py: {e.name} is not installed: expected Debian's python3-numpy, python3-scipy, python3-matplotlib, python3-jinja2",
                  file=sys.stderr)
            sys.exit(3)
        os.environ["NOSNOOP_REPORT"] = "again"
        os.execv(DEBIAN, [DEBIAN, "-B", *sys.argv])


def write(path, text):
    """Whole or not at all."""
    fd, temp = tempfile.mkstemp(prefix=".report.", dir=os.path.dirname(os.path.abspath(path)))
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(temp, 0o644)
        os.replace(temp, path)
    except OSError:
        os.unlink(temp)
        raise


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="results folder; report.html is written into it")
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two results folders: what differs")
    parser.add_argument("--out", metavar="FILE.html", help="the page; of --compare it must be named, and FILE.txt is written beside it")
    args = parser.parse_args(argv)
    if bool(args.folder) == bool(args.compare):
        parser.error("expected a FOLDER, or --compare A B")
    if args.compare and not (args.out or "").endswith(".html"):
        parser.error("--compare: expected --out FILE.html")
    return args


def main(argv):
    args = arguments(argv)
    from report import compare, page
    from report.folder import Bad, Folder
    try:
        if args.compare:
            both = compare.Comparison(Folder(args.compare[0]), Folder(args.compare[1]))
            html, text = compare.page(both), compare.mail(both)
            write(args.out, html)
            write(args.out[:-len("html")] + "txt", text)
            print(text, end="")
        else:
            write(args.out or os.path.join(args.folder, "report.html"), page.page(Folder(args.folder)))
    except Bad as e:
        print(e, file=sys.stderr)
        return 2
    except OSError as e:
        print(f"{e.filename}: {e.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    with_modules()
    sys.exit(main(sys.argv[1:]))
