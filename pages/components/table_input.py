"""Table files: the uploader, reading with an error message, and the sheets of an Excel file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import streamlit as st

from pages.components.uploads import MB
from regcls.exceptions import UserError
from regcls.io import tables

if TYPE_CHECKING:
    from streamlit.typing import UploadedFile


@dataclass(frozen=True)
class Workbook:
    """An Excel file with several sheets, kept so that another sheet can be read."""

    data: bytes
    name: str
    sheets: tuple[str, ...]
    sheet: str  # the one shown


class HasProblem(Protocol):
    """A page's state that keeps the last error message."""

    problem: str


@contextmanager
def problem_kept(state: HasProblem) -> Iterator[None]:
    """Keep the message of a table that cannot be used; the last table stays shown."""
    state.problem = ""
    try:
        yield
    except UserError as error:
        state.problem = error.sentence


def uploader(label: str, **options: Any) -> UploadedFile | None:
    """Draw an uploader for one table file."""
    limit = tables.MAX_BYTES // MB
    return st.file_uploader(label, tables.SUFFIXES, max_upload_size=limit, **options)


def read(data: bytes, name: str, sheet: str | None = None) -> tuple[tables.Table, Workbook | None]:
    """Read a file; return its table, and the workbook if there are several sheets."""
    with st.spinner(f"Reading {name}…"):
        table = tables.read_table(data, name, sheet)
    if len(table.sheets) < 2:
        return table, None
    return table, Workbook(data, name, tuple(table.sheets), sheet or table.sheets[0])


def choose_sheet(
    workbook: Workbook | None, take: Callable[[bytes, str, str], None], key: str
) -> None:
    """Draw the choice of a sheet; call ``take(data, name, sheet)`` for another one."""
    if workbook is None:
        return

    def changed() -> None:
        take(workbook.data, workbook.name, st.session_state[key])

    shown = workbook.sheets.index(workbook.sheet)
    st.selectbox("Sheet", workbook.sheets, shown, key=key, on_change=changed)
