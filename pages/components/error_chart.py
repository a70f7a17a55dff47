"""The chart of a task's test errors per target range, with the visitor's own errors."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.components import balance, charts, task_models
from regcls.exceptions import sentence
from regcls.stats.errors import ErrorReport

# The name of a dashed line, and the target values that it marks.
Mark = tuple[str, float | list[float] | None]


def draw(
    task: str,
    unit: str,
    caption: str,
    own: ErrorReport | None,
    own_name: str,
    mark: Mark | None = None,
) -> None:
    """Draw the errors of the task's pair, with ``own`` errors as diamonds, after the verdict."""
    from regcls.plotting.errors import errors_per_range

    pair, report = task_models.models(task)
    st.markdown(f"**{verdict(report, unit)}**")
    name, at = mark or ("", None)
    picture = errors_per_range(report, unit, task, mark=at, extra=own)
    legend = [f"dashed line: {name}"] if mark else []
    legend += [f"diamonds: {own_name}"] if own is not None else []
    key = f" {sentence('; '.join(legend))}" if legend else ""
    settings = f"Task: {task}. Held-out test subset of the data set"
    if data_set := pair.reg.card.training.get("data_set"):
        settings += f": {data_set}"
    settings += "."
    charts.draw(replace(picture, caption=caption + key), name=f"errors-{task}", settings=settings)
    st.caption(imbalance(report))
    balance.draw(report, task, unit, settings)


def verdict(report: ErrorReport, unit: str) -> str:
    """Return whether the second model has a lower error than the first, as a sentence."""
    from regcls.stats.verdicts import worded

    b, a = report.names[:2]
    found = report.overall_difference(a, b)
    return f"{worded(found, a, b, unit='test samples', margin=report.margin, target_unit=unit)}."


def imbalance(report: ErrorReport) -> str:
    """Return how imbalanced the training targets are over the ranges, in sentences."""
    from regcls.stats.ranges import balanced_note, describe

    counts = report.edges, report.counts
    tested = "These verdicts are for new data like the test subset, with the same two models."
    return " ".join(filter(None, (describe(*counts), balanced_note(*counts), tested)))
