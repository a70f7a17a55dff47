"""Your predictions: an error report per target range for a table of targets and predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from pages import through_app
from pages.components import balance, charts, downloads, selection, table_input, uploads
from regcls.exceptions import sentence
from regcls.io import tables
from regcls.io.tables import TableError
from regcls.predictions import columns as prediction_columns
from regcls.predictions.columns import MOST_MODELS, Columns
from regcls.predictions.ranges import KINDS, MOST_RANGES, RANGES, target_ranges
from regcls.predictions.report import Report
from regcls.stats.verdicts import MARGIN
from regcls.tasks.pairs import MODELS_FOLDER

through_app()

PRIVACY = (
    "Tables stay in this session's memory: nothing is written to disk unless you download it, and "
    "nothing leaves the machine that runs this app."
)
EXAMPLES = {"age": "Age (shipped models)", "progress": "Progress (shipped models)"}
WIDTH = 10.0  # of a target range, at first
NONE = "(none)"
METRICS = {"mae": "MAE", "rmse": "RMSE", "bias": "Bias"}
DECIMALS = 4
OVERALL = (
    "balanced_mae: mean of the MAE over ranges; gm: geometric mean of absolute errors; sera: squared "
    "errors weighted by the rarity of the target in training."
)


@dataclass
class PageState:
    """What the page keeps between reruns."""

    table: tables.Table | None = None
    name: str = ""
    detected: Columns | None = None  # the column roles proposed for the table
    workbook: table_input.Workbook | None = None
    train: np.ndarray | None = None  # training targets from a file of their own
    mark: int = 0  # differs for each table
    problem: str = ""  # why the last table could not be used
    report: Report | None = None
    report_key: tuple[Any, ...] = ()  # what the report was computed from
    html: str | bytes | None = None


def page_state() -> PageState:
    """Return the page's state in this session."""
    return st.session_state.setdefault("predictions", PageState())


# Inputs


def show_table(
    table: tables.Table,
    name: str,
    columns: Columns,
    workbook: table_input.Workbook | None = None,
    train: np.ndarray | None = None,
) -> None:
    """Make this the table of the page."""
    mark = page_state().mark + 1
    st.session_state["predictions"] = PageState(table, name, columns, workbook, train, mark)


def take_file(data: bytes, name: str, sheet: str | None = None) -> None:
    """Read a file and show its table."""
    with table_input.problem_kept(page_state()):
        table, workbook = table_input.read(data, name, sheet)
        show_table(table, name, prediction_columns.detect(table.frame), workbook)


def take_text(text: str) -> None:
    """Read a pasted table and show it."""
    with table_input.problem_kept(page_state()):
        table = tables.read_pasted(text)
        show_table(table, "pasted", prediction_columns.detect(table.frame))


def take_example(task: str) -> None:
    """Show the test predictions of a shipped pair, with its training targets."""
    from regcls.inference import contract
    from regcls.tasks.reports import training_targets

    folder = Path(MODELS_FOLDER) / task
    with table_input.problem_kept(page_state()):
        table = tables.read_table((folder / "test_predictions.parquet").read_bytes(), task)
        table = replace(table, frame=table.frame.rename(columns={"regcls": "reg+cls"}))
        group = "clip" if task == "progress" else None
        columns = Columns("y_true", ("reg", "reg+cls"), group=group)
        train = training_targets(contract.read(folder / "reg.onnx"))
        show_table(table, EXAMPLES[task], columns, train=train)


def inputs() -> None:
    """Draw the upload or the text field, and the examples."""
    source = st.segmented_control(
        "Source",
        ["File", "Paste"],
        default="File",
        required=True,
        width="stretch",
        label_visibility="collapsed",
        key="predictions_source",
    )
    if source == "File":
        file = table_input.uploader("Table of targets and predictions", key="predictions_file")
        for new in uploads.unseen([file], "predictions"):
            take_file(new.getvalue(), new.name)
        state = page_state()
        table_input.choose_sheet(state.workbook, take_file, f"predictions_sheet_{state.mark}")
    else:
        text = st.text_area("Table with a header row", key="predictions_text")
        if st.button("Read table", disabled=not text.strip()):
            take_text(text)
    st.caption("Or try an example:")
    for task, title in EXAMPLES.items():
        st.button(title, on_click=take_example, args=(task,), key=f"predictions_example_{task}")
    if problem := page_state().problem:
        st.error(problem)


