"""Your predictions: choice of the table's layout and of the roles of its columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import selection
from regcls.predictions import detection, long_format
from regcls.predictions.columns import Columns
from regcls.predictions.detection import Proposal
from regcls.predictions.interval_columns import LEVEL, IntervalColumns
from regcls.predictions.long_format import MOST_MODELS, LongFormat

NONE = "(none)"
OTHER = "Other columns"
PER_SAMPLE, PER_MODEL = "One per sample", "One per sample and model"
IDS_HELP = (
    "Rows of different models with the same values belong to one sample. Without a column, the rows "
    "of all models are in the same order."
)
LEVEL_HELP = (
    "Share of the targets that the intervals are meant to contain. A standard deviation gives the "
    "central interval of a normal distribution with this level."
)


def choose_layout(frame: pd.DataFrame, detected: LongFormat | None, mark: int) -> LongFormat | None:
    """Draw the choice of the layout; return the columns of a table with one row per model."""

    def persistent(name: str) -> dict[str, Any]:
        return selection.persistent("predictions", name, mark)

    kinds = [PER_SAMPLE, PER_MODEL]
    kind = st.selectbox("Rows are", kinds, int(detected is not None), **persistent("layout"))
    if kind == PER_SAMPLE:
        return None
    names = [str(name) for name in frame.columns]
    start = detected or _guess(frame, names)
    model = st.selectbox(
        "Model column", names, names.index(start.model), **persistent("model_column")
    )
    others = [name for name in names if name != model]
    prediction = st.selectbox(
        "Prediction column", others, _at(others, start.prediction), **persistent("prediction")
    )
    others = [name for name in others if name != prediction]
    target = st.selectbox(
        "True target", others, _at(others, start.target), **persistent("long_target")
    )
    others = [name for name in others if name != target]
    first = [name for name in start.ids if name in others]
    ids = st.multiselect(
        "Columns that identify a sample", others, first, help=IDS_HELP, **persistent("ids")
    )
    return LongFormat(model, prediction, target, tuple(ids))


def _guess(frame: pd.DataFrame, names: Sequence[str]) -> LongFormat:
    """Columns to start from where none were detected."""
    roles = detection.detect(frame)
    named = [name for name in names if long_format.is_model_column(name)]
    model = next(iter([*named, *filter(None, [roles.category])]), names[0])
    ids = long_format.id_columns(frame, (model, roles.target, *roles.models))[:1]
    return LongFormat(model, roles.models[0], roles.target, tuple(ids))


def _at(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else 0


def choose_roles(proposal: Proposal, mark: str, upload_training: Callable[[str], None]) -> Columns:
    """Draw the choice of column roles, starting from those proposed."""
    found = proposal.columns
    names = [str(name) for name in proposal.frame.columns]

    def persistent(name: str) -> dict[str, Any]:
        return selection.persistent("predictions", name, mark)

    def optional_column(label: str, name: str, **options: Any) -> str | None:
        value = getattr(found, name)
        first = names.index(value) + 1 if value in names else 0
        picked = st.selectbox(label, [NONE, *names], first, **persistent(name), **options)
        return None if picked == NONE else picked

    target = found.target
    if found.long is None:
        target = st.selectbox("True target", names, names.index(target), **persistent("target"))
    others = [name for name in names if name != target]
    models = st.multiselect(
        "Predictions",
        others if found.long is None else list(found.models),
        default=[name for name in found.models if name in others],
        max_selections=MOST_MODELS,
        **persistent("models"),
    )
    intervals = _choose_intervals(proposal, target, models, mark)
    with st.expander("Training targets, segments and groups"):
        train = optional_column("Training target column", "train")
        upload_training(target)
        category = optional_column("Segment column", "category")
        group = optional_column(
            "Group column",
            "group",
            help="Rows with the same value, such as one person, video or day, belong together: "
            "intervals then resample groups instead of rows.",
        )
    return Columns(target, tuple(models), train, category, group, intervals, found.long)


def _choose_intervals(
    proposal: Proposal, target: str, models: Sequence[str], mark: str
) -> tuple[IntervalColumns, ...]:
    """Draw the choice of each model's prediction interval and of the nominal level."""
    options = proposal.intervals(target, models)
    others = [
        name
        for name in proposal.sample.columns
        if name not in (target, *models, proposal.columns.train)
    ]
    if not options and not others:
        return ()
    with st.expander("Prediction intervals"):
        chosen = [_choose_interval(model, options, others, mark) for model in models]
        return tuple(_with_level(one, mark) for one in chosen if one is not None)


def _with_level(interval: IntervalColumns, mark: str) -> IntervalColumns:
    """Draw the choice of the nominal level; return the interval with it."""
    first = round(100 * interval.level, 2)
    percent = st.number_input(
        f"Nominal level of {interval.model} (%)",
        1.0,
        99.99,
        first,
        help=LEVEL_HELP,
        # Other columns may have another level, which is then proposed.
        **selection.persistent("predictions", "level", mark, interval.model, interval.label),
    )
    if percent == first:
        return interval
    return replace(interval, level=percent / 100, source="given")


def _choose_interval(
    model: str, options: Mapping[str, list[IntervalColumns]], others: list[str], mark: str
) -> IntervalColumns | None:
    made = {one.label: one for one in options.get(model, [])}
    labels = [NONE, *made, OTHER]
    key = selection.persistent("predictions", "interval", mark, model)
    picked = st.selectbox(f"Interval of {model}", labels, int(bool(made)), **key)
    if picked in made:
        return made[picked]
    if picked == NONE:
        return None
    left, right = st.columns(2)
    lower = left.selectbox(
        "Lower limit, or standard deviation",
        others,
        **selection.persistent("predictions", "lower", mark, model),
    )
    upper = right.selectbox(
        "Upper limit",
        ["(standard deviation)", *others],
        **selection.persistent("predictions", "upper", mark, model),
    )
    if upper not in others:
        return IntervalColumns(std=lower, level=LEVEL, model=model)
    return IntervalColumns(lower, upper, "", LEVEL, "assumed", model)
