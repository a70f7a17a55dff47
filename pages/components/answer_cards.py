"""The models' predictions side by side, one card per model."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st


def answers(cells: Mapping[str, str]) -> None:
    """The models' answers side by side; ``cells``: what stands below each model's name, HTML."""
    listed = list(cells.items())
    for at in range(0, len(listed), 2):  # more in a row are too narrow to read
        for column, (model, cell) in zip(st.columns(2), listed[at : at + 2], strict=False):
            with column:
                card(model, cell)


def card(model: str, cell: str) -> None:
    """A model's name over ``cell`` (HTML, escaped by whoever made it), with its colour beside."""
    from regcls.plotting.style import PALETTE

    about = {"reg": " · regression only", "reg+cls": " · with a class head"}.get(model, "")
    st.html(
        f'<div style="border-left:6px solid {PALETTE.get(model, "#888888")};padding:.1rem .9rem">'
        f'<div style="opacity:.8"><b>{model}</b>{about}</div>{cell}</div>'
    )
