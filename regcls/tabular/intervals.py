"""Differences between two kinds of models over held-out rows, with intervals.

Rows and trained models are both samples: another table would hold other rows, and another deal of
folds or first weights would give other models. The two are crossed (all rows of a fold share its
model; a row is held out once in each repeat), so both are resampled at once: Owen, "The pigeonhole
bootstrap", Ann. Appl. Stat. 1, 2007, which errs on the wide side. Percentiles are widened for few
models as Hesterberg proposes (The American Statistician 69, 2015, §5.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regcls.stats.comparison import tails as widened_tails

MOST_UNITS = 400  # of a range's rows; more are put at random into that many groups
DRAWS = 2000
LEVEL = 0.95
LEAST_MODELS = 3


@dataclass(frozen=True)
class Difference:
    """``a`` − ``b`` of an error, lower is better for ``a``; ``share`` is it over b's error.

    Intervals are NaN where too few models are trained.
    """

    value: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float

    @property
    def verdict(self) -> str:
        """ "better", "worse", "no clear difference" or "too early"."""
        if np.isnan(self.low):
            return "too early"
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 else "no clear difference"


class Held:
    """All held-out predictions: ``row``, ``fit`` and ``which`` (target range), each (N,)."""

    def __init__(self, row: np.ndarray, fit: np.ndarray, which: np.ndarray, seed: int = 0):
        self.row, self.which = row, which
        self.fit = np.unique(fit, return_inverse=True)[1]
        self.fits = int(self.fit.max()) + 1
        rng = np.random.default_rng(seed)
        self._fit_weights = _draws(self.fits, rng)
        self._parts = []
        for k in np.unique(which):
            at = np.flatnonzero(which == k)
            unit = np.unique(row[at], return_inverse=True)[1]
            if unit.max() >= MOST_UNITS:
                unit = rng.permutation(unit.max() + 1)[unit] % MOST_UNITS
            cell = unit * self.fits + self.fit[at]
            units = int(unit.max()) + 1
            self._parts.append((int(k), at, cell, units, _draws(units, rng)))

    def difference(
        self, a: np.ndarray, b: np.ndarray, goal: str = "balanced", only: int | None = None
    ) -> Difference:
        """Of errors ``a`` and ``b`` (N,): over ranges alike ("balanced"), over rows alike
        ("overall"), or in the range ``only``."""
        point, draws = [], []
        for k, at, cell, units, weight in self._parts:
            if only is not None and k != only:
                continue
            sums = [
                np.bincount(cell, values, units * self.fits).reshape(units, self.fits)
                for values in (a[at], b[at], np.ones(len(at)))
            ]
            point.append([s.sum() for s in sums])
            draws.append([((weight @ s) * self._fit_weights).sum(axis=1) for s in sums])
        if not point:
            return Difference(*[np.nan] * 6)
        first, second = _means(np.array(point)[:, :, None], goal)
        value, share = float((first - second)[0]), float(((first - second) / second)[0])
        if self.fits < LEAST_MODELS or (only is not None and draws[0][2].size and point[0][2] < 4):
            return Difference(value, np.nan, np.nan, share, np.nan, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            first, second = _means(np.array(draws), goal)
            tails = widened_tails(self.fits, LEVEL)
            low, high = np.nanquantile(first - second, tails)
            share_low, share_high = np.nanquantile((first - second) / second, tails)
        return Difference(
            value, float(low), float(high), share, float(share_low), float(share_high)
        )


def _means(sums: np.ndarray, goal: str) -> tuple[np.ndarray, np.ndarray]:
    """From sums of a, b and counts per range (K, 3, B): both mean errors (B,)."""
    if goal == "overall":
        total = sums.sum(axis=0)
        return total[0] / total[2], total[1] / total[2]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[:, :2] / sums[:, 2:]
        there = np.isfinite(means)  # a range that a draw misses is not in it
        first, second = np.where(there, means, 0).sum(axis=0) / there.sum(axis=0)
    return first, second


def _draws(count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of ``count`` is drawn, (B, count)."""
    return rng.multinomial(count, np.full(count, 1 / count), size=DRAWS).astype(np.float64)