def choose_columns(table: tables.Table, detected: Columns) -> Columns:
    """Draw the choice of column roles, starting from those detected."""
    names = [str(name) for name in table.frame.columns]

    def persistent(name: str) -> dict[str, Any]:
        return selection.persistent("predictions", name, page_state().mark)

    def optional_column(label: str, name: str, **options: Any) -> str | None:
        value = getattr(detected, name)
        first = names.index(value) + 1 if value in names else 0
        picked = st.selectbox(label, [NONE, *names], first, **persistent(name), **options)
        return None if picked == NONE else picked

    target = st.selectbox(
        "True target", names, names.index(detected.target), **persistent("target")
    )
    others = [name for name in names if name != target]
    models = st.multiselect(
        "Predictions",
        others,
        default=[name for name in detected.models if name in others],
        max_selections=MOST_MODELS,
        **persistent("models"),
    )
    with st.expander("Training targets, segments and groups"):
        train = optional_column("Training target column", "train")
        upload_training_targets(target)
        category = optional_column("Segment column", "category")
        group = optional_column(
            "Group column",
            "group",
            help="Rows with the same value, such as one person, video or day, belong together: "
            "intervals then resample groups instead of rows.",
        )
    return Columns(target, tuple(models), train, category, group)


def upload_training_targets(target: str) -> None:
    """Draw the uploader for training targets in a file of their own."""
    state = page_state()
    key = f"predictions_train_file_{state.mark}"

    def removed() -> None:
        # Only the visitor's own removal counts: a look at another page empties the widget too.
        if st.session_state[key] is None:
            page_state().train = None

    file = table_input.uploader("Or a file of training targets", key=key, on_change=removed)
    for new in uploads.unseen([file], "predictions"):
        try:
            table = tables.read_table(new.getvalue(), new.name)
            state.train = prediction_columns.training_targets(table.frame, new.name, target)
        except TableError as error:
            st.error(error.sentence)
    if state.train is not None:
        st.caption(f"{len(state.train):,} training targets.")


def choose_ranges() -> tuple[str, float, str]:
    """Draw the choice of target ranges; return their kind, number or width, and own edges."""

    def persistent(name: str) -> dict[str, Any]:
        return selection.persistent("predictions_ranges", name)

    kind = st.selectbox("Ranges", list(KINDS), format_func=KINDS.__getitem__, **persistent("kind"))
    if kind == "edges":
        hint = "0, 10, 20, 50"
        text = st.text_input("Edges, separated by commas", placeholder=hint, **persistent(kind))
        return kind, 0.0, text
    if kind == "width":
        width = st.number_input("Range width", 0.0, None, WIDTH, **persistent(kind))
        return kind, width, ""
    label = "Ranges, at most" if kind == "automatic" else "Number of ranges"
    number = st.number_input(label, 1, MOST_RANGES, RANGES, **persistent("many"))
    return kind, number, ""


def choose_margin() -> float:
    """Draw the choice of the difference that does not matter; return a share."""
    percent = st.number_input(
        "Practically equal within ± %",
        0.0,
        50.0,
        100 * MARGIN,
        1.0,
        help="Models are practically equal if the interval of their difference lies within this "
        "share of the lower of the two errors.",
        **selection.persistent("predictions_margin"),
    )
    return percent / 100


# The report


def computed(
    table: tables.Table, columns: Columns, ranges: tuple[str, float, str], margin: float
) -> Report:
    """Return the report for these choices; compute it when they have changed."""
    state = page_state()
    # The report keeps the training targets alive, so their id cannot be reused meanwhile.
    key = (state.mark, columns, ranges, margin, id(state.train))
    if state.report is None or state.report_key != key:
        with st.spinner("Computing errors and intervals…"):
            arrays = prediction_columns.arrays(table.frame, columns, state.train)
            made = target_ranges(arrays, *ranges)
            state.report = Report(arrays, made, margin)
        state.report_key, state.html = key, None
    return state.report


def show(report: Report) -> None:
    """Show the verdict, the charts and the tables of a report."""
    from regcls.predictions import charts as prediction_charts

    first, *rest = report.verdict_parts
    st.markdown(f"#### {first}")
    st.markdown(" ".join(rest))
    st.caption(
        f"For new {report.unit} like those of this table, with the same models. "
        f"Target ranges: {report.ranges.reason}"
    )
    for note in (*report.cautions, *report.arrays.notes):
        st.info(note)
    metric = st.segmented_control(
        "Error metric",
        list(METRICS),
        default="mae",
        required=True,
        format_func=METRICS.__getitem__,
        label_visibility="collapsed",
        key="predictions_metric",
    )
    settings = prediction_charts.settings_text(report, page_state().name)
    charts.draw(
        prediction_charts.errors(report, metric), name=f"errors-{metric}", settings=settings
    )
    with st.container(horizontal=True):
        html_report(report)
        downloads.button(
            "Errors (CSV)", lambda: tables.safe_csv(report.errors.table()), "errors.csv"
        )
    balance.draw(report.errors, "predictions", settings=settings)
    charts.draw(prediction_charts.distribution(report), name="targets", settings=settings)
    figures("Overall", report.overall)
    st.caption(OVERALL)
    figures("Ranges with many, medium and few targets", report.shots)
    st.caption(sentence(report.shot_names[1]))
    compare(report, settings)
    charts.draw(prediction_charts.residuals(report), name="residuals", settings=settings)
    model = st.selectbox("Predicted against true values of", report.models)
    charts.draw(prediction_charts.density(report, model), name="density", settings=settings)
    if len(report.segments):
        figures("Most frequent segments", report.segments)
    st.markdown("**Rows with the largest errors** (row 1 is the first below the header)")
    st.dataframe(report.worst, hide_index=True)


