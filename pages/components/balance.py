"""Errors between the natural and a balanced distribution of test targets, with a slider."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.components import charts, selection
from regcls.stats.errors import ErrorReport

LABEL = "Distribution of the test targets: 0% as in the data, 100% balanced over the ranges"
HEIGHT = 390  # pixels of the whole chart


def draw(report: ErrorReport, page: str, unit: str = "", settings: str = "") -> None:
    """Draw each model's MAE against the balance of the test targets, marked where the slider is."""
    from regcls.plotting.mixture import reweighted

    percent = st.slider(LABEL, 0, 100, 0, format="%d%%", **selection.persistent(page, "balance"))
    picture = reweighted(report, unit, percent / 100)
    marked = f"{settings} Marked: {percent}% balanced.".strip()
    drawn = replace(picture, spec=picture.spec | {"height": HEIGHT})
    charts.draw(drawn, name=f"{page}-balance", settings=marked)
