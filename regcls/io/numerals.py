"""Text cells as numerals: which decimal marks fit each cell, and its value for a decimal mark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# What a cell is. EITHER: "1,234" is 1234 with a decimal point, and 1.234 with a decimal comma.
MISSING, WORD, PLAIN, POINT, COMMA, EITHER, INFINITE, LITERAL = range(8)

# Cells that mark a missing value, in lower case; the last line is how spreadsheets show errors.
MARKS = (
    *("", "na", "n/a", "n.a.", "#n/a", "nan", "-nan", "<na>", "nat", "null", "none", "nil"),
    *("-", "--", "–", "—", "−", "?", ".", "..", "...", "missing", "#na"),
    *("#div/0!", "#num!", "#value!", "#ref!", "#name?", "#null!", "nan(ind)", "-nan(ind)"),
)
_SPACES = "\u00a0\u202f\u2009\u2007\u2008\u200a\u3000"
_APOSTROPHES = "’ʼ‘´`＇\u066c"
_MINUS = "−－﹣"  # a minus wherever they stand; a dash or hyphen only before a digit
_DIGITS_FROM = (0xFF10, 0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50)

_SAMPLE = 1000
_SIGN = r"[+-]?"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"


def _grouped(separator: str) -> str:
    return rf"[1-9][0-9]{{0,2}}(?:{separator}[0-9]{{3}})+"


def _style(mark: str, thousands: str, open_end: str, more: str = "") -> str:
    """Numbers with this decimal mark: grouped ones have no exponent, and one kind of separator."""
    grouped = "|".join(_grouped(separator) for separator in (thousands, " ", "'"))
    return (
        rf"^{_SIGN}(?:(?:{grouped}{more})(?:{mark}[0-9]+)?"
        rf"|(?:[0-9]+(?:{mark}{open_end})?|{mark}[0-9]+){_EXPONENT})$"
    )


# 12,34,567 is the Indian grouping. A cell that ends in a comma ("1,") is not a number.
_POINT = _style(r"\.", ",", "[0-9]*", r"|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}")
_COMMA = _style(",", r"\.", "[0-9]+")
_MARK = "[.,]"
_INFINITE = r"(?i)^[+-]?(?:inf|infinity|∞|1\.#inf)$"
# The one number in brackets that a program prints: [1.2], tensor([1.2], device='cuda:0').
_BARE = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_OPTIONS = r"(?:,\s*\w+\s*=\s*[^,\[\]]+)*"
_INNER = rf"\s*{_BARE}\s*,?\s*"
_LITERAL = (
    rf"^(?:\[{{1,4}}{_INNER}\]{{1,4}}"
    rf"|\({_BARE},\)"
    rf"|(?:torch\.)?tensor\(\[{{0,4}}{_INNER}\]{{0,4}}{_OPTIONS}\)"
    rf"|(?:np\.|numpy\.)?(?:array|Array)\(\[{{0,4}}{_INNER}\]{{0,4}}{_OPTIONS}\)"
    rf"|(?:np|numpy)\.(?:float|int|uint)[0-9]+\({_BARE}\)"
    rf"|Decimal\('{_BARE}'\))$"
)
# A dash is a minus only directly before a number.
_DASHES = (
    (r"^([\[(]?)[–‐‑]([0-9.,])", r"\1-\2"),
    (r"([0-9][eE])[–‐‑]([0-9])", r"\1-\2"),
)
_PARENTHESES = r"^\(([^()+-]*[0-9][^()+-]*)\)$"
_PERCENT = r"^(.*[0-9.]) *%$"
_LITERAL_VALUE = rf"[\[(]\s*'?(?P<value>{_BARE})"


@dataclass(frozen=True)
class Cells:
    """The cells of a text column.

    Attributes
    ----------
    text : Array of str, length N
        Trimmed, with ASCII digits, signs and spaces; without percent signs and parentheses.
    kind : ndarray of int8, shape (N,)
        What each cell is, such as `POINT`: a number that only fits a decimal point.
    percent, negative : ndarray of bool, shape (N,)
        Whether the cell had a percent sign, and whether it was in parentheses.
    """

    text: Any
    kind: np.ndarray
    percent: np.ndarray
    negative: np.ndarray

    def has(self, *kinds: int) -> bool:
        """Whether any cell is one of these kinds."""
        return bool(np.isin(self.kind, kinds).any())

    def first(self, *kinds: int) -> int:
        """Position of the first cell of these kinds."""
        return int(np.flatnonzero(np.isin(self.kind, kinds))[0])

    @property
    def share(self) -> float:
        """Share of the cells that are not missing which are numbers; 0 if all are missing."""
        known = int((self.kind != MISSING).sum())
        return float((self.kind > WORD).sum() / known) if known else 0.0


def plain(column: Any) -> np.ndarray | None:
    """Return the numbers of a column in which every cell is a plain number or empty.

    Parameters
    ----------
    column : Array of str, length N
        Trimmed cells; null where missing.

    Returns
    -------
    ndarray of shape (N,) or None
        int64 if every cell is an integer, else float64 with NaN where missing; None if a cell is
        not a number with a decimal point.
    """
    values = _cast(column, pa.float64())
    if values is None:
        return None
    if not column.null_count and (integers := _cast(column, pa.int64())) is not None:
        return integers.to_numpy()
    return np.array(values.to_numpy(zero_copy_only=False), np.float64)


def _cast(column: Any, kind: Any) -> Any:
    """Return a column of text as numbers of a type; None if a cell is not such a number."""
    try:
        pc.cast(column.slice(0, _SAMPLE), kind)  # a failure is slow on a whole column
        return pc.cast(column, kind)
    except pa.ArrowInvalid:
        return None


def analysed(column: Any) -> Cells:
    """Find what each cell of a text column is.

    Parameters
    ----------
    column : Array of str, length N
        The cells.

    Returns
    -------
    Cells
        The kinds of the cells, and their text without what is not part of the number.

    Examples
    --------
    >>> analysed(pa.array(["1,5", "1,234", "x", "−2"])).kind.tolist() == [COMMA, EITHER, WORD, PLAIN]
    True
    """
    text = normalised(column)
    kind = _number_kinds(text)
    percent, negative = np.zeros((2, len(kind)), bool)
    rest = (kind == WORD) & _bools(pc.is_valid(text))
    kind[~rest & (kind == WORD)] = MISSING
    if rest.any():
        mask = pa.array(rest)
        inner, kind[rest], percent[rest], negative[rest] = _others(text.filter(mask))
        text = pc.replace_with_mask(text, mask, inner)
    return Cells(text, kind, percent, negative)


def _number_kinds(text: Any) -> np.ndarray:
    """Return the kind of each cell that is a number without anything around it, else WORD."""
    point, comma = _matches(text, _POINT), _matches(text, _COMMA)
    marked = _bools(pc.or_(pc.match_substring(text, "."), pc.match_substring(text, ",")))
    cases = [~(point | comma), ~marked, point & comma, point]
    return np.select(cases, [WORD, PLAIN, EITHER, POINT], COMMA).astype(np.int8)


def _others(text: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray]:
    """Return bare text, kinds, percent signs and parentheses of cells that are not plain numbers."""
    missing = _bools(pc.is_in(pc.utf8_lower(text), pa.array(MARKS)))
    literal = ~missing & _matches(text, _LITERAL)
    text, negative = _without(text, _PARENTHESES, literal)
    text, percent = _without(text, _PERCENT, literal)
    kind = _number_kinds(text)
    kind[(kind == WORD) & _matches(text, _INFINITE)] = INFINITE
    kind[literal] = LITERAL
    kind[missing] = MISSING
    return text, kind, percent, negative


def values(cells: Cells, decimal: str) -> np.ndarray:
    """Return the numbers of a text column.

    Parameters
    ----------
    cells : Cells, length N
        The column.
    decimal : {"point", "comma"}
        The decimal mark.

    Returns
    -------
    ndarray of float64, shape (N,)
        NaN where the cell is not a number with this decimal mark.

    Examples
    --------
    >>> values(analysed(pa.array(["1,5", "1,234", "2.5"])), "comma")
    array([1.5  , 1.234,   nan])
    """
    fits = readable(cells, decimal)
    out = np.full(len(cells.kind), np.nan)
    ordinary = fits & (cells.kind != LITERAL) & (cells.kind != INFINITE)
    if ordinary.any():
        text = cells.text.filter(pa.array(ordinary))
        for separator in (".", " ", "'") if decimal == "comma" else (",", " ", "'"):
            text = pc.replace_substring(text, separator, "")
        if decimal == "comma":
            text = pc.replace_substring(text, ",", ".")
        out[ordinary] = pc.cast(text, pa.float64()).to_numpy(zero_copy_only=False)
    infinite = cells.kind == INFINITE
    if infinite.any():
        minus = _bools(pc.starts_with(cells.text.filter(pa.array(infinite)), "-"))
        out[infinite] = np.where(minus, -np.inf, np.inf)
    literal = cells.kind == LITERAL
    if literal.any():
        found = pc.extract_regex(cells.text.filter(pa.array(literal)), _LITERAL_VALUE)
        numbers = pc.cast(pc.struct_field(found, "value"), pa.float64())
        out[literal] = numbers.to_numpy(zero_copy_only=False)
    out[cells.negative & fits] *= -1
    out[cells.percent & fits] /= 100
    return out


def readable(cells: Cells, decimal: str) -> np.ndarray:
    """Return which cells are numbers with this decimal mark, as bool of shape (N,)."""
    other = COMMA if decimal == "point" else POINT
    return (cells.kind > WORD) & (cells.kind != other)


def normalised(column: Any) -> Any:
    """Return trimmed text in which digits, signs, spaces and apostrophes are ASCII."""
    text = pc.utf8_trim_whitespace(column)
    strange = pc.invert(pc.fill_null(pc.string_is_ascii(text), True))
    if not pc.any(strange).as_py():
        return text
    table = _ascii()
    cells = pa.array([cell.translate(table) for cell in text.filter(strange).to_pylist()])
    for pattern, replacement in _DASHES:
        cells = pc.replace_substring_regex(cells, pattern, replacement)
    return pc.replace_with_mask(text, strange, pc.utf8_trim_whitespace(cells))


@cache
def _ascii() -> dict[int, str]:
    table = {first + digit: str(digit) for first in _DIGITS_FROM for digit in range(10)}
    table |= {ord(sign): "-" for sign in _MINUS}
    table |= {ord(space): " " for space in _SPACES}
    table |= {ord(mark): "'" for mark in _APOSTROPHES}
    return table | {ord(a): b for a, b in zip("．，％＋（）［］\u066b", ".,%+()[],", strict=True)}


def _without(text: Any, pattern: str, keep: np.ndarray) -> tuple[Any, np.ndarray]:
    """Replace the cells that match by the first group of the pattern; return also which do."""
    found = _matches(text, pattern) & ~keep
    if found.any():
        mask = pa.array(found)
        inner = pc.replace_substring_regex(text.filter(mask), pattern, r"\1")
        text = pc.replace_with_mask(text, mask, inner)
    return text, found


def _matches(text: Any, pattern: str) -> np.ndarray:
    return _bools(pc.match_substring_regex(text, pattern))


def _bools(array: Any) -> np.ndarray:
    return pc.fill_null(array, False).to_numpy(zero_copy_only=False).astype(bool)


def kinds(cells: Sequence[str]) -> list[int]:
    """Return what each of a few cells is.

    Examples
    --------
    >>> kinds(["x", ""]) == [WORD, MISSING]
    True
    """
    return [_kind(cell) for cell in cells]


def are_numbers(cells: Sequence[str]) -> list[bool]:
    """Return which cells are numbers, with a decimal point or a decimal comma.

    Examples
    --------
    >>> are_numbers(["1.5", "−2,5", "x", ""])
    [True, True, False, False]
    """
    return [kind > WORD for kind in kinds(cells)]


@lru_cache(20_000)
def _kind(cell: str) -> int:
    """`analysed` for a single cell, in a few microseconds."""
    text = cell.strip()
    if not text.isascii():
        text = text.translate(_ascii()).strip()
        for pattern, replacement in _DASHES:
            text = re.sub(pattern, replacement, text)
    if text.lower() in MARKS:
        return MISSING
    if re.search(_LITERAL, text):
        return LITERAL
    text = re.sub(_PERCENT, r"\1", re.sub(_PARENTHESES, r"\1", text))
    point, comma = re.search(_POINT, text), re.search(_COMMA, text)
    if not (point or comma):
        return INFINITE if re.search(_INFINITE, text) else WORD
    if not re.search(_MARK, text):
        return PLAIN
    return EITHER if point and comma else POINT if point else COMMA
