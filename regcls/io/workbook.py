"""Read a sheet of an Excel file: the first one with a table, below titles and empty rows."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regcls.io import header
from regcls.io.header import Header, Row
from regcls.io.limits import DAMAGED
from regcls.io.reading import Reading, TableError
from regcls.io.table_limits import check_columns, check_rows, check_unpacked

_HEAD = 100  # rows among which the column names are
_MOST_RATIO = 300  # of the unpacked to the packed size; files of less than 100 kB may have more


@dataclass(frozen=True)
class Sheet:
    """A sheet before its text is converted to numbers.

    Attributes
    ----------
    frame : DataFrame
        Its cells below the column names; objects where a column has text.
    names : list of str
        Column names as in the file.
    name : str
        Name of the sheet.
    sheets : tuple of str
        Names of all sheets of the file.
    above : int
        Number of rows above the column names.
    notes : tuple of str
        Sentences on what was skipped.
    """

    frame: pd.DataFrame
    names: list[str]
    name: str
    sheets: tuple[str, ...]
    above: int
    notes: tuple[str, ...]


def read(data: bytes, reading: Reading, name: str) -> Sheet:
    """Read a sheet of an Excel file.

    Formulas are never evaluated: the results stored in the file are read.

    Parameters
    ----------
    data : bytes
        The file.
    reading : Reading
        The sheet and the number of rows above its column names; detected by default.
    name : str
        Name of the file in messages.

    Returns
    -------
    Sheet
        The given sheet, or the first with a table.

    Raises
    ------
    TableError
        If the file is damaged or too large, or has no such sheet or no table.
    """
    if data[:2] == b"PK":
        _check_zip(data, name)
    try:
        book = pd.ExcelFile(io.BytesIO(data), engine="calamine")
    except Exception as error:  # calamine's errors share no public base class
        raise TableError(
            f"{name} cannot be read as a table; expected CSV, Parquet or Excel"
        ) from error
    sheets = tuple(str(sheet) for sheet in book.sheet_names)
    if reading.sheet is not None and reading.sheet not in sheets:
        raise TableError(f"{name} has no sheet {reading.sheet!r}; choose from: {', '.join(sheets)}")
    if reading.sheet is not None:
        return _sheet(_cells(book, reading.sheet, name), reading.sheet, sheets, reading.skip, name)
    raws = ((sheet, _cells(book, sheet, name)) for sheet in sheets)
    chosen, raw = next(((s, raw) for s, raw in raws if _has_table(raw)), (sheets[0], None))
    if raw is None:
        raw = _cells(book, chosen, name)
    return _sheet(raw, chosen, sheets, reading.skip, name)


def _cells(book: pd.ExcelFile, sheet: str, name: str) -> pd.DataFrame:
    try:
        return pd.read_excel(
            book, sheet_name=sheet, header=None, keep_default_na=False, na_values=[""]
        )
    except Exception as error:
        raise TableError(f"{name}: sheet {sheet} cannot be read") from error


def _has_table(raw: pd.DataFrame) -> bool:
    """Whether there are at least two rows with cells, one of which may be the names."""
    return bool(raw.notna().any(axis=1).sum() > 1)


def _sheet(
    raw: pd.DataFrame, sheet: str, sheets: tuple[str, ...], skip: int | None, name: str
) -> Sheet:
    if raw.empty or not raw.notna().any(axis=None):
        raise TableError(f"{name}: sheet {sheet} is empty; choose another sheet")
    raw = raw.loc[:, raw.notna().any(axis=0)]
    check_columns(raw.shape[1], name)
    check_rows(len(raw), name)
    found = header.found(_rows(raw), skip)
    if found is None:
        raise TableError(
            f"{name}: sheet {sheet} has no row of column names; choose the rows to skip"
        )
    first = found.above + (1 if found.names else 0)
    body = raw.iloc[first:]
    filled = body.notna().any(axis=1)
    notes = _chosen(sheet, sheets)
    if empty := int((~filled).sum()):
        rows = "row was" if empty == 1 else "rows were"
        at = first + int(np.flatnonzero(~filled)[0]) + 1
        notes.append(f"{empty:,} empty {rows} skipped, first row {at:,} of the sheet.")
    body = body[filled].reset_index(drop=True)
    last = body.tail(1).iloc[0].dropna() if len(body) > 2 else pd.Series(dtype=object)
    if len(last) and isinstance(last.iloc[0], str) and header.is_total(last.iloc[0]):
        notes.append(f"The last row is a total and was left out ({_shown(last)}).")
        body = body.iloc[:-1]
    frame = body.infer_objects()
    return Sheet(frame, _names(found, raw.shape[1]), sheet, sheets, found.above, tuple(notes))


def _shown(row: pd.Series) -> str:
    return ", ".join(map(str, row))[:40]


def _rows(raw: pd.DataFrame) -> list[Row]:
    """Return the first rows as text; a printed number has a decimal point."""
    head = raw.head(_HEAD).astype(object)
    return [
        Row(i + 1, tuple("" if pd.isna(cell) else _text(cell) for cell in row))
        for i, row in enumerate(head.itertuples(index=False))
    ]


def _text(cell: Any) -> str:
    number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return f"[{cell!r}]" if number else " ".join(str(cell).split())


def _names(found: Header, columns: int) -> list[str]:
    if not found.names:
        return [f"column {i + 1}" for i in range(columns)]
    return [cell.removeprefix("[").removesuffix("]") for cell in found.names]


def _chosen(sheet: str, sheets: Sequence[str]) -> list[str]:
    return [f"Sheet {sheet} of {len(sheets)} sheets was read."] if len(sheets) > 1 else []


def _check_zip(data: bytes, name: str) -> None:
    """Check the unpacked size of an Excel file, which is a zip archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise TableError(f"{name} {DAMAGED}") from error
    check_unpacked(size, name, _MOST_RATIO * max(len(data), 100_000))
