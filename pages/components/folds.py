"""Parts of a page that are closed until they are opened."""

from __future__ import annotations

from contextlib import AbstractContextManager

import streamlit as st


def fold(label: str, key: str, expanded: bool = False) -> AbstractContextManager[object] | None:
    """Draw a closed part of a page; return it if it is open, for what is drawn only then.

    Charts and tables that few people open cost nothing until they are opened.
    """
    part = st.expander(label, expanded, key=key, on_change="rerun")
    return part if part.open else None
