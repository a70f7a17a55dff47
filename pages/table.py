"""Your table: compare reg+cls and other methods for imbalanced regression on a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from pages import through_app
from pages.components import (
    charts,
    comparison_results,
    presence,
    selection,
    table_input,
    table_settings,
    uploads,
    url_state,
)
from pages.components.form import Folding
from pages.components.table_settings import BUDGETS, DEFAULTS, GOALS
from regcls.exceptions import UserError
from regcls.formats import counted
from regcls.io.reading import AUTOMATIC, Reading
from regcls.predictions.figures import markdown
from regcls.tabular import columns as tabular_columns
from regcls.tabular import methods, samples, split_column
from regcls.tabular import plan as tabular_plan
from regcls.tabular.targets import Target, possible_targets
from regcls.utils.text import duration

if TYPE_CHECKING:
    import pandas as pd

    from regcls.io.tables import Table
    from regcls.tabular.comparison import Comparison

through_app()

PRIVACY = (
    "Your table stays in this session's memory: nothing is written to disk, and nothing leaves the "
    "machine that runs this app. It is gone when you close the page."
)
REFRESH_SECONDS = 1.0  # between two updates while a comparison runs
NONE = "none"

T = TypeVar("T")


@dataclass(frozen=True)
class Kept:
    """A computed value and what it was computed from."""

    key: tuple[Any, ...]
    value: Any


@dataclass
class PageState:
    """What the page keeps between reruns."""

    frame: pd.DataFrame | None = None
    name: str = ""
    notes: tuple[str, ...] = ()
    sample: samples.Sample | None = None
    sample_key: str | None = None
    table: Table | None = None  # as it was read, of an uploaded file
    data: bytes = b""  # of the uploaded file, to read it again with other settings
    problem: str = ""  # why the last table could not be used
    problem_of: str = ""  # the file that the problem is about
    form_open: bool = True
    mark: int = 0  # differs for each table
    budget: str = DEFAULTS["budget"]  # initial choices of the widgets
    goal: str = DEFAULTS["goal"]
    run: Comparison | None = None
    run_key: tuple[Any, ...] = ()  # what the run compares
    kept: dict[str, Kept] = field(default_factory=dict)

    def once(self, name: str, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """Return ``make()``, computed again only when the key changes.

        Streamlit's own cache is shared by all sessions; a table must not be.
        """
        if name not in self.kept or self.kept[name].key != key:
            self.kept[name] = Kept(key, make())
        return self.kept[name].value

    def stop(self) -> None:
        """Stop the run, if there is one, and drop it."""
        if self.run is not None:
            self.run.cancel()
        self.run = None


def page_state() -> PageState:
    """Return the page's state in this session."""
    return st.session_state.setdefault("table", PageState())


def first_visit() -> None:
    """Take settings and sample from the address: ?sample=, budget=, goal=."""
    if "table" in st.session_state:
        return
    state = page_state()
    state.budget = url_state.choice("budget", tabular_plan.BUDGETS, state.budget)
    state.goal = url_state.choice("goal", tabular_plan.GOALS, state.goal)
    if sample := url_state.choice("sample", samples.SAMPLES, None):
        take_sample(sample)


# Inputs


def show_table(frame: pd.DataFrame, name: str, notes: tuple[str, ...] = ()) -> PageState:
    """Make this the table of the page; return the page's state."""
    state = page_state()
    state.stop()
    state.frame, renamed = tabular_columns.unique_names(frame)
    state.name, state.notes = name, (*notes, *renamed)
    state.sample = state.sample_key = state.table = None
    state.problem, state.data, state.form_open = "", b"", True
    state.mark += 1
    return state


def take_file(data: bytes, name: str, reading: Reading = AUTOMATIC, of: str = "") -> None:
    """Read a file and show its table; ``of`` is what a problem is about."""
    with table_input.problem_kept(page_state(), of):
        table = table_input.read(data, name, reading)
        state = show_table(table.frame, name, table.notes)
        state.table, state.data = table, data


def read_again(reading: Reading) -> None:
    """Read the uploaded file with other settings."""
    state = page_state()
    take_file(state.data, state.name, reading)


def take_sample(key: str) -> None:
    """Show a sample."""
    sample = samples.SAMPLES[key]
    state = show_table(samples.load(key), sample.title)
    state.sample, state.sample_key = sample, key


def inputs() -> None:
    """Draw the upload and the samples."""
    file = table_input.uploader(
        "Table as CSV, Parquet or Excel file, one row per sample", key="table_file"
    )
    for new in uploads.unseen([file], "table"):
        take_file(new.getvalue(), new.name, of=new.file_id)
        if not page_state().problem:
            st.rerun()  # the page's parts are drawn for the table before
    table_input.show_problem(page_state(), [file.file_id] if file else [])
    st.caption("Or try a sample:")
    for key, sample in samples.SAMPLES.items():
        st.button(
            sample.title,
            on_click=take_sample,
            args=(key,),
            key=f"table_sample_{key}",
            type="tertiary",
            icon=":material/table_chart:",
        )
    st.caption(PRIVACY)


