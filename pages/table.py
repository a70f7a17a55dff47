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
    uploads,
    url_state,
)
from regcls.exceptions import UserError
from regcls.io.reading import AUTOMATIC, Reading
from regcls.tabular import columns as tabular_columns
from regcls.tabular import plan as tabular_plan
from regcls.tabular import samples
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
BUDGETS = {"quick": "Quick", "normal": "Normal", "thorough": "Thorough"}
GOALS = {"balanced": "Every target range equally", "overall": "Every row equally"}
DEFAULTS = {"budget": "quick", "goal": "balanced"}

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
    state.problem, state.data = "", b""
    state.mark += 1
    return state


def take_file(data: bytes, name: str, reading: Reading = AUTOMATIC) -> None:
    """Read a file and show its table."""
    with table_input.problem_kept(page_state()):
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
    left, right = st.columns([3, 2])
    with left:
        file = table_input.uploader("Table as CSV, Parquet or Excel file, one row per sample")
    for new in uploads.unseen([file], "table"):
        take_file(new.getvalue(), new.name)
    left.caption(PRIVACY)
    with right:
        st.markdown("Or try a sample")
        for key, sample in samples.SAMPLES.items():
            st.button(
                sample.title,
                on_click=take_sample,
                args=(key,),
                key=f"table_sample_{key}",
                type="tertiary",
                icon=":material/table_chart:",
            )
    state = page_state()
    if state.problem:
        st.error(state.problem)
    if state.table is not None and not table_input.reading_controls(
        state.table, read_again, f"table_reading_{state.mark}"
    ):
        st.stop()


# Settings


def settings(state: PageState, frame: pd.DataFrame) -> tuple[tabular_plan.Plan, tuple[Any, ...]]:
    """Draw the settings; return the plan and what identifies it. Stops the page if there is none."""
    preview(state, frame)
    targets = state.once("targets", (state.mark,), lambda: tabular_columns.possible_targets(frame))
    if not targets:
        st.error(
            "No column contains at least two different numbers, so there is nothing to predict."
        )
        st.stop()
    others = [name for name in frame.columns if name not in targets]
    left, right = st.columns(2)
    offered = [*targets, *others]
    target = left.selectbox(
        "Target",
        offered,
        offered.index(state.sample.target if state.sample else targets[-1]),
        **selection.persistent("table_target", state.mark),
    )
    groups = [NONE, *(name for name in frame.columns if name != target)]
    usual = state.sample.group if state.sample and state.sample.group in groups else NONE
    group = right.selectbox(
        "Group column",
        groups,
        groups.index(usual),
        **selection.persistent("table_group", state.mark),
        help="Rows with the same value, such as one person or place, are held out together, so that "
        "no test row has a near-duplicate in the training set.",
    )
    group = None if group == NONE else group
    leave_out = choose_columns(state, frame, target, group)
    with st.container(horizontal=True):
        goal = segmented(
            "Weighting",
            GOALS,
            "table_goal",
            state.goal,
            "Error that selects the settings and gives the verdict: the mean absolute error "
            "averaged over target ranges (balanced MAE), or over all rows (MAE).",
        )
        budget = segmented(
            "Budget",
            BUDGETS,
            "table_budget",
            state.budget,
            "Number of settings tried per kind of model, training steps, and repeats of the "
            "cross-validation.",
        )
        ranges = st.number_input(
            "Target ranges, at most",
            1,
            tabular_plan.MOST_RANGES,
            tabular_plan.RANGES,
            width=160,
            help="Their edges are chosen by the shape of the target, with at least "
            f"{tabular_plan.MIN_ROWS_PER_RANGE} rows in each range.",
            **selection.persistent("table_ranges"),
        )
    key = (state.mark, target, group, leave_out, goal, budget, ranges)

    def make() -> tabular_plan.Plan:
        problem = tabular_columns.make_problem(frame, target, leave_out, group, state.notes)
        return tabular_plan.Plan(problem, tabular_plan.BUDGETS[budget], goal, ranges=ranges)

    url_state.write({"sample": state.sample_key, "budget": budget, "goal": goal}, DEFAULTS)
    return or_stop(lambda: state.once("plan", key, make)), key


def preview(state: PageState, frame: pd.DataFrame) -> None:
    """Show the table's name, size and first rows."""
    st.subheader(state.name, anchor=False)
    size = f"{len(frame):,} rows, {frame.shape[1]:,} columns."
    sample = state.sample
    st.caption(f"{size} {sample.about} Source: {sample.source}." if sample else size)
    with st.expander("First rows"):
        st.dataframe(frame.head(50), height=220, hide_index=True)


def segmented(label: str, options: dict[str, str], name: str, default: str, help: str) -> str:
    """Draw a choice between a few options."""
    return st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        required=True,
        default=default,
        help=help,
        **selection.persistent(name),
    )


