"""Study: grids of experiments, their results and findings; start and stop a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import streamlit as st

from pages import through_app
from pages.components import charts, downloads, study_panels, url_state
from regcls import published, study
from regcls.exceptions import UserError, sentence
from regcls.study import (
    catalogue,
    effect_chart,
    error_chart,
    findings,
    layout,
    panels,
    range_chart,
)
from regcls.utils.text import duration

through_app()

WATCH_SECONDS = 2.0  # between two updates of the status while a run is active
IDLE_SECONDS = 10.0  # the same while none is: another visitor may start one
REDRAW_SECONDS = 20.0  # between two updates of the results while a run is active
ALL_RUNS = "All runs"
SOURCES = {"store": "Trained on this machine", "shipped": "Shipped with regcls"}

ResultsBySource: TypeAlias = dict[str, study.Results]

EARLIER_DATA = (
    "These results are for earlier data sets, which are no longer generated. To train this grid on "
    "today's data, copy its file without the lines data_version and samples, and run the copy."
)


@dataclass
class Seen:
    """The status of the run at the time the results were drawn."""

    running: bool
    done: int
    at: float  # time.time()


@dataclass
class PageState:
    """What the page keeps between reruns, besides its widgets."""

    message: str = ""  # about the address
    note: str = ""  # about the run
    seen: Seen | None = None


def page_state() -> PageState:
    """Return the page's state in this session."""
    return st.session_state.setdefault("study", PageState())


# The grid and its results


@st.cache_resource(show_spinner="Reading results…", max_entries=6)
def results_of(grid: str, store: str, stamp: tuple[Any, ...]) -> ResultsBySource:
    """Read results; ``stamp`` is part of the cache key only and changes with the files."""
    return catalogue.read(study.load(grid), Path(store) if store else None)


def results(name: str) -> ResultsBySource:
    """Return the results of a grid by source; a store that cannot be used is left out."""
    grid, store = catalogue.available_grids()[name], catalogue.store_path()
    stamp = catalogue.stamp(study.load(grid), store)
    try:
        return results_of(grid, str(store), stamp)
    except study.StoreError:  # reported with the status of the run
        return results_of(grid, "", stamp)


def initial(name: str, offered: Iterable[str], what: str) -> None:
    """Set a widget's first value from the address, and keep a message if that is impossible."""
    offered = list(offered)
    key = f"study_{name}"
    if st.session_state.get(key) not in offered:
        named = url_state.query().get(name)
        st.session_state[key], message = catalogue.choose(named, offered, what)
        if message:
            page_state().message = message


def forget_grid() -> None:
    """Discard what belongs to the grid shown before."""
    st.session_state["study"] = PageState()
    st.session_state.pop("study_cell", None)
    url_state.remove("cell")


def choose_grid() -> str:
    """Draw the choice of a grid."""
    offered = catalogue.available_grids()
    initial("grid", offered, "grid")
    titles = {name: study.load(grid).title for name, grid in offered.items()}
    return st.selectbox(
        "Grid",
        list(offered),
        key="study_grid",
        on_change=forget_grid,
        format_func=lambda name: f"{name}: {titles[name]}" if titles[name] else name,
    )


def choose_source(found: ResultsBySource) -> study.Results:
    """Draw the choice between results of this machine and shipped ones, if there are both."""
    if len(found) == 1:
        return next(iter(found.values()))
    source = st.segmented_control(
        "Results",
        list(found),
        format_func=SOURCES.__getitem__,
        default=next(iter(found)),
        required=True,
        key=f"study_source_{st.session_state['study_grid']}",
    )
    return found[source]


# A run: start, watch, stop, resume


def start(grid: str) -> None:
    """Start or resume the run."""
    state = page_state()
    try:
        study.start(grid, catalogue.store_path())
        state.note = "The run continues when you close this page."
    except (UserError, OSError) as error:
        state.note = f"The run was not started. {sentence(error)}"


def stop() -> None:
    """Stop the active run."""
    state = page_state()
    try:
        study.stop(catalogue.store_path())
        state.note = "The run stops after the current epoch. Trained models are kept."
    except (UserError, OSError) as error:
        state.note = f"The run could not be stopped. {sentence(error)}"


def renew() -> None:
    """Move a damaged store aside and create a new one."""
    state = page_state()
    try:
        with study.Store(catalogue.store_path(), fresh=True) as store:
            state.note = f"The damaged store was moved to {store.moved}."
    except study.StoreError as error:
        state.note = error.sentence


def stop_button(label: str) -> None:
    """Draw the button that stops the active run."""
    st.button(label, on_click=stop, icon=":material/stop:", key="study_stop")


