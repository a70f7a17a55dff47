"""Confidence intervals for the difference of two model kinds over held-out predictions.

Both rows and trained models are samples: another table would have other rows, and another
assignment of folds or other initial weights would give other models. The two are crossed (all rows
of a fold share its model, and each row is held out once per repeat), so both are resampled at once
with the pigeonhole bootstrap, which is conservative.

References
----------
Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1, 2007. Percentiles are widened for
few models as in Hesterberg, The American Statistician 69, 2015, §5.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regcls.stats.comparison import interval_verdict, widened_tails

MAX_UNITS = 400  # resampled units per range; more rows are grouped at random
DRAWS = 2000
LEVEL = 0.95
MIN_MODELS = 3
MIN_RANGE_ROWS = 4
TOO_EARLY = "too early"  # verdict without an interval


@dataclass(frozen=True)
class Difference:
    """Difference ``a`` − ``b`` of an error with its 95 % interval; negative favours ``a``.

    Interval ends are NaN if there are too few trained models or rows.

    Attributes
    ----------
    value, low, high : float
        Difference and interval, in units of the target.
    share, share_low, share_high : float
        The same relative to the error of ``b``.
    """

    value: float
    low: float
    high: float
    share: float
    share_low: float
    share_high: float

    @property
    def verdict(self) -> str:
        """One of "better", "worse", "no significant difference" and "too early"."""
        if np.isnan(self.low):
            return TOO_EARLY
        return interval_verdict(self.low, self.high)


class HeldOut:
    """Resampling of held-out predictions, grouped by target range.

    Parameters
    ----------
    row : ndarray of shape (N,)
        Row, or group of rows, of each prediction: the unit that is resampled.
    model : ndarray of shape (N,)
        Number of the trained model that made the prediction.
    range_index : ndarray of shape (N,)
        Target range of the row.
    seed : int
        Seed of the bootstrap.
    """

    def __init__(
        self, row: np.ndarray, model: np.ndarray, range_index: np.ndarray, seed: int = 0
    ) -> None:
        self.row, self.range_index = row, range_index
        self.model = np.unique(model, return_inverse=True)[1]
        self.models = int(self.model.max()) + 1
        rng = np.random.default_rng(seed)
        self._model_weights = _draw(self.models, rng)
        self._parts = []
        for k in np.unique(range_index):
            at = np.flatnonzero(range_index == k)
            unit = np.unique(row[at], return_inverse=True)[1]
            if unit.max() >= MAX_UNITS:
                unit = rng.permutation(unit.max() + 1)[unit] % MAX_UNITS
            cell = unit * self.models + self.model[at]
            units = int(unit.max()) + 1
            self._parts.append((int(k), at, cell, units, _draw(units, rng)))

    def difference(
        self, a: np.ndarray, b: np.ndarray, goal: str = "balanced", only: int | None = None
    ) -> Difference:
        """Return the difference of two mean errors with its interval.

        Parameters
        ----------
        a, b : ndarray of shape (N,)
            Absolute errors of two model kinds for the same predictions.
        goal : {"balanced", "overall"}
            Whether each target range or each row has the same weight.
        only : int, optional
            Target range to restrict the difference to.

        Returns
        -------
        Difference
            NaN throughout if no prediction lies in the range ``only``.

        Examples
        --------
        >>> index = np.arange(60)
        >>> held_out = HeldOut(index, index % 5, index % 2)
        >>> difference = held_out.difference(np.full(60, 0.5), np.ones(60))
        >>> difference.value, difference.verdict
        (-0.5, 'better')
        """
        point, draws = [], []
        for k, at, cell, units, weight in self._parts:
            if only is not None and k != only:
                continue
            sums = [
                np.bincount(cell, values, units * self.models).reshape(units, self.models)
                for values in (a[at], b[at], np.ones(len(at)))
            ]
            point.append([s.sum() for s in sums])
            draws.append([((weight @ s) * self._model_weights).sum(axis=1) for s in sums])
        if not point:
            return Difference(*[np.nan] * 6)
        first, second = _means(np.array(point)[:, :, None], goal)
        value, share = float((first - second)[0]), float(((first - second) / second)[0])
        too_few_rows = only is not None and point[0][2] < MIN_RANGE_ROWS
        if self.models < MIN_MODELS or too_few_rows:
            return Difference(value, np.nan, np.nan, share, np.nan, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            first, second = _means(np.array(draws), goal)
            tails = widened_tails(self.models, LEVEL)
            low, high = np.nanquantile(first - second, tails)
            share_low, share_high = np.nanquantile((first - second) / second, tails)
        return Difference(
            value, float(low), float(high), share, float(share_low), float(share_high)
        )


def _means(sums: np.ndarray, goal: str) -> tuple[np.ndarray, np.ndarray]:
    """Return both mean errors (B,) from the sums of a, b and counts per range (K, 3, B)."""
    if goal == "overall":
        total = sums.sum(axis=0)
        return total[0] / total[2], total[1] / total[2]
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[:, :2] / sums[:, 2:]
        drawn = np.isfinite(means)  # a range without rows in a draw does not count in it
        first, second = np.where(drawn, means, 0).sum(axis=0) / drawn.sum(axis=0)
    return first, second


def _draw(count: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each of ``count`` units occurs in each bootstrap draw, (B, count)."""
    return rng.multinomial(count, np.full(count, 1 / count), size=DRAWS).astype(np.float64)
