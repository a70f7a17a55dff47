"""Read tables from untrusted files: CSV, Parquet or Excel to a DataFrame, and CSV output."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regcls.exceptions import UserError
from regcls.io.limits import DAMAGED, check_size

MAX_BYTES = 500_000_000  # as stored
MAX_UNPACKED = 2_000_000_000  # of a Parquet or Excel file
MAX_ROWS = 2_000_000
MAX_COLUMNS = 5_000
SUFFIXES = ("csv", "tsv", "txt", "parquet", "xlsx", "xls")
FORMATS_IN_WORDS = "CSV, Parquet or Excel"
_DELIMITERS = ",;\t|"
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a spreadsheet recognises a formula


class TableError(UserError):
    """A table that cannot be used. Errors about a file start with its name."""


@dataclass(frozen=True)
class Table:
    """A table that was read.

    Attributes
    ----------
    frame : DataFrame
        With unique column names.
    notes : tuple of str
        Sentences about what was changed or left out.
    sheets : tuple of str
        Names of all sheets of an Excel file.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()


def read_table(data: bytes, name: str, sheet: str | None = None) -> Table:
    r"""Read a table; its format is recognised by its content.

    Formulas are never evaluated: the results stored in the file are read.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name in messages.
    sheet : str, optional
        Sheet of an Excel file; by default the first.

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
    >>> read_table(b"y;x\n1,5;2\n", "t.csv").frame.columns.tolist()
    ['y', 'x']
    """
    if not data:
        raise TableError(f"{name} is empty")
    check_size(len(data), MAX_BYTES, name, TableError)
    if data[:4] == b"PAR1":
        return _tidied(_parquet(data, name), name)
    if data[:4] == b"PK\x03\x04" or data[:4] == b"\xd0\xcf\x11\xe0":
        return _excel(data, name, sheet)
    return _text(data, name)


def read_pasted(text: str) -> Table:
    """Read a table that was pasted, for example from a spreadsheet.

    Parameters
    ----------
    text : str
        Delimited text.

    Returns
    -------
    Table
        The table.

    Raises
    ------
    TableError
        If it is not a table.
    """
    return read_table(text.strip().encode(), "The pasted table")


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


def _text(data: bytes, name: str) -> Table:
    import pyarrow as pa
    from pyarrow import csv as arrow

    text, encoding = _decoded(data, name)
    _check_rows(text.count(b"\n") - 1, name)
    if not text.strip().count(b"\n"):
        raise TableError(f"{name} has no rows below its column names")
    head = text[:20_000].decode(errors="ignore")
    delimiter = _delimiter(head)
    columns = next(csv.reader(io.StringIO(head), delimiter=delimiter), [])
    _check_columns(len(columns), name)
    try:
        table = arrow.read_csv(
            pa.BufferReader(text),
            read_options=arrow.ReadOptions(
                column_names=[str(number) for number in range(len(columns))], skip_rows=1
            ),
            parse_options=arrow.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=arrow.ConvertOptions(strings_can_be_null=True),
        )
    except pa.ArrowInvalid as error:
        raise TableError(f"{name} cannot be read as a table: {_reason(error)}") from error
    frame = _as_pandas(table)
    frame.columns = pd.Index(columns)
    notes = () if encoding == "utf-8" else (f"{name} was read as {encoding}.",)
    return _tidied(frame, name, notes)


def _decoded(data: bytes, name: str) -> tuple[bytes, str]:
    """Text as UTF-8 without a byte order mark, and the encoding of the file."""
    if data.startswith(_BINARY) or data.lstrip()[:1] == b"<":
        raise _not_a_table(name)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").encode(), "UTF-16"
    if b"\x00" in data[:10_000]:
        raise _not_a_table(name)
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace").encode(), "Windows-1252"
    return data, "utf-8"


def _delimiter(head: str) -> str:
    """Delimiter that splits the first lines into the most, and equally many, cells."""
    lines = head.splitlines()[:20]

    def cells(delimiter: str) -> tuple[bool, int]:
        counts = [len(row) for row in csv.reader(lines[:-1] or lines, delimiter=delimiter) if row]
        return (min(counts, default=1) == max(counts, default=1) > 1, max(counts, default=1))

    return max(_DELIMITERS, key=cells)


