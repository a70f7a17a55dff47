"""Messages about files and links to other pages."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAPIException

FEW_PROBLEMS = 4


def problems(found: list[tuple[str, str]], page: str) -> None:
    """Say what is wrong, (file name, sentence) each; a button clears the list."""
    if not found:
        return
    if len(found) <= FEW_PROBLEMS:
        for name, text in found:
            st.warning(text if text.startswith(name) else f"{name}: {text}")
    else:
        with st.expander(f"{len(found)} files or rows have a problem", icon=":material/warning:"):
            st.dataframe([{"file": n, "problem": t} for n, t in found], hide_index=True)
    if st.button("Hide messages", key=f"{page}_hide"):
        found.clear()
        st.rerun()


def link(page: str, label: str) -> None:
    """A way to another page that keeps this person's session."""
    try:
        st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:")
    except StreamlitAPIException:  # a page that runs by itself, without app.py, knows no other
        st.caption(label)