def watch(name: str) -> None:
    """Show the status of the grid's run and the button to start, stop or resume it."""
    grid, store = catalogue.available_grids()[name], catalogue.store_path()
    if not (loaded := study.load(grid)).trainable:
        st.info(EARLIER_DATA)
        return
    try:
        status = study.read_status(loaded, store)
    except study.StoreError as error:
        st.error(error.sentence)
        if isinstance(error, study.StoreDamaged):
            st.button("Move it aside and create a new store", on_click=renew)
        return
    left = "" if status.share >= 1 else f", about {duration(status.seconds_left)} left"
    st.progress(
        min(status.share, 1.0),
        text=f"{status.done} of {status.models} models trained on this machine{left}",
    )
    others = [runner for runner in status.runners if runner.grid != status.grid]
    if status.running:
        stop_button("Stop the run")
    elif others:
        st.info(f"{others[0].grid} is running in this store. Only one grid can run at a time.")
        stop_button(f"Stop {others[0].grid}")
    elif status.elsewhere:
        run = status.elsewhere[0]
        st.info(
            f"{run.grid} is running on this machine (process {run.pid}, store {run.store}). Only "
            "one grid can run at a time: wait until it has finished, or stop it where it was started."
        )
    elif status.done < status.models:
        st.button(
            "Resume" if status.done else "Start",
            on_click=start,
            args=(grid,),
            type="primary",
            icon=":material/play_arrow:",
            key="study_start",
        )
        if line := catalogue.last_log_line(store):
            st.caption(f"Last line of the log: {line}")
    if note := page_state().note:
        st.caption(note)
    redraw(status)


def redraw(status: study.Status) -> None:
    """Rerun the page when a run has started or ended, or new results are due to be drawn."""
    state, now = page_state(), time.time()
    if state.seen is None:
        state.seen = Seen(status.running, status.done, now)
    due = not status.running or now - state.seen.at > REDRAW_SECONDS
    if status.running != state.seen.running or (status.done != state.seen.done and due):
        state.seen = Seen(status.running, status.done, now)
        st.rerun()


# Charts of all cells


def places(table: pd.DataFrame) -> tuple[list[str], tuple[list[str], list[str]]]:
    """Return the values along x, and the titles of rows and columns."""
    x, row, sampling = (list(dict.fromkeys(table[name])) for name in ("x", "row", "sampling"))
    return x, (row, sampling)


def errors_tab(shown: study.Results, picked: str) -> None:
    """Show the mean test error of each cell and model."""
    x, grid = places(layout.cell_table(shown))
    points, published_points = layout.mean_errors(shown), layout.published_means(shown)
    st.html(error_chart.model_legend(points["model"], not published_points.empty))
    title = layout.grid_layout(shown.grid).title
    drawn = error_chart.error_panels(points, published_points, x, title, grid, picked)
    study_panels.sheet(drawn, "errors", shown.grid, picked)


def effect_tab(shown: study.Results, tuned: study.Results | None, picked: str) -> str:
    """Show the effect of the class head in each cell; return what reg+cls is compared with."""
    results = shown
    if catalogue.is_tuned(shown.grid):
        against = "tuned"
        st.caption("Both sides are tuned in this grid, and their best settings are compared.")
    else:
        initial("against", layout.AGAINST, "comparison")
        st.segmented_control(
            "Compare reg+cls with",
            list(layout.AGAINST),
            format_func=layout.AGAINST.__getitem__,
            required=True,
            key="study_against",
        )
        against = st.session_state["study_against"]
        if against == "tuned":
            if tuned is None:
                st.info("The grid “fair” has no results yet. Choose it above and start it.")
                return against
            results = tuned
            st.caption("Settings of the grid “fair”, which tunes both sides.")
    other = layout.AGAINST[against]
    st.html(effect_chart.effect_legend(other))
    compared = layout.comparison_table(results, against)
    x, grid = places(compared)
    title = layout.grid_layout(results.grid).title
    drawn = effect_chart.effect_panels(compared, x, title, grid, other, picked)
    study_panels.sheet(drawn, "help", results.grid, picked)
    return against


# One cell


def cell_details(shown: study.Results) -> None:
    """Show the chosen cell: errors per target range, its runs, and the way to the Lab."""
    cells = layout.cells_by_slug(shown.grid)
    plan = layout.grid_layout(shown.grid)
    slug = st.selectbox(
        "Setting",
        list(cells),
        key="study_cell",
        format_func=lambda slug: layout.cell_label(plan, cells[slug]),
    )
    cell = cells[slug]
    runs = {run_label(run): run for run in shown.grid.runs}
    run = runs.get(st.selectbox("Run", [ALL_RUNS, *runs], key="study_run"))
    left, right = st.columns(2)
    with left:
        ranges(shown, cell, run)
    with right:
        st.markdown("**Runs**")
        st.dataframe(layout.run_table(shown, cell), hide_index=True, height=280)
    open_in_lab(shown, cell, run or shown.grid.runs[0])


def run_label(run: study.Run) -> str:
    """Return the function and the seeds of a run."""
    return f"function {run.function}, data seed {run.data_seed}, initialisation {run.init_seed}"


