"""Paired comparisons of two models over runs, and Holm's correction.

Runs on one function resemble each other, and so do runs from one initialisation. An interval that
resamples runs as if they were independent is too narrow; `compare` resamples each level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regcls.stats.validation import TINY, vector

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

FUNCTIONS, SEEDS, INITIALISATIONS = "functions", "data seeds", "initialisations"
MIN_FUNCTIONS = 3  # with fewer, no interval over functions
MIN_RUNS = 6  # with fewer, no two-sided 95 % interval over runs is possible (2 · 0.5^5 > 0.05)
BETTER, WORSE, UNDECIDED = "better", "worse", "no significant difference"
TOO_FEW_FUNCTIONS = "too few functions"


def interval_verdict(low: float, high: float, null: float = 0.0) -> str:
    """Return the verdict on an error from the interval of its difference or ratio.

    Parameters
    ----------
    low, high : float
        Ends of the interval; NaN if there is none.
    null : float
        Value of no difference: 0 for a difference, 1 for a ratio.

    Returns
    -------
    str
        "better" (lower error) or "worse" if the interval excludes ``null``, otherwise
        "no significant difference".

    Examples
    --------
    >>> interval_verdict(-0.3, -0.1), interval_verdict(0.8, 1.1, null=1)
    ('better', 'no significant difference')
    """
    if high < null:
        return BETTER
    return WORSE if low > null else UNDECIDED


@dataclass(frozen=True)
class Comparison:
    """Comparison of the errors of models ``a`` and ``b`` over functions; see `compare`.

    Intervals are NaN with fewer than three functions.

    Attributes
    ----------
    runs, functions : int
        Number of runs, and of functions among them.
    median_ratio, ratio_low, ratio_high : float
        Median over runs of a / b, with its interval.
    mean_difference, low, high : float
        Mean over runs of a − b, with its interval.
    wins : float
        Share of runs with a < b; ties count half.
    p : float
        Two-sided Wilcoxon signed-rank test over data sets.
    resampled : tuple of str
        Levels that the intervals resample. Initialisations are missing if all runs share one.
    """

    runs: int
    functions: int
    median_ratio: float
    ratio_low: float
    ratio_high: float
    mean_difference: float
    low: float
    high: float
    wins: float
    p: float
    resampled: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """Verdict on ``a`` from the ratio's interval, or "too few functions"."""
        if np.isnan(self.ratio_low):
            return TOO_FEW_FUNCTIONS
        return interval_verdict(self.ratio_low, self.ratio_high, null=1)


