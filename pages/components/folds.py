"""Parts of a page that are closed until they are opened."""

from __future__ import annotations

from contextlib import AbstractContextManager

import streamlit as st


def fold(label: str, key: str, expanded: bool = False) -> AbstractContextManager[object] | None:
    """Draw a part of a page that can be opened; return it if it is open, for what is drawn only then.

    Charts and tables that few people open cost nothing until they are opened. ``expanded`` says how
    it is at first; from then on it stays as the person left it.
    """
    if expanded:  # not as an argument of the expander, which a change of it would reset
        st.session_state.setdefault(key, True)
    part = st.expander(label, key=key, on_change="rerun")
    return part if part.open else None
