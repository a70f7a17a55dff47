"""Charts with their captions and download buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import streamlit as st

from pages.components import downloads
from regcls.plotting.chart import Picture


class Drawable(Protocol):
    """Something that can be saved as an image: one chart or several panels."""

    def png(self) -> bytes:
        """Return a PNG image."""

    def svg(self) -> bytes:
        """Return an SVG image."""


def draw(picture: Picture, key: str | None = None) -> None:
    """Draw a chart with its caption, which is also its alternative text."""
    chart(picture, key=key)
    caption(picture)


def chart(picture: Picture, **options: Any) -> None:
    """Draw a chart without its caption; ``options`` are those of `st.vega_lite_chart`."""
    st.vega_lite_chart(picture.live, width="stretch", alt=picture.caption or None, **options)


def caption(picture: Picture) -> None:
    """Show the caption of a chart that is drawn elsewhere."""
    if picture.caption:
        st.caption(picture.caption)


def files(make: Callable[[], Drawable], name: str, label: str = "Chart") -> None:
    """Offer a chart as PNG and SVG files; each is made when its button is clicked."""
    downloads.button(f"{label} (PNG)", lambda: make().png(), f"{name}.png")
    downloads.button(f"{label} (SVG)", lambda: make().svg(), f"{name}.svg")