def _parquet(data: bytes, name: str) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(data))
        meta = file.metadata
        _check_unpacked(
            sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups)), name
        )
        _check_rows(meta.num_rows, name)
        _check_columns(len(file.schema_arrow), name)
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{name} {DAMAGED}") from error
    names = table.column_names
    frame = _as_pandas(table.rename_columns([str(i) for i in range(len(names))]))
    frame.columns = pd.Index(names)
    return frame


def _as_pandas(table: Any) -> pd.DataFrame:
    return table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)


def _excel(data: bytes, name: str, sheet: str | None) -> Table:
    if data[:2] == b"PK":
        _check_zip(data, name)
    try:
        book = pd.ExcelFile(io.BytesIO(data), engine="calamine")
    except Exception as error:  # calamine's errors share no public base class
        raise _not_a_table(name) from error
    sheets = tuple(str(name) for name in book.sheet_names)
    if sheet is not None and sheet not in sheets:
        raise TableError(f"{name} has no sheet {sheet!r}; choose from: {', '.join(sheets)}")
    chosen = sheet or sheets[0]
    try:
        raw = pd.read_excel(book, sheet_name=chosen, header=None)
    except Exception as error:
        raise TableError(f"{name}: sheet {chosen} cannot be read") from error
    if raw.empty:
        raise TableError(f"{name}: sheet {chosen} is empty")
    _check_columns(raw.shape[1], name)
    frame = raw.iloc[1:].reset_index(drop=True).infer_objects()
    frame.columns = pd.Index(["" if pd.isna(cell) else str(cell) for cell in raw.iloc[0]])
    notes = (f"Sheet {chosen} of {len(sheets)} sheets was read.",) if len(sheets) > 1 else ()
    return _tidied(frame, name, notes, sheets)


def _check_zip(data: bytes, name: str) -> None:
    """Check the unpacked size of an Excel file, which is a zip archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise TableError(f"{name} {DAMAGED}") from error
    _check_unpacked(size, name, min(MAX_UNPACKED, 300 * max(len(data), 100_000)))


def _check_unpacked(size: int, name: str, limit: int = MAX_UNPACKED) -> None:
    if size > limit:
        raise TableError(
            f"{name} unpacks to {size / 1e6:,.0f} MB; at most {limit / 1e6:,.0f} MB are allowed"
        )


def _check_rows(count: int, name: str) -> None:
    if count > MAX_ROWS:
        raise TableError(f"{name} has {count:,} rows; at most {MAX_ROWS:,} are allowed")


def _check_columns(count: int, name: str) -> None:
    if count > MAX_COLUMNS:
        raise TableError(f"{name} has {count:,} columns; at most {MAX_COLUMNS:,} are allowed")


def _not_a_table(name: str) -> TableError:
    return TableError(f"{name} cannot be read as a table; expected {FORMATS_IN_WORDS}")


def _tidied(
    frame: pd.DataFrame, name: str, notes: Sequence[str] = (), sheets: tuple[str, ...] = ()
) -> Table:
    """Make column names unique and non-empty, drop columns of lists, check the size."""
    added = list(notes)
    columns, renamed = _unique([str(column).strip() for column in frame.columns])
    frame.columns = pd.Index(columns)
    if renamed:
        added.append(f"Columns with duplicate names were renamed: {_listed(renamed)}.")
    nested = [column for column in frame.columns if _is_nested(frame[column])]
    if nested:
        frame = frame.drop(columns=nested)
        added.append(f"Columns that contain lists were left out: {_listed(nested)}.")
    if not len(frame) or not len(frame.columns):
        raise TableError(f"{name} has no rows below its column names")
    _check_rows(len(frame), name)
    return Table(frame, tuple(added), sheets)


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


def _is_nested(column: pd.Series) -> bool:
    if column.dtype != object:
        return False
    return any(isinstance(v, list | dict | np.ndarray) for v in column.dropna().head(100))


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    if found := re.search(r"Expected (\d+) columns, got (\d+): (.*)", text):
        return f"a row has {found[2]} cells where the first has {found[1]} ({found[3][:40]!r})"
    return text[0].lower() + text[1:200].rstrip(".")
