"""Find how a text table is written: its separator, where its column names are, what is above."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from regcls.io import header, numerals
from regcls.io.header import Header, Row
from regcls.io.quotes import repaired
from regcls.io.reading import SEPARATORS, Reading, TableError

_HEAD = 100_000  # characters from which the dialect is detected
_HEAD_LINES = 200
_FEWEST_LINES = 10  # however long they are
_ORDER = ("tab", "semicolon", "bar", "comma", "space")  # of equally good ones, the first
_TIE = 0.02  # difference of shares of fitting rows that decides nothing
_SEP_LINE = re.compile(r'"?sep=(.)"?\s*$', re.IGNORECASE)
_RULE = re.compile(rb"^[ \t]*\|?[ \t]*:?-{2,}[-+|: \t]*$\n?", re.MULTILINE)
_MARKDOWN = re.compile(rb"^[ \t]*\|.*\|?[ \t]*\n[ \t]*\|[-+|: \t]*-{2,}[-+|: \t]*$", re.MULTILINE)
_EDGE_BARS = re.compile(rb"^[ \t]*\|[ \t]*|[ \t]*\|?[ \t]*$", re.MULTILINE)
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}


@dataclass(frozen=True)
class Dialect:
    """How a text table is written.

    Attributes
    ----------
    text : bytes
        The whole file, prepared: bars at the edges removed, spaces replaced by tabs, unclosed
        quotation marks repaired.
    separator : str
        A key of `SEPARATORS`: what separates the columns of the file.
    character : str
        What separates the columns of ``text``.
    header : Header
        Where the column names are.
    columns : int
        Number of columns.
    start : int
        Position in ``text`` of the first row below the names.
    line : int
        Line of the file that this row starts in, from 1.
    notes : tuple of str
        Sentences on cells that were repaired.
    """

    text: bytes
    separator: str
    character: str
    header: Header
    columns: int
    start: int
    line: int
    notes: tuple[str, ...] = ()


def detected(text: bytes, reading: Reading, name: str) -> Dialect:
    r"""Return how a text table is written.

    Parameters
    ----------
    text : bytes
        The file in UTF-8, with line feeds as line ends.
    reading : Reading
        What is given is not detected.
    name : str
        Name of the file in messages.

    Returns
    -------
    Dialect
        Its separator and header.

    Raises
    ------
    TableError
        If no row can be the column names.

    Examples
    --------
    >>> detected(b"# run 1\ny;p\n1,5;2\n", Reading(), "t.csv").header.names
    ('y', 'p')
    """
    head = _head(text)
    declared = _SEP_LINE.match(head.split("\n", 1)[0])
    separator = reading.separator or (_NAMES.get(declared[1]) if declared else None)
    skip = reading.skip
    separator, spaced = _separator(head, separator, bool(declared), skip)
    text, character, notes = _prepared(text, separator, spaced, bool(declared), skip, name)
    rows = _rows(_head(text), character, bool(declared))
    found = header.found(rows, skip)
    if found is None:
        raise _no_header(rows, name)
    columns = max(header.width(rows), len(found.names))
    line = rows[found.first].line if found.first < len(rows) else rows[-1].line + 1
    return Dialect(
        text, separator, character, found, columns, _position(text, line), line, tuple(notes)
    )


def _head(text: bytes) -> str:
    """Return the first lines, without one that is cut off."""
    size = max(_HEAD, _position(text, _FEWEST_LINES))
    part = text[:size]
    if len(text) > size:
        part = part[: part.rfind(b"\n") + 1] or part
    return "\n".join(part.decode(errors="replace").split("\n")[:_HEAD_LINES])


def _position(text: bytes, line: int) -> int:
    """Position of the start of a line, from 1."""
    position = 0
    for _ in range(line - 1):
        found = text.find(b"\n", position)
        if found < 0:
            return len(text)
        position = found + 1
    return position


class _Score(NamedTuple):
    """How well a separator splits the rows, in the order in which this counts."""

    fitting: float  # share of the rows with all columns
    numbers: float  # share of the cells without words
    words: bool  # whether no name is a number
    order: int
    separator: str
    spaced: bool


def _separator(head: str, given: str | None, declared: bool, skip: int | None) -> tuple[str, bool]:
    """Separator of the columns, and whether only two or more spaces separate them."""
    if given is None and _MARKDOWN.search(head.encode()):
        return "bar", False
    scores: list[_Score] = []
    nameless = []  # separators that split the names, but into another number of cells
    for candidate in [given] if given else _ORDER:
        for spaced in (False, True) if candidate == "space" else (False,):
            for rows in _splits(head, candidate, spaced, declared):
                below = [row for row in rows if skip is None or row.line > skip]
                columns = header.width(below)
                found = header.found(below, skip) if columns > 1 else None
                if found is not None:
                    scores.append(_score(below, found, columns, candidate, spaced))
                elif columns > 1 and len(_first(below).cells) > 1:
                    nameless.append(candidate)
    if not scores:  # a single column, which is split at a character that it does not contain
        absent = (*nameless, *(name for name in _ORDER if SEPARATORS[name] not in head))
        return given or next(iter(absent), "comma"), False
    best = max(score.fitting for score in scores)
    good = [score for score in scores if score.fitting >= best - _TIE]
    if any(score.separator == "tab" for score in good):
        # Splitting at spaces splits at tabs too, and then the cells between the tabs.
        good = [score for score in good if score.separator != "space"]
    chosen = max(good, key=lambda score: score[1:4])
    return chosen.separator, chosen.spaced


def _first(rows: Sequence[Row]) -> Row:
    return next(row for row in rows if row.filled and not row.is_comment)


def _score(
    rows: Sequence[Row], found: Header, columns: int, separator: str, spaced: bool
) -> _Score:
    fitting, numbers = _scores(rows, found, columns)
    words = not any(numerals.are_numbers(found.names))
    return _Score(fitting, numbers, words, -_ORDER.index(separator), separator, spaced)


def _scores(rows: Sequence[Row], found: Header, columns: int) -> tuple[float, float]:
    """Share of the rows, from the names on, with all columns; share of cells without words."""
    table = [row for row in rows if row.line > found.above and row.filled and not row.is_comment]
    while len(table) > 1 and len(table[-1].cells) != columns and table[-1].is_remark:
        table.pop()  # a line of text below the table
    fitting = [row for row in table if len(row.cells) == columns]
    below = [row for row in fitting if row.line > found.above + bool(found.names)]
    cells = [kind for row in below for kind in numerals.kinds(row.cells)]
    numbers = sum(kind != numerals.WORD for kind in cells) / max(len(cells), 1)
    return round(len(fitting) / len(table), 3), round(numbers, 3)


def _splits(head: str, separator: str, spaced: bool, declared: bool) -> Iterator[list[Row]]:
    """Rows of the head: line by line and, if there are quotation marks, cells of several lines."""
    if separator == "bar":
        head = _without_bars(head.encode()).decode()
    elif separator == "space":
        head = _tabbed(head.encode(), spaced).decode()
    character = "\t" if separator == "space" else SEPARATORS[separator]
    yield _lines(head, character, declared)
    if '"' in head:
        yield _rows(head, character, declared)


def _lines(head: str, character: str, declared: bool) -> list[Row]:
    """Rows of the head, line by line: a quotation mark that is not closed affects one line."""
    found = []
    for number, line in enumerate(head.split("\n"), start=1):
        cells = next(csv.reader([line], delimiter=character), [])
        if cells and not (declared and number == 1):
            found.append(Row(number, tuple(cell.strip() for cell in cells)))
    return found


def _prepared(
    text: bytes, separator: str, spaced: bool, declared: bool, skip: int | None, name: str
) -> tuple[bytes, str, list[str]]:
    """Return the text, the character that separates its columns, and notes on what was repaired."""
    if separator == "bar":
        text = _without_bars(text)
    elif separator == "space":
        text = _tabbed(text, spaced)
    character = "\t" if separator == "space" else SEPARATORS[separator]
    rows = _lines(_head(text), character, declared)
    columns = header.width([row for row in rows if skip is None or row.line > skip])
    text, notes = repaired(text, character, columns, name)
    return text, character, notes


def _without_bars(text: bytes) -> bytes:
    """Remove the bars at the edges of a Markdown table, and the rule below its names."""
    if not _MARKDOWN.search(text):
        return text
    return _EDGE_BARS.sub(b"", _RULE.sub(b"\n", text))


def _tabbed(text: bytes, spaced: bool) -> bytes:
    """Replace the spaces between columns by tabs."""
    text = re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", text)
    runs = rb"\t+|[ \t]{2,}" if spaced else rb"[ \t]+"
    if not re.search(rb'["(\[]', text):
        return re.sub(runs, b"\t", text)
    # Spaces within quotation marks and brackets do not separate, as in tensor(1.5, device='cpu').
    kept = rb'("(?:[^"\n]|"")*"(?=[ \t\n]|$)|\([^()\n]*\)|\[[^\[\]\n]*\])|'
    return re.sub(kept + runs, lambda found: found[1] or b"\t", text, flags=re.MULTILINE)


def _rows(head: str, character: str, declared: bool) -> list[Row]:
    """Rows of the head; a quoted cell may have several lines."""
    lines = head.split("\n")
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=character)
    found, line = [], 1
    for cells in reader:
        if cells and not (declared and line == 1):
            found.append(Row(line, tuple(" ".join(cell.split()) for cell in cells)))
        line = reader.line_num + 1
    return found


def _no_header(rows: Sequence[Row], name: str) -> TableError:
    if not rows:
        return TableError(f"{name} has no rows below its column names")
    columns = header.width(rows)
    other = next((row for row in rows if row.filled and len(row.cells) != columns), rows[0])
    shown = " ".join(other.cells)[:40]
    return TableError(
        f"{name}: line {other.line:,} ({shown!r}) has {len(other.cells)} cells where other rows "
        f"have {columns}; the first row must have one name per column"
    )
