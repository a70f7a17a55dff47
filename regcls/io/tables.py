"""Tables in, safely: CSV, Parquet or Excel from anyone → a DataFrame, or one plain sentence why not."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regcls.exceptions import UserError

MAX_BYTES = 500_000_000  # as stored
MAX_UNPACKED = 2_000_000_000  # of a Parquet or Excel file
MAX_ROWS = 2_000_000
MAX_COLUMNS = 5_000
SUFFIXES = ("csv", "tsv", "txt", "parquet", "xlsx", "xls")
FORMATS_IN_WORDS = "CSV, Parquet or Excel"
_DELIMITERS = ",;\t|"
_NO_TEXT = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b", b"BZh", b"7z\xbc\xaf")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a spreadsheet recognises a formula


class TableError(UserError):
    """A table that cannot be used; the message is one sentence for the person who gave it."""


@dataclass(frozen=True)
class Table:
    """``frame`` with unique column names, sentences on what was done, and an Excel file's sheets."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()


def read_table(data: bytes, name: str, sheet: str | None = None) -> Table:
    """A file by its content, whatever it is called. Raises ``TableError`` beginning with ``name``.

    ``sheet``: of an Excel file, the first if not said. Formulas are never computed: what their
    program stored as their result is read.
    """
    if not data:
        raise TableError(f"{name} is empty.")
    if len(data) > MAX_BYTES:
        raise TableError(
            f"{name} has {len(data) / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read."
        )
    if data[:4] == b"PAR1":
        return _tidied(_parquet(data, name), name)
    if data[:4] == b"PK\x03\x04" or data[:4] == b"\xd0\xcf\x11\xe0":
        return _excel(data, name, sheet)
    return _text(data, name)


def read_pasted(text: str) -> Table:
    """A table that was pasted, as from a spreadsheet. Raises ``TableError``."""
    return read_table(text.strip().encode(), "The pasted table")


def safe_csv(frame: pd.DataFrame) -> str:
    """A table as CSV in which no text can run as a formula: a quote is put before it."""
    safe = frame.rename(columns=_harmless)
    for position, dtype in enumerate(frame.dtypes):
        if not (
            pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_datetime64_any_dtype(dtype)
        ):
            column = frame.iloc[:, position].map(_harmless)
            safe.isetitem(position, column)
    return safe.to_csv(index=False)


def _harmless(value: object) -> object:
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value


# Numbers in texts


# Files


def _text(data: bytes, name: str) -> Table:
    import pyarrow as pa
    from pyarrow import csv as arrow

    text, encoding = _decoded(data, name)
    rows = text.count(b"\n")
    if rows > MAX_ROWS + 1:
        raise TableError(f"{name} has {rows:,} rows; at most {MAX_ROWS:,} are read.")
    if not text.strip().count(b"\n"):
        raise TableError(f"{name} has no rows below its column names.")
    head = text[:20_000].decode(errors="ignore")
    delimiter = _delimiter(head)
    columns = next(csv.reader(io.StringIO(head), delimiter=delimiter), [])
    _demand_columns(len(columns), name)
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
        raise TableError(f"{name} is not a table: {_reason(error)}.") from error
    frame = _as_pandas(table)
    frame.columns = columns
    notes = () if encoding == "utf-8" else (f"{name} was read as {encoding}.",)
    return _tidied(frame, name, notes)


def _decoded(data: bytes, name: str) -> tuple[bytes, str]:
    """The text as UTF-8 without a mark, and what it was stored as."""
    if data.startswith(_NO_TEXT) or data.lstrip()[:1] == b"<":
        raise TableError(f"{name} is no table: it must be {FORMATS_IN_WORDS}.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").encode(), "UTF-16"
    if b"\x00" in data[:10_000]:
        raise TableError(f"{name} is no table: it must be {FORMATS_IN_WORDS}.")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace").encode(), "Windows-1252"
    return data, "utf-8"


