"""Detection of columns that leak the target or identify the row."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

MIN_ROWS = 20  # rows needed for a meaningful rank correlation
COPY_RANK, CLOSE_RANK = 0.9995, 0.98  # Spearman correlation with the target, in absolute value
_ID_NAME = re.compile(r"(^|[_\s.-])(id|idx|index|uuid|guid|key|rownames?|unnamed: ?\d+)$", re.I)


@dataclass(frozen=True)
class Suspicion:
    """A column that may leak the target or that identifies the row.

    Attributes
    ----------
    column : str
        Column name.
    reason : str
        Why it is suspected, as a clause.
    certain : bool
        Whether the column is left out unless the user includes it.
    """

    column: str
    reason: str
    certain: bool


def check_number(name: str, values: np.ndarray, y: np.ndarray) -> Suspicion | None:
    """Return why a numeric column is suspected, if it is.

    Parameters
    ----------
    name : str
        Column name.
    values : ndarray of shape (n,)
        Its values; NaN where missing.
    y : ndarray of shape (n,)
        Targets.

    Returns
    -------
    Suspicion or None
        None also for tables with fewer than 20 rows.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=50)
    >>> check_number("exponential", np.exp(y), y).reason
    'it ranks the rows exactly as the target does'
    """
    from scipy import stats

    if len(y) < MIN_ROWS:
        return None
    known = np.isfinite(values)
    whole = bool((values[known] == np.round(values[known])).all())
    distinct = len(np.unique(values[known]))
    if whole and distinct == len(values):
        steady = len(set(np.diff(values).tolist())) == 1
        if steady or _ID_NAME.search(name):
            return Suspicion(name, "it identifies the row", True)
    if known.sum() < MIN_ROWS or distinct < 3:
        return None
    if np.array_equal(values[known], y[known]):
        return Suspicion(name, "it is a copy of the target", True)
    rank = abs(float(stats.spearmanr(values[known], y[known]).statistic))
    if rank >= COPY_RANK:
        return Suspicion(name, "it ranks the rows exactly as the target does", True)
    if rank >= CLOSE_RANK:
        reason = f"it ranks the rows almost as the target does (Spearman correlation {rank:.3f})"
        return Suspicion(name, reason, False)
    return _check_name(name)


def check_category(name: str, codes: np.ndarray, y: np.ndarray) -> Suspicion | None:
    """Return why a category is suspected, if it is.

    Parameters
    ----------
    name : str
        Column name.
    codes : ndarray of shape (n,)
        Codes of its levels.
    y : ndarray of shape (n,)
        Targets.

    Returns
    -------
    Suspicion or None
        None also for tables with fewer than 20 rows.

    Examples
    --------
    >>> codes = np.arange(30) % 3
    >>> check_category("grade", codes, codes * 10.0).reason
    'each of its values occurs with a single target value'
    """
    if len(y) < MIN_ROWS:
        return None
    code, y = codes.astype(int), y - y.mean()
    counts = np.bincount(code)
    filled = np.maximum(counts, 1)
    spread = (np.bincount(code, y**2) / filled - (np.bincount(code, y) / filled) ** 2) @ counts
    repeated = (counts > 1).sum() > 1
    if repeated and spread / len(y) < 1e-4 * y.var():
        return Suspicion(name, "each of its values occurs with a single target value", True)
    return _check_name(name)


def _check_name(name: str) -> Suspicion | None:
    return Suspicion(name, "its name suggests an ID", False) if _ID_NAME.search(name) else None
