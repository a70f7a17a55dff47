"""Table files: the uploader, reading with an error message, and how a file was read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import streamlit as st

from pages.components.uploads import MB
from regcls.exceptions import UserError
from regcls.io import encodings, tables
from regcls.io.reading import AUTOMATIC, Reading
from regcls.io.tables import Table

if TYPE_CHECKING:
    from streamlit.typing import UploadedFile

SEPARATORS = {
    "comma": "Comma (,)",
    "semicolon": "Semicolon (;)",
    "tab": "Tab",
    "bar": "Bar (|)",
    "space": "Spaces",
}
DECIMALS = {"point": "Point (1.5)", "comma": "Comma (1,5)"}
MOST_SKIPPED = 1000  # lines


class HasProblem(Protocol):
    """A page's state that keeps the last error message and what it is about."""

    problem: str
    problem_of: str


@contextmanager
def problem_kept(state: HasProblem, of: str = "") -> Iterator[None]:
    """Keep the message of a table that cannot be used; the last table stays shown.

    ``of`` identifies the file or the text that it is about; see `show_problem`.
    """
    state.problem = state.problem_of = ""
    try:
        yield
    except UserError as error:
        state.problem, state.problem_of = error.sentence, of


def show_problem(state: HasProblem, chosen: Collection[str]) -> None:
    """Show the message kept, as long as what it is about is among what is ``chosen``.

    A message about nothing that stays chosen, such as a setting for reading the file, is shown once.
    """
    if state.problem and state.problem_of in ("", *chosen):
        st.error(state.problem)
    if state.problem_of not in chosen:
        state.problem = state.problem_of = ""


def uploader(label: str, **options: Any) -> UploadedFile | None:
    """Draw an uploader for one table file."""
    limit = tables.MAX_BYTES // MB
    return st.file_uploader(label, tables.SUFFIXES, max_upload_size=limit, **options)


def read(data: bytes, name: str, reading: Reading = AUTOMATIC) -> Table:
    """Read a file while a spinner is shown."""
    with st.spinner(f"Reading {name}…"):
        return tables.read_table(data, name, reading)


def reading_controls(table: Table, take: Callable[[Reading], None], key: str) -> bool:
    """Draw how a file was read, and the controls to read it in another way.

    Parameters
    ----------
    table : Table
        The table shown.
    take : callable
        Called with the new settings when one is changed; it reads the file again.
    key : str
        Start of the widgets' keys; it must differ for each table.

    Returns
    -------
    bool
        Whether the table can be used: no question is open.
    """
    if table.questions:
        st.warning(" ".join(table.questions))
        _choice(
            "Decimal mark", DECIMALS, None, "decimal", (table, take, f"{key}_question"), inline=True
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(table.summary)
        with st.popover("Change how the file is read", type="tertiary"):
            _settings(table, (table, take, key))
    return not table.questions


_Target = tuple[Table, Callable[[Reading], None], str]


def _settings(table: Table, target: _Target) -> None:
    """Draw one control per setting that applies to the file."""
    shown = table.reading
    if len(table.sheets) > 1:
        _choice(
            "Sheet",
            dict(zip(table.sheets, table.sheets, strict=True)),
            shown.sheet,
            "sheet",
            target,
        )
    if shown.encoding is not None:
        _choice("Separator", SEPARATORS, shown.separator, "separator", target)
    _choice("Decimal mark", DECIMALS, shown.decimal, "decimal", target)
    if shown.encoding is not None:
        names = list(dict.fromkeys([shown.encoding, *encodings.NAMES.values()]))
        _choice(
            "Encoding", dict(zip(names, names, strict=True)), shown.encoding, "encoding", target
        )
    if shown.skip is not None:
        unit = "Rows" if table.sheets else "Lines"
        key, changed = _callback("skip", target)
        st.number_input(
            f"{unit} above the column names",
            0,
            MOST_SKIPPED,
            shown.skip,
            key=key,
            on_change=changed,
        )
    key, changed = _callback("missing", target, _marks)
    st.text_input(
        "Further marks of missing values",
        ", ".join(shown.missing or ()),
        key=key,
        on_change=changed,
        placeholder="-999, unknown",
        help="Separated by commas. Empty cells and marks such as NA always count as missing.",
    )


def _choice(
    label: str,
    options: dict[str, str],
    shown: str | None,
    field: str,
    target: _Target,
    inline: bool = False,
) -> None:
    """Draw the choice of one setting; nothing is chosen where ``shown`` is None."""
    key, changed = _callback(field, target)
    keys = list(options)
    named: dict[str, Any] = {
        "format_func": options.__getitem__,
        "key": key,
        "on_change": changed,
    }
    if inline:
        st.segmented_control(label, keys, default=shown, **named)
        return
    index = keys.index(shown) if shown in options else None
    st.selectbox(label, keys, index, placeholder="Not decided", **named)


def _callback(
    field: str, target: _Target, parsed: Callable[[Any], Any] = lambda value: value
) -> tuple[str, Callable[[], None]]:
    """Return a widget's key, and what reads the file again with the widget's value."""
    table, take, start = target
    key = f"{start}_{field}"

    def changed() -> None:
        value = parsed(st.session_state[key])
        take(replace(table.given, **{field: value}))

    return key, changed


def _marks(text: str) -> tuple[str, ...] | None:
    return tuple(mark.strip() for mark in text.split(",") if mark.strip()) or None
