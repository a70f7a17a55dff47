"""Your predictions: a table of truths and predictions in, errors per target range out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from pages import through_app
from pages.components import selection, uploads
from regcls.io import tables
from regcls.io.tables import TableError
from regcls.predictions import columns as predictions_columns
from regcls.predictions import ranges as predictions_ranges
from regcls.predictions import report
from regcls.predictions.columns import MOST_MODELS, Columns
from regcls.predictions.ranges import KINDS, MOST_RANGES
from regcls.utils.paths import MODELS_FOLDER

through_app()

PRIVACY = (
    "Tables stay in this session's memory: nothing is written to disk unless you download it, and "
    "nothing leaves the machine that runs this app."
)
EXAMPLES = {"age": "Age of faces (ours)", "progress": "Progress of videos (ours)"}
SIZES = {"count": 10.0, "width": 10.0, "quantile": 10.0}
NONE = "(none)"
METRICS = {"mae": "MAE", "rmse": "RMSE", "bias": "Bias"}


def kept() -> dict:
    """This session's table, its name, the columns guessed in it, its training targets, and a mark
    that tells it from the one before."""
    empty = {"table": None, "name": "", "guess": None, "train": None, "mark": 0}
    return st.session_state.setdefault("predictions", empty)


def take(make, name: str, columns: Columns | None = None) -> None:
    """Read a table and start afresh with it; a bad one leaves what was there."""
    try:
        table = make()
        columns = columns or predictions_columns.guess(table.frame)
    except TableError as error:
        st.session_state["predictions_problem"] = str(error)
        return
    st.session_state.pop("predictions_problem", None)
    mark = kept()["mark"] + 1
    st.session_state["predictions"] = {
        "table": table, "name": name, "guess": columns, "train": None, "mark": mark,
    }  # fmt: skip


def example(task: str) -> None:
    """The shipped pair's own predictions on its test data, and what it was trained on."""
    from regcls.inference import contract
    from regcls.tasks.reports import training_targets

    folder = Path(MODELS_FOLDER) / task
    group = "clip" if task == "progress" else None

    def make() -> tables.Table:
        read = tables.read_table((folder / "test_predictions.parquet").read_bytes(), task)
        return replace(read, frame=read.frame.rename(columns={"regcls": "reg+cls"}))

    take(make, EXAMPLES[task], Columns("y_true", ("reg", "reg+cls"), group=group))
    kept()["train"] = training_targets(contract.read(folder / "reg.onnx"))


def inputs() -> None:
    source = st.segmented_control(
        "Where from", ["File", "Paste"], default="File", required=True, width="stretch",
        label_visibility="collapsed", key="predictions_source",
    )  # fmt: skip
    if source == "File":
        files = [
            st.file_uploader(
                "Truths and predictions", tables.SUFFIXES, key="predictions_file",
                max_upload_size=tables.MAX_BYTES // 1_000_000,
            )
        ]  # fmt: skip
        for file in uploads.unseen(files, "predictions"):
            with st.spinner(f"Reading {file.name}…"):
                take(lambda file=file: tables.read_table(file.getvalue(), file.name), file.name)
            st.session_state["predictions_content"] = file.getvalue()
        choose_sheet()
    else:
        text = st.text_area("Rows, the names of the columns first", key="predictions_text")
        if st.button("Read it", disabled=not text.strip()):
            take(lambda: tables.read_pasted(text), "pasted")
    st.caption("Or try an example:")
    for task, title in EXAMPLES.items():
        st.button(title, on_click=example, args=(task,), key=f"predictions_example_{task}")
    if problem := st.session_state.get("predictions_problem"):
        st.error(problem)


def choose_sheet() -> None:
    """Another sheet of the Excel file that is shown."""
    table, name = kept()["table"], kept()["name"]
    if table is None or len(table.sheets) < 2:
        return
    sheet = st.selectbox("Sheet", table.sheets, key=f"predictions_sheet_{name}")
    if sheet != kept().get("sheet", table.sheets[0]):
        content = st.session_state["predictions_content"]
        take(lambda: tables.read_table(content, name, sheet), name)
        kept()["sheet"] = sheet
        st.rerun()


def columns_of(table: tables.Table) -> Columns:
    names = list(map(str, table.frame.columns))
    guess, mark = kept()["guess"], kept()["mark"]

    def held(name: str) -> dict:
        return selection.held("predictions", name, mark)

    def one(label: str, name: str, **more) -> str | None:
        """A column or none."""
        value = getattr(guess, name)
        first = names.index(value) + 1 if value in names else 0
        picked = st.selectbox(label, [NONE, *names], index=first, **held(name), **more)
        return None if picked == NONE else picked

    target = st.selectbox(
        "True target", names, index=names.index(guess.target), **held("target")
    )  # fmt: skip
    others = [name for name in names if name != target]
    models = st.multiselect(
        "Predictions", others, default=[name for name in guess.models if name in others],
        max_selections=MOST_MODELS, **held("models"),
    )  # fmt: skip
    with st.expander("Training targets, segments, rows that belong together"):
        train = one("Column of training targets", "train")
        train_file(target)
        category = one("Segments by", "category")
        group = one(
            "Rows belong together by", "group",
            help="A person, a video, a day: intervals then resample those, not rows.",
        )  # fmt: skip
    return Columns(target, tuple(models), train, category, group)


