"""Result tables with a download button."""

from __future__ import annotations

import streamlit as st


def results(title: str, rows, name: str) -> None:
    """All that was looked at, as a table and as the CSV ``name`` (file names come from anyone)."""
    import pandas as pd

    from regcls.io.tables import safe_csv

    table = pd.DataFrame(rows)
    if table.empty:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title)
        st.download_button(
            "Download results", safe_csv(table), name, "text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    st.dataframe(table, hide_index=True)
