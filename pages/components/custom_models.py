"""A visitor's own ONNX models, which predict beside a shipped pair."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.components.messages import link
from regcls.inference.session import Session
from regcls.tasks.pairs import Pair

OWN = "own_models"  # key of the session state: the models by task and name


def own(task: str) -> dict[str, Session]:
    """Return the visitor's models for a task, by name."""
    return st.session_state.get(OWN, {}).get(task, {})


def with_own(pair: Pair, task: str) -> Pair:
    """Return the pair extended by the visitor's models for its task."""
    models = own(task)
    return replace(pair, extra=models) if models else pair


def offer_own(task: str) -> None:
    """List the visitor's models and link to the page that adds and removes them."""
    models = own(task)
    if working := [name for name, session in models.items() if not session.problem]:
        st.caption(f"Shown beside the shipped pair: {', '.join(working)}.")
    link("models", "Change your models" if models else "Add your ONNX models")


def own_problems(task: str) -> None:
    """Report which of the visitor's models have failed, and why."""
    for session in own(task).values():
        if session.problem:
            st.warning(session.problem)