# Settings


@dataclass(frozen=True)
class Setup:
    """What the form describes."""

    plan: tabular_plan.Plan
    key: tuple[Any, ...]  # what identifies it


def setup(state: PageState, frame: pd.DataFrame) -> Setup | None:
    """Draw the form; return what is chosen, None while how the file is read is an open question.

    Raises UserError if the table or the choice cannot be used.
    """
    left, middle, right = st.columns(3, gap="medium")
    with left:
        inputs()
    with middle:
        if state.table is not None and not table_input.reading_controls(
            state.table, read_again, f"table_reading_{state.mark}"
        ):
            return None
        preview(state, frame)
        target, group, split = roles(state, frame)
        leave_out = choose_columns(state, frame, target, group, split)
    with right:
        goal, budget, ranges = table_settings.draw(state.goal, state.budget)
        key = (state.mark, target, group, split, leave_out, goal, budget, ranges)

        def make() -> tabular_plan.Plan:
            problem = tabular_columns.make_problem(
                frame, target, leave_out, group, state.notes, split
            )
            return tabular_plan.Plan(problem, tabular_plan.BUDGETS[budget], goal, ranges=ranges)

        url_state.write({"sample": state.sample_key, "budget": budget, "goal": goal}, DEFAULTS)
        found = Setup(state.once("plan", key, make), key)
        compare_button(found)
    return found


def roles(state: PageState, frame: pd.DataFrame) -> tuple[str, str | None, str | None]:
    """Draw the choice of target, groups and split; return the three columns."""
    targets: list[Target] = state.once("targets", (state.mark,), lambda: possible_targets(frame))
    if not targets:
        raise UserError(
            "no column contains at least two different numbers, so there is nothing to predict"
        )
    numeric = [found.column for found in targets]
    offered = [*numeric, *(name for name in frame.columns if name not in numeric)]
    likeliest = state.sample.target if state.sample else targets[0].column
    target = st.selectbox(
        "Target",
        offered,
        offered.index(likeliest),
        **selection.persistent("table_target", state.mark),
    )
    if state.sample is None and target == likeliest and len(numeric) > 1:
        st.caption(f"Guessed {targets[0].reason}; you can change it.")
    groups = [NONE, *(name for name in frame.columns if name != target)]
    usual = state.sample.group if state.sample and state.sample.group in groups else NONE
    group = st.selectbox(
        "Group column",
        groups,
        groups.index(usual),
        **selection.persistent("table_group", state.mark),
        help="Rows with the same value, such as one person or place, are held out together, so that "
        "no test row has a near-duplicate in the training set.",
    )
    split = choose_split(state, frame, target) if group == NONE else None
    return target, None if group == NONE else group, split


def choose_split(state: PageState, frame: pd.DataFrame, target: str) -> str | None:
    """Draw the choice of a given split, if a column can be one; return it."""
    likely = state.once("split", (state.mark,), lambda: split_column.likely(frame))
    if likely is None or likely == target:
        return None
    kept = st.checkbox(
        f"Keep the split of “{likely}”",
        True,
        **selection.persistent("table_split", state.mark),
        help="Trains on its training rows, chooses settings on its validation rows and measures errors "
        "on its test rows, for several seeds instead of cross-validation.",
    )
    return likely if kept else None


def compare_button(found: Setup) -> None:
    """Draw the button that starts the comparison, and what it takes."""
    state, plan = page_state(), found.plan
    current = state.run is not None and state.run_key == found.key
    # No callback: that of an earlier run of the page would start what was chosen then.
    if st.button(
        "Compare again" if current else "Compare",
        type="secondary" if current else "primary",
        icon=":material/play_arrow:",
        key="table_start",
        width="stretch",
    ):
        start(found.key, plan)
        st.rerun()
    subsample = ""
    if plan.subsampled:
        subsample = (
            f" The search uses {tabular_plan.SEARCH_ROWS:,} training rows of each fold; the best "
            "settings are then trained on all of them."
        )
    running = state.run is not None and state.run.running
    held_out = "held-out folds" if plan.problem.parts is None else "seeds"
    st.caption(
        f"About {duration(plan.seconds)}: {len(methods.KINDS)} kinds of models, "
        f"{plan.budget.settings} settings each, {len(plan.splits)} {held_out}.{subsample}"
        f"{' It stops the current run.' if running else ''}"
    )


def preview(state: PageState, frame: pd.DataFrame) -> None:
    """Show what a sample is, and the table's first rows."""
    if sample := state.sample:
        st.caption(f"{sample.about} Source: {sample.source}.")
    with st.popover("First rows", icon=":material/table_rows:", type="tertiary"):
        st.dataframe(frame.head(50), height=220, hide_index=True)


