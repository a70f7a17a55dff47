"""Your predictions: an error report per target range for a table of targets and predictions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages import through_app
from pages.components import (
    downloads,
    prediction_columns,
    prediction_results,
    selection,
    table_input,
    uploads,
)
from pages.components.form import Folding
from regcls.formats import counted
from regcls.io import tables
from regcls.io.reading import AUTOMATIC, Reading, TableError
from regcls.predictions import columns as arrays_of
from regcls.predictions import detection, figures
from regcls.predictions.columns import Columns, Training
from regcls.predictions.detection import Proposal
from regcls.predictions.long_format import LongFormat
from regcls.predictions.missing_marks import MissingMark
from regcls.predictions.ranges import KINDS, MOST_RANGES, RANGES, target_ranges
from regcls.predictions.report import Report
from regcls.stats.verdicts import MARGIN

through_app()

PRIVACY = (
    "Tables stay in this session's memory: nothing is written to disk unless you download it, and "
    "nothing leaves the machine that runs this app."
)
EXAMPLES = {"age": "Age (shipped models)", "progress": "Progress (shipped models)"}
WIDTH = 10.0  # of a target range, at first
NAMED = 3  # columns of one role in the bar
PASTE = "pasted: "  # before the text, in what a problem is about


@dataclass
class PageState:
    """What the page keeps between reruns."""

    table: tables.Table | None = None
    name: str = ""
    data: bytes = b""  # of the file, to read it again with other settings
    proposal: Proposal | None = None  # the table with one row per sample, and its column roles
    long: LongFormat | None = None  # the columns detected in a table with one row per model
    train: Training | None = None  # training targets from a file of their own
    mark: int = 0  # differs for each table
    layout: int = 0  # differs for each layout of the table
    marks: dict[str, MissingMark] = field(default_factory=dict)  # by the key of their checkbox
    problem: str = ""  # why the last table could not be used
    problem_of: str = ""  # the file or text that the problem is about
    form_open: bool = False
    report: Report | None = None
    report_key: tuple[Any, ...] = ()  # what the report was computed from
    html: str = ""  # of the report


def page_state() -> PageState:
    """Return the page's state in this session."""
    return st.session_state.setdefault("predictions", PageState())


# Inputs


def show_table(
    table: tables.Table,
    name: str,
    data: bytes = b"",
    columns: Columns | None = None,
    train: Training | None = None,
) -> None:
    """Make this the table of the page; its column roles are detected unless they are given."""
    mark = page_state().mark + 1
    long = proposal = None
    if columns is not None:
        proposal = Proposal(table.frame, columns)
    elif not table.questions:
        long = detection.detect_long(table.frame)
        proposal = detection.propose(table.frame, long)
    st.session_state["predictions"] = PageState(table, name, data, proposal, long, train, mark)


def current_proposal(table: tables.Table) -> Proposal:
    """Draw the choice of the layout; return the table with one row per sample and its roles."""
    state = page_state()
    long = prediction_columns.choose_layout(table.frame, state.long, state.mark)
    if state.proposal is None or state.proposal.columns.long != long:
        state.proposal, state.layout, state.marks = None, state.layout + 1, {}
        state.proposal = detection.propose(table.frame, long)
    return state.proposal


def take_file(data: bytes, name: str, reading: Reading = AUTOMATIC, of: str = "") -> None:
    """Read a file and show its table; ``of`` is what a problem is about."""
    with table_input.problem_kept(page_state(), of):
        show_table(table_input.read(data, name, reading), name, data)


def read_again(reading: Reading) -> None:
    """Read the file or the pasted table with other settings; the form stays open."""
    state = page_state()
    take_file(state.data, state.name, reading)
    page_state().form_open = True


