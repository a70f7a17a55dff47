"""Paired comparisons over functions, data seeds and initialisations, and Holm's correction.

Runs on one function resemble each other, and so do runs from one initialisation. An interval that
resamples runs as if they were independent is too narrow: here each level is resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from regcls.stats.errors import _TINY
from regcls.stats.validation import vector

FUNCTIONS, SEEDS, INITIALISATIONS = "functions", "data seeds", "initialisations"
MIN_FUNCTIONS = 3  # with fewer, nothing can be said about functions at large


@dataclass(frozen=True)
class Comparison:
    """``a`` against ``b`` (errors; lower is better). Intervals are NaN under three functions.

    ``p``: two-sided Wilcoxon signed-rank test over data sets. ``resampled``: the levels that the
    intervals speak of; initialisations are missing where all runs share one.
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
        """From the ratio's interval: "better", "worse", "no clear difference", or that functions
        are too few."""
        if np.isnan(self.ratio_low):
            return "too few functions"
        if self.ratio_high < 1:
            return "better"
        return "worse" if self.ratio_low > 1 else "no clear difference"


def compare(
    a: np.ndarray,
    b: np.ndarray,
    functions: np.ndarray,
    seeds: np.ndarray,
    inits: np.ndarray,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compare the errors (R,) of two models over R runs on data sets (function, data seed).

    Hierarchical bootstrap: functions, then data seeds within each, then initialisations within
    each data set (Davison & Hinkley, Bootstrap Methods, 1997, §3.8). Initialisations that several
    data sets share are crossed with these and resampled by themselves (Owen, The pigeonhole
    bootstrap, Ann. Appl. Stat. 1, 2007). Percentiles are widened for few functions as Hesterberg
    proposes (The American Statistician 69, 2015, §5.2). ``inf`` stands for a run that diverged:
    the other wins it. Raises ``ValueError`` for NaN or unequal lengths.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    levels = [np.unique(np.asarray(v), return_inverse=True)[1] for v in (functions, seeds, inits)]
    if not (a.ndim == 1 and len(a) and a.shape == b.shape == levels[0].shape):
        raise ValueError(
            "a, b, functions, seeds and inits must be lists of one and the same length"
        )
    if not (levels[1].shape == levels[2].shape == a.shape):
        raise ValueError(
            "a, b, functions, seeds and inits must be lists of one and the same length"
        )
    if np.isnan(a).any() or np.isnan(b).any():
        raise ValueError("a and b must not hold NaN; inf stands for a run that diverged")
    ratio = np.divide(a, b, out=np.ones_like(a), where=(a != b) & np.isfinite(a))
    ratio[np.isinf(a) & np.isfinite(b)] = np.inf
    difference = np.subtract(a, b, out=np.zeros_like(a), where=a != b)
    weight, resampled, fewest = _shared_weights(
        tuple(tuple(level.tolist()) for level in levels), resamples, seed
    )
    count = int(levels[0].max()) + 1
    bounds = np.full(4, np.nan)
    if count >= MIN_FUNCTIONS:
        ends = tails(fewest, level)
        bounds[:2] = np.quantile(_medians(ratio, weight), ends, method="nearest")
        if np.isfinite(difference).all():
            bounds[2:] = np.quantile(weight @ difference / weight.sum(axis=1), ends)
    ratio_low, ratio_high, low, high = map(float, bounds)
    return Comparison(
        runs=len(a),
        functions=count,
        median_ratio=float(_medians(ratio, np.ones((1, len(a))))[0]),
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        mean_difference=float(difference.mean()) if np.isfinite(difference).all() else np.nan,
        low=low,
        high=high,
        wins=float(np.mean((a < b) + 0.5 * (a == b))),
        p=_wilcoxon(difference, levels[0], levels[1]),
        resampled=resampled,
    )


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's step-down correction (Scand. J. Statist. 6, 1979); NaN stays and does not count.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    corrected = np.full(len(p), np.nan)
    order = np.argsort(p)[: np.isfinite(p).sum()]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected


@lru_cache(maxsize=2)
def _shared_weights(levels: tuple[tuple[int, ...], ...], resamples: int, seed: int):
    """``_weights``, drawn once for all the cells of a grid, whose runs are the same."""
    rng = np.random.default_rng(seed)
    return _weights(*(np.array(level) for level in levels), resamples, rng)


def _weights(function, seed, init, resamples: int, rng) -> tuple[np.ndarray, tuple[str, ...], int]:
    """How often each run occurs in each resample (B, R), the levels that are resampled, and how
    many there are of the scarcest of those that all runs share."""
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
    own = len(np.unique(np.stack([of_run, init]), axis=1)[0]) == len(np.unique(init))
    weight = per_data[:, of_run]
    if own:
        for d in range(data.shape[1]):
            mine = np.flatnonzero(of_run == d)
            weight[:, mine] = _draw(per_data[:, d].astype(int) * len(mine), len(mine), rng)
    elif init.max():
        crossed = int(init.max()) + 1
        weight *= _draw(np.full(resamples, crossed), crossed, rng)[:, init]
        fewest = min(fewest, crossed)
    if own or init.max():
        levels.append(INITIALISATIONS)
    empty = ~weight.any(axis=1)  # crossed levels may miss each other where runs are lacking
    weight[empty] = 1
    return weight, tuple(levels), fewest


def _draw(times: np.ndarray, among: int, rng) -> np.ndarray:
    """How often each of ``among`` is drawn in ``times`` (B,) draws, (B, among)."""
    return rng.multinomial(times, np.full(among, 1 / among))


def _medians(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted medians (B,) of ``values`` (R,): of an even number, the mean of the middle two."""
    order = np.argsort(values)
    reached = np.cumsum(weight[:, order], axis=1)
    half = reached[:, -1:] / 2
    lower = values[order][np.argmax(reached >= half, axis=1)]
    upper = values[order][np.argmax(reached > half, axis=1)]
    return np.where(lower == upper, lower, (lower + upper) / 2)


def tails(count: int, level: float) -> np.ndarray:
    """The two percentiles (2,) of a bootstrap over ``count`` things, widened for few of them."""
    from scipy import stats

    reach = np.sqrt(count / (count - 1)) * stats.t.ppf((1 + level) / 2, count - 1)
    return stats.norm.cdf([-reach, reach])


def _wilcoxon(difference: np.ndarray, function: np.ndarray, seed: np.ndarray) -> float:
    """Over data sets, whose initialisations are averaged; 1 where nothing differs."""
    from scipy import stats

    finite = np.abs(difference[np.isfinite(difference)])
    beyond = 10 * max(finite.max(initial=0), 1.0)  # a run that diverged ranks above all others
    difference = np.clip(difference, -beyond, beyond)
    of_run = np.unique(np.stack([function, seed]), axis=1, return_inverse=True)[1].ravel()
    mean = np.bincount(of_run, difference) / np.bincount(of_run)
    return float(stats.wilcoxon(mean).pvalue) if mean.any() else 1.0


MIN_RUNS = 6  # with fewer, no two-sided 95 % statement about runs is possible (2 · 0.5^5 > 0.05)


@dataclass(frozen=True)
class PairedRuns:
    """Run by run, ``a`` against ``b`` (errors; lower is better). Intervals are NaN under 6 runs."""

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
        """ "better", "worse" or "no clear difference" (the interval spans zero, or too few runs)."""
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 else "no clear difference"


def paired_runs(
    a: np.ndarray, b: np.ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> PairedRuns:
    """Compare the errors (R,) of two models over the same R runs.

    Percentile bootstrap over runs, widened for small R as Hesterberg proposes ("What teachers
    should know about the bootstrap", The American Statistician 69, 2015, §5.2). ``wins``: share of
    runs with a < b, ties counting half. Raises ``ValueError`` for NaN or unequal lengths.
    """
    a, b = vector("a", a), vector("b", b, len(a))
    n = len(a)
    wins = float(np.mean((a < b) + 0.5 * (a == b)))
    ratio = a / np.where(b == 0, _TINY, b)
    bounds = np.full(4, np.nan)
    if n >= MIN_RUNS:
        from scipy import stats

        reach = np.sqrt(n / (n - 1)) * stats.t.ppf((1 + level) / 2, n - 1)
        tails = stats.norm.cdf([-reach, reach])
        take = np.random.default_rng(seed).integers(n, size=(resamples, n))
        bounds[:2] = np.quantile((a - b)[take].mean(axis=1), tails)
        bounds[2:] = np.quantile(np.median(ratio[take], axis=1), tails)
    low, high, ratio_low, ratio_high = map(float, bounds)
    middle = float(np.median(ratio))
    return PairedRuns(n, middle, ratio_low, ratio_high, float((a - b).mean()), low, high, wins)
