#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""test_scipy.py TEST_HARNESS: the harness's statistics beside those of numpy and scipy, on the same samples. 77: not installed."""

import json
import subprocess
import sys

try:
    import numpy as np
    from scipy import stats
except ImportError:
    print("skipped: python3-scipy is not installed")
    sys.exit(77)

SIDES = ((3, 9), (60, 40), (0, 7), (1200, 1100))
GROWTH = {"(1)": lambda n: n * 0 + 1, "lgN": np.log2, "N": lambda n: n, "NlgN": lambda n: n * np.log2(n), "N^2": lambda n: n * n}
failed = 0


def same(what, ours, theirs, tolerance=1e-9):
    global failed
    good = np.allclose(ours, theirs, rtol=tolerance, atol=1e-12)
    if not good:
        failed += 1
    print(f"{'ok' if good else 'WRONG':5} {what}: {np.round(ours, 6)} {np.round(theirs, 6)}")


def interval(sample, method):
    r = stats.bootstrap((sample,), np.median, n_resamples=19999, method=method, vectorized=True, random_state=1)
    return r.confidence_interval.low, r.confidence_interval.high


def near_interval(what, ours, sample, method):
    """
    Resampled medians are values of the sample: a bound may be off by one place where chance decides between
    two of them, not by more.
    """
    global failed
    ordered = np.sort(sample)
    for name, mine, theirs in zip(("lo", "hi"), ours[1:], interval(sample, method)):
        places = abs(np.searchsorted(ordered, mine) - np.searchsorted(ordered, theirs))
        good = places <= 1
        failed += not good
        print(f"{'ok' if good else 'WRONG':5} {what} {name}: {mine:.4f} {theirs:.4f}, {places} places apart")


def main():
    v = json.loads(subprocess.run([sys.argv[1], "numbers"], check=True, capture_output=True, text=True).stdout)
    sample, other = np.array(v["sample"]), np.array(v["other"])
    same("median", v["percentile"][0], np.median(sample))
    same("quantiles", v["quantiles"], np.quantile(sample, (0.1, 0.5, 0.93)))
    same("mean, stddev", v["moments"], (np.mean(sample), np.std(sample, ddof=1)))
    near_interval("percentile", v["percentile"], sample, "percentile")
    near_interval("BCa", v["bca"], sample, "BCa")
    ratio = other / sample
    same("median ratio", v["ratio"][0], np.median(ratio))
    near_interval("ratio", v["ratio"], ratio, "percentile")
    below, above = np.sum(ratio < 1), np.sum(ratio > 1)
    same("sign test of the pairs", v["sign"], (below, above, stats.binomtest(int(below), int(below + above)).pvalue))
    same("sign tests", v["signs"], [stats.binomtest(a, a + b).pvalue for a, b in SIDES])
    same("normal", v["normal"], (stats.norm.cdf(-1.3), stats.norm.ppf(0.004)))
    n, time = np.array(v["n"]), np.array(v["time"])
    rms = {}
    for name, f in GROWTH.items():
        g = f(n)
        c = np.linalg.lstsq(g[:, None], time, rcond=None)[0][0]
        rms[name] = np.sqrt(np.mean((time - c * g) ** 2)) / np.mean(time)
        same(f"fit {name}", v[name], (c, rms[name]))
    best = min(rms, key=rms.get)
    print(f"{'ok' if best == v['best'] else 'WRONG':5} best fit: {v['best']} {best}")
    return 1 if failed or best != v["best"] else 0


if __name__ == "__main__":
    sys.exit(main())
