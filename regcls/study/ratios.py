"""Error ratios of two roles per search and function, their mean over settings, and decisions.

Independent units are the functions and, where each setting is tuned in several searches, the
searches. Data sets and initialisations of a function resemble each other and are averaged first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regcls.stats import verdicts
from regcls.stats.validation import TINY
from regcls.stats.verdicts import LEVEL, Decisions, decide

Floats = NDArray[np.float64]

MARGIN = math.log1p(verdicts.MARGIN)  # log ratios that do not matter
DIVERGED_RATIO = 10.0  # a run that diverged counts as an error this many times as large
NO_RESULT = "no result yet"


@dataclass(frozen=True)
class Ratios:
    """Error ratios of two roles in one setting; see `error_ratios`.

    Attributes
    ----------
    table : ndarray of shape (S, F)
        Mean log ratio per search and function; NaN without runs.
    planned, pairs : int
        Number of planned runs, and of those that both roles have finished and that count.
    diverged, both_diverged : int
        Number of runs in which one role diverged, which count, or both, which do not.
    wins : float
        Share of finished runs with a lower error of the first role; ties count half.
    """

    table: Floats
    planned: int
    pairs: int
    diverged: int
    both_diverged: int
    wins: float


@dataclass(frozen=True)
class Estimate:
    """Mean log ratio with its standard error; see `pool`.

    Attributes
    ----------
    value, se, dof : float
        Mean log ratio, its standard error and degrees of freedom; NaN if there are none.
    functions, searches : int
        Numbers of units.
    cells : int
        Number of settings that count.
    """

    value: float
    se: float
    dof: float
    functions: int
    searches: int
    cells: int


def error_ratios(
    a: ArrayLike, b: ArrayLike, functions: ArrayLike, searches: ArrayLike | None = None
) -> Ratios:
    """Return the log ratios of the errors of two roles per search and function.

    A run in which one role diverged counts as a ratio of 10 or 1/10, or as the most extreme finite
    ratio if that is larger. A run in which both diverged has no ratio and is only counted.

    Parameters
    ----------
    a, b : array-like of shape (R,)
        Errors of two roles in the same R runs; NaN if not trained, inf if diverged.
    functions : array-like of shape (R,)
        Function of each run.
    searches : array-like of shape (R,), optional
        Search that chose the settings of each run; by default, all runs belong to one.

    Returns
    -------
    Ratios

    Examples
    --------
    >>> found = error_ratios([1.0, 1.0, 3.0], [2.0, 0.5, 1.0], [1, 1, 2])
    >>> np.exp(found.table).round(3).tolist(), round(found.wins, 3)
    ([[1.0, 3.0]], 0.333)
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    done = ~(np.isnan(a) | np.isnan(b))
    one = done & (np.isinf(a) != np.isinf(b))
    finite = done & np.isfinite(a) & np.isfinite(b)
    log = np.full(len(a), np.nan)
    log[finite] = np.log(np.maximum(a[finite], TINY) / np.maximum(b[finite], TINY))
    limit = max(math.log(DIVERGED_RATIO), float(np.abs(log[finite]).max(initial=0.0)))
    log[one] = np.where(np.isinf(a[one]), limit, -limit)
    known = finite | one
    won = np.where(a == b, 0.5, a < b)
    return Ratios(
        table=_means(log, known, functions, np.zeros(len(a)) if searches is None else searches),
        planned=len(a),
        pairs=int(known.sum()),
        diverged=int(one.sum()),
        both_diverged=int((done & ~known).sum()),
        wins=float(won[done].mean()) if done.any() else math.nan,
    )


