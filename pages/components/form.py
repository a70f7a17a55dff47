"""A form that folds into one line once it is filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st


@dataclass
class Folding:
    """Draws a form and the bar above it that says in one line what is chosen.

    A closed form is drawn as well, and hidden: widgets that are not drawn lose their values, and the
    rest of the page would have to guess them.

    Parameters
    ----------
    name : str
        Start of the widgets' keys, unique on the page.
    opened : bool
        Whether the form is shown.
    toggle : callable
        Called by the bar's button; it opens a closed form and closes an open one.
    label : str
        Label of the button that opens the form.
    """

    name: str
    opened: bool
    toggle: Callable[[], None]
    label: str = "Change"

    def __post_init__(self) -> None:
        self._line: Any = None
        if not self.opened:
            st.html(f"<style>.st-key-{self.name}_form {{ display: none; }}</style>")

    def open(self) -> None:
        """Show a closed form after all, such as for a choice that is impossible."""
        if not self.opened:  # a style cannot be taken back within a run of the page
            st.html(f"<style>.st-key-{self.name}_form {{ display: flex !important; }}</style>")
        self.opened = True

    def bar(self) -> None:
        """Draw the bar; `say` fills in its text."""
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", key=f"{self.name}_bar"
        ):
            with st.container():
                self._line = st.empty()
            st.button(
                "Close" if self.opened else self.label,
                on_click=self.toggle,
                icon=":material/expand_less:" if self.opened else ":material/tune:",
                key=f"{self.name}_toggle",
            )

    def say(self, text: str) -> None:
        """Write what is chosen into the bar."""
        if self._line is not None:
            self._line.markdown(text)

    @contextmanager
    def form(self) -> Iterator[None]:
        """Draw the form's widgets within."""
        with st.container(key=f"{self.name}_form"):
            yield
