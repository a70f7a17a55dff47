"""A task's models and their test errors, loaded when first needed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import custom_models
from regcls.inference.contract import ContractError
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, registry

if TYPE_CHECKING:
    import pandas as pd


@st.cache_resource(show_spinner=False)
def _loaded(task: str, root: str) -> tuple[pairs.Pair, ErrorReport]:
    """Return the shipped pair and its test errors; ``root`` is part of the cache key only."""
    found = registry.get(task)
    pair = found.load()
    return pair, found.pair_report(pair)


def models(task: str) -> tuple[pairs.Pair, ErrorReport]:
    """Return the task's pair with the visitor's models, and the pair's test errors.

    A pair that cannot be used stops the page with an error message.
    """
    try:
        pair, report = _loaded(task, os.environ.get(pairs.ROOT, ""))
    except ContractError as error:
        st.error(f"The {task} models cannot be used. {error.sentence}")
        st.stop()
    return custom_models.with_own(pair, task), report


@st.cache_data(show_spinner=False)
def _readouts(task: str, root: str) -> pd.DataFrame:
    found = registry.get(task)
    return found.readout_table(_loaded(task, root)[0])


def readouts(task: str) -> pd.DataFrame:
    """Return the test errors of all read-outs of the task's pair."""
    return _readouts(task, os.environ.get(pairs.ROOT, ""))


def inference_time(task: str, milliseconds: Mapping[str, float], what: str) -> None:
    """Show the device that runs the models, why, and the time per ``what`` of each model.

    Predictions that are stored with the app took no time, and no engine is started to say so.
    """
    if all(time != time for time in milliseconds.values()):  # NaN
        st.caption("The predictions for this sample are stored with the app.")
        return
    pair, _ = models(task)
    times = ", ".join(f"{model} {time:,.1f} ms" for model, time in milliseconds.items())
    st.caption(f"{pair.regcls.provider.why} Time per {what}: {times}.")