def choose_columns(
    state: PageState, frame: pd.DataFrame, target: str, group: str | None
) -> tuple[str, ...]:
    """Draw the choice of columns to leave out, first those that may leak the target."""

    def check() -> tabular_columns.Problem:
        with st.spinner("Checking the columns…"):
            return tabular_columns.make_problem(frame, target, (), group)

    found = or_stop(lambda: state.once("checked", (state.mark, target, group), check))
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
    names = [c for c in frame.columns if c not in suspected and c not in (target, group)]
    usual = [c for c in (state.sample.leave_out if state.sample else ()) if c in names]
    more = st.multiselect(
        "More columns to leave out" if found.suspicions else "Columns to leave out",
        names,
        usual,
        **selection.persistent("table_more", target, state.mark),
        placeholder="Columns not known when the model is used",
    )
    return tuple(sorted([*out, *more]))


def or_stop(make: Callable[[], T]) -> T:
    """Return ``make()``; stop the page with a message if the table cannot be used."""
    try:
        return make()
    except UserError as error:
        st.error(error.sentence)
        st.stop()


# A comparison: start, watch, results


def start(key: tuple[Any, ...], plan: tabular_plan.Plan) -> None:
    """Start a comparison; a running one is stopped."""
    from regcls.tabular.comparison import Comparison

    state = page_state()
    state.stop()
    state.run, state.run_key = Comparison(plan, presence.visitor_present()).start(), key


def before(plan: tabular_plan.Plan, key: tuple[Any, ...]) -> None:
    """Show the target's distribution and the button that starts the comparison."""
    from regcls.tabular import charts as tabular_charts

    picture = tabular_charts.target(plan.problem.y, plan.edges, plan.problem.target)
    charts.draw(picture, name="table-target", settings=f"{len(plan.problem.y):,} rows.")
    st.caption(plan.target_ranges.summary)
    st.button(
        "Compare",
        on_click=start,
        args=(key, plan),
        type="primary",
        icon=":material/play_arrow:",
        key="table_start",
    )
    subsample = ""
    if plan.subsampled:
        subsample = (
            f" The search uses {tabular_plan.SEARCH_ROWS:,} training rows of each fold; the best "
            "settings are then trained on all of them."
        )
    st.caption(
        f"About {duration(plan.seconds)}: {len(tabular_plan.KINDS)} kinds of models, "
        f"{plan.budget.settings} settings each, {len(plan.splits)} held-out folds.{subsample}"
    )


def watch() -> None:
    """Show progress and results so far; rerun the page when the comparison ends."""
    presence.visitor_present()
    run = page_state().run
    if run is None or not run.running:
        st.rerun()
    now = run.progress
    left = "" if now.seconds_left is None else f", about {duration(now.seconds_left)} left"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(now.share, f"{now.folds_done} of {now.folds} folds complete{left}")
        st.button("Cancel", on_click=run.cancel, icon=":material/stop:", key="table_cancel")
    if run.results is None:
        st.info("First results appear when the first fold is complete.")
    else:
        st.caption(
            "Results so far. Intervals appear after five folds; wait for the last fold before you "
            "decide."
        )
        comparison_results.summary(run.results, live=True)


def compare(state: PageState, frame: pd.DataFrame) -> None:
    """Draw the settings and, below, the comparison: not yet started, running or complete."""
    plan, key = settings(state, frame)
    if plan.problem.notes:
        with st.expander(f"Changes made to the table ({len(plan.problem.notes)})"):
            st.markdown("\n".join(f"- {note}" for note in plan.problem.notes))
    if state.run is None or state.run_key != key:
        if state.run is not None and state.run.running:
            st.info("Settings changed. Compare stops the current run and starts a new one.")
        before(plan, key)
    elif state.run.running:
        st.fragment(watch, run_every=REFRESH_SECONDS)()
    else:
        comparison_results.final(state.run)


def how_to_read() -> None:
    """Explain what is compared and how."""
    hidden = " and ".join(map(str, tabular_plan.HIDDEN))
    with st.expander("How to read this", icon=":material/menu_book:"):
        st.markdown(
            f"- **Models.** Small networks with two hidden layers of {hidden} units that differ "
            "only in their loss: **reg**; the **control**, reg with a tuned loss scale, since a "
            "larger loss alone can help; **reg+cls**; inverse and square-root **weights** and "
            "**LDS** in both variants (Yang et al. 2021); **Balanced MSE** (Ren et al. 2022); "
            "**HL-Gauss** (Imani and White 2018). Gradient-boosted trees are shown for comparison.\n"
            "- **Equal tuning.** Each kind of model tries the same number of settings; the best is "
            "selected on inner validation rows. Errors are measured on rows used neither for "
            "training nor for selection (nested 5-fold cross-validation).\n"
            "- **Balanced MAE.** The mean absolute error per target range, averaged over ranges, so "
            "that rare values count as much as frequent ones. **MAE** weights every row equally.\n"
            "- **Intervals** (95 %) are for new rows and new training runs on tables like this "
            "one, corrected for the number of comparisons. Remedies are compared with the control. "
            "If an interval includes zero, the table does not show a difference; *practically "
            "equal* means that the interval lies within ±5 %."
        )


st.title("Your table", anchor=False)
st.markdown(
    "Does adding classification help *your* regression? Upload a table, choose the target, and "
    "compare *reg+cls* with the established methods for imbalanced regression."
)
first_visit()
inputs()
how_to_read()
shown = page_state()
if shown.frame is not None:
    compare(shown, shown.frame)
