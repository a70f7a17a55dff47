"""Charts with their captions and download buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.components import downloads
from regcls.plotting import style

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from regcls.plotting.chart import Picture

# Pixels around a chart; Streamlit leaves 20 below it otherwise.
PADDING = {"left": 0, "right": 4, "top": 0, "bottom": 2}


def draw(picture: Picture, key: str | None = None, name: str = "", settings: str = "") -> None:
    """Draw a chart with its caption, which is also its alternative text.

    With a file name, it can be saved; ``settings`` are added to the caption of the files.
    """
    chart(picture, key=key)
    caption(picture)
    if name:
        with st.popover("Save chart", icon=":material/download:", key=f"save_{name}"):
            files(lambda: picture, name, settings=settings)


def chart(picture: Picture, place: DeltaGenerator | None = None, **options: Any) -> Any:
    """Draw a chart without its caption and return what `st.vega_lite_chart` returns.

    Without selections, this is the chart's place. Drawn there again, the
    browser replaces the data and keeps the chart, so that nothing blinks.
    """
    look = {"config": style.theme(is_dark()), "padding": PADDING}
    options |= {"width": "stretch", "alt": picture.caption or None}
    if place is not None:
        return place.vega_lite_chart(picture.live | look, **options)
    return st.vega_lite_chart(picture.live | look, **options)


def is_dark() -> bool:
    """Return whether the visitor's page is dark."""
    return st.context.theme.type == "dark"


def caption(drawn: Picture) -> None:
    """Show the caption of a chart that is drawn elsewhere, and what can be done with it."""
    if text := f"{drawn.caption} {drawn.hint}".strip():
        st.caption(text)


def files(make: Callable[[], Picture], name: str, label: str = "Chart", settings: str = "") -> None:
    """Offer a chart as PNG and SVG files; each is made when its button is clicked.

    The files have a title, a legend and the caption. ``settings`` are added to the caption: what
    the page shows in its widgets, and a reader of the file needs to know.
    """

    def made() -> Picture:
        drawn = make()
        return replace(drawn, settings=settings) if settings else drawn

    def png() -> bytes:
        return made().png()

    def svg() -> bytes:
        return made().svg()

    downloads.button(f"{label} (PNG)", png, f"{name}.png", key=f"save_{name}_png")
    downloads.button(f"{label} (SVG)", svg, f"{name}.svg", key=f"save_{name}_svg")
