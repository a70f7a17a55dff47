"""What the task pages share: new files, problems by file, the thing that is shown of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

FEW_THINGS = 12


def held(*name: object) -> dict:
    """What a widget takes so that its choice outlives a look at another page: a key of ``name``'s
    parts, one of which tells what it belongs to.

    Its first value goes to the widget itself: one set through the session's state reaches the
    browser once, and a rerun on its heels can lose it.
    """
    return {"key": "_".join(map(str, name)), "persist_state": "session"}


def chosen(entries: Mapping[str, object], name: Callable[[str], str], page: str, what: str) -> str:
    """The key of the entry shown, kept as ``{page}_shown``; picked by a click of several."""
    kept = f"{page}_shown"
    if st.session_state.get(kept) not in entries:
        st.session_state[kept] = next(reversed(entries))
    # The widget's own key is dropped on a rerun without it; what is kept stays.
    at = st.session_state[kept]
    if len(entries) == 1:
        return at
    options = {"options": list(entries), "format_func": name}
    if len(entries) <= FEW_THINGS:
        picked = st.pills(what, default=at, required=True, key=f"{page}_pills_{at}", **options)
    else:
        picked = st.selectbox(what, index=list(entries).index(at), **options)
    if picked != at:
        st.session_state[kept] = picked
        st.rerun()
    return picked


def show(key: str | None, page: str) -> None:
    """Make the entry with this key the one that is shown."""
    if key:
        st.session_state[f"{page}_shown"] = key
