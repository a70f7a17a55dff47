"""The models' predictions side by side, one card per model."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

PER_ROW = 2  # more cards in a row are too narrow to read
DESCRIPTIONS = {"reg": " · regression only", "reg+cls": " · with a class head"}
OTHER_COLOUR = "#888888"  # of a model that is not part of the shipped pair


def cards(contents: Mapping[str, str]) -> None:
    """Draw one card per model; ``contents`` is the HTML below each model's name."""
    listed = list(contents.items())
    for start in range(0, len(listed), PER_ROW):
        row = listed[start : start + PER_ROW]
        for column, (model, content) in zip(st.columns(PER_ROW), row, strict=False):
            with column:
                card(model, content)


def card(model: str, content: str) -> None:
    """Draw a model's name in its colour above ``content`` (HTML that the caller has escaped)."""
    from regcls.plotting.style import PALETTE

    colour = PALETTE.get(model, OTHER_COLOUR)
    st.html(
        f'<div style="border-left:6px solid {colour};padding:.1rem .9rem">'
        f'<div style="opacity:.8"><b>{model}</b>{DESCRIPTIONS.get(model, "")}</div>{content}</div>'
    )


def figure(number: str, unit: str) -> str:
    """Return the HTML of a large number with its unit."""
    return (
        f'<div style="font-size:2.1rem;line-height:1.3;font-weight:600">{number}'
        f'<span style="font-size:1rem;font-weight:400"> {unit}</span></div>'
    )
