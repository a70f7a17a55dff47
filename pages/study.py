"""Study: whole grids of experiments, their results and what they say; start and stop a run."""

import time
from pathlib import Path

import streamlit as st

from pages import through_app
from regcls import published as _published
from regcls import study
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

WATCH_SECONDS = 2.0  # between two looks at a run
IDLE_SECONDS = 10.0  # the same where nothing runs: somebody else may begin
REDRAW_SECONDS = 20.0  # between two redraws of the results while a run goes on
ALL_RUNS = "All runs"
SOURCES = {"store": "this machine's runs", "shipped": "shipped with regcls"}


@st.cache_resource(show_spinner="Reading the results…", max_entries=6)
def results_of(name: str, what: str, store: str, stamp: tuple):
    """Results by source; ``stamp`` changes with the files."""
    return catalogue.read(study.load(what), Path(store) if store else None)


def results(name: str) -> dict:
    what, store = catalogue.available_grids()[name], catalogue.store_path()
    stamp = catalogue.stamp(study.load(what), store)
    try:
        return results_of(name, what, str(store), stamp)
    except study.StoreError:  # told where the run is shown; the shipped results need no store
        return results_of(name, what, "", stamp)


def from_address(name: str, offered, what: str) -> None:
    """The widget's first value comes from the address; one that is not there is told."""
    key = f"study_{name}"
    if st.session_state.get(key) not in offered:
        value, message = catalogue.choose(st.query_params.get(name), offered, what)
        st.session_state[key] = value
        if message:
            st.session_state["study_message"] = message


def to_address(**values: str) -> None:
    query = {name: value for name, value in values.items() if value}
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def forget_cell() -> None:
    for name in ("study_cell", "study_message", "study_note", "study_shown"):
        st.session_state.pop(name, None)
    st.query_params.pop("cell", None)


def choose_grid() -> str:
    offered = catalogue.available_grids()
    from_address("grid", offered, "grid")
    titles = {name: study.load(what).title for name, what in offered.items()}
    return st.selectbox(
        "Grid", list(offered), key="study_grid", on_change=forget_cell,
        format_func=lambda name: f"{name}: {titles[name]}" if titles[name] else name,
    )  # fmt: skip


# A run: start, watch, stop, resume


def start(what: str) -> None:
    try:
        study.start(what, catalogue.store_path())
        st.session_state["study_note"] = "The run goes on when this page is closed."
    except (ValueError, OSError) as error:
        st.session_state["study_note"] = f"It was not started: {error}."


def halt() -> None:
    try:
        study.stop(catalogue.store_path())
        st.session_state["study_note"] = "It stops at the next epoch; what is trained is kept."
    except (ValueError, OSError) as error:
        st.session_state["study_note"] = f"It could not be stopped: {error}."


def renew() -> None:
    try:
        with study.Store(catalogue.store_path(), fresh=True) as kept:
            st.session_state["study_note"] = f"The damaged store is now {kept.moved}."
    except study.StoreError as error:
        st.session_state["study_note"] = f"{error}."


def watch(name: str) -> None:
    """Where the grid stands, and the one button that fits."""
    what, store = catalogue.available_grids()[name], catalogue.store_path()
    try:
        now = study.read_status(study.load(what), store)
    except study.StoreDamaged as error:
        st.error(f"{error}.")
        st.button("Put it aside and start a fresh store", on_click=renew)
        return
    except study.StoreError as error:
        st.error(f"{error}.")
        return
    left = "" if now.share >= 1 else f", about {duration(now.seconds_left)} left"
    st.progress(
        min(now.share, 1.0), text=f"{now.done} of {now.models} models on this machine{left}"
    )
    others = [runner for runner in now.runners if runner.grid != now.grid]
    if now.running:
        st.button("Stop the run", on_click=halt, icon=":material/stop:", key="study_stop")
    elif others:
        st.info(f"{others[0].grid} is at work in this store; one grid runs at a time.")
        st.button("Stop that run", on_click=halt, icon=":material/stop:", key="study_stop")
    elif now.elsewhere:
        run = now.elsewhere[0]
        st.info(
            f"{run.grid} is at work on this machine (process {run.pid}, into {run.store}); one "
            "grid runs at a time. Wait until it has finished, or stop it where it was started."
        )
    elif now.done < now.models:
        word = "Resume" if now.done else "Start"
        st.button(
            word, on_click=start, args=(what,), type="primary", icon=":material/play_arrow:",
            key="study_start",
        )  # fmt: skip
        if said := catalogue.last_log_line(store):
            st.caption(f"The last run said: {said}")
    if note := st.session_state.get("study_note"):
        st.caption(note)
    redraw(now)


