"""Numbers of table columns: text is converted, and what is not a number is counted."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from regcls.io import numerals
from regcls.io.numerals import COMMA, EITHER, LITERAL, MISSING, POINT, WORD, Cells
from regcls.io.reading import TableError

MIN_SHARE = 0.5  # of a text column's values that must be numbers
_NUMBERS = (int, float, Decimal, np.integer, np.floating)
_LONGEST = 40  # characters of a cell in a message


def as_numbers(column: pd.Series, decimal: str | None = None) -> tuple[np.ndarray, str]:
    """Convert a column to numbers.

    Text may have thousands separators, a decimal comma, percent signs, parentheses for negative
    numbers, or the brackets of a printed array. `regcls.io.tables.read_table` has already
    converted the columns of numbers of a file; this is for columns of other origin, and for those
    in which many cells are words.

    Parameters
    ----------
    column : Series, length N
        Of any type; its name is used in messages.
    decimal : {"point", "comma"}, optional
        The decimal mark of text; by default, the one that the column's values prove.

    Returns
    -------
    values : ndarray of float64, shape (N,)
        NaN where there is no number.
    note : str
        How the text was interpreted, as a sentence, or "".

    Raises
    ------
    TableError
        If the column is empty or contains dates or words, if its numbers have different decimal
        marks, or if nothing proves which decimal mark they have.

    Examples
    --------
    >>> as_numbers(pd.Series(["1,5", "1.234,25", "x"], name="y"))[0]
    array([   1.5 , 1234.25,     nan])
    """
    name = column.name
    if pd.api.types.is_datetime64_any_dtype(column) or isinstance(column.dtype, pd.PeriodDtype):
        raise TableError(f"column {name} contains dates, not numbers")
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), ""
    original = text_of(column)
    cells = numerals.analysed(original)
    if (cells.kind == MISSING).all():
        raise TableError(f"column {name} is empty")
    if cells.share < MIN_SHARE:
        raise TableError(_not_numbers(name, original, cells))
    decimal = decimal or own_decimal(name, original, cells)
    if problem := unusable(name, original, cells, decimal):
        raise TableError(problem)
    return numerals.values(cells, decimal), note(name, original, cells, decimal)


def finite(values: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """Find the finite values of a column.

    Parameters
    ----------
    values : ndarray, shape (N,)
        The column.
    name : str
        Its name in the note.

    Returns
    -------
    mask : ndarray of bool, shape (N,)
        Whether each value is finite.
    note : str
        How many are missing or infinite, and the first such row, as a sentence, or "".

    Examples
    --------
    >>> finite(np.array([1.0, np.nan]), "y")[1]
    'Column y: 1 of 2 rows left out (1 missing, first in row 2).'
    """
    mask = np.isfinite(values)
    parts = []
    for lost, word in ((np.isnan(values), "missing"), (np.isinf(values), "infinite")):
        if count := int(lost.sum()):
            parts.append(f"{count:,} {word}, first in row {int(lost.argmax()) + 1:,}")
    if not parts:
        return mask, ""
    rows = f"{int((~mask).sum()):,} of {len(values):,} rows"
    return mask, f"Column {name}: {rows} left out ({'; '.join(parts)})."


def text_of(column: pd.Series) -> Any:
    """Return a column as an Arrow array of text.

    Parameters
    ----------
    column : Series, length N
        Text, or objects. Numbers become printed numbers in brackets, which have a decimal point
        whatever the decimal mark of the text; so do lists and arrays of one number.

    Returns
    -------
    Array of str, length N
        Null where a cell is missing.

    Examples
    --------
    >>> text_of(pd.Series(["1,5", 2.5, None, [3]])).to_pylist()
    ['1,5', '[2.5]', None, '[3]']
    """
    if isinstance(column.dtype, pd.StringDtype):
        found = pa.array(column, type=pa.string())
        return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
    return pa.array([_cell_text(cell) for cell in column.array], pa.string())


def _cell_text(cell: Any) -> str | None:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list | tuple | np.ndarray):
        return _cell_text(np.ravel(cell)[0]) if np.size(cell) == 1 else str(cell)
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return None
    if isinstance(cell, bool | np.bool_) or not isinstance(cell, _NUMBERS):
        return str(cell)
    if isinstance(cell, int | np.integer):
        return f"[{int(cell)}]"  # it keeps all its digits
    number = float(cell)
    if math.isnan(number):
        return None
    return f"[{number!r}]" if math.isfinite(number) else str(number)


def own_decimal(name: object, original: Any, cells: Cells) -> str:
    """Return the decimal mark that the values of one column prove.

    Parameters
    ----------
    name : str
        The column's name in messages.
    original : Array of str, length N
        Its cells.
    cells : Cells
        The same, analysed.

    Returns
    -------
    {"point", "comma"}
        The decimal mark; "point" if no value has one.

    Raises
    ------
    TableError
        If the values prove both marks, or have marks but prove neither.
    """
    if cells.has(POINT) and cells.has(COMMA):
        raise TableError(contradiction(name, original, cells))
    if cells.has(EITHER) and not cells.has(POINT, COMMA):
        asked = question(shown(original, cells.first(EITHER)))
        raise TableError(f"column {name}: {asked}; choose the decimal mark")
    return "comma" if cells.has(COMMA) else "point"


def question(cell: str) -> str:
    """Return what a number can mean, such as "6,096 can be 6.096 or 6096".

    Examples
    --------
    >>> question("6,096")
    '6,096 can be 6.096 (decimal comma) or 6096 (decimal point)'
    """
    cells = numerals.analysed(pa.array([cell]))
    read = {mark: float(numerals.values(cells, mark)[0]) for mark in ("comma", "point")}
    first, second = sorted(read, key=lambda mark: abs(read[mark]))
    return (
        f"{cell} can be {_digits(read[first])} (decimal {first}) or {_digits(read[second])} "
        f"(decimal {second})"
    )


def _digits(number: float) -> str:
    return f"{number:.15g}"


def contradiction(name: object, original: Any, cells: Cells) -> str:
    """Return that the numbers of a column have different decimal marks, with both examples."""
    point, comma = cells.first(POINT), cells.first(COMMA)
    return (
        f"column {name} has numbers with a decimal point ({shown(original, point)}, "
        f"row {point + 1:,}) and with a decimal comma ({shown(original, comma)}, "
        f"row {comma + 1:,}); make them alike, or choose the decimal mark"
    )


def unusable(name: object, original: Any, cells: Cells, decimal: str) -> str:
    """Return why the numbers of a column cannot be used, as an error message, or ""."""
    fits = numerals.readable(cells, decimal)
    known = cells.kind != MISSING
    if fits.sum() < MIN_SHARE * known.sum():
        example = shown(original, int(np.flatnonzero(known & ~fits)[0]))
        return f"column {name}: {example!r} is not a number with a decimal {decimal}"
    percent = cells.percent & fits
    if percent.any() and (bare := fits & ~percent).any():
        one, other = (shown(original, int(np.flatnonzero(mask)[0])) for mask in (percent, bare))
        return (
            f"column {name} has numbers with a percent sign ({one}) and without ({other}); "
            "make them alike"
        )
    if (cells.negative | ~fits).all():
        # Accounts put negative numbers in parentheses, programs may put any number in them.
        example = shown(original, cells.first(*set(cells.kind[fits])))
        return f"column {name} has all its numbers in parentheses ({example}); remove them"
    return ""


def note(name: object, original: Any, cells: Cells, decimal: str) -> str:
    """Return how the cells of a column were read, as a sentence, or ""."""
    fits = numerals.readable(cells, decimal)
    parts = []
    if (cells.percent & fits).any():
        parts.append("percentages were divided by 100")
    if (negative := cells.negative & fits).any():
        parts.append(_counted(negative, "in parentheses read as negative", "", original))
    lists = _matching(original, r"[A-Za-z(\[].*[\[(].*[0-9]|^\s*\[\s*[-+.0-9]") & (
        cells.kind == LITERAL
    )
    if lists.any():
        parts.append(_counted(lists, "in brackets read as a number", "", original))
    words = (cells.kind != MISSING) & ~fits
    if words.any():
        one, more = "that is not a number counts", "that are not numbers count"
        parts.append(_counted(words, f"{one} as missing", f"{more} as missing", original))
    return f"Column {name}: {'; '.join(parts)}." if parts else ""


def _counted(mask: np.ndarray, one: str, more: str, original: Any) -> str:
    """Return the number of cells and what holds for one or more of them, with an example."""
    first, count = int(mask.argmax()), int(mask.sum())
    what = f"cell {one}" if count == 1 else f"cells {more or one}"
    return f"{count:,} {what} (row {first + 1:,}: {shown(original, first)})"


def shown(original: Any, position: int) -> str:
    """Return a cell as it is shown in a message."""
    text = " ".join(str(original[position].as_py()).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _matching(text: Any, pattern: str) -> np.ndarray:
    found = pc.fill_null(pc.match_substring_regex(text, pattern), False)
    return found.to_numpy(zero_copy_only=False).astype(bool)


def _not_numbers(name: object, original: Any, cells: Cells) -> str:
    words = original.filter(pa.array(cells.kind == WORD))
    some = pd.Series(words.slice(0, 50).to_pylist(), dtype=object)
    if _dates(some):
        return f"column {name} contains dates, not numbers"
    example = shown(words, 0)
    kind = "lists" if example.startswith("[") and example.endswith("]") else "words"
    return f"column {name} contains {kind} such as {example!r}, not numbers"


def _dates(texts: pd.Series) -> bool:
    if any(isinstance(text, datetime.date) for text in texts):
        return True
    found = pd.to_datetime(texts, errors="coerce", format="mixed", dayfirst=True)
    return bool(found.notna().mean() > MIN_SHARE)