def choose_columns(
    state: PageState, frame: pd.DataFrame, target: str, group: str | None, split: str | None
) -> tuple[str, ...]:
    """Draw the choice of columns to leave out, first those that may leak the target."""

    def check() -> tabular_columns.Problem:
        with st.spinner("Checking the columns…"):
            return tabular_columns.make_problem(frame, target, (), group, split=split)

    found = state.once("checked", (state.mark, target, group, split), check)
    out = []
    if found.suspicions:
        st.warning(
            "Some columns may leak the target: their values would not be known when the model is "
            "used. Ticked columns are left out."
        )
        for one in found.suspicions:
            text = f"Leave out **{one.column}**: {one.reason}."
            options = selection.persistent("table_out", target, one.column, state.mark)
            if st.checkbox(text, one.certain, **options):
                out.append(one.column)
    suspected = {one.column for one in found.suspicions}
    names = [c for c in frame.columns if c not in suspected and c not in (target, group, split)]
    usual = [c for c in (state.sample.leave_out if state.sample else ()) if c in names]
    more = st.multiselect(
        "More columns to leave out" if found.suspicions else "Columns to leave out",
        names,
        usual,
        **selection.persistent("table_more", target, state.mark),
        placeholder="Columns not known when the model is used",
    )
    return tuple(sorted([*out, *more]))


# A comparison: start, watch, results


def start(key: tuple[Any, ...], plan: tabular_plan.Plan) -> None:
    """Start a comparison and fold the form; a running one is stopped."""
    from regcls.tabular.comparison import Comparison

    state = page_state()
    state.stop()
    state.run, state.run_key = Comparison(plan, presence.visitor_present()).start(), key
    state.form_open = False


def toggle_form() -> None:
    """Open a closed form, and close an open one."""
    state = page_state()
    state.form_open = not state.form_open


def before(plan: tabular_plan.Plan) -> None:
    """Show the target's distribution, and what was changed in the table."""
    from regcls.tabular import charts as tabular_charts

    picture = tabular_charts.target(plan.problem.y, plan.edges, plan.problem.target)
    charts.draw(picture, name="table-target", settings=f"{len(plan.problem.y):,} rows.")
    st.caption(plan.target_ranges.summary)
    changes(plan)


def changes(plan: tabular_plan.Plan) -> None:
    """Show what was changed in the table before it is used."""
    if notes := plan.problem.notes:
        with st.expander(f"Changes made to the table ({len(notes)})"):
            st.markdown("\n".join(f"- {note}" for note in notes))


def watch() -> None:
    """Show progress and results so far; rerun the page when the comparison ends."""
    presence.visitor_present()
    run = page_state().run
    if run is None or not run.running:
        st.rerun()
    comparison_results.status(run)
    comparison_results.so_far(run)


def in_one_line(state: PageState, frame: pd.DataFrame, found: Setup | None) -> str:
    """Return the table, its size and what is compared on it."""
    parts = [
        f"**{markdown(state.name)}**",
        f"{counted(len(frame), 'row')}, {counted(frame.shape[1], 'column')}",
    ]
    if found is not None:
        problem, budget = found.plan.problem, found.key[-2]
        parts += [
            f"target **{markdown(problem.target)}**",
            counted(len(problem.columns), "input"),
            f"{GOALS[found.plan.goal].lower()} counts equally",
            f"{BUDGETS[budget].lower()} budget",
        ]
    return " · ".join(parts)


def compare(state: PageState, frame: pd.DataFrame) -> None:
    """Draw the form and, below, the comparison: not yet started, running or complete."""
    folding = Folding("table", state.form_open or state.run is None, toggle_form)
    folding.bar()
    found, problem = None, ""
    with folding.form():
        try:
            found = setup(state, frame)
        except UserError as error:
            problem = error.sentence
    folding.say(in_one_line(state, frame, found))
    if found is None:
        folding.open()
        if problem:
            st.error(problem)
    elif state.run is None or state.run_key != found.key:
        folding.open()
        if state.run is not None and state.run.running:
            st.info("Settings changed. Compare stops the current run and starts a new one.")
        before(found.plan)
    elif state.run.running:
        st.fragment(watch, run_every=REFRESH_SECONDS)()
    else:
        comparison_results.final(state.run)
        changes(found.plan)


st.title("Your table", anchor=False)
first_visit()
shown = page_state()
if shown.frame is None:
    st.markdown(
        "Does adding classification help *your* regression? Upload a table, choose the target, and "
        "compare *reg+cls* with the established methods for imbalanced regression."
    )
    with st.columns([2, 1])[0]:
        inputs()
else:
    compare(shown, shown.frame)
table_settings.how_to_read()
