"""Read a text table as columns of text, and find the rows that do not fit."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from regcls.io import dialect, header, numerals
from regcls.io.dialect import Dialect
from regcls.io.reading import Reading, TableError
from regcls.io.table_limits import check_columns

_MOST_FOOTERS = 10
_SHOWN = 40
_THREADED = 1_000_000  # bytes from which threads are worth their start


@dataclass(frozen=True)
class TextTable:
    """A text table before its numbers are converted.

    Attributes
    ----------
    names : list of str
        Names of the columns as in the file.
    columns : list of Array of str
        The columns.
    dialect : Dialect
        How the file is written.
    notes : tuple of str
        Sentences on what was skipped or repaired.
    """

    names: list[str]
    columns: list[Any]
    dialect: Dialect
    notes: tuple[str, ...]


def read(text: bytes, reading: Reading, name: str) -> TextTable:
    r"""Read a text table; all columns are text.

    Parameters
    ----------
    text : bytes
        The file in UTF-8; line ends may be of any system.
    reading : Reading
        What is given is not detected.
    name : str
        Name of the file in messages.

    Returns
    -------
    TextTable
        Its columns, and what was skipped.

    Raises
    ------
    TableError
        If a row does not fit; the message names its line.

    Examples
    --------
    >>> read(b"y;p\r\n1,5;2\r\n", Reading(), "t.csv").columns[0].to_pylist()
    ['1,5']
    """
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = dialect.detected(text, reading, name)
    check_columns(found.columns, name)
    columns, odd = _parsed(found, name)
    notes = [*found.notes]
    if odd:
        notes += _footers(found, odd, name)
    if not columns or not len(columns[0]):
        raise TableError(f"{name} has no rows below its column names")
    columns, total = _without_totals(columns)
    notes += total
    names = list(found.header.names)
    if not names:  # an empty column, from separators at the ends of rows, stays without a name
        empty = [column.null_count == len(column) for column in columns]
        names = ["" if lost else f"column {i + 1}" for i, lost in enumerate(empty)]
    if not found.header.names:
        notes.append("The first row has numbers, so that the columns were named by their position.")
    return TextTable(names, columns, found, tuple(notes))


def _parsed(found: Dialect, name: str) -> tuple[list[Any], list[str]]:
    """Columns of text, and the text of the rows with another number of cells."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    odd: list[str] = []

    def keep(row: Any) -> str:
        if row.text.strip(f" \t{found.character}"):
            odd.append(row.text)
        return "skip"

    names = [str(number) for number in range(found.columns)]
    body = pa.py_buffer(found.text).slice(found.start)
    if not bytes(body[:1000]).strip():
        return [], []
    try:
        table = arrow.read_csv(
            pa.BufferReader(body),
            read_options=arrow.ReadOptions(
                column_names=names, use_threads=len(found.text) > _THREADED
            ),
            parse_options=arrow.ParseOptions(
                delimiter=found.character,
                newlines_in_values=b'"' in found.text,
                invalid_row_handler=keep,
            ),
            convert_options=arrow.ConvertOptions(
                column_types={column: pa.string() for column in names},
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        raise TableError(f"{name} cannot be read as a table: {reason[:200]}") from error
    return [column.combine_chunks() for column in table.columns], odd


def _footers(found: Dialect, odd: Sequence[str], name: str) -> list[str]:
    """Return notes on the lines of words below a table; raise if rows within it do not fit."""
    lines = _odd_lines(found)
    below = all(words and last for _, _, words, last in lines)
    if not below or len(lines) > _MOST_FOOTERS:
        line, cells, _, _ = next((odd for odd in lines if not (odd[2] and odd[3])), lines[0])
        shown = found.character.join(cells)[:_SHOWN]
        more = f", and so on in {len(odd) - 1:,} more lines" if len(odd) > 1 else ""
        cell = "cell" if len(cells) == 1 else "cells"
        raise TableError(
            f"{name}: line {line:,} has {len(cells)} {cell} where the table has {found.columns} "
            f"columns ({shown!r}{more}); correct the line, or choose another separator"
        )
    return [
        f"Line {line:,} below the table was skipped: {' '.join(' '.join(cells).split())[:_SHOWN]}."
        for line, cells, _, _ in lines
    ]


def _odd_lines(found: Dialect) -> list[tuple[int, list[str], bool, bool]]:
    """Line, cells, whether there are only words, and whether it is below all rows that fit."""
    text = io.TextIOWrapper(io.BytesIO(found.text[found.start :]), "utf-8", "replace", newline="\n")
    reader = csv.reader(text, delimiter=found.character)
    csv.field_size_limit(2**31 - 1)
    lines: list[tuple[int, list[str], bool]] = []
    start, last = 0, 0
    for row in reader:
        if any(cell.strip() for cell in row):
            if len(row) == found.columns:
                last = start
            else:
                words = header.Row(0, tuple(row)).is_remark
                lines.append((start + found.line, row, words))
        start = reader.line_num
    return [(line, row, words, line > last + found.line) for line, row, words in lines]


def _without_totals(columns: list[Any]) -> tuple[list[Any], list[str]]:
    """Drop the last row if it is a total, and the rows at the end in which every cell is empty."""
    rows = len(columns[0])
    end = rows
    while end > 1 and all(not _cell(column, end - 1) for column in columns):
        end -= 1
    notes = []
    if end < rows:
        were = "row at the end of the table was" if rows - end == 1 else "rows at the end were"
        notes.append(f"{rows - end:,} empty {were} skipped.")
    if end > 2 and _is_footer(
        *([_cell(column, row) for column in columns] for row in (end - 1, end - 2))
    ):
        end -= 1
        shown = ", ".join(_cell(column, end) for column in columns)[:_SHOWN]
        notes.append(f"Row {end + 1:,}, the last, is not a row of data and was left out ({shown}).")
    return [column.slice(0, end) for column in columns], notes


def _is_footer(last: Sequence[str], above: Sequence[str]) -> bool:
    """Whether the last row is a total, or only has words, some of them below numbers."""
    row = header.Row(0, tuple(last))
    if header.is_total(next((cell for cell in last if cell), "")):
        return True
    if not row.is_remark:
        return False
    below = numerals.are_numbers(above)
    words = [kind == numerals.WORD for kind in numerals.kinds(last)]
    return any(word and number for word, number in zip(words, below, strict=True))


def _cell(column: Any, row: int) -> str:
    return (column[row].as_py() or "").strip()
