"""The run of a grid on this machine: its status, and the buttons to start, stop and resume it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from regcls import study
from regcls.exceptions import UserError, sentence
from regcls.study import catalogue
from regcls.utils.text import duration

WATCH_SECONDS = 2.0  # between two updates of the status while a run is active
IDLE_SECONDS = 10.0  # the same while none is: another visitor may start one
REDRAW_SECONDS = 20.0  # between two updates of the results while a run is active

EARLIER_DATA = (
    "These results are for earlier data sets, which are no longer generated. To train this grid on "
    "today's data, copy its file without the lines data_version and samples, and run the copy."
)


@dataclass
class RunState:
    """What the page keeps about a run between reruns."""

    grid: str = ""  # whose run this is about
    stopping: bool = False  # asked to stop, while it still runs
    problem: str = ""  # why the latest request could not be met
    note: str = ""  # what a request has changed
    unfold: bool = False  # whether to open its fold when that is drawn next
    running: bool = False  # when the results were drawn last
    done: int = 0
    at: float = 0.0  # time.time()


def run_state(grid: str) -> RunState:
    """Return the state of this session for a grid; that of another grid is discarded."""
    state = st.session_state.get("study_run_state")
    if state is None or state.grid != grid:
        state = st.session_state["study_run_state"] = RunState(grid)
    return state


@st.cache_resource(show_spinner=False, max_entries=20)
def _loaded(path: str, stamp: int) -> study.Grid:
    return study.load(path)


def grid_of(name: str) -> study.Grid:
    """Return an available grid, whose models are listed once."""
    path = catalogue.available_grids()[name]
    stamp = Path(path).stat().st_mtime_ns if path.endswith(".toml") else 0
    return _loaded(path, stamp)


def status_of(name: str) -> study.Status | None:
    """Return the status of a grid; None if it cannot be trained or its store cannot be used."""
    grid = grid_of(name)
    if not grid.trainable:
        return None
    try:
        return study.read_status(grid, catalogue.store_path())
    except study.StoreError:  # `watch` reports it
        return None


def fold_key(name: str) -> str:
    """Return the key of the fold in which a grid is started and resumed; open it if it is wanted.

    Who stops a run does so in a fragment, which does not draw the fold: what it wrote into the key
    would be lost.
    """
    key, state = f"study_fold_run_{name}", run_state(name)
    if state.unfold:
        st.session_state[key], state.unfold = True, False
    return key


# Requests


def start(name: str) -> None:
    """Start or resume the run."""
    state = run_state(name)
    state.problem = state.note = ""
    state.stopping = False
    try:
        study.start(catalogue.available_grids()[name], catalogue.store_path())
    except (UserError, OSError) as error:
        state.problem = f"The run was not started. {sentence(error)}"


def stop(name: str) -> None:
    """Stop the active run, and open the fold in which it can be resumed."""
    state = run_state(name)
    state.problem = state.note = ""
    try:
        study.stop(catalogue.store_path())
        state.stopping = state.unfold = True
    except (UserError, OSError) as error:
        state.problem = f"The run could not be stopped. {sentence(error)}"


def renew(name: str) -> None:
    """Move a damaged store aside and create a new one."""
    state = run_state(name)
    try:
        with study.Store(catalogue.store_path(), fresh=True) as store:
            state.note = f"The damaged store was moved to {store.moved}."
    except study.StoreError as error:
        state.problem = error.sentence


# Drawing


def panel(name: str, running: bool) -> None:
    """Show the status of the grid's run, which updates itself."""
    every = WATCH_SECONDS if running else IDLE_SECONDS
    st.fragment(watch, run_every=every)(name)


def watch(name: str) -> None:
    """Show the status of the grid's run and the button to start, stop or resume it."""
    grid, store = grid_of(name), catalogue.store_path()
    if not grid.trainable:
        st.info(EARLIER_DATA)
        return
    state = run_state(name)
    try:
        status = study.read_status(grid, store)
    except study.StoreError as error:
        st.error(error.sentence)
        if isinstance(error, study.StoreDamaged):
            st.button("Move it aside and create a new store", on_click=renew, args=(name,))
        return
    state.stopping = state.stopping and status.running
    left = "" if status.share >= 1 else f", about {duration(status.seconds_left)} left"
    st.progress(
        min(status.share, 1.0),
        text=f"{status.done} of {status.models} models trained on this machine{left}",
    )
    controls(name, status)
    for text in filter(None, (state.note, state.problem, words(name, status, state))):
        st.caption(text)
    redraw(status, state)


def controls(name: str, status: study.Status) -> None:
    """Draw the button that fits the status, or say why there is none."""
    others = [runner for runner in status.runners if runner.grid != status.grid]
    if status.running:
        stop_button("Stop the run", name)
    elif others:
        st.info(f"{others[0].grid} is running in this store. Only one grid can run at a time.")
        stop_button(f"Stop {others[0].grid}", name)
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
            args=(name,),
            type="primary",
            icon=":material/play_arrow:",
            key="study_start",
        )


def stop_button(label: str, name: str) -> None:
    """Draw the button that stops the active run."""
    st.button(label, on_click=stop, args=(name,), icon=":material/stop:", key="study_stop")


def words(name: str, status: study.Status, state: RunState) -> str:
    """Return what the status does not show: what goes on, or how this grid's last run ended."""
    if status.running and state.stopping:
        return "The run stops after the current epoch. Trained models are kept."
    if status.running:
        return "The run continues when you close this page."
    if status.runners or status.done >= status.models:
        return ""
    last = catalogue.last_log_line(catalogue.store_path(), name)
    return f"Last line of this grid's log: {last}" if last else ""


def redraw(status: study.Status, state: RunState) -> None:
    """Rerun the page when a run has started or ended, or new results are due to be drawn."""
    now = time.time()
    if not state.at:
        state.running, state.done, state.at = status.running, status.done, now
    due = not status.running or now - state.at > REDRAW_SECONDS
    if status.running != state.running or (status.done != state.done and due):
        state.running, state.done, state.at = status.running, status.done, now
        st.rerun()
