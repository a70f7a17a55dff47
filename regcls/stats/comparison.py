"""Paired comparisons of models over independent runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from regcls.stats.validation import TINY, vector
from regcls.stats.verdicts import LEVEL, MARGIN, decide


@dataclass(frozen=True)
class PairedRuns:
    """Comparison of the errors of models ``a`` and ``b`` over independent runs; see `paired_runs`.

    Attributes
    ----------
    runs : int
        Number of runs.
    median_ratio : float
        Median over runs of a / b.
    mean_difference, low, high : float
        Mean over runs of a − b with its interval, which is NaN with fewer than six runs.
    p : float
        Two-sided p-value, corrected for all comparisons that are made together.
    wins : float
        Share of runs with a < b; ties count half.
    verdict : str
        On ``a``, from `regcls.stats.verdicts.VERDICTS`.
    """

    runs: int
    median_ratio: float
    mean_difference: float
    low: float
    high: float
    p: float
    wins: float
    verdict: str


def paired_runs(
    a: ArrayLike, b: ArrayLike, level: float = LEVEL, margin: float = MARGIN
) -> PairedRuns:
    """Compare the errors of two models over the same independent runs with a paired t-interval.

    Parameters
    ----------
    a, b : array-like of shape (R,)
        Errors of two models in the same R runs.
    level : float
        Coverage of the interval.
    margin : float
        Share of the lower mean error below which a difference does not matter.

    Returns
    -------
    PairedRuns
        Ratio, difference with its interval, wins and verdict.

    Raises
    ------
    ValueError
        If an error is not finite, or the lengths differ.

    Examples
    --------
    >>> found = paired_runs([1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 7])
    >>> found.mean_difference, found.wins, found.verdict
    (-1.0, 1.0, 'better')
    """
    return compare_runs(a, {"b": b}, level, margin)["b"]


def compare_runs(
    a: ArrayLike,
    others: Mapping[str, ArrayLike],
    level: float = LEVEL,
    margin: float = MARGIN,
) -> dict[str, PairedRuns]:
    """Compare the errors of one model with those of others over the same independent runs.

    Parameters
    ----------
    a : array-like of shape (R,)
        Errors of the model in R runs.
    others : mapping of str to array-like of shape (R,)
        Errors of the other models.
    level : float
        Simultaneous coverage of the intervals.
    margin : float
        As for `paired_runs`.

    Returns
    -------
    dict of str to PairedRuns
        One comparison per other model, corrected for their number.

    Raises
    ------
    ValueError
        As for `paired_runs`.
    """
    a = vector("a", a)
    runs = len(a)
    errors = {name: vector(name, values, runs) for name, values in others.items()}
    difference = np.stack([a - b for b in errors.values()])
    spread = difference.std(axis=1, ddof=1) if runs > 1 else np.full(len(errors), np.nan)
    lower = [min(a.mean(), b.mean()) for b in errors.values()]
    found = decide(
        difference.mean(axis=1),
        spread / np.sqrt(runs),
        runs - 1,
        runs,
        margin * np.array(lower),
        level=level,
    )
    return {
        name: PairedRuns(
            runs=runs,
            median_ratio=float(np.median(a / np.where(b == 0, TINY, b))),
            mean_difference=float(found.value[i]),
            low=float(found.low[i]),
            high=float(found.high[i]),
            p=float(found.p[i]),
            wins=float(np.mean((a < b) + 0.5 * (a == b))),
            verdict=str(found.verdict[i]),
        )
        for i, (name, b) in enumerate(errors.items())
    }
