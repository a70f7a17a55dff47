"""Convert the text columns of a table: one decimal mark for the file, then numbers or text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from regcls.io import numbers, numerals
from regcls.io.numerals import COMMA, EITHER, MISSING, POINT
from regcls.io.reading import Reading
from regcls.io.text_column import TextColumn

CONVERTED = 0.9  # share of a column's known cells that must be numbers for it to become numbers
_MOST_NOTES = 8
_MARKED = "in columns of numbers {} as missing"
_GIVEN = "with a given mark {} as missing"


@dataclass(frozen=True)
class Converted:
    """The columns of a table after conversion.

    Attributes
    ----------
    columns : list of Series or arrays
        In the order of the table.
    decimal : {"point", "comma"} or None
        The decimal mark of all columns; None if they differ or a question is open.
    has_marks : bool
        Whether there are numbers with a decimal mark or separators, given as text.
    notes : tuple of str
        Sentences on how cells were read.
    questions : tuple of str
        What the values do not decide.
    """

    columns: list[Any]
    decimal: str | None
    has_marks: bool
    notes: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass
class _Notes:
    """Notes on columns, and the cells that count as missing, over all columns."""

    columns: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, sentence: str) -> None:
        """Add a sentence on a column, unless it is empty."""
        if sentence:
            self.columns.append(sentence if sentence.endswith(".") else f"{sentence}.")

    def count(self, what: str, column: str, cells: np.ndarray, text: Any) -> None:
        """Count cells, and keep the first as the example."""
        if not cells.any():
            return
        row = int(cells.argmax())
        self.counts[what] = self.counts.get(what, 0) + int(cells.sum())
        shown = numbers.shown(text, row)
        self.examples.setdefault(what, f"column {column}, row {row + 1:,}: {shown}")

    def sentences(self) -> tuple[str, ...]:
        """All notes; of many columns, the first ones."""
        found = self.columns[:_MOST_NOTES]
        if more := len(self.columns) - len(found):
            found.append(f"There are {more:,} more notes like these on other columns.")
        for what, count in self.counts.items():
            verb = "counts" if count == 1 else "count"
            cells = "cell" if count == 1 else "cells"
            found.append(f"{count:,} {cells} {what.format(verb)} ({self.examples[what]}).")
        return tuple(found)


def converted(
    columns: Sequence[tuple[str, Any]], reading: Reading, trust_points: bool
) -> Converted:
    """Convert text columns to numbers where they are numbers.

    Parameters
    ----------
    columns : sequence of (str, Array or Series)
        Names and columns; Arrow arrays of text are converted, Series are kept.
    reading : Reading
        Its decimal mark and missing marks are used.
    trust_points : bool
        Whether "1.234" may be taken for 1.234 where nothing contradicts: true of files that
        programs write, such as comma-separated ones, and not of exports from spreadsheets.

    Returns
    -------
    Converted
        The columns, and what was decided.

    Examples
    --------
    >>> text = pa.array(["0,5", "1,234"])
    >>> converted([("y", text)], Reading(), trust_points=False).columns
    [array([0.5  , 1.234])]
    """
    given = reading.missing or ()
    read = [TextColumn(n, c, given) if isinstance(c, pa.Array) else c for n, c in columns]
    decided = _decided([c for c in read if isinstance(c, TextColumn)], reading, trust_points)
    has_marks = any(isinstance(column, TextColumn) and column.has_marks for column in read)
    notes, questions, out = _Notes(), [], []
    for (name, _), column in zip(columns, read, strict=True):
        if not isinstance(column, TextColumn):
            out.append(_without_given(column, name, given, notes))
            continue
        decimal = decided or _own(column)
        if decimal is None:
            questions.append(f"{numbers.question(column.unclear)}: choose the decimal mark.")
        values = _numbers(column, decimal, notes, decided is not None) if decimal else None
        notes.count(_GIVEN, name, column.given, column.original)
        kept = column.as_text() if values is None else values
        out.append(_without_given(kept, name, given, notes))
    # One answer settles all columns, so that one question is enough.
    return Converted(out, decided, has_marks, notes.sentences(), tuple(questions[:1]))


def _decided(columns: Sequence[TextColumn], reading: Reading, trust_points: bool) -> str | None:
    """Decimal mark of all columns; None if columns differ or nothing decides."""
    if reading.decimal:
        return reading.decimal
    numeric = [column for column in columns if column.is_number]
    if trust_points and all(column.quick is not None for column in numeric):
        return "point"
    kinds = frozenset[int]().union(*(column.marks for column in numeric))
    if POINT in kinds and COMMA in kinds:
        return None
    if COMMA in kinds:
        return "comma"
    unproven = EITHER in kinds and POINT not in kinds
    if unproven and not (trust_points and not any(column.has_comma for column in numeric)):
        return None
    return "point"


def _own(column: TextColumn) -> str | None:
    """Decimal mark of one column in a file without a common one; None if it is not proven."""
    if not column.is_number or not column.marks:
        return "point"
    if column.marks == {EITHER}:
        return None
    return "point" if POINT in column.marks else "comma"


def _numbers(column: TextColumn, decimal: str, notes: _Notes, decided: bool) -> np.ndarray | None:
    """Return the numbers of a column, and add the notes on it; None if it stays text."""
    if not column.is_number:
        return None
    if code := column.codes:
        notes.add(f"Column {column.name} has codes such as {code}; it was kept as text.")
        return None
    missing = column.missing_marks()
    if column.quick is not None and (decimal == "point" or not column.marks):
        notes.count(_MARKED, column.name, missing, column.original)
        return column.quick
    cells, named = column.cells, (column.name, column.original)
    if not decided and {POINT, COMMA} <= column.marks:
        notes.add(_kept(numbers.contradiction(*named, cells)))
        return None
    fits = numerals.readable(cells, decimal)
    # A column that does not prove the decimal mark itself could not be converted later.
    share = numbers.MIN_SHARE if column.marks == {EITHER} else CONVERTED
    if fits.sum() < share * (cells.kind != MISSING).sum():
        return None
    if problem := numbers.unusable(*named, cells, decimal):
        notes.add(_kept(problem))
        return None
    notes.count(_MARKED, column.name, missing, column.original)
    notes.add(numbers.note(*named, cells, decimal))
    return numerals.values(cells, decimal)


def _kept(problem: str) -> str:
    return f"{problem[0].upper()}{problem[1:]}. Until then, the column is text."


def _without_given(column: Any, name: str, marks: Sequence[str], notes: _Notes) -> Any:
    """Replace the numbers that mark a missing value by NaN."""
    if not marks or not (
        pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
    ):
        return column
    cells = numerals.analysed(pa.array(marks))
    found = numerals.values(cells, "point")
    lost = np.isin(np.asarray(column, np.float64), found[~np.isnan(found)])
    if not lost.any():
        return column
    notes.count(_GIVEN, name, lost, pa.array(np.asarray(column)))
    return np.where(lost, np.nan, np.asarray(column, np.float64))
