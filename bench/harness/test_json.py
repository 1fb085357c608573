#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
test_json.py TEST_HARNESS EXAMPLE: is harness_json()'s output what Google Benchmark's readers expect? A strict reader of
the documented fields (every one there, of its type, nothing contradictory), shown to refuse what is damaged; then, where
Debian's libbenchmark-tools and scipy are installed, its compare.py itself.
"""

import copy
import json
import os
import subprocess
import sys
import tempfile

COMPARE = "/usr/share/benchmark/compare.py"
NUMBER = (int, float)
CONTEXT = {"date": str, "host_name": str, "executable": str, "num_cpus": int, "mhz_per_cpu": int, "cpu_scaling_enabled": bool,
           "caches": list, "load_avg": list, "library_build_type": str}
CACHE = {"type": str, "level": int, "size": int, "num_sharing": int}
RECORD = {"name": str, "family_index": int, "per_family_instance_index": int, "run_name": str, "run_type": str,
          "repetitions": int, "threads": int}
TIMES = {"iterations": int, "real_time": NUMBER, "cpu_time": NUMBER, "time_unit": str}
RUN = {"repetition_index": int, **TIMES}
AGGREGATE = {"aggregate_name": str, "aggregate_unit": str}
GROWTH = {"cpu_coefficient": NUMBER, "real_coefficient": NUMBER, "big_o": str, "time_unit": str}
INTERVAL = {"median": NUMBER, "lo": NUMBER, "hi": NUMBER}
OWN = {"state": str, "pages": str, "size": int, "samples": int, "preempted": int, "complete": dict}


class Bad(Exception):
    pass


def want(record, fields, where):
    for name, kind in fields.items():
        if name not in record:
            raise Bad(f"{where}: no {name}")
        value = record[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Bad(f"{where}: {name} is {value!r}")


def check_interval(record, where):
    want(record, INTERVAL, where)
    if not record["lo"] <= record["median"] <= record["hi"]:
        raise Bad(f"{where}: not in order: {record}")


def check_run(r, where):
    want(r, RUN, where)
    want(r, OWN, where)
    for name in ("issue", "complete"):
        if name in r:
            check_interval(r[name], f"{where}.{name}")
    if r["name"] != r["run_name"] or not 0 <= r["repetition_index"] < r["repetitions"] or r["iterations"] < 1:
        raise Bad(f"{where}: name or repetition")


def check_aggregate(r, where):
    want(r, AGGREGATE, where)
    if r["name"] != f'{r["run_name"]}_{r["aggregate_name"]}':
        raise Bad(f"{where}: {r['name']} is not the {r['aggregate_name']} of {r['run_name']}")
    if r["aggregate_unit"] not in ("time", "percentage"):
        raise Bad(f"{where}: aggregate_unit")
    if r["aggregate_name"] == "BigO":
        want(r, GROWTH, where)
    elif r["aggregate_name"] == "RMS":
        want(r, {"rms": NUMBER}, where)
    else:
        want(r, TIMES, where)


def check(document):
    want(document, {"context": dict, "benchmarks": list, "not_available": list}, "top")
    want(document["context"], CONTEXT, "context")
    for cache in document["context"]["caches"]:
        want(cache, CACHE, "cache")
    if document["context"]["library_build_type"] not in ("release", "debug"):
        raise Bad("library_build_type")
    for i, r in enumerate(document["benchmarks"]):
        want(r, RECORD, i)
        if r.get("time_unit", "ns") != "ns" or r["run_type"] not in ("iteration", "aggregate"):
            raise Bad(f"{i}: unit or type")
        (check_run if r["run_type"] == "iteration" else check_aggregate)(r, i)
    for r in document["not_available"]:
        want(r, {"name": str, "why": str}, "not_available")


def made(program, *arguments):
    out = subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout
    return out, json.loads(out, parse_constant=lambda c: sys.exit(f"{program}: {c} is no JSON"))


def damage(document):
    """Copies, each with one thing wrong."""
    first = next(i for i, r in enumerate(document["benchmarks"]) if r["run_type"] == "iteration")
    last = len(document["benchmarks"]) - 1
    for where, key, value in ((first, "name", None), (first, "real_time", "1"), (first, "iterations", 1.5), (first, "run_type", "x"),
                              (first, "repetition_index", 99999), (first, "time_unit", "us"), (first, "complete", {"median": 1}),
                              (last, "aggregate_name", "other"), (last, "threads", True)):
        bad = copy.deepcopy(document)
        if value is None:
            del bad["benchmarks"][where][key]
        else:
            bad["benchmarks"][where][key] = value
        yield key, bad
    for key in CONTEXT:
        bad = copy.deepcopy(document)
        del bad["context"][key]
        yield key, bad


def check_made(document):
    """What the fake engine of test_harness was told to take."""
    by = {r["name"]: r for r in document["benchmarks"] if r["run_type"] == "aggregate"}
    assert by["sort/16_median"]["real_time"] == 1600 and by["sort/256_mean"]["real_time"] == 25600, by
    assert by["sort/16_stddev"]["real_time"] == 0 and by["sort/16_cv"]["aggregate_unit"] == "percentage"
    assert by["sort_BigO"]["big_o"] == "N" and abs(by["sort_BigO"]["real_coefficient"] - 100) < 1e-6, by["sort_BigO"]
    assert by["sort_RMS"]["rms"] < 1e-6
    assert by["sort/256_median"]["family_index"] == by["sort/16_median"]["family_index"]
    assert by["sort/256_median"]["per_family_instance_index"] == 1
    assert document["not_available"] == [{"name": "gone", "why": "not today"}]
    runs = [r for r in document["benchmarks"] if r["name"] == "sort/256" and r["run_type"] == "iteration"]
    assert runs[0]["preempted"] + runs[0]["samples"] == 20
    return len(runs)


def compare(a, b):
    """Google Benchmark's own reader; None: not installed."""
    if not os.path.isfile(COMPARE) or subprocess.run(["/usr/bin/python3", "-c", "import scipy, numpy"], capture_output=True).returncode:
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, text in (("a", a), ("b", b)):
            paths.append(os.path.join(folder, name + ".json"))
            with open(paths[-1], "w") as f:
                f.write(text)
        return subprocess.run(["/usr/bin/python3", "-B", COMPARE, "--no-color", "benchmarks", *paths],
                              capture_output=True, text=True)


def main():
    test, example = sys.argv[1:]
    _, document = made(test, "json")
    every_text, every = made(test, "every")
    example_text, of_example = made(example, "--json")
    for d in (document, every, of_example):
        check(d)
    assert check_made(document) == 1 and check_made(every) == 18
    for key, bad in damage(document):
        try:
            check(bad)
        except Bad:
            continue
        sys.exit(f"the reader took a document with a wrong {key}")
    print(f"{len(document['benchmarks'])} + {len(every['benchmarks'])} + {len(of_example['benchmarks'])} records read")
    for one in (every_text, example_text):
        done = compare(one, one)
        if done is None:
            print("skipped: compare.py: libbenchmark-tools or python3-scipy is not installed")
            return
        if done.returncode or "OVERALL_GEOMEAN" not in done.stdout or "+0.0000" not in done.stdout:
            sys.exit(f"{COMPARE} failed:\n{done.stdout}{done.stderr}")
        if one == every_text and "sort/256_pvalue" not in done.stdout:
            sys.exit(f"compare.py made no test of the samples:\n{done.stdout}")
    print("compare.py reads both")


if __name__ == "__main__":
    main()