def compare(
    a: ArrayLike,
    b: ArrayLike,
    functions: ArrayLike,
    seeds: ArrayLike,
    inits: ArrayLike,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare the errors of two models over runs on several data sets.

    Hierarchical bootstrap [1]_: functions, then data seeds within each function, then
    initialisations within each data set. Initialisations that several data sets share are crossed
    with these and resampled independently [2]_. Percentiles are widened for few functions [3]_.

    Parameters
    ----------
    a, b : array-like of shape (R,)
        Errors of two models in the same R runs. ``inf`` stands for a run that diverged; the other
        model wins it.
    functions, seeds, inits : array-like of shape (R,)
        Function, data seed and initialisation of each run; a function and a data seed make a data
        set.
    level : float
        Coverage of the intervals.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Comparison
        Ratio and difference with intervals, wins and p-value.

    Raises
    ------
    ValueError
        If an error is NaN, or the lengths differ.

    References
    ----------
    .. [1] Davison and Hinkley, "Bootstrap Methods and their Application", 1997, §3.8.
    .. [2] Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 2007.
    .. [3] Hesterberg, "What teachers should know about the bootstrap", The American Statistician
       69, 2015, §5.2.

    Examples
    --------
    >>> functions, seeds = np.repeat(np.arange(5), 2), np.tile([0, 1], 5)
    >>> b = np.linspace(1, 2, 10)
    >>> found = compare(0.9 * b, b, functions, seeds, np.zeros(10))
    >>> round(found.median_ratio, 2), found.verdict, found.resampled
    (0.9, 'better', ('functions', 'data seeds'))
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    levels = [np.unique(np.asarray(v), return_inverse=True)[1] for v in (functions, seeds, inits)]
    _check_errors(a, b, levels)
    ratio = np.divide(a, b, out=np.ones_like(a), where=(a != b) & np.isfinite(a))
    ratio[np.isinf(a) & np.isfinite(b)] = np.inf
    difference = np.subtract(a, b, out=np.zeros_like(a), where=a != b)
    finite = bool(np.isfinite(difference).all())
    weight, resampled, fewest = _shared_weights(
        tuple(tuple(level.tolist()) for level in levels), resamples, seed
    )
    count = int(levels[0].max()) + 1
    bounds = np.full(4, np.nan)
    if count >= MIN_FUNCTIONS:
        ends = widened_tails(fewest, level)
        bounds[:2] = np.quantile(_medians(ratio, weight), ends, method="nearest")
        if finite:
            bounds[2:] = np.quantile(weight @ difference / weight.sum(axis=1), ends)
    ratio_low, ratio_high, low, high = map(float, bounds)
    return Comparison(
        runs=len(a),
        functions=count,
        median_ratio=float(_medians(ratio, np.ones((1, len(a))))[0]),
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        mean_difference=float(difference.mean()) if finite else np.nan,
        low=low,
        high=high,
        wins=_wins(a, b),
        p=_wilcoxon(difference, levels[0], levels[1]),
        resampled=resampled,
    )


@dataclass(frozen=True)
class PairedRuns:
    """Comparison of the errors of models ``a`` and ``b`` over independent runs; see `paired_runs`.

    Intervals are NaN with fewer than six runs.

    Attributes
    ----------
    runs : int
        Number of runs.
    median_ratio, ratio_low, ratio_high : float
        Median over runs of a / b, with its interval.
    mean_difference, low, high : float
        Mean over runs of a − b, with its interval.
    wins : float
        Share of runs with a < b; ties count half.
    """

    runs: int
    median_ratio: float
    ratio_low: float
    ratio_high: float
    mean_difference: float
    low: float
    high: float
    wins: float

    @property
    def verdict(self) -> str:
        """Verdict on ``a`` from the interval of the mean difference."""
        return interval_verdict(self.low, self.high)


def paired_runs(
    a: ArrayLike, b: ArrayLike, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> PairedRuns:
    """Compare the errors of two models over the same independent runs.

    Percentile bootstrap over runs, with percentiles widened for few runs [1]_.

    Parameters
    ----------
    a, b : array-like of shape (R,)
        Errors of two models in the same R runs.
    level : float
        Coverage of the intervals.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    PairedRuns
        Ratio and difference with intervals, and wins.

    Raises
    ------
    ValueError
        If an error is not finite, or the lengths differ.

    References
    ----------
    .. [1] Hesterberg, "What teachers should know about the bootstrap", The American Statistician
       69, 2015, §5.2.

    Examples
    --------
    >>> found = paired_runs([1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 7])
    >>> found.mean_difference, found.wins, found.verdict
    (-1.0, 1.0, 'better')
    """
    a = vector("a", a)
    b = vector("b", b, len(a))
    runs = len(a)
    ratio = a / np.where(b == 0, TINY, b)
    bounds = np.full(4, np.nan)
    if runs >= MIN_RUNS:
        ends = widened_tails(runs, level)
        take = np.random.default_rng(seed).integers(runs, size=(resamples, runs))
        bounds[:2] = np.quantile((a - b)[take].mean(axis=1), ends)
        bounds[2:] = np.quantile(np.median(ratio[take], axis=1), ends)
    low, high, ratio_low, ratio_high = map(float, bounds)
    return PairedRuns(
        runs=runs,
        median_ratio=float(np.median(ratio)),
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        mean_difference=float((a - b).mean()),
        low=low,
        high=high,
        wins=_wins(a, b),
    )


def holm(p: Sequence[float] | Floats) -> Floats:
    """Return p-values corrected for multiple comparisons with Holm's step-down method.

    Parameters
    ----------
    p : sequence of float
        P-values; NaN stays NaN and does not count as a comparison.

    Returns
    -------
    ndarray
        Corrected p-values in the same order.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    corrected = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


def widened_tails(count: int, level: float) -> Floats:
    """Return the two percentiles of a bootstrap interval, widened for few resampled units.

    Parameters
    ----------
    count : int
        Number of resampled units, at least 2.
    level : float
        Coverage of the interval.

    Returns
    -------
    ndarray of shape (2,)
        Lower and upper percentile, from 0 to 1.

    References
    ----------
    Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69, 2015,
    §5.2.

    Examples
    --------
    >>> widened_tails(5, 0.95).round(4), widened_tails(1000, 0.95).round(4)
    (array([0.001, 0.999]), array([0.0248, 0.9752]))
    """
    from scipy import stats

    reach = np.sqrt(count / (count - 1)) * stats.t.ppf((1 + level) / 2, count - 1)
    return np.asarray(stats.norm.cdf([-reach, reach]))


def _check_errors(a: Floats, b: Floats, levels: Sequence[Indices]) -> None:
    shapes = {array.shape for array in (a, b, *levels)}
    if a.ndim != 1 or not len(a) or len(shapes) > 1:
        raise ValueError("a, b, functions, seeds and inits must be lists of the same length")
    if np.isnan(a).any() or np.isnan(b).any():
        raise ValueError("a and b must not contain NaN; use inf for a run that diverged")


def _wins(a: Floats, b: Floats) -> float:
    return float(np.mean((a < b) + 0.5 * (a == b)))


Weights = tuple[Floats, tuple[str, ...], int]


@lru_cache(maxsize=2)
def _shared_weights(levels: tuple[tuple[int, ...], ...], resamples: int, seed: int) -> Weights:
    """``_weights``, drawn once for all cells of a grid, which have the same runs."""
    rng = np.random.default_rng(seed)
    function, data_seed, init = (np.array(level) for level in levels)
    return _weights(function, data_seed, init, resamples, rng)


def _weights(
    function: Indices, seed: Indices, init: Indices, resamples: int, rng: np.random.Generator
) -> Weights:
    """Draw the resamples of a hierarchical bootstrap.

    Returns how often each run occurs in each resample (B, R), the resampled levels, and the
    smallest number of units among the levels that all runs share.
    """
    data, of_run = np.unique(np.stack([function, seed]), axis=1, return_inverse=True)
    of_run = of_run.ravel()
    drawn = _draw(np.full(resamples, function.max() + 1), function.max() + 1, rng)
    per_data = np.zeros((resamples, data.shape[1]))
    for f in range(drawn.shape[1]):
        mine = np.flatnonzero(data[0] == f)
        per_data[:, mine] = _draw(drawn[:, f] * len(mine), len(mine), rng)
    levels, fewest = [FUNCTIONS], drawn.shape[1]
    if data.shape[1] > drawn.shape[1]:
        levels.append(SEEDS)
    nested = len(np.unique(np.stack([of_run, init]), axis=1)[0]) == len(np.unique(init))
    weight = per_data[:, of_run]
    if nested:
        for d in range(data.shape[1]):
            mine = np.flatnonzero(of_run == d)
            weight[:, mine] = _draw(per_data[:, d].astype(int) * len(mine), len(mine), rng)
    elif init.max():
        crossed = int(init.max()) + 1
        weight *= _draw(np.full(resamples, crossed), crossed, rng)[:, init]
        fewest = min(fewest, crossed)
    if nested or init.max():
        levels.append(INITIALISATIONS)
    empty = ~weight.any(axis=1)  # possible for crossed levels if runs are missing
    weight[empty] = 1
    return weight, tuple(levels), fewest


def _draw(times: Indices, among: int, rng: np.random.Generator) -> Indices:
    """How often each of ``among`` units is drawn in ``times`` (B,) draws, (B, among)."""
    return rng.multinomial(times, np.full(among, 1 / among))


def _medians(values: Floats, weight: Floats) -> Floats:
    """Weighted medians (B,) of ``values`` (R,); the mean of the two middle values if even."""
    order = np.argsort(values)
    reached = np.cumsum(weight[:, order], axis=1)
    half = reached[:, -1:] / 2
    lower = values[order][np.argmax(reached >= half, axis=1)]
    upper = values[order][np.argmax(reached > half, axis=1)]
    return np.where(lower == upper, lower, (lower + upper) / 2)


def _wilcoxon(difference: Floats, function: Indices, seed: Indices) -> float:
    """P-value over data sets, each with the mean of its initialisations; 1 without differences."""
    from scipy import stats

    finite = np.abs(difference[np.isfinite(difference)])
    limit = 10 * max(finite.max(initial=0), 1.0)  # a run that diverged ranks above all others
    difference = np.clip(difference, -limit, limit)
    of_run = np.unique(np.stack([function, seed]), axis=1, return_inverse=True)[1].ravel()
    mean = np.bincount(of_run, difference) / np.bincount(of_run)
    return float(stats.wilcoxon(mean).pvalue) if mean.any() else 1.0
