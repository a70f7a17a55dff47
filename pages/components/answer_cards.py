"""The models' predictions side by side, one card per model."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from regcls.inference.readouts import LABELS, Interval

PER_ROW = 2  # more cards in a row are too narrow to read
DESCRIPTIONS = {"reg": "regression only", "reg+cls": "with a class head"}
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
        f'<div style="border-left:6px solid {colour};padding:.1rem 0 .1rem .7rem">'
        f"<div><b>{model}</b>{line(DESCRIPTIONS[model]) if model in DESCRIPTIONS else ''}</div>"
        f"{content}</div>"
    )


def figure(number: str, unit: str) -> str:
    """Return the HTML of a large number with its unit."""
    space = "" if unit == "%" else " "
    return (
        f'<div style="font-size:2.1rem;line-height:1.3;font-weight:600">{number}'
        f'<span style="font-size:1rem;font-weight:400">{space}{unit}</span></div>'
    )


def interval_text(interval: Interval, digits: int, units: str) -> str:
    """Return a conformal interval in words, or why there is none; ``units`` such as "photos"."""
    if interval.level != interval.level:  # NaN
        return "no interval: the model has no calibration"
    if interval.low != interval.low:
        return f"no interval: only {interval.units} calibration {units} have a similar prediction"
    ends = f"{interval.low:.{digits}f} to {interval.high:.{digits}f}"
    return f"{ends} ({interval.level:.0%} interval)"


def line(text: str) -> str:
    """Return the HTML of a quieter line in a card."""
    return f'<div style="opacity:.85;font-size:.85rem">{text}</div>'


def readouts(texts: Mapping[str, str]) -> str:
    """Return the HTML of a model's read-outs below its prediction; the first is the one shown.

    Empty for a model with one read-out.
    """
    if len(texts) == 1:
        return ""
    chosen, *others = texts
    rest = " · ".join(f"{LABELS[name]} {texts[name]}" for name in others)
    return line(f"{LABELS[chosen]} (best on validation) · {rest}")
