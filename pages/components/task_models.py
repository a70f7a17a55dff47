"""A task's models, loaded when first needed."""

from __future__ import annotations

import os
from importlib import import_module

import streamlit as st

from pages.components import custom_models
from regcls.inference.contract import ContractError
from regcls.tasks import pairs


@st.cache_resource(show_spinner=False)
def _loaded(task: str, root: str):
    """The shipped pair and its errors on the test data; ``root`` only tells folders apart."""
    module = import_module(f"regcls.tasks.{task}.predict")
    pair = module.load()
    return pair, module.pair_report(pair)


def models(task: str):
    """The task's pair, with the models that this person brought, and its report. A broken pair
    ends the page with a reason."""
    try:
        pair, report = _loaded(task, os.environ.get(pairs.ROOT, ""))
        return custom_models.with_own(pair, task), report
    except ContractError as error:
        st.error(f"The {task} models cannot be used: {error}.")
        st.stop()


def engine(task: str, milliseconds: dict[str, float], what: str) -> None:
    """Where the models run, why, and how long each took for one ``what``."""
    pair, _ = models(task)
    spent = ", ".join(f"{model} {time:,.1f} ms" for model, time in milliseconds.items())
    st.caption(f"{pair.regcls.provider.why} Time per {what}: {spent}.")
