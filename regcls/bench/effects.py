"""What one table shows: errors of all methods, and the effect of each method against each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regcls.stats.bins import range_index
from regcls.stats.metrics import quantities, relevance
from regcls.stats.validation import TINY
from regcls.tabular.intervals import HeldOut
from regcls.tabular.methods import KINDS
from regcls.tabular.plan import score_weights
from regcls.tabular.results import CONSTANT, Results

# Metric: its name in text.
METRICS = {
    "balanced_mae": "balanced MAE",
    "mae": "MAE",
    "few_mae": "few-shot MAE",
    "many_mae": "many-shot MAE",
    "gm": "geometric mean error",
    "sera": "SERA per row",
}
FEW, MANY = 0.5, 1.0  # times the mean number of training targets per range
COMPARED = (*KINDS, CONSTANT)

Loss = Callable[[str], np.ndarray]


def shots(counts: np.ndarray) -> np.ndarray:
    """Return which ranges are few-shot, medium-shot and many-shot.

    Published thresholds (20 and 100 samples per year of age) depend on the size of a table; these
    are relative to the mean number of training targets per range.

    Parameters
    ----------
    counts : ndarray of shape (K,)
        Training targets per range.

    Returns
    -------
    ndarray of str, shape (K,)
        "few" below half of the mean, "many" above the mean, else "medium".

    Examples
    --------
    >>> shots(np.array([100, 10, 40, 50])).tolist()
    ['many', 'few', 'medium', 'medium']
    """
    share = counts / max(counts.mean(), TINY)
    return np.where(share < FEW, "few", np.where(share > MANY, "many", "medium"))


@dataclass(frozen=True)
class Measure:
    """One metric on one table.

    Attributes
    ----------
    held_out : HeldOut
        The predictions that count.
    weight : ndarray of shape (n,)
        Their weights in the mean, which add up to 1.
    goal : {"balanced", "overall"}
        Whether each range or each prediction has the same weight.
    loss : callable
        From a method to its losses (n,).
    logarithmic : bool
        Whether the metric is the exponential of the mean loss.
    """

    held_out: HeldOut
    weight: np.ndarray
    goal: str
    loss: Loss
    logarithmic: bool = False

    def error(self, kind: str) -> float:
        """Return the metric of a method."""
        mean = float(self.weight @ self.loss(kind))
        return float(np.exp(mean)) if self.logarithmic else mean

    def effect(self, a: str, b: str) -> tuple[float, float, float, int]:
        """Return the log ratio of the metrics of two methods: value, standard error, dof, units."""
        own, other = self.loss(a), self.loss(b)
        if self.logarithmic:  # the mean of the differences of logarithms
            found = self.held_out.estimate(1 + own - other, np.ones(len(own)), self.goal)
            return found.share, found.se, found.dof, found.units
        found = self.held_out.estimate(own, other, self.goal)
        ratio = max(1 + found.share, TINY)
        return float(np.log(ratio)), found.se / ratio, found.dof, found.units


def measures(results: Results) -> dict[str, Measure]:
    """Return all metrics of a table.

    Parameters
    ----------
    results : Results
        Held-out predictions of all methods.

    Returns
    -------
    dict of str to Measure
        By name, see `METRICS`; without the few- or many-shot error if no range is.
    """
    plan = results.plan
    which = plan.range_index[results.row]
    counts = _training_counts(results)
    kind = shots(counts)[which]
    relevant = relevance(which, counts, plan.edges)
    signed = {k: p - plan.problem.y[results.row] for k, p in results.predictions.items()}
    found = {k: quantities(error, relevant) for k, error in signed.items()}
    everywhere = np.arange(len(which))
    parts: list[tuple[str, np.ndarray, str, str]] = [
        ("balanced_mae", everywhere, "balanced", "absolute"),
        ("mae", everywhere, "overall", "absolute"),
        ("few_mae", np.flatnonzero(kind == "few"), "balanced", "absolute"),
        ("many_mae", np.flatnonzero(kind == "many"), "balanced", "absolute"),
        ("gm", everywhere, "overall", "log"),
        ("sera", everywhere, "overall", "relevant"),
    ]
    return {
        name: _measure(results, at, goal, {k: getattr(q, of)[at] for k, q in found.items()}, of)
        for name, at, goal, of in parts
        if len(at) and any(np.any(getattr(q, of)[at]) for q in found.values())
    }


def _measure(
    results: Results, at: np.ndarray, goal: str, losses: dict[str, np.ndarray], of: str
) -> Measure:
    which = results.plan.range_index[results.row[at]]
    held_out = HeldOut(results.unit[at], results.model[at], which)
    weight = score_weights(which, goal)
    return Measure(held_out, weight, goal, losses.__getitem__, logarithmic=of == "log")


def _training_counts(results: Results) -> np.ndarray:
    plan = results.plan
    return np.bincount(range_index(plan.train_y, plan.edges), minlength=len(plan.edges) - 1)


def table_effects(
    results: Results, kinds: Sequence[str] = COMPARED
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return errors and effects of one table.

    Parameters
    ----------
    results : Results
        Held-out predictions.
    kinds : sequence of str
        Methods, or "constant".

    Returns
    -------
    errors : DataFrame
        ``metric``, ``method`` and ``error``.
    effects : DataFrame
        ``metric``, ``a``, ``b`` and the logarithm of the ratio of the error of ``a`` to that of
        ``b``: ``value``, ``se``, ``dof`` and ``units``; one row per pair.
    """
    errors, effects = [], []
    for metric, measure in measures(results).items():
        errors += [(metric, kind, measure.error(kind)) for kind in kinds]
        effects += [
            (metric, a, b, *measure.effect(a, b)) for b, a in itertools.combinations(kinds, 2)
        ]
    columns = ["metric", "a", "b", "value", "se", "dof", "units"]
    return (
        pd.DataFrame(errors, columns=["metric", "method", "error"]),
        pd.DataFrame(effects, columns=columns),
    )