def take_example(task: str) -> None:
    """Show the test predictions of a shipped pair, with its training targets."""
    from regcls.tasks import pairs, reports

    with table_input.problem_kept(page_state()):
        pair = pairs.load(task)
        names, best = reports.named_readouts(pair)
        table = tables.Table(pair.predictions.rename(columns=names))
        group = "clip" if task == "progress" else None
        train = Training(reports.training_targets(pair.reg.card))
        columns = Columns("y_true", best, group=group)
        show_table(table, EXAMPLES[task], columns=columns, train=train)


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
    given = paste() if source == "Paste" else upload()
    st.caption("Or try an example:")
    with st.container(horizontal=True):
        for task, title in EXAMPLES.items():
            st.button(title, on_click=take_example, args=(task,), key=f"predictions_example_{task}")
    table_input.show_problem(page_state(), given)


def upload() -> list[str]:
    """Draw the uploader; return what identifies the file in it."""
    file = table_input.uploader("Table of targets and predictions", key="predictions_file")
    for new in uploads.unseen([file], "predictions"):
        take_file(new.getvalue(), new.name, of=new.file_id)
        if not page_state().problem:
            st.rerun()  # the form, of which this is a part, folds
    return [file.file_id] if file else []


def paste() -> list[str]:
    """Draw the text field; return what identifies its text."""
    text = st.text_area("Table with a header row", key="predictions_text")
    # Always enabled: the server only sees the text when the field is left, as by this click.
    if st.button("Read table"):
        data = text.strip("\n").encode()
        take_file(data, tables.PASTED, Reading(encoding="utf-8"), of=PASTE + text)
        if not page_state().problem:
            st.rerun()
    return [PASTE + text]


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
            state.train = detection.training_targets(table.frame, new.name, target)
        except TableError as error:
            st.error(error.sentence)
    if state.train is not None:
        st.caption(f"{len(state.train.values):,} training targets.")


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


@dataclass(frozen=True)
class Choices:
    """What is chosen in the form."""

    proposal: Proposal
    columns: Columns
    ranges: tuple[str, float, str]
    margin: float


def computed(choices: Choices) -> Report:
    """Return the report for these choices; compute it when they have changed."""
    state, proposal, columns = page_state(), choices.proposal, choices.columns
    missing = tuple(
        (mark.column, mark.value)
        for key, mark in state.marks.items()
        if st.session_state.get(key, False)
    )
    # The report keeps the training targets alive, so their id cannot be reused meanwhile.
    chosen = (columns, choices.ranges, choices.margin)
    key = (state.mark, state.layout, *chosen, missing, id(state.train))
    if state.report is None or state.report_key != key:
        with st.spinner("Computing errors and intervals…"):
            arrays = arrays_of.arrays(proposal.frame, columns, state.train, missing, proposal.rows)
            arrays = replace(arrays, notes=(*notes_on_rows(), *arrays.notes))
            made = target_ranges(arrays, *choices.ranges)
            state.report = Report(arrays, made, choices.margin)
        state.report_key, state.html = key, ""
        for mark in arrays.marks:
            name = selection.persistent("predictions", "mark", state.mark, mark.column, mark.value)
            state.marks[name["key"]] = mark
    return state.report


def notes_on_rows() -> tuple[str, ...]:
    """Return the notes on the file, and on rows of models without a partner."""
    state = page_state()
    found = state.table.notes if state.table else ()
    return (*found, *(state.proposal.notes if state.proposal else ()))


def missing_marks(columns: Columns) -> None:
    """Show likely missing marks, each with a choice to leave its rows out."""
    state = page_state()
    used = {columns.target, *columns.models, columns.train, state.train and state.train.name}
    for key, mark in state.marks.items():
        if mark.column not in used:
            continue
        with st.container(border=True):
            st.markdown(f":material/warning: {mark.sentence}")
            st.checkbox(
                f"Leave out the rows with {mark.text} in {mark.column}",
                key=key,
                persist_state="session",
            )


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
            "- **Intervals** of errors are 95% percentile bootstrap intervals, widened for few "
            "rows. Those of differences between models are paired t-intervals, wide enough that "
            "all of a report hold together in at least 95% of such reports (Holm's correction). A "
            "model is better or worse where its interval excludes zero, practically equal where the "
            "interval lies within the margin, and there is no verdict with fewer than six rows or "
            "groups.\n"
            "- **Prediction intervals.** Columns such as reg_lower and reg_upper, reg_q05 and reg_q95, "
            "or a standard deviation reg_std are intervals of the model reg. Their *coverage* is the "
            "share of the targets that lie in them; it should be the nominal level in each range. "
            "Its confidence intervals are exact, corrected for the number of ranges and models.\n"
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