def _means(values: Floats, known: NDArray, functions: ArrayLike, searches: ArrayLike) -> Floats:
    """Means of the known values per search and function, (S, F)."""
    rows, columns = (np.unique(np.asarray(k), return_inverse=True) for k in (searches, functions))
    total = np.zeros((len(rows[0]), len(columns[0])))
    count = np.zeros_like(total)
    at = rows[1][known], columns[1][known]
    np.add.at(total, at, values[known])
    np.add.at(count, at, 1)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def pool(cells: Sequence[Ratios]) -> Estimate:
    """Estimate the mean log ratio over settings, with functions and searches as units.

    The log ratios are averaged over settings first, so that each function has one value. Settings
    that lack a function or search which others have are left out, so that all functions have the
    same settings.

    The variance of one search is that of the mean over functions. Several searches are crossed
    with functions: the half-width of the 95% interval is the root of the sum of squares of those
    over functions and over searches [1]_, and the degrees of freedom are the smaller of both,
    which is conservative at higher levels. Compared with the two-way clustered variance [2]_, this
    does not subtract the interaction that both parts contain.

    Parameters
    ----------
    cells : sequence of Ratios
        Ratios of each setting, with the same planned functions and searches.

    Returns
    -------
    Estimate

    References
    ----------
    .. [1] Howe, "Approximate confidence limits on the mean of X + Y where X and Y are two tabled
       independent random variables", Journal of the American Statistical Association 69, 1974.
    .. [2] Cameron, Gelbach and Miller, "Robust inference with multiway clustering", Journal of
       Business & Economic Statistics 29, 2011.
    """
    stack = np.stack([cell.table for cell in cells])
    known = np.isfinite(stack)
    functions = known.any(axis=(0, 1))
    complete = np.asarray(known[:, :, functions].all(axis=2))
    searches = complete.any(axis=0)
    used = complete[:, searches].all(axis=1)
    if not (functions.any() and searches.any() and used.any()):
        return Estimate(math.nan, math.nan, math.nan, 0, 0, 0)
    table = stack[used][:, searches][:, :, functions].mean(axis=0)
    se, dof = _standard_error(table)
    return Estimate(float(table.mean()), se, dof, table.shape[1], table.shape[0], int(used.sum()))


def _standard_error(table: Floats) -> tuple[float, float]:
    """Return the standard error and degrees of freedom of the mean of a table (S, F)."""
    if table.shape[1] < 2:  # one function tells nothing about others
        return math.nan, math.nan
    functions = _mean_error(table.mean(axis=0))
    if table.shape[0] < 2:
        return functions
    parts = (functions, _mean_error(table.mean(axis=1)))
    dof = min(count for _, count in parts)
    return math.hypot(*(se * _quantile(count) for se, count in parts)) / _quantile(dof), dof


@cache
def _quantile(dof: float) -> float:
    """Return the two-sided 95% quantile of Student's t distribution."""
    from scipy import stats

    return float(stats.t.isf((1 - LEVEL) / 2, dof))


def _mean_error(values: Floats) -> tuple[float, float]:
    """Return the standard error of a mean and its degrees of freedom."""
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)), float(len(values) - 1)


def judge(estimates: Sequence[Estimate]) -> Decisions:
    """Decide on a family of log ratios, with a margin of 5%.

    Parameters
    ----------
    estimates : sequence of Estimate
        Estimates of the family.

    Returns
    -------
    Decisions
        Decisions from `regcls.stats.verdicts.decide`; the verdict is `NO_RESULT` where there is
        no estimate.
    """
    value = [e.value for e in estimates]
    found = decide(
        value,
        [e.se for e in estimates],
        [e.dof for e in estimates],
        [e.functions for e in estimates],
        MARGIN,
    )
    found.verdict[np.isnan(value)] = NO_RESULT
    return found


def p_equal(estimate: Estimate) -> float:
    """Return the p-value of two one-sided tests of a log ratio beyond ± `MARGIN`.

    It is below 0.025 if and only if the 95% interval lies within ± `MARGIN`.

    Parameters
    ----------
    estimate : Estimate
        Estimate of the log ratio.

    Returns
    -------
    float
        NaN with too few functions.

    References
    ----------
    Schuirmann, "A comparison of the two one-sided tests procedure and the power approach", Journal
    of Pharmacokinetics and Biopharmaceutics 15, 1987.
    """
    from scipy import stats

    if estimate.functions < verdicts.MIN_UNITS:
        return math.nan
    inside = MARGIN - abs(estimate.value)
    if not estimate.se > 0:
        return float(inside <= 0)
    return float(stats.t.sf(inside / estimate.se, estimate.dof))
