"""Study: grids of experiments, what their results show, and every setting; start and stop a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from pages import through_app
from pages.components import folds, study_panels, study_run, url_state
from regcls import study
from regcls.study import answer, catalogue, findings, layout
from regcls.study.summary import CellSummary, Comparison, Summary

through_app()

SOURCES = {"store": "Trained on this machine", "shipped": "Shipped with regcls"}
SWITCH = {"reg": "plain reg", "control": "the control", "tuned": "both sides tuned"}
OWN = frozenset(("grid", "against", "cell"))  # parameters of this page's address
NO_TUNING = (
    "**Both sides tuned:** the grid “fair”, which tunes reg and reg+cls with the same budget, has no "
    "results yet."
)


@dataclass
class PageState:
    """What the page keeps between reruns, and while another page is open."""

    message: str = ""  # about the address
    kept: dict[str, str] = field(default_factory=dict)  # grid, comparison and setting


def page_state() -> PageState:
    """Return the page's state in this session."""
    return st.session_state.setdefault("study", PageState())


# Results


@st.cache_resource(show_spinner="Reading results…", max_entries=8)
def results_of(name: str, source: str, store: str, stamp: tuple[Any, ...]) -> study.Results:
    """Read results; ``stamp`` is part of the cache key only and changes with the files."""
    return catalogue.read(study_run.grid_of(name), source, Path(store))


@st.cache_resource(show_spinner="Summarising results…", max_entries=8)
def trained_summary(name: str, store: str, stamp: tuple[Any, ...]) -> Summary | None:
    """Summarise what is trained on this machine; None without results."""
    return catalogue.trained_summary(study_run.grid_of(name), Path(store))


def stamp_of(name: str) -> tuple[Any, ...]:
    """Return a value that changes with the results of a grid."""
    return catalogue.stamp(study_run.grid_of(name), catalogue.store_path())


def results(view: Summary) -> study.Results:
    """Return the full results behind a summary."""
    store = str(catalogue.store_path())
    return results_of(view.grid, view.source, store, stamp_of(view.grid))


def summaries(name: str) -> dict[str, Summary]:
    """Return the summaries of a grid by source, the larger first."""
    try:
        trained = trained_summary(name, str(catalogue.store_path()), stamp_of(name))
    except study.StoreError:  # reported with the status of the run
        trained = None
    return catalogue.by_source(name, trained)


def tuned_summary() -> Summary | None:
    """Return the summary of the grid that tunes both sides, if it has results."""
    return next(iter(summaries(answer.TUNED).values()), None)


# Choices


def initial(name: str, offered: Iterable[str], what: str) -> None:
    """Set a widget's first value: from the address, else to what was shown last.

    The browser's Back button brings this page back with the query of the page that was left.
    """
    offered = list(offered)
    key, state = f"study_{name}", page_state()
    if st.session_state.get(key) in offered:
        return
    address = url_state.query()
    named = address.get(name)
    if not OWN.intersection(address) and state.kept.get(name) in offered:
        st.session_state[key] = state.kept[name]
        return
    st.session_state[key], message = catalogue.choose(named, offered, what)
    if message:
        state.message = message


def forget(*names: str) -> None:
    """Discard choices that belong to what was shown before."""
    state = page_state()
    state.message = ""
    for name in names:
        st.session_state.pop(f"study_{name}", None)
        state.kept.pop(name, None)
        url_state.remove(name)


def choose_grid() -> str:
    """Draw the choice of a grid."""
    offered = catalogue.available_grids()
    initial("grid", offered, "grid")
    titles = {name: study_run.grid_of(name).title for name in offered}
    return st.selectbox(
        "Grid",
        list(offered),
        key="study_grid",
        on_change=forget,
        args=("cell", "row", "run"),
        format_func=lambda name: f"{name}: {titles[name]}" if titles[name] else name,
        label_visibility="collapsed",
    )


def choose_source(name: str, found: dict[str, Summary]) -> Summary:
    """Draw the choice between results of this machine and shipped ones, if there are both."""
    if len(found) == 1:
        return next(iter(found.values()))
    source = st.segmented_control(
        "Results",
        list(found),
        format_func=SOURCES.__getitem__,
        default=next(iter(found)),
        required=True,
        key=f"study_source_{name}",
        label_visibility="collapsed",
    )
    return found[source]


def choose_comparison(offered: list[str]) -> str:
    """Draw the switch between what reg+cls is compared with."""
    initial("against", offered, "comparison")
    st.segmented_control(
        "Compare reg+cls with",
        offered,
        format_func=SWITCH.__getitem__,
        required=True,
        key="study_against",
        on_change=forget_foreign_cell,
        label_visibility="collapsed",
    )
    return st.session_state["study_against"]


