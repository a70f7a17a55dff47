"""Results of a comparison on the page Your table: verdict, charts, files and new predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import balance, charts, downloads, selection, table_input
from regcls.exceptions import UserError
from regcls.io.reading import AUTOMATIC, Reading
from regcls.tabular import methods
from regcls.utils.text import duration

if TYPE_CHECKING:
    from regcls.tabular.comparison import Comparison, Results

MOST_COLUMNS = 8  # named above the uploader for new rows
MOST_ROWS = 200  # of the new predictions, on the page
# What is below the results so far stays where it is when the first ones appear.
PLACE = "<style>.st-key-table_so_far { min-height: 38rem; }</style>"


def status(run: Comparison) -> None:
    """Show how far a comparison is; the same line stays when it has ended, so that nothing moves."""
    now = run.progress
    folds = f"{now.folds_done} of {now.folds} folds complete"
    with st.container(horizontal=True, vertical_alignment="center", key="table_status"):
        if run.running:
            left = "" if now.seconds_left is None else f", about {duration(now.seconds_left)} left"
            st.progress(now.share, f"{folds}{left}")
            st.button("Cancel", on_click=run.cancel, icon=":material/stop:", key="table_cancel")
        else:
            ended = " before it was cancelled" if run.cancelled else f" in {duration(run.seconds)}"
            st.progress(now.share, f"{folds}{ended}")


def so_far(run: Comparison) -> None:
    """Show the results while a comparison runs, without widgets: each redraw would make new ones."""
    st.html(PLACE)
    with st.container(key="table_so_far"):
        if run.results is None:
            st.info("First results appear when the first fold is complete.")
            return
        finding(run.results)
        st.caption(
            "Results so far. Intervals appear after five folds; wait for the last fold before you "
            "decide."
        )


def finding(results: Results, name: str = "") -> None:
    """Show the verdict beside the changes of the error; with a name, the chart can be saved."""
    from regcls.tabular import charts as tabular_charts
    from regcls.tabular import verdict
    from regcls.tabular.results import ESTIMAND

    found = verdict.verdict(results)
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown(f"## {found.finding}")
        st.markdown(f"**What to try first.** {found.first}")
        power = found.headline.removeprefix(found.finding).strip()
        points = [power, *found.points] if power else found.points
        st.markdown("\n".join(f"- {point}" for point in points))
        st.caption(f"Verdicts hold for {ESTIMAND}.")
    with right:
        charts.draw(tabular_charts.changes(results), name=name)


def final(run: Comparison) -> None:
    """Show all results of a comparison that has ended or was cancelled."""
    status(run)
    if run.error:
        st.error(
            f"The comparison stopped with an unexpected error ({type(run.error).__name__}). "
            "Leave out the columns that you added last, and compare again."
        )
    if run.cancelled:
        st.info("The comparison was cancelled. Results of the folds that were complete are below.")
    if run.results is None:
        return
    finding(run.results, "table-changes")
    st.fragment(details)(run.results)
    if run.models:
        files(run, run.results)
        new_rows(run)


def details(results: Results) -> None:
    """Show the rest of the results in tabs; only the open one is computed."""
    parts = {"Errors per range": per_range, "Balanced targets": balanced, "All figures": figures}
    tabs = st.tabs(list(parts), key="table_tabs", on_change="rerun")
    for tab, draw in zip(tabs, parts.values(), strict=True):
        if tab.open:
            with tab:
                draw(results)


def per_range(results: Results) -> None:
    """Show the errors of some kinds of models per target range."""
    from regcls.tabular import charts as tabular_charts

    if kinds := choose_kinds(results):
        picture = tabular_charts.per_range(results, kinds, results.plan.problem.target)
        charts.draw(picture, name="table-ranges")
        st.caption(results.plan.target_ranges.summary)


def balanced(results: Results) -> None:
    """Show the errors of some kinds of models between natural and balanced targets."""
    from regcls.tabular import charts as tabular_charts

    if kinds := choose_kinds(results):
        settings = tabular_charts.settings_text(results)
        balance.draw(results.report(kinds), "table", settings=settings)


def choose_kinds(results: Results) -> tuple[str, ...]:
    """Draw the choice of the kinds of models to show."""
    best = results.best_network()
    usual = list(dict.fromkeys(["reg", "control", "reg+cls", best, methods.TREES]))
    picked = st.multiselect(
        "Models",
        list(methods.KINDS),
        default=usual,
        format_func=methods.NAMES.__getitem__,
        **selection.persistent("table_kinds"),
    )
    return tuple(kind for kind in methods.KINDS if kind in picked)


def figures(results: Results) -> None:
    """Show all errors and comparisons as tables."""
    for title, table in {
        "Errors": results.table,
        "Comparisons": results.comparisons(),
        "reg+cls per target range": results.ranges(),
    }.items():
        st.markdown(f"**{title}**")
        st.dataframe(table, hide_index=True)


def files(run: Comparison, results: Results) -> None:
    """Offer figures, held-out predictions, code and models as files."""
    from regcls.io.tables import safe_csv
    from regcls.tabular import onnx_export, verdict
    from regcls.tabular.pytorch_code import snippet

    st.subheader("Download", anchor=False)
    plan = run.plan
    kind = st.selectbox(
        "PyTorch code for",
        list(methods.NETWORKS),
        format_func=methods.NAMES.__getitem__,
        index=list(methods.NETWORKS).index("reg+cls"),
        key="table_code",
    )
    rows = round(len(plan.problem.y) * 0.8)
    code = snippet(kind, verdict.usual(results, kind), plan.problem.target, rows, plan.budget.steps)
    with st.expander("Show code"):
        st.code(code, language="python")
    with st.container(horizontal=True):
        file("Errors (CSV)", lambda: safe_csv(results.table), "errors.csv")
        file("Comparisons (CSV)", lambda: safe_csv(results.comparisons()), "comparisons.csv")
        file("Ranges (CSV)", lambda: safe_csv(results.ranges()), "ranges.csv")
        file("Held-out predictions (CSV)", lambda: safe_csv(results.out_of_fold()), "held-out.csv")
        file("Code (Python)", lambda: code, f"train_{kind.replace('+', '')}.py")
        file(
            "Models (ONNX)",
            lambda: onnx_export.onnx_zip(run.models, plan.problem),
            "regcls-table.zip",
        )
    st.caption(
        "The ONNX models take raw column values: imputation, scaling and category encoding are part "
        "of the graph, and the metadata entry “regcls_table” lists columns and category levels. The "
        "held-out predictions can be uploaded on the page Your predictions."
    )


def file(label: str, make: Callable[[], str | bytes], name: str) -> None:
    """Draw a download button; the file is made when the button is clicked."""
    downloads.button(label, make, name, icon=None, key=f"table_save_{name}")


def new_rows(run: Comparison) -> None:
    """Predict rows from another file with the models trained on the whole table."""
    from regcls.io.tables import safe_csv
    from regcls.tabular.models import predict_rows

    st.subheader("Predict new rows", anchor=False)
    columns = run.plan.problem.columns
    names = ", ".join(column.name for column in columns[:MOST_COLUMNS])
    more = f" and {len(columns) - MOST_COLUMNS} more" if len(columns) > MOST_COLUMNS else ""
    uploaded = table_input.uploader(f"Table with the columns {names}{more}", key="table_new")
    if uploaded is None:
        return
    try:
        reading = st.session_state.get(key := f"table_new_reading_{uploaded.file_id}", AUTOMATIC)
        table = table_input.read(uploaded.getvalue(), uploaded.name, reading)

        def read_again(changed: Reading) -> None:
            st.session_state[key] = changed

        if not table_input.reading_controls(table, read_again, f"{key}_{hash(reading)}"):
            return
        predicted = predict_rows(run.models, run.plan.problem, table.frame)
    except UserError as error:
        st.error(error.sentence)
        return
    st.dataframe(predicted.head(MOST_ROWS), hide_index=True)
    file("Predictions (CSV)", lambda: safe_csv(predicted), "predictions.csv")
