"""Read tables from untrusted files: CSV, Parquet or Excel to a DataFrame, and CSV output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from regcls.io import convert, delimited, encodings, numbers, numerals, parquet, workbook
from regcls.io.limits import check_size
from regcls.io.reading import AUTOMATIC, Reading, TableError
from regcls.io.table_limits import MAX_BYTES, check_rows

SUFFIXES = ("csv", "tsv", "txt", "parquet", "xlsx", "xls")
FORMATS_IN_WORDS = "CSV, Parquet or Excel"
PASTED = "The pasted table"
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a spreadsheet recognises a formula
_INDEX_NAMES = ("", "Unnamed: 0", "__index_level_0__")
_SEPARATORS = {
    "comma": "commas",
    "semicolon": "semicolons",
    "tab": "tabs",
    "bar": "bars",
    "space": "spaces",
}


@dataclass(frozen=True)
class Table:
    """A table that was read.

    Attributes
    ----------
    frame : DataFrame
        With unique column names. Columns of numbers are int64 or float64, whatever their format
        in the file; other columns are text, booleans or dates.
    notes : tuple of str
        Sentences about what was changed or left out.
    sheets : tuple of str
        Names of all sheets of an Excel file.
    reading : Reading
        How the file was read: what was detected and what was given.
    given : Reading
        The settings that were given.
    summary : str
        How the file was read, as one sentence.
    questions : tuple of str
        What the file does not decide, with the consequence of each answer, as sentences. While
        there is one, the columns it is about are text.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    reading: Reading = AUTOMATIC
    given: Reading = AUTOMATIC
    summary: str = ""
    questions: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """How the file was read, as plain values: the fields of `Reading` and ``summary``."""
        return {"summary": self.summary, **asdict(self.reading)}


def read_table(data: bytes, name: str, reading: Reading = AUTOMATIC) -> Table:
    r"""Read a table; its format is recognised by its content.

    The encoding, the separator, the decimal mark and the rows above the column names are detected.
    Nothing is left out without a note; what the file does not decide becomes a question.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name in messages.
    reading : Reading
        What is given is not detected.

    Returns
    -------
    Table
        The table.

    Raises
    ------
    TableError
        If the file is too large, damaged, or not a table.

    Examples
    --------
    >>> table = read_table(b"y;x\n1,5;2\n", "t.csv")
    >>> table.frame["y"].tolist(), table.summary
    ([1.5], 'Read as UTF-8, columns separated by semicolons, decimal comma.')
    """
    if not data:
        raise TableError(f"{name} is empty")
    check_size(len(data), MAX_BYTES, name, TableError)
    if data[:4] == b"PAR1":
        raw = _parquet(data, name, reading)
    elif data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raw = _excel(data, name, reading)
    else:
        raw = _text(data, name, reading)
    return _table(raw, name, reading)


def read_file(path: Path, reading: Reading = AUTOMATIC) -> Table:
    """Read a table from a file on which no question can be asked.

    Parameters
    ----------
    path : Path
        The file.
    reading : Reading
        What is given is not detected.

    Returns
    -------
    Table
        The table, without questions.

    Raises
    ------
    TableError
        If the file does not exist, cannot be read, or does not decide how to read it; the message
        names the command-line option that does.
    """
    if not path.is_file():
        raise TableError(f"there is no file {path}")
    check_size(path.stat().st_size, MAX_BYTES, path.name, TableError)
    table = read_table(path.read_bytes(), path.name, reading)
    if table.questions:
        asked = table.questions[0].removesuffix(".")
        raise TableError(f"{path.name}: {asked} (--decimal comma or --decimal point)")
    return table


def read_pasted(text: str, reading: Reading = AUTOMATIC) -> Table:
    """Read a table that was pasted, for example from a spreadsheet.

    Parameters
    ----------
    text : str
        Delimited text.
    reading : Reading
        What is given is not detected.

    Returns
    -------
    Table
        The table.

    Raises
    ------
    TableError
        If it is not a table.
    """
    return read_table(text.strip("\n").encode(), PASTED, replace(reading, encoding="utf-8"))


def safe_csv(frame: pd.DataFrame) -> str:
    """Return a table as CSV in which no text is executed as a formula by a spreadsheet.

    Parameters
    ----------
    frame : DataFrame
        The table.

    Returns
    -------
    str
        CSV; text that looks like a formula starts with an apostrophe.

    Examples
    --------
    >>> print(safe_csv(pd.DataFrame({"name": ["=1+1"]})), end="")
    name
    '=1+1
    """
    safe = frame.rename(columns=_escaped)
    for position, dtype in enumerate(frame.dtypes):
        if not (
            pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)
        ):
            safe.isetitem(position, frame.iloc[:, position].map(_escaped).array)
    return safe.to_csv(index=False)


def _escaped(value: Any) -> Any:
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value


@dataclass(frozen=True)
class _Raw:
    """A table before its text is converted: how it was read, and its columns by name."""

    columns: list[tuple[str, Any]]
    resolved: Reading
    parts: list[str]  # of the summary
    above: str = ""
    notes: Sequence[str] = ()
    sheets: tuple[str, ...] = ()
    trust_points: bool = False


