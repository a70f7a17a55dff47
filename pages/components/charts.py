"""Charts with their captions."""

from __future__ import annotations

import streamlit as st

from regcls.plotting.chart import Picture


def draw(picture: Picture, key: str | None = None) -> None:
    """Draw a chart with its caption, which is also its alternative text."""
    st.vega_lite_chart(picture.live, width="stretch", alt=picture.caption or None, key=key)
    if picture.caption:
        st.caption(picture.caption)
