#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Makes the museum's sources: copies of core files in which every mutant of mutants.def can be switched on at run time,
and a C table of the mutants. The sources themselves know nothing of it.

  mutate.py --check              every original text is where mutants.def says (from anywhere in the checkout)
  mutate.py --files              the files that have mutants, one a line
  mutate.py --number ID          a mutant's number in the table
  mutate.py --out DIR            DIR/<file> for each of them, and DIR/table.c
  mutate.py --self-test          this check can fail

--def FILE: another list than mutants.def. Names of core files are from the top of the checkout all the same.

mutants.def says what its lines look like. Exit: 0; 1 a line does not fit its source: the message begins with
file:line of mutants.def and says what to do, or there is no such mutant; 2 bad arguments.
"""

import argparse
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEF = "fuzz/museum/mutants.def"  # --def names another
KINDS = ("history", "semantic", "flush", "more")
STATES = ("found", "equivalent", "schedules", "later")
HOWS = ("expr", "call", "stmt", "before", "helper")
TOKEN = re.compile(r"<\||\|>|[A-Za-z_0-9]+|->|\S")


class Bad(Exception):
    pass


class Edit:
    def __init__(self, line, file, function, how, original, mutated, when):
        self.line, self.file, self.function, self.how = line, file, function, how
        self.original, self.mutated, self.when = original, mutated, when


class Mutant:
    def __init__(self, line, ident, kind, state, rules, what):
        self.line, self.ident, self.kind, self.state, self.rules, self.what = line, ident, kind, state, rules, what
        self.edits = []


def expect(cond, line, text):
    if not cond:
        raise Bad(f"{DEF}:{line}: {text}")


def parse_edit(line, fields):
    least = 3 if fields[1:2] == ["helper"] else 4
    expect(least <= len(fields) <= 5, line, "expected `file function :: how :: original :: mutated [:: when]`")
    place = fields[0].split()
    expect(len(place) == 2, line, f'"{fields[0]}": expected a file and a function')
    expect(fields[1] in HOWS, line, f'"{fields[1]}": expected one of {", ".join(HOWS)}')
    fields += [""] * (5 - len(fields))
    return Edit(line, place[0], place[1], *fields[1:])


def parse_head(line, fields):
    kind, _, state = fields[1].partition("/")
    state = state or "found"
    expect(len(fields) >= 4, line, "expected `id :: kind :: rules :: what [:: edit]`")
    expect(re.fullmatch(r"[A-Za-z0-9_]{1,12}", fields[0]), line, f'"{fields[0]}": expected letters and digits')
    expect(kind in KINDS, line, f'"{kind}": expected one of {", ".join(KINDS)}')
    expect(state in STATES, line, f'"{state}": expected one of {", ".join(STATES)}')
    return Mutant(line, fields[0], kind, state, fields[2], fields[3])


def parse(text):
    mutants = []
    for line, content in enumerate(text.split("\n"), 1):
        if not content.strip() or content.startswith("#"):
            continue
        fields = [f.strip() for f in content.split("::")]
        if fields[0] == "+":
            expect(mutants, line, "a line that goes on, expected a mutant before it")
            mutants[-1].edits.append(parse_edit(line, fields[1:]))
            continue
        m = parse_head(line, fields)
        expect(m.ident not in [o.ident for o in mutants], line, f'"{m.ident}" is there already')
        if len(fields) > 4:
            m.edits.append(parse_edit(line, fields[4:]))
        expect(m.edits or m.state in ("schedules", "later"), line, f"{m.ident} changes nothing: expected an edit")
        mutants.append(m)
    expect(mutants, 1, "holds no mutant")
    return mutants


def pattern(text):
    """What the text looks like however it is wrapped; the group is what <| |> encloses, or all."""
    out, words = "", False
    marked = "<|" in text
    for t in TOKEN.findall(text):
        if t in ("<|", "|>"):
            out += r"\s*(" if t == "<|" else ")"
            words = False
            continue
        word = bool(re.match(r"\w", t))
        out += (r"\s+" if word and words else r"\s*") + re.escape(t)
        words = word
    out = out.replace(r"\s*(\s*", r"\s*(")
    return re.compile(out if marked else "(" + out.removeprefix(r"\s*") + ")")


def body(source, e):
    """(head, start, end) of the function that the edit names: house style has its braces in column one."""
    heads = list(re.finditer(r"^(?!\s)[^;{}#/]*\b" + e.function + r"\([^;{}]*\)\n\{\n", source, re.M))
    expect(len(heads) == 1, e.line, f"{e.file} has {len(heads)} functions {e.function}(): expected one. "
           "It was renamed or moved: name it as it is now")
    end = source.find("\n}\n", heads[0].end())
    return heads[0].start(), heads[0].end(), end + 1


def locate(source, e):
    head, start, end = body(source, e)
    if e.how == "helper":
        return head, head
    found = list(pattern(e.original).finditer(source, start, end))
    where = source.count("\n", 0, start) - 1
    expect(len(found) == 1, e.line, f'"{e.original}": found {len(found)} times in {e.function}() ({e.file}:{where}), '
           "expected once. The code has changed: give a text that is there once, or rethink the mutant")
    return found[0].span(1)


def render(text, e, number):
    on, when = f"museum_on({number})", f"museum_trigger({e.when or 'true'})"
    if e.how == "expr":
        return f"MUSEUM_EXPR({number}, ({text}), ({e.mutated}))"
    if e.how == "call":
        return f"({on} && {when} ? ({e.mutated}) : ({text}))"
    if e.how == "helper":
        return e.original + " "
    if e.how == "stmt":
        return f"{{ if ({on} && {when}) {{ {e.mutated} }} else {{ {text} }} }}"
    return f"if ({on} && {when}) {{ {e.mutated} }} {text}"


def apply(source, edits):
    """edits: (start, end, edit, number). Those inside another one's text are applied to its unmutated branch."""
    edits = sorted(edits, key=lambda x: (x[0], -x[1]))
    out, at = "", 0
    while edits:
        start, end, e, number = edits.pop(0)
        inside = [x for x in edits if x[0] < end]
        edits = edits[len(inside):]
        for x in inside:
            expect(x[1] <= end, x[2].line, f"overlaps with line {e.line}: expected texts apart from or inside each other")
        text = apply(source[start:end], [(x[0] - start, x[1] - start, x[2], x[3]) for x in inside])
        done = render(text, e, number)
        lines = source[start:end].count("\n")
        out += source[at:start] + done.replace("\n", " ") + "\n" * lines
        at = end
    return out + source[at:]


