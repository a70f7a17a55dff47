"""Download buttons and result tables that can be downloaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    import pandas as pd

MIME = {
    "csv": "text/csv",
    "html": "text/html",
    "mp4": "video/mp4",
    "png": "image/png",
    "svg": "image/svg+xml",
}
BINARY = "application/octet-stream"


def button(
    label: str,
    data: str | bytes | Callable[[], str | bytes],
    name: str,
    icon: str | None = ":material/download:",
    **options: Any,
) -> None:
    """Draw a download button that does not rerun the page; the MIME type follows the file name.

    The server is asked for the data on a click. Data given to Streamlit at once would be fetched by
    the browser whenever the button is drawn, and be missing where the page has run again meanwhile.
    """
    mime = MIME.get(name.rsplit(".", 1)[-1], BINARY)
    on_demand = data if callable(data) else lambda: data
    st.download_button(label, on_demand, name, mime, icon=icon, on_click="ignore", **options)


def results(title: str, rows: Sequence[dict[str, Any]] | pd.DataFrame, name: str) -> None:
    """Show all results as a table, with a CSV download called ``name``."""
    import pandas as pd

    from regcls.io.tables import safe_csv

    table = pd.DataFrame(rows)
    if table.empty:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title)
        button("Download results", lambda: safe_csv(table), name)
    st.dataframe(table, hide_index=True)