def range_errors(results: Results, kinds: Sequence[str] = COMPARED) -> pd.DataFrame:
    """Return the errors per target range.

    Parameters
    ----------
    results : Results
        Held-out predictions.
    kinds : sequence of str
        Methods, or "constant".

    Returns
    -------
    DataFrame
        ``low``, ``high``, ``train`` (targets), ``shots``, ``method``, ``mae`` and its standard
        error ``se``; NaN where nothing was held out.
    """
    plan, counts = results.plan, _training_counts(results)
    which, names = plan.range_index[results.row], shots(counts)
    rows = []
    for k, (low, high) in enumerate(itertools.pairwise(plan.edges)):
        at = np.flatnonzero(which == k)
        for kind in kinds:
            error = results.errors[kind][at]
            mean, se = (np.nan, np.nan) if not len(at) else _mean(results, at, error)
            rows.append((low, high, counts[k], names[k], kind, mean, se))
    return pd.DataFrame(rows, columns=["low", "high", "train", "shots", "method", "mae", "se"])


def _mean(results: Results, at: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Return a mean error and its standard error over rows, which are held out once per repeat."""
    row = np.unique(results.row[at], return_inverse=True)[1]
    each = np.bincount(row, error) / np.bincount(row)
    se = each.std(ddof=1) / np.sqrt(len(each)) if len(each) > 1 else np.nan
    return float(each.mean()), float(se)


def about(results: Results) -> dict[str, float]:
    """Return what a table is like.

    Parameters
    ----------
    results : Results
        Held-out predictions.

    Returns
    -------
    dict of str to float
        ``rows``, ``inputs``, ``ranges``, ``imbalance`` (density of the densest range over that of
        the sparsest), ``skew``, ``distinct`` (share of the targets that differ), and ``explained``
        (share of the variance that the best of ridge regression, boosted trees and reg explains on
        held-out rows).
    """
    from scipy import stats

    problem, plan = results.plan.problem, results.plan
    y = problem.y[results.row]
    spread = float(np.mean((y - y.mean()) ** 2))
    errors = [results.errors[kind] for kind in ("ridge", "trees", "reg")]
    return {
        "rows": len(problem.y),
        "inputs": len(problem.columns),
        "ranges": len(plan.edges) - 1,
        "imbalance": plan.target_ranges.imbalance_ratio,
        "skew": float(stats.skew(problem.y)),
        "distinct": len(np.unique(problem.y)) / len(problem.y),
        "explained": 1 - min(float(np.mean(e**2)) for e in errors) / max(spread, TINY),
    }