def read(root, path, line):
    try:
        with open(os.path.join(root, path), encoding="utf-8") as f:
            return f.read()
    except OSError as err:
        raise Bad(f"{DEF}:{line}: {path}: {err.strerror}, expected a source of the core") from err


def mutate(root, mutants):
    """{file: mutated text}"""
    by_file = {}
    for number, m in enumerate(mutants, 1):
        for e in m.edits:
            by_file.setdefault(e.file, []).append((e, number))
    out = {}
    for file, edits in by_file.items():
        source = read(root, file, edits[0][0].line)
        located = [(*locate(source, e), e, number) for e, number in edits]
        out[file] = '#include "fuzz/museum/museum.h"\n' + f'#line 1 "{os.path.join(root, file)}"\n' + apply(source, located)
    return out


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def table(mutants):
    rows = ""
    for m in mutants:
        files = " ".join(dict.fromkeys(f"{e.file}:{e.function}()" for e in m.edits))
        rows += (f"\t{{{quote(m.ident)}, {quote(m.kind)}, MUSEUM_{m.state.upper()}, {len(m.edits)}, {quote(m.rules)}, "
                 f"{quote(files)}, {quote(m.what)}}},\n")
    return ('/* made by fuzz/museum/mutate.py */\n#include "fuzz/museum/museum.h"\n'
            f"const struct museum_mutant museum_mutants[] = {{\n{rows}}};\n"
            f"const u32 museum_nr_mutants = {len(mutants)};\n")


def number(mutants, ident):
    for n, m in enumerate(mutants, 1):
        if m.ident == ident and m.edits:
            return n
    raise Bad(f"no code for a mutant {ident}, expected one of {' '.join(m.ident for m in mutants if m.edits)}")


def write(path, text):
    """Only what changed: the build need not do the rest again."""
    try:
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                return
    except OSError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".new", path)


# --- self-test ---------------------------------------------------------------------------------------------------

