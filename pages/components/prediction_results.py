"""Results on the page Your predictions: the verdict, the errors at a glance, charts and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from pages.components import balance, charts, downloads, selection
from regcls.exceptions import sentence
from regcls.io.tables import safe_csv
from regcls.predictions.report import Report

METRICS = {"mae": "MAE", "rmse": "RMSE", "bias": "Bias"}
DECIMALS = 4
GLANCE = """<style>
.st-key-predictions_verdict h2 { padding-top: 0; }
.st-key-predictions_glance table { width: 100%; }
.st-key-predictions_glance :is(th, td) { padding: 0.3rem 0.6rem; }
.st-key-predictions_glance { overflow-x: auto; }
@media (max-width: 640px) {
  .st-key-predictions_glance table { font-size: 0.75rem; }
  .st-key-predictions_glance :is(th, td) { padding: 0.3rem; overflow-wrap: anywhere; }
}
.st-key-predictions_glance tbody tr:last-child td { opacity: 0.75; }
</style>"""
OVERALL = (
    "balanced_mae: mean of the MAE over ranges; gm: geometric mean of absolute errors; sera: squared "
    "errors weighted by the rarity of the target in training."
)
COVERAGE = (
    "nominal: level that the intervals are meant to have; width: their mean width, in target units; "
    "balanced_coverage: mean of the coverage over ranges."
)


def show(report: Report, name: str, mark: int) -> None:
    """Show a report: the finding and its chart first, the rest in tabs.

    ``name`` is the table's, and ``mark`` differs for each table.
    """
    from regcls.predictions import charts as prediction_charts

    settings = prediction_charts.settings_text(report, name)
    finding(report)
    errors(report, settings)
    notes(report)
    st.fragment(details)(report, settings, mark)


def finding(report: Report) -> None:
    """Show the verdict, and below it the errors at a glance beside what adds to the verdict."""
    from regcls.predictions import figures

    first, *rest = report.verdict_parts
    st.html(GLANCE)
    with st.container(key="predictions_verdict"):
        st.markdown(f"## {figures.markdown(first)}")
    left, right = st.columns(2, gap="medium")
    with left.container(key="predictions_glance"):
        st.markdown(figures.by_shot(report).markdown())
        st.caption(figures.by_shot_caption(report))
    with right:
        covered = report.coverage.sentences(report.unit) if report.coverage else ()
        st.markdown(figures.markdown(" ".join((*rest, *covered))))


def errors(report: Report, settings: str) -> None:
    """Show the errors per range over the full width."""
    from regcls.predictions import charts as prediction_charts

    metric = st.segmented_control(
        "Error metric",
        list(METRICS),
        default="mae",
        required=True,
        format_func=METRICS.__getitem__,
        label_visibility="collapsed",
        key="predictions_metric",
    )
    drawn = prediction_charts.errors(report, metric)
    charts.draw(drawn, name=f"errors-{metric}", settings=settings)


def notes(report: Report) -> None:
    """Show what limits the figures, and what they are for."""
    marks = {mark.sentence for mark in report.arrays.marks}
    # Those on missing marks are shown with the choice to leave their rows out.
    found = [note for note in (*report.cautions, *report.arrays.notes) if note not in marks]
    if found:
        st.info("\n".join(f"- {note}" for note in found) if len(found) > 1 else found[0])
    st.caption(
        f"For new {report.unit} like those of this table, with the same models. "
        f"Target ranges: {report.ranges.reason}"
    )


def details(report: Report, settings: str, mark: int) -> None:
    """Show the rest of the report in tabs; only the open one is computed."""
    parts: dict[str, Callable[[Report, str], None]] = {"Balanced targets": balanced}
    if len(report.models) > 1:
        parts["Two models"] = compare
    if report.coverage is not None:
        parts["Prediction intervals"] = covered
    parts |= {"Residuals": residuals, "Targets": targets, "Rows": rows, "All figures": tables}
    tabs = st.tabs(list(parts), key=tab_key(mark, parts), on_change="rerun")
    for tab, draw in zip(tabs, parts.values(), strict=True):
        if tab.open:
            with tab:
                draw(report, settings)


def tab_key(mark: int, names: Iterable[str]) -> str:
    """Return the key of the tabs: another one for other tabs, as the open one may be missing."""
    return f"predictions_tabs_{mark}_{'_'.join(names)}"


def balanced(report: Report, settings: str) -> None:
    """Show the errors between natural and balanced targets."""
    balance.draw(report.errors, "predictions", settings=settings)


def compare(report: Report, settings: str) -> None:
    """Show the difference between two models."""
    from regcls.predictions import charts as prediction_charts

    left, right = st.columns(2)
    first = left.selectbox(
        "Compare",
        report.models,
        len(report.models) - 1,
        **selection.persistent("predictions", "first", *report.models),
    )
    others = [model for model in report.models if model != first]
    second = right.selectbox(
        "with", others, **selection.persistent("predictions", "second", *others)
    )
    drawn = prediction_charts.differences(report, first, second)
    charts.draw(drawn, name="differences", settings=settings)
    found = report.differences(first, second)
    downloads.button("Differences (CSV)", lambda: safe_csv(found), "differences.csv")


def covered(report: Report, settings: str) -> None:
    """Show the coverage of the prediction intervals."""
    from regcls.predictions import charts as prediction_charts

    if report.coverage is None:
        return
    charts.draw(prediction_charts.coverage(report), name="coverage", settings=settings)
    figures("Over all rows", report.coverage.overall())
    figures("Per range", report.coverage.table().dropna(axis=1, how="all"))
    st.caption(COVERAGE)


def residuals(report: Report, settings: str) -> None:
    """Show the residuals per range, and predicted against true values."""
    from regcls.predictions import charts as prediction_charts

    left, right = st.columns(2, gap="medium")
    with left:
        charts.draw(prediction_charts.residuals(report), name="residuals", settings=settings)
    with right:
        model = report.models[0]
        if len(report.models) > 1:
            model = st.selectbox(
                "Predicted against true values of",
                report.models,
                **selection.persistent("predictions", "density", *report.models),
            )
        charts.draw(prediction_charts.density(report, model), name="density", settings=settings)


def targets(report: Report, settings: str) -> None:
    """Show the distribution of the targets."""
    from regcls.predictions import charts as prediction_charts

    charts.draw(prediction_charts.distribution(report), name="targets", settings=settings)


def rows(report: Report, settings: str) -> None:
    """Show the rows with the largest errors and the most frequent segments."""
    if len(report.segments):
        figures("Most frequent segments", report.segments)
    st.markdown("**Rows with the largest errors** (row 1 is the first below the header)")
    st.dataframe(report.worst, hide_index=True)


def tables(report: Report, settings: str) -> None:
    """Show all errors as tables, and offer them as a file."""
    figures("Over all rows", report.overall)
    st.caption(OVERALL)
    figures("Ranges with many, medium and few targets", report.shots)
    st.caption(sentence(report.shot_names[1]))
    figures("Per range", report.table.dropna(axis=1, how="all"))
    downloads.button("Errors (CSV)", lambda: safe_csv(report.table), "errors.csv")


def figures(title: str, table: Any) -> None:
    """Show a table of figures."""
    st.markdown(f"**{title}**")
    st.dataframe(table.round(DECIMALS), hide_index=True)
