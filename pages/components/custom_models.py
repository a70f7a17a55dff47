"""A visitor's own ONNX models beside a shipped pair."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.components.messages import link

OWN = "own_models"  # in the session's state: {task: {name: runtime.Session}}


def with_own(pair, task: str):
    """A pair with the models that this person brought for its task, which answer as well."""
    own = st.session_state.get(OWN, {}).get(task, {})
    return replace(pair, extra=own) if own else pair


def offer_own(task: str) -> None:
    """Where to bring a model, or which ones were brought."""
    own = st.session_state.get(OWN, {}).get(task, {})
    if working := [name for name, session in own.items() if not session.problem]:
        st.caption(f"Beside the shipped pair: {', '.join(working)}.")
    link("models", "Change your models" if own else "Bring your own ONNX pair")


def own_problems(task: str) -> None:
    """Which of the models that this person brought have failed, and why."""
    for session in st.session_state.get(OWN, {}).get(task, {}).values():
        if session.problem:
            st.warning(session.problem)
