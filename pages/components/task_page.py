"""The layout that the pages Age, Depth and Progress share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import custom_models

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

RAIL = 220  # pixels; width of the column of inputs
BESIDE = 1200  # pixels; on narrower screens, the predictions are below the picture
PHONE = 640  # pixels; up to this width Streamlit puts columns below each other
# The selectors name the outermost columns only: the results have columns of their own.
_STYLE = f"""<style>
@media (min-width: {PHONE + 1}px) {{
  .st-key-task_page > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
    {{ flex-wrap: nowrap; }}
  .st-key-task_page > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
    > [data-testid="stColumn"]:first-child {{ flex: 0 0 {RAIL}px; width: {RAIL}px; min-width: 0; }}
  .st-key-task_page > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
    > [data-testid="stColumn"]:last-child {{ flex: 1 1 0; min-width: 0; }}
}}
@media (min-width: {BESIDE}px) {{
  .st-key-task_beside_large > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
    > [data-testid="stColumn"]:first-child {{ flex: 1 1 0; min-width: 0; }}
  .st-key-task_beside_large > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
    > [data-testid="stColumn"]:last-child {{ flex: 0 0 clamp(300px, 34%, 500px); min-width: 0; }}
}}
@media (max-width: {BESIDE - 1}px) {{
  [class*="st-key-task_beside"] > [data-testid="stLayoutWrapper"]
    > [data-testid="stHorizontalBlock"] {{ flex-wrap: wrap; }}
  [class*="st-key-task_beside"] > [data-testid="stLayoutWrapper"]
    > [data-testid="stHorizontalBlock"] > [data-testid="stColumn"] {{ flex: 1 1 100%; }}
}}
@media (max-width: {PHONE}px) {{
  .st-key-task_page > [data-testid="stLayoutWrapper"] > [data-testid="stHorizontalBlock"]
    > [data-testid="stColumn"]:first-child {{ order: 1; }}
}}
</style>"""


def beside_inputs(
    task: str, inputs: Callable[[], None], privacy: str
) -> AbstractContextManager[object]:
    """Draw the inputs in a narrow rail; return the place of the results beside it.

    On a phone, the results come before the rail.
    """
    st.html(_STYLE)
    with st.container(key="task_page"):
        rail, results = st.columns([1, 4], gap="small")
    with rail:
        inputs()
        custom_models.offer_own(task)
        st.caption(privacy)
    return results


def medium_and_answers(large: bool = True) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the places of a picture or film, and of the predictions and errors beside it."""
    with st.container(key="task_beside_large" if large else "task_beside"):
        medium, answers = st.columns([1.7, 1] if large else [1, 1.15], gap="small")
    return medium, answers


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