def redraw(now: study.Status) -> None:
    """Start the whole page over when results have come, or a run has begun or ended."""
    shown = st.session_state.setdefault("study_shown", (now.running, now.done, time.time()))
    changed = now.running != shown[0]
    due = not now.running or time.time() - shown[2] > REDRAW_SECONDS
    if changed or (now.done != shown[1] and due):
        st.session_state["study_shown"] = (now.running, now.done, time.time())
        st.rerun()


# Results


def chosen(found: dict) -> study.Results:
    if len(found) == 1:
        return next(iter(found.values()))
    source = st.segmented_control(
        "Results", list(found), format_func=SOURCES.get, default=next(iter(found)), required=True,
        key=f"study_source_{st.session_state['study_grid']}",
    )  # fmt: skip
    return found[source]


def pick(key: str) -> None:
    """A click on a point or cell."""
    points = st.session_state[key]["selection"].get(panels.SELECTION) or []
    if points and points[0].get("cell"):
        st.session_state["study_cell"] = points[0]["cell"]


def panel(picture, key: str, title: str) -> None:
    st.markdown(f"**{title}**")
    st.vega_lite_chart(
        picture.live, width="stretch", key=key, on_select=lambda: pick(key),
        selection_mode=panels.SELECTION,
    )  # fmt: skip


def sheet(made: panels.Panels, name: str) -> None:
    for i, row in enumerate(made.rows):
        for j, column in enumerate(st.columns(len(made.columns))):
            sampling = made.columns[j]
            with column:
                title = f"{sampling}, {row}" if row else sampling
                panel(made.panels[row, sampling], f"study_{name}_{i}_{j}", title)
    st.caption(made.caption)
    with st.container(horizontal=True):
        save("Chart (PNG)", made.png, f"study-{name}.png")
        save("Chart (SVG)", made.svg, f"study-{name}.svg")


def save(label: str, make, name: str) -> None:
    st.download_button(label, make, name, on_click="ignore", key=f"study_{name}")


def places(table) -> tuple[list[str], tuple[list[str], list[str]]]:
    return list(dict.fromkeys(table["x"])), (
        list(dict.fromkeys(table["row"])), list(dict.fromkeys(table["sampling"])),
    )  # fmt: skip


def errors_tab(shown: study.Results, picked: str) -> None:
    table = layout.cell_table(shown)
    xs, grid = places(table)
    points, published = layout.mean_errors(shown), layout.published_means(shown)
    st.html(error_chart.model_legend(points["model"], not published.empty))
    made = error_chart.error_panels(
        points, published, xs,
        layout.grid_layout(shown.grid).title, grid, picked,
    )  # fmt: skip
    sheet(made, "errors")


def help_tab(shown: study.Results, tuned: study.Results | None, picked: str) -> str:
    """The heat map; returns what reg+cls is compared with."""
    if catalogue.is_tuned(shown.grid):
        against, of = "tuned", shown
        st.caption("Best setting against best: both sides are tuned in this grid.")
    else:
        from_address("against", layout.AGAINST, "comparison")
        against = st.segmented_control(
            "reg+cls against", list(layout.AGAINST), format_func=layout.AGAINST.get,
            required=True, key="study_against",
        )  # fmt: skip
        of = tuned if against == "tuned" else shown
        if of is None:
            st.info(
                "No results of the grid “fair”, which tunes both sides alike, are here yet: choose "
                "that grid above and start it."
            )
            return against
        if of is not shown:
            st.caption("These are the cells of the grid “fair”, best setting against best.")
    st.html(effect_chart.effect_legend(layout.AGAINST[against]))
    compared = layout.comparison_table(of, against)
    xs, grid = places(compared)
    title = layout.grid_layout(of.grid).title
    other = layout.AGAINST[against]
    sheet(effect_chart.effect_panels(compared, xs, title, grid, other, picked), "help")
    return against