def forget_foreign_cell() -> None:
    """Discard the setting where the switch goes to another grid's settings, or back."""
    grid = st.session_state["study_grid"]
    view = answer.TUNED if st.session_state["study_against"] == "tuned" else grid
    if st.session_state.get("study_cell") not in layout.cells_by_slug(study_run.grid_of(view)):
        forget("cell", "row", "run")


# The page


def tiles_of(shown: Summary, tuned: Summary | None) -> dict[str, tuple[Summary, Comparison]]:
    """Return what the tiles show: this grid's pooled ratios, and those of tuned models."""
    found = {key: (shown, c) for key, c in shown.comparisons.items() if c.counted}
    if tuned is not None and not shown.tuned and tuned.comparisons["tuned"].counted:
        found["tuned"] = (tuned, tuned.comparisons["tuned"])
    if shown.tuned:
        paper = next(iter(summaries("paper").values()), None)
        others = {} if paper is None else paper.comparisons
        found |= {key: (paper, c) for key, c in others.items() if paper and c.counted}
    return found


def show(shown: Summary) -> str:
    """Show the results of a grid; return what reg+cls is compared with."""
    tuned = tuned_summary()
    if shown.headline:
        st.markdown(f"## {shown.headline}")
    study_panels.tiles(tiles_of(shown, tuned), shown.grid)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        against = choose_comparison(list(shown.comparisons if shown.tuned else SWITCH))
        view = tuned if against == "tuned" and not shown.tuned else shown
        if view is None:
            st.info("The grid “fair” has no results yet. Choose it above and start it.")
        elif against not in view.comparisons:
            st.info("This grid has no such model to compare with.")
        else:
            initial("cell", [cell.cell for cell in view.cells], "setting")
            study_panels.heat_map(view, against, st.session_state["study_cell"])
            if view is not shown:
                st.caption("Settings of the grid “fair”, which tunes both sides.")
    cell = None
    if view is not None and against in view.comparisons:
        with right:
            cell = study_panels.choose_cell(view)
            study_panels.setting(view, cell, against)
    points(shown, tuned)
    if view is not None and cell is not None:
        details(view, cell)
    return against


def points(shown: Summary, tuned: Summary | None) -> None:
    """Show what the results say, one sentence per point."""
    texts = list(shown.points)
    if not shown.tuned:
        compared = None if tuned is None else tuned.comparisons["tuned"]
        note = " (grid “fair”)"
        texts.append(findings.against(compared, note) if compared else NO_TUNING)
    st.subheader("What the results say", anchor=False)
    st.markdown("\n".join(f"- {text}" for text in texts[:5]))


def details(view: Summary, cell: CellSummary) -> None:
    """Show the details; what is folded is not read."""
    if part := folds.fold("Runs of this setting", "study_fold_runs"):
        with part:
            full = results(view)
            cells = layout.cells_by_slug(full.grid)
            study_panels.runs_of(full, cells[cell.cell], cell.label, view.settings)
    if part := folds.fold("Error curves", "study_fold_curves"):
        with part:
            study_panels.curves(view, cell.row)
    if part := folds.fold("Tables and files", "study_fold_tables"):
        with part:
            study_panels.groups(view)
            if view.published:
                study_panels.compared_with_paper(view)
            study_panels.files(results(view))


def run_it(name: str, running: bool, found: bool) -> None:
    """Show the run of a grid, folded once there are results; an active one is at the top."""
    if part := folds.fold("Run it yourself", study_run.fold_key(name), expanded=not found):
        with part:
            if running:
                st.caption("The active run is shown at the top of the page.")
            else:
                study_run.panel(name, running=False)


left, right = st.columns([1, 2], vertical_alignment="center")
left.title("Study", anchor=False)
messages = st.container()
header = right.container(horizontal=True, vertical_alignment="center")
with header:
    name = choose_grid()
status = study_run.status_of(name)
running = status is not None and status.running
# The run is drawn first: while new results are read, its old place must not show a second one.
top, body, below = st.container(), st.container(), st.container()
if running:
    with top, st.container(border=True):
        study_run.panel(name, running=True)
    with below:
        run_it(name, running=True, found=True)
found = summaries(name)
if not running:
    with below:
        run_it(name, running=False, found=bool(found))
if found:
    with header:
        shown = choose_source(name, found)
with body:
    against = show(shown) if found else ""
    if not found:
        st.info(
            "The first models are being trained. Results appear here."
            if running
            else "No models of this grid are trained yet. Start the run to see results here."
        )
if part := folds.fold("How to read this", "study_fold_how"):
    with part:
        study_panels.how_to_read()
if message := page_state().message:
    messages.warning(message)
cell = st.session_state.get("study_cell") if found or "cell" in url_state.query() else None
values = {"grid": name, "against": against, "cell": cell}
url_state.write(values, {"against": "reg"})
page_state().kept = {key: str(value) for key, value in values.items() if value}