SOURCE = """#include <x.h>
static int twice(int a)
{
	a = a + 1;
	a = a + 1;
	return a;
}

int f(struct x *p,
      int b)
{
	if (p->a ||
	    b)
		return 1;
	g(p, (b));
	return twice(b);
}
"""
HEAD = "X1 :: semantic :: R1 :: what :: a.c "
CASES = [  # (name, mutants.def, a text that the refusal must hold, or one that the result must hold)
    ("an expression", HEAD + "f :: expr :: p->a || b :: false", "", "b), (false))\n)\n"),
    ("a statement, wrapped otherwise", HEAD + "f :: stmt :: g( p, (b) ); :: ;", "", "else { g(p, (b)); }"),
    ("a part of what identifies it", HEAD + "twice :: expr :: <|a + 1|>; return :: a", "", "MUSEUM_EXPR(1, (a + 1), (a));\n\treturn"),
    ("one inside the other", HEAD + "f :: stmt :: g(p, (b)); :: ;\nX2 :: semantic :: R1 :: w :: a.c f :: expr :: (<|b|>)) :: 0",
     "", "else { g(p, (MUSEUM_EXPR(2, (b), (0)))); }"),
    ("not there", HEAD + "f :: expr :: p->b :: 1", f"{DEF}:1: \"p->b\": found 0 times in f() (a.c:", ""),
    ("a helper", HEAD + "f :: helper :: static int h(void) { return 1; }", "", "static int h(void) { return 1; } int f("),
    ("there twice", HEAD + "twice :: stmt :: a = a + 1; :: ;", "found 2 times", ""),
    ("in another function", HEAD + "f :: stmt :: a = a + 1; :: ;", "found 0 times", ""),
    ("the function is gone", HEAD + "h :: stmt :: x; :: ;", "0 functions h()", ""),
    ("the file is gone", HEAD.replace("a.c", "gone.c") + "f :: stmt :: x; :: ;", "gone.c: No such file", ""),
    ("overlapping", HEAD + "f :: expr :: p->a || b :: 0\n+ :: a.c f :: expr :: b) return 1; :: 0", "overlaps", ""),
    ("a kind nobody knows", HEAD.replace("semantic", "odd") + "f :: stmt :: x; :: ;", '"odd": expected one of', ""),
    ("a name twice", "\n".join([HEAD + "f :: expr :: p->a :: 0"] * 2), "there already", ""),
    ("no edit", "X1 :: semantic :: R1 :: what", "changes nothing", ""),
    ("nothing", "# only a comment", "holds no mutant", ""),
]


def self_test():
    import tempfile
    bad = 0
    with tempfile.TemporaryDirectory() as root:
        with open(os.path.join(root, "a.c"), "w", encoding="utf-8") as f:
            f.write(SOURCE)
        for name, text, refusal, result in CASES:
            try:
                said, made = "", mutate(root, parse(text))["a.c"]
            except Bad as err:
                said, made = str(err), ""
            if (refusal not in said) or (not refusal and said) or result not in made:
                print(f"self-test: {name}: {said or made}")
                bad += 1
            if made and made.count("\n") != SOURCE.count("\n") + 2:
                print(f"self-test: {name}: lines have moved")
                bad += 1
    return 1 if bad else 0


def main():
    global DEF
    parser = argparse.ArgumentParser(description="Make the museum's sources from mutants.def.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="only look whether every original text is in its place")
    what.add_argument("--files", action="store_true", help="print the files that have mutants")
    what.add_argument("--number", metavar="ID", help="print the number of a mutant in table.c")
    what.add_argument("--out", metavar="DIR", help="write the mutated copies and table.c there")
    what.add_argument("--self-test", action="store_true", help="show that the check can fail")
    parser.add_argument("--def", metavar="FILE", dest="list", help="a list of mutants instead of mutants.def")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    if args.list:
        DEF = os.path.abspath(args.list)
    try:
        mutants = parse(read(TOP, DEF, 1))
        if args.files:
            print("\n".join(sorted({e.file for m in mutants for e in m.edits})))
            return 0
        if args.number:
            print(number(mutants, args.number))
            return 0
        made = mutate(TOP, mutants)
    except Bad as err:
        print(err, file=sys.stderr)
        return 1
    if args.out:
        for file, text in made.items():
            write(os.path.join(args.out, file), text)
        write(os.path.join(args.out, "table.c"), table(mutants))
    return 0


if __name__ == "__main__":
    sys.exit(main())