def ranges(shown: study.Results, cell: study.Cell, run: study.Run | None) -> None:
    """Show the errors per target range of a cell's runs or of one run."""
    table = shown.ranges(cell, run)
    if table.empty:
        st.info("No models of this setting are trained yet.")
        return
    setting = layout.cell_label(layout.grid_layout(shown.grid), cell)
    settings = f"{panels.settings_text(shown.grid)} Setting: {setting}."
    if run:
        settings += f" Run: {run_label(run)}."
    picture = range_chart.range_errors(table, run is not None)
    charts.draw(picture, key="study_ranges", name="study-ranges", settings=settings)


def open_in_lab(shown: study.Results, cell: study.Cell, run: study.Run) -> None:
    """Draw the button that opens a run's settings in the Lab."""
    try:
        query = shown.lab_settings(cell, run).to_query()
    except UserError as error:
        st.caption(f"This setting cannot be opened in the Lab. {error.sentence}")
        return
    if st.button("Open in Lab", icon=":material/experiment:", key="study_lab"):
        st.switch_page("pages/lab.py", query_params=query)
    text = f"The Lab trains function {run.function} with data seed {run.data_seed}"
    if run.init_seed != run.data_seed:
        text += f" and initialisation {run.data_seed} instead of {run.init_seed}"
    if catalogue.is_tuned(shown.grid):
        text += ". All three models get the tuned setting of reg+cls"
    st.caption(f"{text}.")


def tables(shown: study.Results) -> None:
    """Show the comparison with published results and all cells, with files."""
    compared = findings.published(shown)
    if compared:
        st.subheader("Comparison with published results", anchor=False)
        st.markdown(bullets(compared))
        st.caption(f"Source: {published.SOURCE_1D}.")
    st.subheader("All settings", anchor=False)
    table = layout.cell_table(shown)
    st.dataframe(table, hide_index=True)
    name = shown.grid.name
    with st.container(horizontal=True):
        save("Settings (CSV)", lambda: table.to_csv(index=False), f"{name}-cells.csv")
        for kind in ("CSV", "Parquet"):
            ending = f".{kind.lower()}"
            save(f"Models ({kind})", partial(catalogue.export_bytes, shown, ending), name + ending)


def save(label: str, make: Callable[[], str | bytes], name: str) -> None:
    """Draw a download button; the file is made when the button is clicked."""
    downloads.button(label, make, name, key=f"study_{name}")


# The page


def bullets(paragraphs: Iterable[str]) -> str:
    """Return paragraphs as a Markdown list."""
    return "\n".join(f"- {paragraph}" for paragraph in paragraphs)


def pooled_effect(shown: study.Results) -> None:
    """Show the pooled effect of the classes, what it is estimated from, and its groups."""
    st.subheader("Findings", anchor=False)
    st.markdown("\n\n".join(f"#### {text}" for text in findings.headline(shown)))
    st.caption(" ".join(findings.basis(shown)))
    with st.expander("Pooled effect by setting"):
        st.dataframe(layout.pooled_table(shown), hide_index=True)


def show(found: ResultsBySource) -> str:
    """Show the results of a grid; return what reg+cls is compared with."""
    shown = choose_source(found)
    tuned = next(iter(results(catalogue.TUNED).values()), None)
    initial("cell", layout.cells_by_slug(shown.grid), "setting")
    with st.container(border=True):
        pooled_effect(shown)
        st.markdown(bullets(findings.advice(shown, tuned)))
    first, second = st.tabs(["Test error", "Does it help?"])
    picked = st.session_state["study_cell"]
    with first:
        errors_tab(shown, picked)
    with second:
        against = effect_tab(shown, tuned, picked)
    st.subheader("One setting", anchor=False)
    cell_details(shown)
    tables(shown)
    return against


def how_to_read() -> None:
    """Explain the terms and the charts."""
    with st.expander("How to read this"):
        st.markdown(
            "- **Grid and setting.** A grid is a plan of experiments. Each of its settings is run on "
            "several functions and data seeds, and every setting is shown.\n"
            "- **Plain reg and the control.** Plain reg has the loss scale 1; the control is reg with "
            "the loss scale λ of reg+cls. Only a gain over the control is due to the classes.\n"
            "- **Tuned reg.** Learning rate, loss scale or λ, and weight decay are tuned on validation "
            "data for reg and for reg+cls, with the same budget.\n"
            "- **Verdicts.** Functions are the independent units. Intervals and verdicts are "
            "Holm-corrected. Practically equal: the interval lies within 5 % of 1."
        )


st.title("Study", anchor=False)
st.markdown(
    "When does classification help regression, by how much, and does it still help when reg has the "
    "same loss scale?"
)
messages = st.container()
name = choose_grid()
with st.container(border=True):
    seen = page_state().seen
    running = seen is not None and seen.running
    st.fragment(watch, run_every=WATCH_SECONDS if running else IDLE_SECONDS)(name)
found = results(name)
against = show(found) if found else ""
if not found:
    st.info("No models of this grid are trained yet. Start the run to see results here.")
how_to_read()
if message := page_state().message:
    messages.warning(message)
cell = st.session_state.get("study_cell") if found or "cell" in url_state.query() else None
url_state.write({"grid": name, "against": against, "cell": cell}, {"against": "reg"})
