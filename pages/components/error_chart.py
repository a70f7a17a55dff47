"""The chart of a task's test errors per target range, with the visitor's own errors."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.components import balance, charts, downloads, folds, task_models
from regcls.exceptions import sentence
from regcls.formats import with_interval
from regcls.inference import readouts
from regcls.io.tables import safe_csv
from regcls.stats.errors import ErrorReport
from regcls.tasks.pairs import Pair

HEIGHT = 390  # pixels of the whole chart, of which title, legend and axes take about 100
# The name of a dashed line, and the target values that it marks.
Mark = tuple[str, float | list[float] | None]


def draw(
    task: str,
    unit: str,
    caption: str,
    own: ErrorReport | None,
    own_name: str,
    mark: Mark | None = None,
    error_unit: str = "",
) -> None:
    """Draw the errors of the task's pair, with ``own`` errors as diamonds, after the verdict.

    ``unit`` is that of the target, ``error_unit`` that of its errors if they differ.
    """
    from regcls.plotting.errors import errors_per_range

    pair, report = task_models.models(task)
    st.markdown(f"**{verdict(report, error_unit or unit)}**")
    name, at = mark or ("", None)
    picture = errors_per_range(report, unit, task, mark=at, extra=own, error_unit=error_unit)
    legend = [f"dashed line: {name}"] if mark else []
    legend += [f"diamonds: {own_name}"] if own is not None else []
    key = f" {sentence('; '.join(legend))}" if legend else ""
    drawn = replace(
        picture,
        spec=picture.spec | {"height": HEIGHT},
        caption=f"{caption}{readouts_in_words(pair)}{key}",
    )
    charts.draw(drawn, name=f"errors-{task}", settings=settings(task, pair))


def details(task: str, unit: str) -> None:
    """Draw, folded, what else is known of the errors: all read-outs, and balanced test targets."""
    pair, report = task_models.models(task)
    if readouts_in_words(pair) and (
        part := folds.fold("Errors of all read-outs", f"{task}_fold_readouts")
    ):
        with part:
            draw_readouts(task, unit)
    if part := folds.fold("Errors if all ranges were equally frequent", f"{task}_fold_balance"):
        with part:
            st.caption(imbalance(report))
            balance.draw(report, task, unit, settings(task, pair))


def settings(task: str, pair: Pair) -> str:
    """Return on which data the errors were measured, in a sentence."""
    data_set = pair.reg.card.training.get("data_set")
    return f"Task: {task}. Held-out test subset of the data set{f': {data_set}' * bool(data_set)}."


def readouts_in_words(pair: Pair) -> str:
    """Return which read-out each model predicts with, as a sentence; empty without a choice."""
    if all(len(readouts.available(card)) == 1 for card in pair.cards.values()):
        return ""
    chosen = [f"{m} {readouts.LABELS[readouts.best(card)]}" for m, card in pair.cards.items()]
    return f" Each model predicts as was best on validation data: {', '.join(chosen)}."


def draw_readouts(task: str, unit: str) -> None:
    """Draw the test errors of all read-outs as a table."""
    table = task_models.readouts(task)
    metrics = {"mae": "MAE", "balanced_mae": "Balanced MAE", "rmse": "RMSE"}
    shown = table[["model", "readout", "chosen"]].rename(
        columns={"readout": "read-out", "chosen": "best on validation"}
    )
    for name, title in metrics.items():
        shown[f"{title} ({unit})"] = [
            with_interval(*ends) for ends in table[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        ]
    st.table(shown.set_index("model"))
    st.caption(
        "Test errors with 95% intervals. The parameters of every read-out were chosen on "
        "validation data; the test subset chose nothing."
    )
    downloads.button("Read-outs as CSV", lambda: safe_csv(table), f"readouts-{task}.csv")


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
