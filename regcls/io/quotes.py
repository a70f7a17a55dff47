"""Find quotation marks in a text table that are never closed, and read them as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from regcls.io import numerals
from regcls.io.reading import TableError

_QUOTE, _LINE = 34, 10
_MOST = 50  # cells to repair; with more, quotation marks mean something else in the file
_SHOWN = 30


@dataclass(frozen=True)
class _Repair:
    """A cell, from its quotation mark to its end, and the line that it is in."""

    start: int
    end: int
    line: int


def repaired(text: bytes, separator: str, columns: int, name: str) -> tuple[bytes, list[str]]:
    r"""Return a text table in which every quotation mark at the start of a cell is closed.

    A quotation mark that is never closed swallows the rows below it, up to the next one. It is
    found by what follows the closing mark, and by lines inside a cell that are complete rows.

    Parameters
    ----------
    text : bytes
        The table, with line feeds as line ends.
    separator : str
        What separates its columns.
    columns : int
        Number of its columns.
    name : str
        Name of the file in messages.

    Returns
    -------
    bytes
        The table; cells with an unclosed mark are quoted as a whole.
    list of str
        One sentence per repaired cell, with its line.

    Raises
    ------
    TableError
        If too many cells would have to be repaired.

    Examples
    --------
    >>> repaired(b'y,size\n1,"5in\n', ",", 2, "t.csv")[1]
    ['Line 2: the quotation mark in "5in is not closed; it was read as part of the text.']
    """
    if b'"' not in text or _regular(text, separator):
        return text, []
    text = _without_spaces(text, separator)
    repairs = _faults(text, separator, columns)
    if len(repairs) > _MOST:
        raise TableError(
            f"{name}: the quotation marks in line {repairs[0].line:,} and {len(repairs) - 1} more "
            "lines are not closed; write a quotation mark inside a cell twice"
        )
    parts, notes, done = [], [], 0
    for repair in repairs:
        cell = text[repair.start : repair.end]
        parts += [text[done : repair.start], b'"' + cell.replace(b'"', b'""') + b'"']
        done = repair.end
        shown = cell.decode(errors="replace")[:_SHOWN]
        notes.append(
            f"Line {repair.line:,}: the quotation mark in {shown} is not closed; it was read as "
            "part of the text."
        )
    return b"".join([*parts, text[done:]]), notes


def _neighbours(data: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    before = np.where(positions > 0, data[positions - 1], _LINE)
    after = np.where(positions + 1 < len(data), data[np.minimum(positions + 1, len(data) - 1)], 10)
    return before, after


def _regular(text: bytes, separator: str) -> bool:
    """Whether marks alternate between the start and the end of cells, all within one line."""
    data = np.frombuffer(text, np.uint8)
    positions = np.flatnonzero(data == _QUOTE)
    if len(positions) % 2:
        return False
    before, after = _neighbours(data, positions)
    edges = (ord(separator), _LINE)
    adjacent = np.diff(positions) == 1
    opens = np.isin(before[::2], edges) | np.r_[False, adjacent[1::2]]
    closes = np.isin(after[1::2], edges) | np.r_[adjacent[1::2], False]
    if not (opens.all() and closes.all()):
        return False
    lines = np.searchsorted(np.flatnonzero(data == _LINE), positions)
    return bool((lines[::2] == lines[1::2]).all())


def _without_spaces(text: bytes, separator: str) -> bytes:
    """Remove the space in `, "text"`, which would make the quotation marks part of the text."""
    edge = re.escape(separator.encode())
    positions = np.flatnonzero(np.frombuffer(text, np.uint8) == _QUOTE)
    parts, done = [], 0
    for found in re.finditer(edge + b'( +)"', text):
        if np.searchsorted(positions, found.end() - 1) % 2 == 0:  # not inside a quoted cell
            parts.append(text[done : found.start(1)])
            done = found.end(1)
    return b"".join([*parts, text[done:]])


def _faults(text: bytes, separator: str, columns: int) -> list[_Repair]:
    data = np.frombuffer(text, np.uint8)
    found = np.flatnonzero(data == _QUOTE)
    before, after = (array.tolist() for array in _neighbours(data, found))
    positions = found.tolist()
    edges = (ord(separator), _LINE)
    faults: list[_Repair] = []
    at = line = counted = 0
    while at < len(positions) and len(faults) <= _MOST:
        start = positions[at]
        if before[at] not in edges:
            at += 1  # a mark inside a cell, as in 5", is text
            continue
        line, counted = line + text.count(b"\n", counted, start), start
        close = _closing(positions, after, edges, at)
        if close is not None and not _swallows(text, start, positions[close], separator, columns):
            at = close + 1
            continue
        ends = (text.find(mark, start) for mark in (separator.encode(), b"\n"))
        end = min((end for end in ends if end >= 0), default=len(text))
        faults.append(_Repair(start, end, line + 1))
        while at < len(positions) and positions[at] < end:
            at += 1
    return faults


def _closing(positions: list[int], after: list[int], edges: tuple[int, int], at: int) -> int | None:
    """Index of the mark that closes the cell; None if there is none, or text follows it."""
    close = at + 1
    while close < len(positions):
        if close + 1 < len(positions) and positions[close + 1] == positions[close] + 1:
            close += 2  # a doubled mark stands for one mark
            continue
        return close if after[close] in edges else None
    return None


def _swallows(text: bytes, start: int, end: int, separator: str, columns: int) -> bool:
    """Whether a cell of several lines contains complete rows, with numbers in the same columns."""
    if columns < 2 or text.find(b"\n", start, end) < 0:
        return False
    first = text.rfind(b"\n", 0, start) + 1
    last = text.find(b"\n", end)
    block = text[first : last if last >= 0 else len(text)].decode(errors="replace")
    rows = [line.split(separator) for line in block.split("\n") if line.strip()]
    if any(len(row) != columns for row in rows):
        return False
    numeric = [numerals.are_numbers(row) for row in rows]
    quoted = text.count(separator.encode(), first, start)
    pattern = [value and column != quoted for column, value in enumerate(numeric[0])]
    return any(pattern) and all(
        value or not needed for row in numeric for value, needed in zip(row, pattern, strict=True)
    )