def save_report(report: Report) -> None:
    """Offer the report as an HTML file, which is written on a click: that takes a second."""
    from regcls.predictions import html

    state = page_state()

    def written() -> str:
        if not state.html:
            state.html = html.write(report, state.name)
        return state.html

    downloads.button("Report (HTML)", written, html.file_name(state.name), type="primary")


def toggle_form() -> None:
    """Open a closed form, and close an open one."""
    state = page_state()
    state.form_open = not state.form_open


def first_form() -> None:
    """Draw the form before there is a table."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        inputs()
        st.caption(PRIVACY)
    with right:
        st.info(
            "Upload a table, paste one, or try an example. It needs a column with the true target "
            "and at least one with predictions; column roles are detected automatically, and you "
            "can change them."
        )


def form(table: tables.Table, folding: Folding) -> tuple[Choices | None, str]:
    """Draw the form for a table; return what is chosen, and the problem if that is impossible."""
    state, proposed, chosen, problem = page_state(), None, None, ""
    with folding.form():
        left, middle, right = st.columns(3, gap="medium")
        with left:
            inputs()
            st.caption(PRIVACY)
        with middle:
            if not table.questions:
                try:
                    proposed = current_proposal(table)
                    chosen = prediction_columns.choose_roles(
                        proposed, f"{state.mark}_{state.layout}", upload_training_targets
                    )
                    st.caption(figures.markdown(chosen.summary))
                except TableError as error:
                    problem = error.sentence
        with right:
            ranges, margin = choose_ranges(), choose_margin()
            if state.data:
                table_input.reading_controls(table, read_again, f"predictions_reading_{state.mark}")
    if proposed is None or chosen is None:
        return None, problem
    return Choices(proposed, chosen, ranges, margin), ""


def in_one_line(table: tables.Table, columns: Columns | None) -> str:
    """Return the file, its size and the roles of its columns."""

    def bold(*names: str) -> str:
        return ", ".join(f"**{figures.markdown(name)}**" for name in names)

    parts = [bold(page_state().name), counted(len(table.frame), "row")]
    if columns is not None:
        roles = {
            "target": (columns.target,),
            "predictions": columns.models,
            "intervals of": tuple(interval.model for interval in columns.intervals),
            "training targets": (columns.train,),
            "segments": (columns.category,),
            "groups": (columns.group,),
        }
        for role, named in roles.items():
            if names := [name for name in named if name]:
                more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
                parts.append(f"{role} {bold(*names[:NAMED])}{more}")
    return " · ".join(parts)


def results(table: tables.Table, corner: DeltaGenerator) -> None:
    """Draw the form, in one line, and the report on the table, with its file in the corner."""
    state = page_state()
    folding = Folding("predictions", state.form_open or bool(table.questions), toggle_form)
    folding.bar()
    choices, problem = form(table, folding)
    folding.say(in_one_line(table, choices.columns if choices else None))
    report = None
    if choices is not None:
        try:
            report = computed(choices)
        except TableError as error:
            problem = error.sentence
        missing_marks(choices.columns)
    if report is None:
        folding.open()
        if problem:
            st.warning(problem)
        for note in notes_on_rows():
            st.info(note)
        return
    with corner:
        save_report(report)
    prediction_results.show(report, state.name, state.mark)


with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Your predictions", width="content")
    corner = st.container(width="content")
shown = page_state()
if shown.table is None:
    st.markdown("Error report per target range for the predictions of any regression model.")
    first_form()
else:
    results(shown.table, corner)
how_to_read()
