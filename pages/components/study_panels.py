"""Charts of all settings of a grid in rows and columns, whose points or cells can be clicked."""

from __future__ import annotations

import streamlit as st

from pages.components import charts
from regcls.plotting.chart import Picture
from regcls.study import layout, panels
from regcls.study.grid import Grid


def sheet(drawn: panels.Panels, name: str, grid: Grid, picked: str) -> None:
    """Draw panels in rows and columns, with their caption and files."""
    settings = panels.settings_text(grid)
    if picked in (cells := layout.cells_by_slug(grid)):
        settings += f" Highlighted: {layout.cell_label(layout.grid_layout(grid), cells[picked])}."
    for i, row in enumerate(drawn.rows):
        for j, column in enumerate(st.columns(len(drawn.columns))):
            sampling = drawn.columns[j]
            with column:
                title = f"{sampling}, {row}" if row else sampling
                panel(drawn.panels[row, sampling], f"study_{name}_{i}_{j}", title)
    charts.caption(drawn)
    with st.container(horizontal=True):
        charts.files(lambda: drawn, f"study-{name}", settings=settings)


def panel(picture: Picture, key: str, title: str) -> None:
    """Draw one chart whose points or cells can be clicked."""
    st.markdown(f"**{title}**")
    charts.chart(picture, key=key, on_select=lambda: pick(key), selection_mode=panels.SELECTION)


def pick(key: str) -> None:
    """Show the cell that was clicked."""
    points = st.session_state[key]["selection"].get(panels.SELECTION) or []
    if points and points[0].get("cell"):
        st.session_state["study_cell"] = points[0]["cell"]
