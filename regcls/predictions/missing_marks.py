"""Numbers that stand for a missing value, such as −999: found by their place far outside the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regcls import formats

Floats = NDArray[np.float64]

_MOST = 3  # different marks in one column
_FEWEST_OTHERS = 8  # other values that are needed to call one far outside
_HUGE = 1e19  # 1e20, 9.97e36 and 3.4e38 are fill values of geoscience formats
_WORDS = {65535.0, 32767.0, -32768.0, 2147483647.0, -2147483648.0, 4294967295.0}
_SHORT = {-1.0, -9.0, -99.0, 99.0, -99.9, 99.9, -9.99, 99.99, -99.99}
_TAIL = 0.1  # share of the values on one side of the median that describes its tail
_IMPROBABLE = math.log(1e4)  # odds against a continuation of the tail
_COUNTED = 3  # a limit that values are clipped at repeats as well: more rows are no more evidence
_FAR = 2.0  # times as far from the median as any other value on its side
_EXPECTED = 2.5  # values in a gap without any: a probability of e^−2.5 = 8%
_FAR_SHORT, _FAR_ROUND = 3.0, 10.0  # the same for numbers that are less typical of marks


@dataclass(frozen=True)
class MissingMark:
    """A number that probably stands for a missing value.

    Attributes
    ----------
    column : str
        Name of the column.
    value : float
        The number.
    count, total : int
        Rows with it, and all rows of the column.
    row : int
        The first of them, from 1.
    low, high : float
        Range of the other values.
    """

    column: str
    value: float
    count: int
    total: int
    row: int
    low: float
    high: float

    @property
    def text(self) -> str:
        """The number as it is written in messages."""
        return formats.number(self.value, 6)

    @property
    def sentence(self) -> str:
        """Where the number occurs and why it is conspicuous."""
        return (
            f"{self.text} occurs in {self.count:,} of {self.total:,} rows of {self.column} (first in "
            f"row {self.row:,}), far outside the other values ({formats.number(self.low, 4)} to "
            f"{formats.number(self.high, 4)}); it probably stands for a missing value."
        )


def find(
    values: Floats, column: str, rows: NDArray[np.int64] | None = None
) -> tuple[MissingMark, ...]:
    """Return the numbers of a column that probably stand for missing values.

    A mark is the lowest or highest value of its column, is repeated, and looks like a code: a row
    of nines, the limit of an integer type, a fill value such as 1e20, −1 among positive numbers.
    It lies at least twice as far from the median as any other value on its side, and a
    continuation of the tail on that side (Hill's estimate) makes it improbable; or it is the only
    negative number. Values at a limit that the others reach, such as censored ones, are not marks,
    and zero never is.

    Parameters
    ----------
    values : ndarray of shape (N,)
        The column; values that are not finite are ignored.
    column : str
        Its name.
    rows : ndarray of shape (N,), optional
        Numbers of the rows in their table; by default from 1.

    Returns
    -------
    tuple of MissingMark
        At most three, the most extreme first.

    References
    ----------
    Hill, "A simple general approach to inference about the tail of a distribution", Annals of
    Statistics 3, 1975.

    Examples
    --------
    >>> ages = np.r_[np.linspace(18, 90, 100), -999, -999]
    >>> [(mark.value, mark.count, mark.row) for mark in find(ages, "age")]
    [(-999.0, 2, 101)]
    >>> find(np.minimum(np.arange(100.0), 99), "censored")
    ()
    """
    others = values[np.isfinite(values)]
    found: list[float] = []
    while len(found) < _MOST and len(others) > _FEWEST_OTHERS:
        value = _mark(others)
        if value is None:
            break
        found.append(value)
        others = others[others != value]
    places = [np.flatnonzero(values == value) for value in found]
    first = [int(at[0]) + 1 if rows is None else int(rows[at[0]]) for at in places]
    return tuple(
        MissingMark(
            column, value, len(at), len(values), row, float(others.min()), float(others.max())
        )
        for value, at, row in zip(found, places, first, strict=True)
    )


def _mark(values: Floats) -> float | None:
    """Return the lowest or highest value if it is a mark; the one farther from the median first."""
    ends = [end for end in {float(values.min()), float(values.max())} if _kind(end)]
    if len(ends) > 1:
        median = float(np.median(values))
        ends.sort(key=lambda end: -abs(end - median))
    return next((end for end in ends if _is_mark(end, values)), None)


def _is_mark(value: float, values: Floats) -> bool:
    kind = _kind(value)
    others = values[values != value]
    count = len(values) - len(others)
    if len(others) < _FEWEST_OTHERS or (count < 2 and kind != "code"):
        return False
    if kind == "code" and abs(value) >= _HUGE:
        return bool(np.abs(others).max() < abs(value) / 1e3)
    if value < 0 and others.min() >= 0 and kind != "round":
        return _only_negative(value, count, others)
    if kind == "round" and (count < _COUNTED or _repeating(others)):
        return False
    return _is_far(value, count, others, {"code": _FAR, "short": _FAR_SHORT}.get(kind, _FAR_ROUND))


def _kind(value: float) -> str:
    """Return whether a number is a typical code, a short one, a round number, or none ("")."""
    if abs(value) >= _HUGE or value in _WORDS:
        return "code"
    if round(value, 4) in _SHORT:
        return "short"
    whole = value == round(value)
    # Six digits of a fraction: those of a 32-bit number.
    digits = str(int(abs(value))) if whole else f"{abs(value):.6g}".replace(".", "")
    if len(digits) >= 3 and (set(digits) == {"9"} or digits in ("99925", "999250")):
        return "code"
    return "round" if abs(value) >= 100 and not digits[1:].strip("0") else ""


def _only_negative(value: float, count: int, others: Floats) -> bool:
    """Return whether a repeated negative number is isolated from the others, all at least 0."""
    if value <= -99:
        return count >= 2
    if count < _COUNTED:
        return False
    lowest = np.sort(others)[: max(6, round(_TAIL * len(others)))]
    gap = float(lowest[0]) - value
    if _repeating(others) or not (others % 1).any():
        steps = np.diff(np.unique(others)[:20])
        return bool(len(steps)) and gap >= 2 * float(steps.min())
    # Were values clipped here, some would be expected between the limit and the others.
    expected = _EXPECTED if count < 0.25 * len(others) else 2 * _EXPECTED
    return gap * (len(lowest) - 1) > expected * float(lowest[-1] - lowest[0])


def _repeating(others: Floats) -> bool:
    """Return whether values repeat, like integers or rounded numbers; zeros are not counted."""
    nonzero = others[others != 0][:5000]
    return len(np.unique(nonzero)) < 0.5 * len(nonzero)


def _is_far(value: float, count: int, others: Floats, far: float) -> bool:
    """Return whether a value is too far out to continue the tail of the others on its side."""
    median = float(np.median(others))
    distance = abs(value - median)
    side = np.abs(others - median)[(others > median) == (value > median)]
    side = side[side > 0]
    if not len(side):  # most values are the same: the other side is all there is to compare with
        side = np.abs(others - median)
        side = side[side > 0]
        if not len(side):
            return True
    highest = float(side.max())
    if distance < far * highest:
        return False
    top = np.sort(side)[-max(5, round(_TAIL * len(side))) :]
    spread = float(np.log(top / top[0])[1:].mean()) if len(top) > 1 else 0.0  # Hill: 1/α
    evidence = math.log(distance / highest) * min(count, _COUNTED)
    # A row more than the values themselves can tell: few values underestimate their tail.
    return evidence > _IMPROBABLE * max(spread, 0.05)