def cell_details(shown: study.Results) -> None:
    """The chosen cell: its errors per target range, its runs, and the way to the Lab."""
    by_name = layout.cells_by_slug(shown.grid)
    name = st.selectbox(
        "Setting", list(by_name), key="study_cell",
        format_func=lambda n: layout.cell_label(layout.grid_layout(shown.grid), by_name[n]),
    )  # fmt: skip
    cell = by_name[name]
    runs = {f"function {r.function}, seed {r.data_seed}, start {r.init_seed}": r
            for r in shown.grid.runs}  # fmt: skip
    word = st.selectbox("Run", [ALL_RUNS, *runs], key="study_run")
    run = runs.get(word)
    left, right = st.columns(2)
    with left:
        table = shown.ranges(cell, run)
        if table.empty:
            st.info("This is not trained yet.")
        else:
            st.markdown("**Test error per target range, over the training data**")
            st.html(error_chart.model_legend(table["role"]))
            picture = range_chart.range_errors(table, run is not None)
            st.vega_lite_chart(picture.live, width="stretch", key="study_ranges")
            st.caption(picture.caption)
    with right:
        st.markdown("**Its runs**")
        st.dataframe(layout.run_table(shown, cell), hide_index=True, height=280)
    open_in_lab(shown, cell, run or shown.grid.runs[0])


def open_in_lab(shown: study.Results, cell: study.Cell, run: study.Run) -> None:
    try:
        query = shown.lab_settings(cell, run).to_query()
    except ValueError as error:
        st.caption(f"The Lab cannot show it: {error}.")
        return
    if st.button("Open in Lab", icon=":material/experiment:", key="study_lab"):
        st.switch_page("pages/lab.py", query_params=query)
    words = f"function {run.function}, seed {run.data_seed}"
    if run.init_seed != run.data_seed:
        words += "; the Lab starts from the data set's first initialisation, not from this one"
    if catalogue.is_tuned(shown.grid):
        words += "; the Lab takes the tuned setting of reg+cls for all three models"
    st.caption(f"The Lab then trains {words}.")


def tables(shown: study.Results) -> None:
    told = findings.published(shown)
    if told:
        st.subheader("The published figures beside ours", anchor=False)
        st.markdown("\n".join(f"- {said}" for said in told))
    st.subheader("All cells", anchor=False)
    table = layout.cell_table(shown)
    st.dataframe(table, hide_index=True)
    with st.container(horizontal=True):
        name = shown.grid.name
        save("Cells (CSV)", lambda: table.to_csv(index=False), f"{name}-cells.csv")
        save("Models (CSV)", lambda: catalogue.export_bytes(shown, ".csv"), f"{name}.csv")
        save("Models (Parquet)", lambda: catalogue.export_bytes(shown, ".parquet"), f"{name}.parquet")
    if told:
        st.caption(_published.SOURCE_1D)


st.title("Study", anchor=False)
st.markdown(
    "When does classification help regression, by how much, and is it still so when reg has the "
    "same loss scale?"
)
told = st.container()
name = choose_grid()
with st.container(border=True):
    running = st.session_state.get("study_shown", (False,))[0]
    st.fragment(watch, run_every=WATCH_SECONDS if running else IDLE_SECONDS)(name)
found = results(name)
against = ""
if not found:
    st.info("Nothing of this grid is trained yet. Start it above; results appear as they come.")
else:
    shown = chosen(found)
    tuned = next(iter(results(catalogue.TUNED).values()), None)
    cells = layout.cells_by_slug(shown.grid)
    from_address("cell", cells, "setting")
    with st.container(border=True):
        st.subheader("What the results say", anchor=False)
        st.markdown("\n".join(f"- {said}" for said in findings.advice(shown, tuned)))
    first, second = st.tabs(["Test error", "Does it help?"])
    picked = st.session_state["study_cell"]
    with first:
        errors_tab(shown, picked)
    with second:
        against = help_tab(shown, tuned, picked)
    st.subheader("One setting", anchor=False)
    cell_details(shown)
    tables(shown)
with st.expander("How to read this"):
    st.markdown(
        "A *grid* is a plan of experiments; a *cell* is one setting of it, run on several functions "
        "and data seeds. **Test error**: means over runs with bands; published means as marks. "
        "**Does it help?** colours each cell by the median ratio of the errors of reg+cls and reg "
        "(or the control, or reg tuned alike); pale cells are undecided, since their interval holds "
        "1. p-values are Wilcoxon's, corrected by Holm over the whole grid. No cell is left out."
    )
if message := st.session_state.get("study_message"):
    told.warning(message)
to_address(
    grid=name, against=against if against != "reg" else "",
    cell=st.session_state.get("study_cell", "") if "cell" in st.query_params or found else "",
)  # fmt: skip
