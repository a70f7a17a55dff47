"""Parts of the Study page: tiles, the heat map, the setting beside it, curves and tables."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from pages.components import charts, downloads
from regcls import published, study
from regcls.stats.verdicts import BETTER, TOO_FEW, WORSE
from regcls.study import answer, catalogue, effect_chart, error_chart, layout, range_chart
from regcls.study.summary import CellSummary, Comparison, Summary

ALL_RUNS = "All runs"
STYLE = """<style>
.study-tiles { display: grid; gap: .6rem; grid-template-columns: repeat(3, minmax(0, 1fr)); }
.study-tile { border: 1px solid rgba(128, 140, 150, .45); border-radius: .5rem;
  padding: .45rem .8rem .5rem; line-height: 1.35; }
.study-tile b { font-size: 1.5rem; font-weight: 600; margin-right: .35rem; }
.study-tile div { font-size: .85rem; }
@media (max-width: 640px) {
  .study-tiles { grid-template-columns: minmax(0, 1fr); gap: .4rem; }
}
</style>"""


# Tiles


def tiles(found: dict[str, tuple[Summary, Comparison]], shown: str) -> None:
    """Show the pooled ratios, each with its grid where that is not the one shown."""
    parts = [tile(key, *found[key], shown) for key in answer.TITLES if key in found]
    st.html(f'{STYLE}<div class="study-tiles">{"".join(parts)}</div>')


def tile(key: str, summary: Summary, compared: Comparison, shown: str) -> str:
    """Return a tile as HTML: name, ratio with its interval, verdict, and its grid."""
    interval = "" if math.isnan(compared.low) else f"[{compared.low:.3f}, {compared.high:.3f}]"
    grid = f" · grid “{html.escape(summary.grid)}”" if summary.grid != shown else ""
    lines = (
        f"<div><strong>{answer.TITLES[key]}</strong>{grid}</div>",
        f"<div><b>{compared.ratio:.3f}</b>{interval} × the test MSE</div>",
        f"<div>{outcome(compared)}</div>",
    )
    return f'<div class="study-tile">{"".join(lines)}</div>'


def outcome(compared: Comparison) -> str:
    """Return the verdict over all settings and in how many settings there is one."""
    if compared.verdict == TOO_FEW:
        return f"too few functions for a verdict ({compared.functions})"
    counts = f"better in {compared.count(BETTER)} of {compared.counted} settings"
    worse = f", worse in {compared.count(WORSE)}" if compared.count(WORSE) else ""
    overall = {BETTER: "lower error overall", WORSE: "higher error overall"}
    return f"{overall.get(compared.verdict, compared.verdict)}; {counts}{worse}"


# The heat map and the setting beside it


def heat_map(view: Summary, against: str, picked: str) -> None:
    """Show the ratio of every setting; a click chooses one."""
    picture = effect_chart.effect_map(view, against, picked)
    settings = view.settings
    if cell := view.cell(picked):
        settings += f" Highlighted: {cell.label}."
    key = f"study_map_{view.grid}_{against}"
    charts.chart(
        picture, key=key, on_select=partial(pick, key), selection_mode=effect_chart.SELECTION
    )
    charts.caption(picture)
    with st.popover("Save chart", icon=":material/download:", key="save_study-help"):
        charts.files(lambda: picture, "study-help", settings=settings)


def pick(key: str) -> None:
    """Show the setting that was clicked."""
    points = st.session_state[key]["selection"].get(effect_chart.SELECTION) or []
    if points and points[0].get("cell"):
        st.session_state["study_cell"] = points[0]["cell"]


def choose_cell(view: Summary) -> CellSummary:
    """Draw the choice of a setting; return it."""
    labels = {cell.cell: cell.label for cell in view.cells}
    slug = st.selectbox(
        "Setting", list(labels), key="study_cell", format_func=lambda name: labels.get(name, name)
    )
    return next(cell for cell in view.cells if cell.cell == slug)


def setting(view: Summary, cell: CellSummary, against: str) -> None:
    """Show the ratio and the errors per target range of a setting, and the way to the Lab."""
    effect, other = cell.against[against], view.comparisons[against].name
    if not cell.runs:
        st.info("No models of this setting are trained yet.")
        return
    wins = (
        "" if math.isnan(effect.wins) else f" Lower error in {effect.wins:.0%} of {cell.runs} runs."
    )
    st.markdown(f"**{effect.label}** times the test MSE of {other}: {effect.verdict}.{wins}")
    picture = range_chart.range_errors(range_chart.mean_ranges(cell), one_run=False)
    settings = f"{view.settings} Setting: {cell.label}."
    charts.draw(picture, key="study_ranges", name="study-ranges", settings=settings)
    if not cell.lab:
        st.caption("This setting cannot be opened in the Lab.")
        return
    open_in_lab(cell.lab, "study_lab", tuned=view.tuned)


def open_in_lab(query: dict[str, str], key: str, tuned: bool) -> None:
    """Draw the button that opens a run's settings in the Lab."""
    note = "Trains the first run of this setting live."
    if tuned:
        note += " All three models get the tuned setting of reg+cls."
    if st.button("Open in Lab", icon=":material/experiment:", key=key, help=note):
        st.switch_page("pages/lab.py", query_params=query)


