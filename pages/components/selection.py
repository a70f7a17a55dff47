"""Choices that outlive a rerun: widget keys and the entry of a gallery that is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

MOST_PILLS = 12  # with more entries than this, a select box


def persistent(*name: object) -> dict[str, Any]:
    """Return the options that make a widget keep its value while another page is shown.

    The parts of ``name`` make up the widget's key; one of them should identify the data that the
    choice belongs to. Pass the initial value to the widget itself: a value set through the session
    state is sent to the browser only once, and a rerun that follows immediately can lose it.
    """
    return {"key": "_".join(map(str, name)), "persist_state": "session"}


def chosen(entries: Mapping[str, object], name: Callable[[str], str], page: str, what: str) -> str:
    """Return the key of the entry shown; offer a choice where there are several."""
    kept = f"{page}_shown"
    if st.session_state.get(kept) not in entries:
        st.session_state[kept] = next(reversed(list(entries)))
    # Streamlit drops the widget's own value on a rerun that does not draw the widget.
    current = st.session_state[kept]
    if len(entries) == 1:
        return current
    options: dict[str, Any] = {"options": list(entries), "format_func": name}
    if len(entries) <= MOST_PILLS:
        key = f"{page}_pills_{current}"
        picked = st.pills(what, default=current, required=True, key=key, **options)
    else:
        picked = st.selectbox(what, index=list(entries).index(current), **options)
    if picked != current:
        st.session_state[kept] = picked
        st.rerun()
    return picked


def show(key: str | None, page: str) -> None:
    """Make the entry with this key the one shown."""
    if key:
        st.session_state[f"{page}_shown"] = key