def train_file(target: str) -> None:
    key = f"predictions_train_file_{kept()['mark']}"

    def dropped() -> None:  # by the person; coming back to the page empties the widget as well
        if st.session_state[key] is None:
            kept()["train"] = None

    file = st.file_uploader(
        "Or a file of training targets", tables.SUFFIXES, key=key, on_change=dropped,
        max_upload_size=tables.MAX_BYTES // 1_000_000,
    )  # fmt: skip
    for new in uploads.unseen([file], "predictions"):
        try:
            table = tables.read_table(new.getvalue(), new.name)
            kept()["train"] = predictions_columns.training_targets(table.frame, new.name, target)
        except TableError as error:
            st.error(str(error))
    if kept()["train"] is not None:
        st.caption(f"{len(kept()['train']):,} training targets.")


def ranges() -> tuple[str, float, str]:
    def held(name: str) -> dict:
        return selection.held("predictions_ranges", name)

    kind = st.selectbox("Ranges", list(KINDS), format_func=KINDS.get, **held("kind"))
    if kind == "edges":
        hint = "0, 10, 20, 50"
        return kind, 0.0, st.text_input("Edges, with commas", placeholder=hint, **held(kind))
    if kind == "width":
        width = st.number_input("Width of a range", 0.0, None, SIZES[kind], **held(kind))
        return kind, width, ""
    many = st.number_input("How many ranges", 1, MOST_RANGES, int(SIZES[kind]), **held("many"))
    return kind, many, ""


def made(table: tables.Table, columns: Columns, how: tuple) -> report.Report:
    train = kept()["train"]

    def make() -> report.Report:
        found = predictions_columns.arrays(table.frame, columns, train)
        return report.Report(found, predictions_ranges.edges(found, *how))

    key = (kept()["mark"], columns, how, id(train))  # the report that is kept keeps it alive
    if st.session_state.get("predictions_key") != key:
        with st.spinner("Computing errors and intervals…"):
            st.session_state["predictions_report"] = make()
        st.session_state["predictions_key"] = key
        st.session_state.pop("predictions_html", None)
    return st.session_state["predictions_report"]


# The report


def draw(picture) -> None:
    st.altair_chart(picture.chart())
    st.caption(picture.caption)


def show(found: report.Report, name: str) -> None:
    from regcls.plotting import errors
    from regcls.predictions import charts as predictions_charts

    st.markdown(f"#### {found.verdict}")
    for note in found.arrays.notes:
        st.info(note)
    metric = st.segmented_control(
        "Error", list(errors.METRICS), default="mae", required=True, format_func=METRICS.get,
        label_visibility="collapsed", key="predictions_metric",
    )  # fmt: skip
    draw(predictions_charts.errors(found, metric))
    with st.container(horizontal=True):
        html(found, name)
        st.download_button(
            "Errors as CSV", tables.safe_csv(found.errors.table()), "errors.csv", "text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    draw(predictions_charts.distribution(found))
    st.markdown("**Overall**")
    st.dataframe(found.overall.round(4), hide_index=True)
    st.markdown("**Many, medium and few**")
    st.dataframe(found.shots.round(4), hide_index=True)
    st.caption(f"{found.shot_names[1]}.")
    if len(found.models) > 1:
        a, b = st.columns(2)
        first = a.selectbox("Difference of", found.models, len(found.models) - 1)
        others = [model for model in found.models if model != first]
        second = b.selectbox("and", others)
        draw(predictions_charts.differences(found, first, second))
    draw(predictions_charts.residuals(found))
    model = st.selectbox("Predicted against true, of", found.models)
    draw(predictions_charts.density(found, model))
    if len(found.segments):
        st.markdown("**Segments** (the most frequent)")
        st.dataframe(found.segments.round(4), hide_index=True)
    st.markdown("**The worst rows** (counted from 1 below the header)")
    st.dataframe(found.worst, hide_index=True)


def html(found: report.Report, name: str) -> None:
    """Making the page takes a second, so it is made when it is asked for."""
    page = st.session_state.get("predictions_html")
    if page is None:
        if st.button("Make the report (HTML)", icon=":material/description:"):
            from regcls.predictions import html as predictions_html

            with st.spinner("Writing the report…"):
                st.session_state["predictions_html"] = predictions_html.write(found, name)
            st.rerun()
        return
    st.download_button(
        "Download the report (HTML)", page, "errors.html", "text/html", type="primary",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip


def words() -> None:
    with st.expander("How to read this"):
        st.markdown(
            "One average hides what imbalance does: a model may be good where data is plenty and "
            "useless where it is rare. So every figure stands per target range, over how much "
            "training data that range had (give a column or a file of training targets; without, "
            "the test targets stand for them).\n\n"
            "**Intervals** are 95 % percentile bootstraps over rows; where two models are compared, "
            "both are resampled together. A difference whose interval spans zero is no finding. "
            "Rows are taken to be independent unless you say which of them belong together: rows "
            "of one person, video or day are alike, and intervals are too narrow without that.\n\n"
            "**balanced MAE** is the mean over ranges, **gm** the geometric mean of absolute errors, "
            "**SERA** weighs squared errors by how rare the target is in training (Ribeiro and "
            "Moniz, 2020; it needs training targets)."
        )


st.title("Your predictions")
st.markdown("A table with a true target and one or more columns of predictions, from any model.")
left, right = st.columns([1, 2], gap="medium")
with left:
    inputs()
    table = kept()["table"]
    if table is not None:
        chosen, how = columns_of(table), ranges()
    st.caption(PRIVACY)
with right:
    if table is None:
        st.info(
            "Upload a table, paste one, or try an example. It needs a column with the truth and one "
            "or more with predictions; what is what is guessed, and you can correct it.",
            icon=":material/arrow_back:",
        )
    else:
        for note in table.notes:
            st.info(note)
        st.caption(f"{kept()['name']}: {len(table.frame):,} rows, {table.frame.shape[1]} columns.")
        try:
            show(made(table, chosen, how), kept()["name"])
        except TableError as error:
            st.warning(str(error))
    words()
