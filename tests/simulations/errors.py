"""Error rates, power and coverage of the verdicts and intervals of an error report.

Predictions are drawn, not trained: their errors have a known distribution, so the truth is known.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from regcls.predictions.columns import Arrays
from regcls.predictions.report import Report
from regcls.stats import ranges
from regcls.stats.errors import ErrorReport
from regcls.stats.verdicts import BETTER, WORSE

CORRELATION = 0.5  # of the errors of two models on a row
ROWS = (100, 300, 1000, 2000)
POWER_ROWS = 150  # in the range with the gain; ten ranges are tested


def null_predictions(
    rng: np.random.Generator, rows: int, models: int, groups: int = 0
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray | None]:
    """Return skewed targets, predictions of equally good models, and the groups of the rows.

    Errors grow with the target; with groups, targets and errors of a group resemble each other.
    """
    group, y = None, rng.lognormal(0, 0.8, rows)
    shared = rng.normal(size=rows)
    own = rng.normal(size=(models, rows))
    if groups:
        share = rng.lognormal(0, 0.5, groups)
        group = rng.choice(groups, rows, p=share / share.sum())
        y = rng.lognormal(0, 0.8, groups)[group] + 0.3 * y
        shared = 0.7 * shared + 0.7 * rng.normal(size=groups)[group]
        own = 0.7 * own + 0.7 * rng.normal(size=(models, groups))[:, group]
    errors = np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * own
    return y, {f"m{i}": y + (1 + y) * error for i, error in enumerate(errors)}, group


def says_anything(report: ErrorReport) -> bool:
    """Return whether any pair of models is better or worse anywhere in a report."""
    for a, b in combinations(report.names, 2):
        found = [
            *report.difference(a, b)["verdict"],
            report.balanced_difference(a, b)["verdict"],
            report.overall_difference(a, b)["verdict"],
        ]
        if BETTER in found or WORSE in found:
            return True
    return False


def null_rate(reports: int, rows: int, models: int, groups: int = 0, seed: int = 0) -> float:
    """Return the share of reports of equal models with a finding, with automatic ranges."""
    hits = 0
    for i in range(reports):
        rng = np.random.default_rng((seed, rows, models, groups, i))
        y, predictions, group = null_predictions(rng, rows, models, groups)
        report = Report(Arrays(y, predictions, np.arange(rows), group=group), ranges.choose(y))
        hits += says_anything(report.errors)
    return hits / reports


def power(reports: int, seed: int = 0, gain: float = 0.3) -> float:
    """Return how often a gain in one of ten ranges is found in that range."""
    hits = 0
    for i in range(reports):
        rng = np.random.default_rng((seed, i))
        which = np.repeat(np.arange(10), [300] * 9 + [POWER_ROWS])
        y = which + rng.uniform(size=len(which))
        shared, *own = rng.normal(size=(3, len(y)))
        reg, cls = (np.sqrt(CORRELATION) * shared + np.sqrt(1 - CORRELATION) * e for e in own)
        cls = np.where(which == 9, (1 - gain) * cls, cls)
        report = ErrorReport.from_predictions(
            y, {"reg": y + reg, "reg+cls": y + cls}, np.arange(11.0), resamples=1
        )
        hits += report.difference("reg+cls", "reg")["verdict"].iloc[9] == BETTER
    return hits / reports


def coverage(reports: int, clusters: int, seed: int = 0, everywhere: bool = True) -> float:
    """Return how often the interval of the balanced MAE covers the truth.

    Clusters have samples in all ranges, like videos, or in a few of them, like persons of whom
    only few are old.
    """
    between, within, ranges_ = 0.5, 0.5, 10
    truth = np.hypot(between, within) * np.sqrt(2 / np.pi)
    hits = 0
    for i in range(reports):
        rng = np.random.default_rng((seed, clusters, i))
        size = rng.integers(20, 120, clusters)
        cluster = np.repeat(np.arange(clusters), size)
        y = rng.uniform(0, ranges_, len(cluster))
        if not everywhere:
            centre = rng.exponential(2.5, clusters) % ranges_
            y = np.clip(centre[cluster] + rng.normal(0, 0.7, len(cluster)), 0, ranges_ - 1e-9)
        error = between * rng.normal(size=clusters)[cluster] + within * rng.normal(size=len(y))
        report = ErrorReport.from_predictions(
            y, {"reg": y + error}, np.arange(ranges_ + 1.0), clusters=cluster, resamples=1000
        )
        row = report.overall().iloc[0]
        hits += row["balanced_mae_low"] <= truth <= row["balanced_mae_high"]
    return hits / reports


def rates(reports: int, seed: int = 0) -> dict[str, float]:
    """Return null rates, power and coverage by what they are of."""
    found = {}
    for rows in ROWS:
        found[f"2 equal models, {rows} rows: any finding"] = null_rate(reports, rows, 2, seed=seed)
    few = max(reports // 4, 1)
    found["8 equal models, 300 rows: any finding"] = null_rate(few, 300, 8, seed=seed)
    found["8 equal models, 2000 rows: any finding"] = null_rate(few, 2000, 8, seed=seed)
    for groups in (12, 30, 100):
        name = f"2 equal models, 1000 rows in {groups} groups: any finding"
        found[name] = null_rate(reports, 1000, 2, groups, seed)
    found["gain of 30% in one of ten ranges, 150 rows: found"] = power(reports, seed)
    for clusters in (10, 22, 40, 84):
        name = f"balanced MAE, {clusters} clusters in all ranges: covered"
        found[name] = coverage(reports, clusters, seed)
    for clusters in (22, 84):
        name = f"balanced MAE, {clusters} clusters in few ranges each: covered"
        found[name] = coverage(reports, clusters, seed, everywhere=False)
    return found
