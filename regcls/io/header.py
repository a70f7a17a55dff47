"""Find the column names among the first rows of a table, below titles and comments."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from regcls.io import numerals

COMMENTS = ("#", "%", "//")
_TOTAL = re.compile(
    r"(grand )?(total|totals|sum|mean|average|summe|gesamt|mittelwert|moyenne|suma|合计|总计)\s*:?",
    re.IGNORECASE,
)
_COUNT = re.compile(r"[\[(]?[0-9,]+ rows?\b.*", re.IGNORECASE)
_WINDOW = 60  # rows in which a title may stand


@dataclass(frozen=True)
class Row:
    """One row of cells, and the line of the file that it starts in, from 1."""

    line: int
    cells: tuple[str, ...]

    @property
    def filled(self) -> int:
        """Number of cells that are not empty."""
        return sum(bool(cell) for cell in self.cells)

    @property
    def is_comment(self) -> bool:
        """Whether it is a comment, which may also be the column names."""
        return self.cells[0].startswith(COMMENTS)

    @property
    def is_numeric(self) -> bool:
        """Whether it has numbers and no words."""
        kinds = numerals.kinds(self.cells)
        return numerals.WORD not in kinds and any(kind > numerals.WORD for kind in kinds)

    @property
    def is_words(self) -> bool:
        """Whether it has words, such as "40 rows", and no numbers."""
        kinds = numerals.kinds(self.cells)
        return numerals.WORD in kinds and all(kind <= numerals.WORD for kind in kinds)

    @property
    def is_remark(self) -> bool:
        """Whether it can be a line of text below a table, such as "(40 rows)"."""
        return self.is_words or _COUNT.fullmatch(" ".join(self.cells).strip()) is not None

    @property
    def is_names(self) -> bool:
        """Whether all its cells are words."""
        return all(kind == numerals.WORD for kind in numerals.kinds(self.cells))


@dataclass(frozen=True)
class Header:
    """Where the column names are.

    Attributes
    ----------
    names : tuple of str
        One name per column, possibly empty; none if the table has no names.
    first : int
        Position, among the rows, of the first row below the names.
    above : int
        Number of lines above the names, or above the first row if there are no names.
    """

    names: tuple[str, ...]
    first: int
    above: int


def is_total(cell: str) -> bool:
    """Return whether a cell says that its row is a total or a mean of the rows above."""
    return _TOTAL.fullmatch(cell.strip()) is not None


def width(rows: Sequence[Row]) -> int:
    """Return the number of cells that most rows have; of equally frequent ones, the largest."""
    counts = Counter(len(row.cells) for row in rows if row.filled and not row.is_comment)
    return max(counts, key=lambda cells: (counts[cells], cells), default=1)


def found(rows: Sequence[Row], skip: int | None = None) -> Header | None:
    """Return where the column names are.

    Parameters
    ----------
    rows : sequence of Row
        The first rows of a table.
    skip : int, optional
        Number of lines above the column names; detected by default.

    Returns
    -------
    Header or None
        The names; None if no row can be the names.

    Examples
    --------
    >>> found([Row(1, ("# run 1",)), Row(2, ("y", "p")), Row(3, ("1", "2"))])
    Header(names=('y', 'p'), first=2, above=1)
    """
    columns = width(rows)
    if skip is not None:
        position = next((i for i, row in enumerate(rows) if row.line > skip and row.filled), None)
    else:
        position = _position(rows, columns)
    if position is None:
        return None
    row = rows[position]
    if not row.is_comment and _is_data(rows, position, columns):
        return _without_names(rows, position, columns, skip)
    above = [other for other in rows[:position] if other.filled and not other.is_comment]
    numbers = any(numerals.are_numbers(row.cells))
    if skip is None and above and (numbers or not _has_numbers(rows[position:], columns)):
        return None  # nothing tells the names from the lines above them
    cells = _uncommented(row) if row.is_comment else row.cells
    return Header(_padded(cells, rows[position + 1 :], columns), position + 1, row.line - 1)


def _has_numbers(rows: Sequence[Row], columns: int) -> bool:
    full = [row for row in rows if len(row.cells) == columns]
    return any(any(numerals.are_numbers(row.cells)) for row in full)


def _position(rows: Sequence[Row], columns: int) -> int | None:
    for position, row in enumerate(rows[:_WINDOW]):
        if not row.filled:
            continue
        if row.is_comment:
            if _commented_names(rows, position, columns):
                return position
            continue
        if len(row.cells) != columns and not _shorter(rows, position, columns):
            continue
        if not _is_title(rows, position):
            return position
    return None


def _is_title(rows: Sequence[Row], position: int) -> bool:
    """Whether names follow below a row that is partly empty, and numbers below them."""
    row = rows[position]
    below = [other for other in rows[position + 1 : position + 1 + _WINDOW] if other.filled]
    if len(below) < 2:
        return False
    if row.filled == len(row.cells) and row.is_names:
        # A row of units may follow the names; an empty line sets a title apart.
        apart = below[0].line > row.line + 1
        return apart and below[0].is_names and any(numerals.are_numbers(below[1].cells))
    for names, data in pairwise(below):
        if names.is_names and len(names.cells) == len(row.cells):
            return any(numerals.are_numbers(data.cells))
        if names.filled > 1 and any(numerals.are_numbers(names.cells)):
            return False
    return False


def _shorter(rows: Sequence[Row], position: int, columns: int) -> bool:
    """Whether a row of names lacks one for the first or the last column.

    R and printed data frames write no name above their row names; some programs end each row with
    a separator, but not the names.
    """
    row = rows[position]
    if len(row.cells) != columns - 1 or not row.is_names:
        return False
    below = [other.cells for other in rows[position + 1 :] if len(other.cells) == columns]
    return _ends_empty(below) or (columns > 2 and _are_row_names([cells[0] for cells in below]))


def _ends_empty(below: Sequence[Sequence[str]]) -> bool:
    return bool(below) and all(not cells[-1] for cells in below)


def _are_row_names(cells: Sequence[str]) -> bool:
    """Whether cells are 0, 1, 2 … or 1, 2, 3 …, or all different words."""
    for first in (0, 1):
        if list(cells) == [str(first + i) for i in range(len(cells))]:
            return True
    return len(set(cells)) == len(cells) and not any(numerals.are_numbers(cells))


def _padded(cells: Sequence[str], below: Sequence[Row], columns: int) -> tuple[str, ...]:
    """Names for all columns; the name that is missing is empty."""
    if len(cells) != columns - 1:
        return tuple(cells)
    full = [row.cells for row in below if len(row.cells) == columns]
    return (*cells, "") if _ends_empty(full) else ("", *cells)


def _uncommented(row: Row) -> tuple[str, ...]:
    first = row.cells[0].lstrip("#%/ ")
    return tuple(cell for cell in (first, *row.cells[1:]) if cell)


def _commented_names(rows: Sequence[Row], position: int, columns: int) -> bool:
    """Whether a comment has one word per column, and the next row that is none has numbers."""
    names = _uncommented(rows[position])
    if len(names) != columns or not Row(0, names).is_names:
        return False
    below = next((row for row in rows[position + 1 :] if row.filled and not row.is_comment), None)
    return below is not None and below.is_numeric and len(below.cells) == columns


def _is_data(rows: Sequence[Row], position: int, columns: int) -> bool:
    """Whether a row is the first of a table without names."""
    row = rows[position]
    below = [other for other in rows[position + 1 :] if len(other.cells) == columns][:20]
    if row.is_numeric:
        return not _are_numbers_as_names(row, below)
    # Words beside decimal numbers are data too, if the same columns have numbers below.
    numbers = [
        kind > numerals.WORD and kind != numerals.PLAIN for kind in numerals.kinds(row.cells)
    ]
    if not any(numbers) or not below:
        return False
    columns_below = [numerals.are_numbers(other.cells) for other in below]
    first = numerals.are_numbers(row.cells)
    return all(first[i] for values in columns_below for i in range(columns) if values[i])


def _are_numbers_as_names(row: Row, below: Sequence[Row]) -> bool:
    """Whether a row is 0, 1, 2 …, the names that pandas gives, above numbers with decimals."""
    count = [str(i) for i in range(len(row.cells))]
    cells = [cell.strip("[]") for cell in row.cells]  # brackets mark the numbers of a sheet
    if cells != count and cells[1:] != count[:-1]:
        return False
    kinds = [kind for other in below for kind in numerals.kinds(other.cells)]
    return len(count) > 2 or any(kind in (numerals.POINT, numerals.EITHER) for kind in kinds)


def _without_names(
    rows: Sequence[Row], position: int, columns: int, skip: int | None
) -> Header | None:
    """Return the header of a table without names; None if words stand directly above the numbers.

    Words above numbers that they do not fit are names, so that the separator is another one, or
    the file is damaged.
    """
    above = [row for row in rows[:position] if row.filled and not row.is_comment]
    if skip is None and above:
        return None
    return Header((), position, rows[position].line - 1)
