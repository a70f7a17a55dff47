"""One column of text while a table is read: whether it is numbers, codes or words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from regcls.io import numbers, numerals
from regcls.io.numerals import COMMA, EITHER, MISSING, POINT, WORD, Cells

_SAMPLE = 1000  # cells that usually prove a decimal mark
_SPREAD = 10_000  # cells, all over a column, that show whether it has numbers
_EXACT = 2**53  # integers from here on lose digits as floating-point numbers
_NO_TEXT = pa.array(["", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "<NA>"])
_BOOLS = pa.array(["true", "false"])
_EITHER_POINT = r"^[+-]?[1-9][0-9]{0,2}(?:\.[0-9]{3})$"
_NULL = pa.scalar(None, pa.string())


class TextColumn:
    """A column of text; a plain one is converted at once, any other is analysed when needed.

    Parameters
    ----------
    name : str
        Its name.
    text : Array of str, length N
        Its cells.
    marks : sequence of str
        Cells that mark a missing value, in addition to the usual ones.
    """

    def __init__(self, name: str, text: Any, marks: Sequence[str] = ()):
        self.name = name
        self.original = text
        trimmed = pc.utf8_trim_whitespace(text)
        given = pc.is_in(trimmed, pa.array(marks, pa.string()))
        self.given = bools(given)  # cells with one of the additional marks
        lost = pc.or_(given, pc.fill_null(pc.equal(trimmed, ""), False))
        self.trimmed = pc.if_else(lost, _NULL, trimmed) if pc.any(lost).as_py() else trimmed
        self.empty = self.trimmed.null_count == len(text)
        self.quick = None if self.empty else numerals.plain(self.trimmed)

    @cached_property
    def cells(self) -> Cells:
        """What each cell is."""
        return numerals.analysed(self.trimmed)

    @cached_property
    def is_number(self) -> bool:
        """Whether enough of the known cells are numbers for a decimal mark to be looked for."""
        if self.quick is not None:
            return True
        if self.empty:
            return False
        return not self._is_long_text and self.cells.share >= numbers.MIN_SHARE

    @property
    def _is_long_text(self) -> bool:
        """Whether a random sample of a long column has words, and hardly any number."""
        if len(self.trimmed) < 2 * _SPREAD:
            return False
        rows = np.random.default_rng(0).integers(0, len(self.trimmed), _SPREAD)
        cells = numerals.analysed(self.trimmed.take(pa.array(rows)))
        words = int((cells.kind == WORD).sum())
        return words > _SAMPLE and cells.share < numbers.MIN_SHARE / 2

    @cached_property
    def marks(self) -> frozenset[int]:
        """Which of POINT, COMMA and EITHER are among its cells."""
        if self.quick is None:
            return frozenset(kind for kind in (POINT, COMMA, EITHER) if self.cells.has(kind))
        if self.quick.dtype == np.int64:
            return frozenset()
        sample = _point_marks(self.trimmed.slice(0, _SAMPLE))
        return sample if POINT in sample else _point_marks(self.trimmed)

    @property
    def has_marks(self) -> bool:
        """Whether it has numbers with a decimal mark or with separators of thousands."""
        if self.quick is not None:
            return self.quick.dtype != np.int64
        return self.is_number and bool(self.marks)

    @property
    def has_comma(self) -> bool:
        """Whether a number of unclear decimal mark has a comma, such as 1,234."""
        if self.quick is not None:
            return False
        unclear = self.cells.text.filter(pa.array(self.cells.kind == EITHER))
        return bool(pc.any(pc.match_substring(unclear, ",")).as_py())

    @property
    def unclear(self) -> str:
        """The first cell of unclear decimal mark."""
        return numbers.shown(self.original, self.cells.first(EITHER))

    @property
    def codes(self) -> str:
        """The first cell that is a code which a number would change, such as 00123, or ""."""
        values = self.quick
        if values is None:
            return ""
        known = values if values.dtype == np.int64 else values[np.isfinite(values)]
        for part in (known[:_SAMPLE], known):
            if not (part == np.trunc(part)).all():
                return ""
        patterns = [r"^[+-]?0[0-9]+$"]
        if values.dtype != np.int64 and len(known) and np.abs(known).max() >= _EXACT:
            patterns.append("^[0-9]{16,}$")
        for pattern in patterns:
            found = matches(self.trimmed, pattern)
            if found.any():
                return numbers.shown(self.original, int(found.argmax()))
        return ""

    def missing_marks(self) -> np.ndarray:
        """Which cells of a column of numbers are marks such as "NA", as bool of shape (N,)."""
        filled = bools(self.trimmed.is_valid())
        if self.quick is None:
            return filled & (self.cells.kind == MISSING)
        if self.quick.dtype == np.int64:
            return np.zeros(len(filled), bool)
        return filled & np.isnan(self.quick)

    def as_text(self) -> Any:
        """Return the column as booleans or text, an array or a Series of length N."""
        lower = pc.utf8_lower(self.trimmed)
        if not self.trimmed.null_count and pc.all(pc.is_in(lower, _BOOLS)).as_py():
            return bools(pc.equal(lower, "true"))
        lost = pc.fill_null(pc.is_in(self.trimmed, _NO_TEXT), True)
        return pc.if_else(lost, _NULL, self.trimmed).to_pandas()


def _point_marks(text: Any) -> frozenset[int]:
    """Which of POINT and EITHER are among plain numbers."""
    pointed = matches(text, r"\.")
    unclear = matches(text, _EITHER_POINT)
    found = {POINT} if (pointed & ~unclear).any() else set()
    return frozenset(found | ({EITHER} if unclear.any() else set()))


def matches(text: Any, pattern: str) -> np.ndarray:
    """Return which cells match a pattern, as bool of shape (N,)."""
    return bools(pc.match_substring_regex(text, pattern))


def bools(array: Any) -> np.ndarray:
    """Return an Arrow array of booleans as a NumPy array; null is False."""
    return pc.fill_null(array, False).to_numpy(zero_copy_only=False).astype(bool)