# Folds


def runs_of(results: study.Results, cell: study.Cell, label: str, settings: str) -> None:
    """Show the runs of a setting as a table, and one of them in detail."""
    left, right = st.columns(2)
    with left:
        st.dataframe(layout.run_table(results, cell), hide_index=True, height=380)
    with right:
        runs = {run_label(run): run for run in results.grid.runs}
        chosen = st.selectbox("Run", [ALL_RUNS, *runs], key="study_run")
        if (run := runs.get(chosen)) is None:
            st.caption("Choose a run to see its errors per target range and to open it in the Lab.")
            return
        one_run(results, cell, run, f"{settings} Setting: {label}. Run: {chosen}.")


def run_label(run: study.Run) -> str:
    """Return the function and the seeds of a run."""
    return f"function {run.function}, data seed {run.data_seed}, initialisation {run.init_seed}"


def one_run(results: study.Results, cell: study.Cell, run: study.Run, settings: str) -> None:
    """Show the errors per target range of one run, and the way to the Lab."""
    table = results.ranges(cell, run)
    if table.empty:
        st.info("This run is not trained yet.")
        return
    picture = range_chart.range_errors(table, one_run=True)
    charts.draw(picture, key="study_one_run", name="study-run", settings=settings)
    try:
        query = results.lab_settings(cell, run).to_query()
    except study.GridError as error:
        st.caption(f"This setting cannot be opened in the Lab. {error.sentence}")
        return
    open_in_lab(query, "study_lab_run", tuned=catalogue.is_tuned(results.grid))
    text = f"The Lab trains function {run.function} with data seed {run.data_seed}"
    if run.init_seed != run.data_seed:
        text += f" and initialisation {run.data_seed} instead of {run.init_seed}"
    st.caption(f"{text}.")


def curves(view: Summary, row: str) -> None:
    """Show the mean test error of each setting in one row of the layout."""
    rows = view.places()[1]
    if len(rows) > 1:
        row = st.selectbox("Row of the heat map", rows, index=rows.index(row), key="study_row")
    picture = error_chart.error_curves(view, row)
    charts.draw(picture, key="study_errors", name="study-errors", settings=view.settings)


def groups(view: Summary) -> None:
    """Show the pooled ratios by the values of each setting that varies."""
    rows = [
        {"against": c.name, "setting": setting, "value": value, "settings": cells, **numbers(part)}
        for c in view.comparisons.values()
        for setting, value, cells, part in (
            ("all", "all", c.cells, c),
            *((group.setting, group.value, group.cells, group) for group in c.groups),
        )
    ]
    downloads.results("**Pooled ratios by setting**", rows, f"{view.grid}-groups.csv")
    for text in dict.fromkeys(text for c in view.comparisons.values() for text in c.basis):
        st.caption(text)


def numbers(part: object) -> dict[str, object]:
    """Return ratio, interval, p-value and verdict as columns."""
    names = {"ratio": "ratio", "low": "low", "high": "high", "p": "p (Holm)", "verdict": "verdict"}
    return {title: getattr(part, name) for name, title in names.items()}


def compared_with_paper(view: Summary) -> None:
    """Show how the results agree with the published ones."""
    st.markdown("**Comparison with published results**")
    st.markdown("\n".join(f"- {text}" for text in view.published))
    st.caption(f"Source: {published.SOURCE_1D}.")


def files(results: study.Results) -> None:
    """Show all settings as a table, and offer the files."""
    st.markdown("**All settings**")
    table = layout.cell_table(results)
    st.dataframe(table, hide_index=True)
    name = results.grid.name
    with st.container(horizontal=True):
        save("Settings (CSV)", lambda: csv(table), f"{name}-cells.csv")
        for kind in ("CSV", "Parquet"):
            ending = f".{kind.lower()}"
            make = partial(catalogue.export_bytes, results, ending)
            save(f"Models ({kind})", make, name + ending)


def csv(table: pd.DataFrame) -> str:
    """Return a table as CSV."""
    return table.to_csv(index=False)


def save(label: str, make: Callable[[], str | bytes], name: str) -> None:
    """Draw a download button; the file is made when the button is clicked."""
    downloads.button(label, make, name, key=f"study_{name}")


def how_to_read() -> None:
    """Explain the terms and the charts."""
    st.markdown(
        "- **Grid and setting.** A grid is a plan of experiments. Each of its settings is run on "
        "several functions and data seeds, and every setting is shown.\n"
        "- **Plain reg and the control.** Plain reg has the loss scale 1; the control is reg with "
        "the loss scale λ of reg+cls. Only a gain over the control is due to the classes.\n"
        "- **Both sides tuned.** Learning rate, loss scale or λ, and weight decay are tuned on "
        "validation data for reg and for reg+cls, with the same budget.\n"
        "- **Ratios.** Geometric mean over functions of the test MSE of reg+cls divided by that of "
        "the other model; below 1, reg+cls has the lower error.\n"
        "- **Verdicts.** Functions are the independent units. Intervals (95%) and verdicts are "
        "Holm-corrected. Practically equal: the interval lies within 5% of 1."
    )