def _delimiter(head: str) -> str:
    """The one that cuts the first lines into the most, and equally many, cells."""
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
        size = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
        if size > MAX_UNPACKED:
            raise TableError(f"{name} unpacks to {size / 1e9:.1f} GB, more than is read.")
        if meta.num_rows > MAX_ROWS:
            raise TableError(f"{name} has {meta.num_rows:,} rows; at most {MAX_ROWS:,} are read.")
        _demand_columns(len(file.schema_arrow), name)
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise TableError(f"{name} is damaged or cut short, so it cannot be read.") from error
    names = table.column_names
    frame = _as_pandas(table.rename_columns([str(i) for i in range(len(names))]))
    frame.columns = names
    return frame


def _as_pandas(table) -> pd.DataFrame:
    return table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)


def _excel(data: bytes, name: str, sheet: str | None) -> Table:
    _demand_small_inside(data, name)
    try:
        book = pd.ExcelFile(io.BytesIO(data), engine="calamine")
    except Exception as error:  # calamine's errors share no public base class
        raise TableError(
            f"{name} is neither an Excel file nor another table: it must be {FORMATS_IN_WORDS}."
        ) from error
    sheets = tuple(book.sheet_names)
    if sheet is not None and sheet not in sheets:
        raise TableError(f"{name} has no sheet {sheet!r}; it has {', '.join(sheets)}.")
    chosen = sheet or sheets[0]
    try:
        raw = pd.read_excel(book, sheet_name=chosen, header=None)
    except Exception as error:
        raise TableError(f"{name}: the sheet {chosen} cannot be read.") from error
    if raw.empty:
        raise TableError(f"{name}: the sheet {chosen} is empty.")
    _demand_columns(raw.shape[1], name)
    frame = raw.iloc[1:].reset_index(drop=True).infer_objects()
    frame.columns = ["" if pd.isna(cell) else str(cell) for cell in raw.iloc[0]]
    notes = (f"The sheet {chosen} of {len(sheets)} was read.",) if len(sheets) > 1 else ()
    return _tidied(frame, name, notes, sheets)


def _demand_small_inside(data: bytes, name: str) -> None:
    if data[:2] != b"PK":
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise TableError(f"{name} is damaged or cut short, so it cannot be read.") from error
    if size > MAX_UNPACKED or size > 300 * max(len(data), 100_000):
        raise TableError(f"{name} unpacks to {size / 1e6:.0f} MB, more than is read.")


def _demand_columns(count: int, name: str) -> None:
    if count > MAX_COLUMNS:
        raise TableError(f"{name} has {count:,} columns; at most {MAX_COLUMNS:,} are read.")


def _tidied(
    frame: pd.DataFrame, name: str, notes: tuple[str, ...] = (), sheets: tuple[str, ...] = ()
) -> Table:
    """Unique, non-empty column names; no columns of lists; something in it."""
    said = list(notes)
    columns, renamed = _unique([str(column).strip() for column in frame.columns])
    frame.columns = columns
    if renamed:
        said.append(f"Columns of one name were told apart: {_some(renamed)}.")
    nested = [column for column in frame.columns if _nested(frame[column])]
    if nested:
        frame = frame.drop(columns=nested)
        said.append(f"Columns that hold lists were left out: {_some(nested)}.")
    if not len(frame) or not len(frame.columns):
        raise TableError(f"{name} has no rows below its column names.")
    if len(frame) > MAX_ROWS:
        raise TableError(f"{name} has {len(frame):,} rows; at most {MAX_ROWS:,} are read.")
    return Table(frame, tuple(said), sheets)


def _unique(columns: list[str]) -> tuple[list[str], list[str]]:
    taken: set[str] = set()
    unique, renamed = [], []
    for position, column in enumerate(columns, start=1):
        base = column or f"column {position}"
        options: Callable[[int], str] = lambda n, base=base: base if n == 1 else f"{base} ({n})"
        number = next(n for n in range(1, len(columns) + 2) if options(n) not in taken)
        if number > 1:
            renamed.append(options(number))
        taken.add(options(number))
        unique.append(options(number))
    return unique, renamed


def _nested(column: pd.Series) -> bool:
    if column.dtype != object:
        return False
    return column.dropna().head(100).map(lambda v: isinstance(v, list | dict | np.ndarray)).any()


def _some(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    if found := re.search(r"Expected (\d+) columns, got (\d+): (.*)", text):
        return f"a row has {found[2]} cells where the first has {found[1]} ({found[3][:40]!r})"
    return text[0].lower() + text[1:200].rstrip(".")
