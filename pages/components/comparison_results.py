"""Results of a comparison on the page Your table: verdict, charts, files and new predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import balance, charts, downloads, table_input
from regcls.exceptions import UserError
from regcls.io.reading import AUTOMATIC, Reading
from regcls.tabular import plan as tabular_plan

if TYPE_CHECKING:
    from regcls.tabular.comparison import Comparison, Results

MOST_COLUMNS = 8  # named above the uploader for new rows
MOST_ROWS = 200  # of the new predictions, on the page


def summary(results: Results, live: bool = False) -> None:
    """Show the verdict and the charts; while the comparison runs, without widgets."""
    from regcls.tabular import charts as tabular_charts
    from regcls.tabular import verdict
    from regcls.tabular.results import ESTIMAND

    found = verdict.verdict(results)
    with st.container(border=True):
        st.markdown(f"**{found.headline}**")
        st.markdown("\n".join(f"- {point}" for point in found.points))
        st.markdown(f"**What to try first.** {found.first}")
        st.caption(f"Verdicts hold for {ESTIMAND}.")
    named = "" if live else "table"  # while it runs, each redraw would make new buttons
    charts.draw(tabular_charts.changes(results), name=named and f"{named}-changes")
    best = results.best_network()
    picked = list(dict.fromkeys(["reg", "control", "reg+cls", best, tabular_plan.TREES]))
    if not live:
        picked = st.pills(
            "Models",
            list(tabular_plan.KINDS),
            default=picked,
            selection_mode="multi",
            format_func=tabular_plan.NAMES.__getitem__,
            key="table_kinds",
        )
    if picked:
        kinds = tuple(kind for kind in tabular_plan.KINDS if kind in picked)
        picture = tabular_charts.per_range(results, kinds, results.plan.problem.target)
        charts.draw(picture, name=named and f"{named}-ranges")
        st.caption(results.plan.target_ranges.summary)
        if not live:
            settings = tabular_charts.settings_text(results)
            balance.draw(results.report(kinds), "table", settings=settings)


def final(run: Comparison) -> None:
    """Show all results of a comparison that has ended or was cancelled."""
    if run.error:
        st.error(
            f"The comparison stopped with an unexpected error ({type(run.error).__name__}). "
            "Leave out the columns that you added last, and compare again."
        )
    if run.cancelled:
        st.info("The comparison was cancelled. Results of the folds that were complete are below.")
    if run.results is None:
        return
    summary(run.results)
    with st.expander("All figures"):
        st.dataframe(run.results.table, hide_index=True)
        st.dataframe(run.results.comparisons(), hide_index=True)
        st.dataframe(run.results.ranges(), hide_index=True)
    if run.models:
        files(run, run.results)
        new_rows(run)


def files(run: Comparison, results: Results) -> None:
    """Offer figures, held-out predictions, code and models as files."""
    from regcls.io.tables import safe_csv
    from regcls.tabular import onnx_export, verdict
    from regcls.tabular.pytorch_code import snippet

    st.subheader("Download", anchor=False)
    plan = run.plan
    kind = st.selectbox(
        "PyTorch code for",
        list(tabular_plan.NETWORKS),
        format_func=tabular_plan.NAMES.__getitem__,
        index=list(tabular_plan.NETWORKS).index("reg+cls"),
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
