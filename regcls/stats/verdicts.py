"""Verdicts on differences between two models: the one place that decides them.

A verdict is read off the interval that is shown: it cannot say more than the interval, and the
interval is widened until all verdicts of a family together are wrong as rarely as promised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regcls.formats import number, with_interval

Floats = NDArray[np.float64]

BETTER, WORSE, UNDECIDED = "better", "worse", "no significant difference"
EQUAL, TOO_FEW = "practically equal", "too few data"
VERDICTS = (BETTER, WORSE, EQUAL, UNDECIDED, TOO_FEW)
LEVEL = 0.95  # of the intervals of primary comparisons
MARGIN = 0.05  # share of the lower error below which a difference does not matter
MIN_UNITS = 6  # with fewer, no two-sided test of signs reaches 5% (2 · 0.5^5 > 0.05)


@dataclass(frozen=True)
class Decisions:
    """Decisions on the M differences ``a`` − ``b`` of one family; see `decide`.

    Attributes
    ----------
    value, low, high : ndarray of shape (M,)
        Differences and their simultaneous intervals; NaN where there are too few units.
    p : ndarray of shape (M,)
        Two-sided p-values after Holm's correction.
    verdict : ndarray of str, shape (M,)
        On ``a``, from `VERDICTS`.
    """

    value: Floats
    low: Floats
    high: Floats
    p: Floats
    verdict: NDArray[Any]

    def take(self, at: Any) -> Decisions:
        """Return some of the decisions, by index or slice."""
        return Decisions(self.value[at], self.low[at], self.high[at], self.p[at], self.verdict[at])

    def record(self, at: int) -> dict[str, Any]:
        """Return one decision as plain values: difference, low, high, p and verdict."""
        return {
            "difference": float(self.value[at]),
            "low": float(self.low[at]),
            "high": float(self.high[at]),
            "p": float(self.p[at]),
            "verdict": str(self.verdict[at]),
        }

    def swapped(self) -> Decisions:
        """Return the decisions on ``b`` − ``a``."""
        names = [_SWAPPED.get(name, name) for name in self.verdict]
        verdict = np.array(names, dtype=object)
        return Decisions(-self.value, -self.high, -self.low, self.p, verdict)


_SWAPPED = {BETTER: WORSE, WORSE: BETTER}


def decide(
    value: ArrayLike,
    se: ArrayLike,
    dof: ArrayLike,
    units: ArrayLike,
    margin: ArrayLike = np.nan,
    weight: ArrayLike = 1.0,
    level: float = LEVEL,
    min_units: int = MIN_UNITS,
) -> Decisions:
    """Decide on a family of differences, so that the family's error rate is 1 − ``level``.

    Each difference has a t-interval. Holm's procedure [1]_ tests the differences in the order of
    p-value / weight and stops at the first that is not significant; each may err with its weight's
    share of 1 − ``level`` among those not yet significant. Its interval has exactly this level, so
    an interval excludes zero if and only if its difference is significant, and all intervals
    together hold with probability ``level``. A difference whose interval lies within ± its margin
    is practically equal, which is at least as strict as two one-sided tests at 2.5% [2]_.

    Parameters
    ----------
    value, se : array-like of shape (M,)
        Differences ``a`` − ``b`` of an error and their standard errors.
    dof : array-like of shape (M,)
        Degrees of freedom of the standard errors.
    units : array-like of shape (M,)
        Numbers of independent units, such as rows, groups, runs or functions.
    margin : array-like of shape (M,), optional
        Differences that do not matter, in the units of ``value``; NaN for none.
    weight : array-like of shape (M,), optional
        Importance of the differences, up to a factor.
    level : float
        Simultaneous coverage of the intervals.
    min_units : int
        Differences of fewer units get no verdict and are not part of the family.

    Returns
    -------
    Decisions
        Intervals, corrected p-values and verdicts in the same order.

    References
    ----------
    .. [1] Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
       of Statistics 6, 1979, with the weights of its §3.
    .. [2] Schuirmann, "A comparison of the two one-sided tests procedure and the power approach",
       Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.

    Examples
    --------
    >>> found = decide([-1.0, -0.3, 0.01], [0.2, 0.2, 0.01], 99, 100, margin=0.1)
    >>> found.verdict.tolist()
    ['better', 'no significant difference', 'practically equal']
    >>> decide(-0.5, 0.1, 4, 5).verdict.tolist()
    ['too few data']
    """
    from scipy import special

    given = (value, se, dof, units, margin, weight)
    columns = np.broadcast_arrays(*map(np.atleast_1d, given))
    value, se, dof, units, margin, weight = (np.array(c, dtype=np.float64) for c in columns)
    known = (units >= min_units) & np.isfinite(value) & np.isfinite(se)
    p = np.where(known, _p_values(value, se, dof), np.nan)
    alpha = _levels(p, weight, 1 - level)
    reach = np.where(se > 0, -special.stdtrit(np.maximum(dof, 1), alpha / 2) * se, 0.0)
    low, high = np.where(known, [value - reach, value + reach], np.nan)
    verdict = np.full(len(value), TOO_FEW, dtype=object)
    verdict[known] = UNDECIDED
    verdict[known & (high < 0)] = BETTER
    verdict[known & (low > 0)] = WORSE
    verdict[known & (low >= -margin) & (high <= margin)] = EQUAL
    return Decisions(value, low, high, holm(p, weight), verdict)


def phrase(
    verdict: str, a: str, b: str, metric: str, unit: str = "rows", margin: float = MARGIN
) -> str:
    """Return a verdict on model ``a`` against model ``b`` in words, without a full stop.

    Parameters
    ----------
    verdict : str
        One of `VERDICTS`.
    a, b : str
        Names of the models.
    metric : str
        Name of the error.
    unit : str
        What there are too few of.
    margin : float
        Share of the lower error below which a difference does not matter.

    Returns
    -------
    str
        It starts with a capital, unless with the name of a model.

    Examples
    --------
    >>> phrase(BETTER, "reg+cls", "reg", "MAE")
    'reg+cls has a lower MAE than reg'
    >>> phrase(EQUAL, "reg+cls", "reg", "MAE")
    'reg+cls and reg are practically equal in MAE (within ±5%)'
    """
    return {
        BETTER: f"{a} has a lower {metric} than {b}",
        WORSE: f"{a} has a higher {metric} than {b}",
        EQUAL: f"{a} and {b} are practically equal in {metric} ({within(margin)})",
        UNDECIDED: f"No significant difference in {metric} between {a} and {b}",
        TOO_FEW: f"Too few {unit} to compare the {metric} of {a} and {b}",
    }[verdict]


def worded(
    found: Mapping[str, Any],
    a: str,
    b: str,
    metric: str = "MAE",
    unit: str = "rows",
    margin: float = MARGIN,
    target_unit: str = "",
) -> str:
    """Return a decision in words with its difference and interval, without a full stop.

    Parameters
    ----------
    found : mapping
        A record from `Decisions.record`.
    a, b, metric, unit, margin : see `phrase`
        What was compared.
    target_unit : str
        Unit of the difference; may be empty.

    Returns
    -------
    str

    Examples
    --------
    >>> worded(decide(-0.5, 0.1, 99, 100).record(0), "reg+cls", "reg", target_unit="years")
    'reg+cls has a lower MAE than reg: the difference is −0.500 [−0.698, −0.302] years'
    """
    text = phrase(found["verdict"], a, b, metric, unit, margin)
    difference = f"{with_interval(found['difference'], found['low'], found['high'])} {target_unit}"
    return f"{text}: the difference is {difference.rstrip()}"


def within(margin: float = MARGIN) -> str:
    """Return "within ±5%" for a margin of 0.05."""
    return f"within ±{number(100 * margin)}%"


def tally(found: Sequence[str], a: str, of: str = "ranges", margin: float = MARGIN) -> str:
    """Return how often model ``a`` got each verdict, as a sentence.

    Parameters
    ----------
    found : sequence of str
        Verdicts, from `VERDICTS`.
    a : str
        Name of the model.
    of : str
        What was compared, in the plural.
    margin : float
        Share of the lower error below which a difference does not matter.

    Returns
    -------
    str

    Examples
    --------
    >>> tally([BETTER, UNDECIDED, TOO_FEW], "reg+cls")
    'Of 3 ranges, reg+cls is better in 1 and worse in 0; no significant difference in 1, too few
    data in 1.'
    """
    count = {name: list(found).count(name) for name in VERDICTS}
    of = "range" if len(found) == 1 and of == "ranges" else of
    text = f"Of {len(found)} {of}, {a} is better in {count[BETTER]} and worse in {count[WORSE]}"
    rest = [
        f"{EQUAL} ({within(margin)}) in {count[EQUAL]}",
        f"{UNDECIDED} in {count[UNDECIDED]}",
        f"{TOO_FEW} in {count[TOO_FEW]}",
    ]
    rest = [part for part in rest if not part.endswith(" in 0")]
    return f"{text}{'; ' if rest else ''}{', '.join(rest)}."


def holm(p: Sequence[float] | Floats, weight: ArrayLike = 1.0) -> Floats:
    """Return p-values corrected for multiple comparisons with Holm's step-down method.

    Parameters
    ----------
    p : sequence of float
        P-values; NaN stays NaN and does not count as a comparison.
    weight : array-like, optional
        Importance of the comparisons, up to a factor.

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
    >>> holm([0.01, 0.04, 0.03]).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p, dtype=np.float64)
    corrected = np.full(len(p), np.nan)
    order, share = _order(p, np.broadcast_to(np.asarray(weight, dtype=np.float64), p.shape))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] / share), 1)
    return corrected


def _p_values(value: Floats, se: Floats, dof: Floats) -> Floats:
    """Two-sided p-values of t-tests; without any spread, a difference is certain."""
    from scipy import special

    ratio = np.divide(value, se, out=np.where(value == 0, 0.0, np.inf), where=se > 0)
    return np.asarray(2 * special.stdtr(np.maximum(dof, 1), -np.abs(ratio)))


def _order(p: Floats, weight: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Order of the tests, and the share of each weight in those from its test on."""
    order = np.argsort(p / weight)[: np.isfinite(p).sum()]
    ahead = weight[order]
    return order, ahead / np.cumsum(ahead[::-1])[::-1]


def _levels(p: Floats, weight: Floats, alpha: float) -> Floats:
    """Level of each test in Holm's procedure; from the first failure on, the shares stay."""
    order, share = _order(p, weight)
    failed = np.flatnonzero(p[order] >= alpha * share)
    if len(failed):
        ahead = weight[order[failed[0] :]]
        share[failed[0] :] = ahead / ahead.sum()
    found = np.full(len(p), alpha)
    found[order] = alpha * share
    return found
