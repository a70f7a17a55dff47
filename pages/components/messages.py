"""Messages about files, and links to other pages."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAPIException

FEW_PROBLEMS = 4  # with more problems than this, a table


def problems(found: list[tuple[str, str]], page: str) -> None:
    """Show what is wrong, as (file name, sentence) pairs, and a button that clears the list."""
    if not found:
        return
    if len(found) <= FEW_PROBLEMS:
        for name, text in found:
            st.warning(text if text.startswith(name) else f"{name}: {text}")
    else:
        with st.expander(f"{len(found)} files or rows have a problem", icon=":material/warning:"):
            st.dataframe([{"file": name, "problem": text} for name, text in found], hide_index=True)
    if st.button("Hide messages", key=f"{page}_hide"):
        found.clear()
        st.rerun()


def link(page: str, label: str) -> None:
    """Link to another page; the session continues there."""
    try:
        st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:")
    except StreamlitAPIException:  # without app.py, as in tests, no other page is known
        st.caption(label)