def _text(data: bytes, name: str, reading: Reading) -> _Raw:
    if data.startswith(_BINARY) or data.lstrip()[:1] == b"<":
        raise TableError(f"{name} cannot be read as a table; expected {FORMATS_IN_WORDS}")
    text, encoding = encodings.decoded(data, name, reading.encoding)
    check_rows(max(text.count(b"\n"), text.count(b"\r")) - 1, name)
    read = delimited.read(text, reading, name)
    separator, above = read.dialect.separator, read.dialect.header.above
    several = len(read.columns) > 1
    return _Raw(
        list(zip(read.names, read.columns, strict=True)),
        Reading(encoding, separator if several else None, skip=above),
        [encoding, *([f"columns separated by {_SEPARATORS[separator]}"] if several else [])],
        _above(above, "line"),
        read.notes,
        # Spreadsheets write semicolons where the comma is the decimal mark; copies have tabs.
        trust_points=several and separator not in ("semicolon", "tab"),
    )


def _parquet(data: bytes, name: str, reading: Reading) -> _Raw:
    columns, notes = parquet.read(data, name)
    return _Raw(columns, Reading(), ["Parquet"], notes=notes, trust_points=True)


def _excel(data: bytes, name: str, reading: Reading) -> _Raw:
    sheet = workbook.read(data, reading, name)
    columns = [numbers.text_of(c) if _is_text(c) else c for _, c in sheet.frame.items()]
    return _Raw(
        list(zip(sheet.names, columns, strict=True)),
        Reading(skip=sheet.above, sheet=sheet.name),
        ["Excel", f"sheet {sheet.name}"],
        _above(sheet.above, "row"),
        sheet.notes,
        sheet.sheets,
    )


def _is_text(column: pd.Series) -> bool:
    return column.dtype == object or isinstance(column.dtype, pd.StringDtype)


def _above(count: int, unit: str) -> str:
    return f"; {count:,} {unit}{'s' * (count > 1)} above the column names skipped" if count else ""


def _table(raw: _Raw, name: str, reading: Reading) -> Table:
    """Make column names unique, drop empty and index columns, and convert text to numbers."""
    columns, notes = _tidied(raw.columns, list(raw.notes))
    if not columns or not len(columns[0][1]):
        raise TableError(f"{name} has no rows below its column names")
    check_rows(len(columns[0][1]), name)
    done = convert.converted(columns, reading, raw.trust_points)
    frame = pd.DataFrame(dict(zip((n for n, _ in columns), done.columns, strict=True)), copy=False)
    marks = []
    if done.has_marks and not done.questions:
        marks = [f"decimal {done.decimal}" if done.decimal else "decimal marks differ by column"]
    return Table(
        frame,
        (*notes, *done.notes),
        raw.sheets,
        replace(raw.resolved, decimal=done.decimal, missing=reading.missing),
        reading,
        f"Read as {', '.join([*raw.parts, *marks])}{raw.above}.",
        done.questions,
    )


def _tidied(
    columns: list[tuple[str, Any]], notes: list[str]
) -> tuple[list[tuple[str, Any]], list[str]]:
    """Drop unnamed columns that are empty or number the rows; make the other names unique."""
    kept = [(name.strip(), column) for name, column in columns]
    empty = [i for i, (name, column) in enumerate(kept) if not name and _is_empty(column)]
    if empty and len(empty) < len(kept):
        kept = [pair for i, pair in enumerate(kept) if i not in empty]
        columns_were = "column was" if len(empty) == 1 else "columns were"
        notes.append(f"{len(empty):,} empty {columns_were} left out (column {empty[0] + 1:,}).")
    if len(kept) > 1 and kept[0][0] in _INDEX_NAMES and (first := _row_numbers(kept[0][1])):
        kept = kept[1:]
        notes.append(f"The first column has no name and the row numbers {first}; it was left out.")
    names, renamed = _unique([name for name, _ in kept])
    if renamed:
        notes.append(f"Columns with duplicate names were renamed: {_listed(renamed)}.")
    return [(name, column) for name, (_, column) in zip(names, kept, strict=True)], notes


def _is_empty(column: Any) -> bool:
    """Whether every cell of a column is missing."""
    if isinstance(column, pd.Series):
        return bool(column.isna().all())
    return column.null_count == len(column)


def _row_numbers(column: Any) -> str:
    """Return the first and the last number of a column that numbers the rows, else ""."""
    if not isinstance(column, pd.Series):
        trimmed = pc.utf8_trim_whitespace(column)
        plain = None if column.null_count else numerals.plain(trimmed)
        column = pd.Series(plain if plain is not None else [], dtype=float)
    if len(column) < 2 or not pd.api.types.is_numeric_dtype(column):
        return ""
    values = column.to_numpy(np.float64, na_value=np.nan)
    first = values[0]
    if first not in (0, 1) or not (values == np.arange(first, first + len(values))).all():
        return ""
    return f"{first:.0f} to {values[-1]:,.0f}"


def _unique(columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return unique names, and those that were changed because another column has the name."""
    taken: set[str] = set()
    unique, renamed = [], []
    for position, column in enumerate(columns, start=1):
        base = column or f"column {position}"
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base} ({number})"
        if number > 1:
            renamed.append(name)
        taken.add(name)
        unique.append(name)
    return unique, renamed


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
