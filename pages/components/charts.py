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

    def png() -> bytes:
        return make().png()

    def svg() -> bytes:
        return make().svg()

    downloads.button(f"{label} (PNG)", png, f"{name}.png", key=f"save_{name}_png")
    downloads.button(f"{label} (SVG)", svg, f"{name}.svg", key=f"save_{name}_svg")