def figures(title: str, table: Any) -> None:
    """Show a table of figures."""
    st.markdown(f"**{title}**")
    st.dataframe(table.round(DECIMALS), hide_index=True)


def compare(report: Report, settings: str) -> None:
    """Show the difference between two models, if there are two."""
    from regcls.predictions import charts as prediction_charts

    if len(report.models) < 2:
        return
    left, right = st.columns(2)
    first = left.selectbox("Compare", report.models, len(report.models) - 1)
    second = right.selectbox("with", [model for model in report.models if model != first])
    drawn = prediction_charts.differences(report, first, second)
    charts.draw(drawn, name="differences", settings=settings)
    found = report.differences(first, second)
    downloads.button("Differences (CSV)", lambda: tables.safe_csv(found), "differences.csv")


def html_report(report: Report) -> None:
    """Offer the report as an HTML file; it takes a second, so only on request."""
    state = page_state()
    if state.html is not None:
        downloads.button("Download HTML report", state.html, "errors.html", type="primary")
    elif st.button("Create HTML report", icon=":material/description:"):
        from regcls.predictions import html

        with st.spinner("Writing the report…"):
            state.html = html.write(report, state.name)
        st.rerun()


def how_to_read() -> None:
    """Explain the figures of the report."""
    with st.expander("How to read this"):
        st.markdown(
            "- **Per range.** An overall average hides the effect of imbalance: a model may be "
            "accurate where data is plentiful and useless where it is rare. The report therefore "
            "shows errors per target range, above the number of training targets in each range. "
            "Provide training targets as a column or a file; without them, the test targets are "
            "shown instead.\n"
            "- **What is estimated.** The errors of these models on new rows like those of the "
            "table, or on new groups if there is a group column.\n"
            "- **Intervals** of errors are 95 % percentile bootstrap intervals, widened for few "
            "rows. Those of differences between models are paired t-intervals, wide enough that "
            "all of a report hold together in at least 95 % of such reports (Holm's correction). A "
            "model is better or worse where its interval excludes zero, practically equal where the "
            "interval lies within the margin, and there is no verdict with fewer than six rows or "
            "groups.\n"
            "- **Distribution of the targets.** A model that is better on the targets as they come "
            "may be worse where all ranges count equally. The slider weights the ranges, and the "
            "chart shows where the estimates change order.\n"
            "- **Groups.** Rows are treated as independent unless you choose a group column. Rows "
            "of one person, video or day are similar, and without groups their intervals are too "
            "narrow.\n"
            "- **Metrics.** *Balanced MAE* is the mean of the MAE over ranges, and *gm* the "
            "geometric mean of absolute errors. *SERA* weights squared errors by the rarity of the "
            "target in training and needs training targets (Ribeiro and Moniz, 2020)."
        )


st.title("Your predictions")
st.markdown("Error report per target range for the predictions of any regression model.")
left, right = st.columns([1, 2], gap="medium")
with left:
    inputs()
    shown = page_state()
    if shown.table is not None and shown.detected is not None:
        chosen, ranges = choose_columns(shown.table, shown.detected), choose_ranges()
        margin = choose_margin()
    st.caption(PRIVACY)
with right:
    if shown.table is None:
        st.info(
            "Upload a table, paste one, or try an example. It needs a column with the true target "
            "and at least one with predictions; column roles are detected automatically, and you "
            "can change them.",
            icon=":material/arrow_back:",
        )
    else:
        for note in shown.table.notes:
            st.info(note)
        rows, width = shown.table.frame.shape
        st.caption(f"{shown.name}: {rows:,} rows, {width:,} columns.")
        try:
            show(computed(shown.table, chosen, ranges, margin))
        except TableError as error:
            st.warning(error.sentence)
    how_to_read()
