"""The layout that the pages Age, Depth and Progress share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import streamlit as st

from pages.components import custom_models


def beside_inputs(
    task: str, inputs: Callable[[], None], privacy: str, width: int
) -> AbstractContextManager[object]:
    """Draw the inputs in the left column; return the right one, ``width`` times as wide."""
    left, right = st.columns([1, width], gap="medium")
    with left:
        inputs()
        st.caption(privacy)
        custom_models.offer_own(task)
    return right


def source(options: list[str], task: str) -> str:
    """Draw the choice of where photos come from; return the option picked."""
    return st.segmented_control(
        "Source",
        options,
        default=options[0],
        required=True,
        label_visibility="collapsed",
        key=f"{task}_source",
        width="stretch",
    )


def remove_button(task: str, key: str) -> bool:
    """Draw the button that removes an entry; return whether it was clicked."""
    return st.button("Remove", key=f"{task}_remove_{key}", icon=":material/delete:")
