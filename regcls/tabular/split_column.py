"""A column with the part of each row, train, val or test, as benchmark data have it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regcls.exceptions import UserError

TRAIN, VALID, TEST = 0, 1, 2  # codes of the parts
PARTS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALID),
    **dict.fromkeys(("test", "testing"), TEST),
}
NAMES = ("split", "set", "subset", "partition", "fold")  # of columns that are taken as a split
MIN_TEST_ROWS = 10


def likely(frame: pd.DataFrame) -> str | None:
    """Return the column of a table that is a split by its name and its values.

    Parameters
    ----------
    frame : DataFrame
        The table.

    Returns
    -------
    str or None
        A column named "split" or alike whose values are all words for parts, "train" and "test"
        among them.

    Examples
    --------
    >>> likely(pd.DataFrame({"x": [1, 2, 3], "split": ["train", "val", "test"]}))
    'split'
    """
    for name in frame.columns:
        if str(name).strip().lower() in NAMES:
            found = _coded(frame[name])
            if not np.isnan(found).any() and {TRAIN, TEST} <= set(found):
                return str(name)
    return None


def parts(series: pd.Series) -> np.ndarray:
    """Return the part of each row.

    Parameters
    ----------
    series : Series
        The column, n cells with "train", "val" or "test" or another word for them.

    Returns
    -------
    ndarray of shape (n,)
        `TRAIN`, `VALID` or `TEST`.

    Raises
    ------
    UserError
        If a cell has another value, or there are no training or too few test rows.

    Examples
    --------
    >>> parts(pd.Series(["Train"] * 3 + ["dev"] + ["test"] * 10))[:4].tolist()
    [0, 0, 0, 1]
    """
    found = _coded(series)
    if np.isnan(found).any():
        other = series[np.isnan(found)].iloc[0]
        raise UserError(
            f"“{series.name}” is not a split: row {int(np.argmax(np.isnan(found))) + 1} has "
            f"“{other}”; each row needs train, val or test"
        )
    counts = np.bincount(found.astype(np.int64), minlength=3)
    if not counts[TRAIN] or counts[TEST] < MIN_TEST_ROWS:
        raise UserError(
            f"the split “{series.name}” has {counts[TRAIN]} rows to train and {counts[TEST]} to "
            f"test; it needs at least {MIN_TEST_ROWS} to test and some to train"
        )
    return found.astype(np.int64)


def summary(found: np.ndarray) -> str:
    """Return how many rows a split has for what, in words.

    Parameters
    ----------
    found : ndarray of shape (n,)
        Part of each row; see `parts`.

    Returns
    -------
    str

    Examples
    --------
    >>> summary(np.repeat([TRAIN, VALID, TEST], [3000, 500, 250]))
    '3,000 rows train, 500 choose settings, 250 are held out'
    """
    train, valid, test = np.bincount(found, minlength=3)
    chooses = f"{valid:,} choose" if valid else "a fifth of them choose"
    return f"{train:,} rows train, {chooses} settings, {test:,} are held out"


def _coded(series: pd.Series) -> np.ndarray:
    """Return the part of each cell, NaN where there is none, float64 (n,)."""
    text = series.astype("string").str.strip().str.lower()
    return text.map(PARTS).to_numpy(dtype=np.float64, na_value=np.nan)
