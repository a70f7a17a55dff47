"""Marks for unknown depth: values that stand for no measurement, found and left out."""

from __future__ import annotations

import numpy as np

SIXTEEN_BITS = 65_535  # the largest value of 16 bits
GAP = 5.0  # a repeated value this many times the next smaller one is no depth of the same scene
ERROR = 100.0  # a single value this many times the next smaller one is not a depth either
# With fewer different depths than this, a far wall cannot be told from a mark.
_FEWEST = 10
_MOST_MARKS = 3


def removed(values: np.ndarray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Set unknown depth to 0: what is not finite, not positive, or a mark.

    Marks are 65535 among integers, and a repeated largest value far outside the others, such as
    1e10.

    Parameters
    ----------
    values : ndarray of float32, shape (H, W)
        Values as stored.
    name : str
        Name of the file, for the notes.

    Returns
    -------
    values : ndarray of float32, shape (H, W)
        Finite values; 0 where unknown.
    notes : tuple of str
        One sentence per mark, with the number of pixels and their share. Zeros and values that are
        not finite, which are the convention, get none.

    Examples
    --------
    >>> removed(np.array([[1500, 65535, -1, 0]], np.float32), "d.png")[0].tolist()
    [[1500.0, 0.0, 0.0, 0.0]]
    """
    notes = []
    finite = np.isfinite(values)
    if (below := finite & (values < 0)).any():
        notes.append(_left_out(below, name, "negative values"))
    values = np.where(finite & (values > 0), values, np.float32(0))
    for mark, why in _marks(values):
        mask = values == np.float32(mark)
        notes.append(_left_out(mask, name, f"the value {mark:g}, {why}"))
        values = np.where(mask, np.float32(0), values)
    return values, tuple(notes)


def _marks(values: np.ndarray) -> list[tuple[float, str]]:
    """Return the marks among positive values, and what each is."""
    levels, counts = np.unique(values[values > 0], return_counts=True)
    found = []
    whole = bool((levels == np.rint(levels)).all())
    for _ in range(_MOST_MARKS):
        if not len(levels):
            break
        if whole and levels[-1] == SIXTEEN_BITS:
            found.append((float(levels[-1]), "a common mark in 16-bit files"))
        elif _is_outside(levels, int(counts[-1])):
            found.append((float(levels[-1]), "far outside all other values"))
        else:
            break
        levels, counts = levels[:-1], counts[:-1]
    return found


def _is_outside(levels: np.ndarray, count: int) -> bool:
    if len(levels) <= _FEWEST:
        return False
    gap = float(levels[-1]) / float(levels[-2])
    return gap >= ERROR or (gap >= GAP and count > 1)


def _left_out(mask: np.ndarray, name: str, what: str) -> str:
    count = int(mask.sum())
    share = count / mask.size
    percent = f"{share:.0%}" if share >= 0.01 else f"{share:.2%}"
    pixels = "1 pixel" if count == 1 else f"{count:,} pixels"
    return f"Left out of {name} as unknown: {pixels} ({percent}) with {what}."
