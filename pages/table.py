"""Your table: does classification help your own regression, and what else does?"""

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import through_app
from pages.components import selection, uploads
from regcls.io.tables import MAX_BYTES, SUFFIXES
from regcls.tabular import columns as tabular_columns
from regcls.tabular import plan as tabular_plan
from regcls.tabular import samples
from regcls.utils.text import duration

through_app()

PRIVACY = (
    "Your table stays in this session's memory. Nothing is written to disk, nothing leaves the "
    "machine that runs this app. Close the page and it is gone."
)
TYPES, MOST_MB = list(SUFFIXES), MAX_BYTES // 1_000_000
LOOK_SECONDS = 1.0  # between two looks at a comparison that runs
NONE = "none"
BUDGET_WORDS = {
    "quick": "Quick",
    "normal": "Normal",
    "thorough": "Thorough",
}
GOAL_WORDS = {"balanced": "every target range alike", "overall": "every row alike"}


# A table in: the page keeps (frame, name, notes, sample)


def take(data: bytes, name: str, sheet: str | None = None) -> None:
    """A file's table becomes the page's; a file that cannot be read is told."""
    from regcls.io.tables import TableError, read_table

    try:
        with st.spinner(f"Reading {name}…"):
            read = read_table(data, name, sheet)
    except TableError as error:
        st.session_state["table_problem"] = str(error)
        return
    keep(read.frame, name, tuple(read.notes), None)
    st.session_state["table_sheets"] = (data, name, tuple(read.sheets or ()), sheet)


def keep(frame, name: str, notes: tuple[str, ...], sample: str | None) -> None:
    stop_old()
    st.session_state.pop("table_problem", None)
    st.session_state.pop("table_sheets", None)
    st.session_state["table_mark"] = st.session_state.get("table_mark", 0) + 1
    frame, renamed = tabular_columns.unique_names(frame)
    st.session_state["table"] = frame, name, (*notes, *renamed), sample


def take_sample(name: str) -> None:
    keep(samples.load(name), samples.SAMPLES[name].title, (), name)


def stop_old() -> None:
    if run := st.session_state.pop("table_run", None):
        run[1].cancel()


def from_address() -> None:
    """Of the first visit: ?sample=, budget=, goal=."""
    if "table_seen" in st.session_state:
        return
    st.session_state["table_seen"] = set()
    query = st.query_params
    for name, offered in (("budget", tabular_plan.BUDGETS), ("goal", tabular_plan.GOALS)):
        if query.get(name) in offered:
            st.session_state[f"table_first_{name}"] = query[name]
    if sample := query.get("sample"):
        if sample in samples.SAMPLES:
            take_sample(sample)
        else:
            known = ", ".join(samples.SAMPLES)
            st.toast(f"There is no sample {sample!r}; the samples are {known}.")


def to_address(budget: str, goal: str) -> None:
    sample = st.session_state["table"][3]
    wanted = {"sample": sample, "budget": budget, "goal": goal}
    wanted = {k: v for k, v in wanted.items() if v and v != USUAL.get(k)}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


USUAL = {"budget": "quick", "goal": "balanced"}


def inputs() -> None:
    """Upload or sample."""
    left, right = st.columns([3, 2])
    file = left.file_uploader(
        "A table: CSV, Parquet or Excel, one row a sample", TYPES, max_upload_size=MOST_MB
    )  # fmt: skip
    for new in uploads.unseen([file], "table"):
        take(new.getvalue(), new.name)
    left.caption(PRIVACY)
    with right:
        st.markdown("Or a real sample")
        for name, sample in samples.SAMPLES.items():
            st.button(
                sample.title, on_click=take_sample, args=(name,), key=f"table_sample_{name}",
                type="tertiary", icon=":material/table_chart:",
            )  # fmt: skip
    if problem := st.session_state.pop("table_problem", None):
        st.error(problem)
    choose_sheet()


def choose_sheet() -> None:
    data, name, sheets, sheet = st.session_state.get("table_sheets", (None, None, (), None))
    if len(sheets) > 1:
        picked = st.selectbox("Sheet", sheets, index=sheets.index(sheet) if sheet else 0)
        if picked != (sheet or sheets[0]):
            take(data, name, picked)
            st.rerun()


# What is asked


def remembered(what: str, key: tuple, make):
    """``make()``, kept in this session alone until the key changes: tables are nobody else's."""
    kept = st.session_state.get(f"table_kept_{what}")
    if kept is None or kept[0] != key:
        kept = st.session_state[f"table_kept_{what}"] = key, make()
    return kept[1]


def first_of(name: str) -> str:
    """What a widget says first: the address's word, else the usual one."""
    return st.session_state.get(f"table_first_{name}", USUAL[name])


def ask() -> tuple[tabular_plan.Plan, tuple]:
    """The plan that the widgets describe, and its key. Stops with a sentence where there is none."""
    frame, name, notes, sample = st.session_state["table"]
    told = samples.SAMPLES.get(sample)
    st.subheader(name, anchor=False)
    words = f"{len(frame):,} rows, {frame.shape[1]:,} columns."
    st.caption(f"{words} {told.about} Source: {told.source}." if told else words)
    with st.expander("First rows"):
        st.dataframe(frame.head(50), height=220, hide_index=True)
    mark = st.session_state["table_mark"]
    able = remembered("targets", (mark,), lambda: tabular_columns.possible_targets(frame))
    if not able:
        st.error("No column holds different numbers, so there is nothing to predict here.")
        st.stop()
    others = [column for column in frame.columns if column not in able]
    columns = st.columns(2)
    first = told.target if told else able[-1]
    offered = [*able, *others]
    target = columns[0].selectbox(
        "Target: the number to predict",
        offered,
        offered.index(first),
        **selection.held("table_target", mark),
    )
    groups = [NONE, *(c for c in frame.columns if c != target)]
    first = told.group if told and told.group in groups else NONE
    group = columns[1].selectbox(
        "Rows that belong together", groups, groups.index(first), **selection.held("table_group", mark),
        help="A column such as person or place: rows of one value are held out together, so that "
        "nothing is learned from a twin of a test row.",
    )  # fmt: skip
    group = None if group == NONE else group
    leave_out = choose_columns(target, group, told)
    with st.container(horizontal=True):
        goal = st.segmented_control(
            "What counts", list(GOAL_WORDS), format_func=GOAL_WORDS.get, required=True,
            default=first_of("goal"), **selection.held("table_goal"),
            help="Settings are picked, and the verdict is given, by the mean over target ranges "
            "of the mean absolute error (balanced MAE), or over all rows.",
        )  # fmt: skip
        budget = st.segmented_control(
            "Budget", list(BUDGET_WORDS), format_func=BUDGET_WORDS.get, required=True,
            default=first_of("budget"), **selection.held("table_budget"),
            help="How many settings each kind of model may try, how long each learns, and how "
            "often the cross-validation is repeated.",
        )  # fmt: skip
    key = (mark, target, group, leave_out, goal, budget)
    return planned(key, frame, notes), key


def choose_columns(target: str, group: str | None, told) -> tuple[str, ...]:
    """Columns that may tell the answer, each with a box; and any others to leave out."""
    frame, mark = st.session_state["table"][0], st.session_state["table_mark"]
    key = (mark, target, group)
    found = remembered("checked", key, lambda: checked(frame, target, group))
    out = []
    if found.suspicions:
        st.warning(
            "Some columns may tell the answer, which a model would not know when it is used. "
            "Those ticked are left out."
        )
        for one in found.suspicions:
            text = f"Leave out **{one.column}**: {one.reason}."
            if st.checkbox(
                text, one.certain, **selection.held("table_out", target, one.column, mark)
            ):
                out.append(one.column)
    suspected = {one.column for one in found.suspicions}
    names = [c for c in frame.columns if c not in suspected and c not in (target, group)]
    usual = [c for c in (told.leave_out if told else ()) if c in names]
    more = st.multiselect(
        "More columns to leave out", names, usual, **selection.held("table_more", target, mark),
        placeholder="What would not be known when the model is used",
    )  # fmt: skip
    return tuple(sorted([*out, *more]))


def checked(frame, target: str, group: str | None):
    """The problem with all columns in it, for what it says of them."""
    try:
        with st.spinner("Looking at the columns…"):
            return tabular_columns.problem(frame, target, (), group)
    except tabular_columns.AdviseError as error:
        tell(error)


def planned(key: tuple, frame, notes: tuple[str, ...]) -> tabular_plan.Plan:
    _, target, group, leave_out, goal, budget = key

    def make():
        problem = tabular_columns.problem(frame, target, leave_out, group, notes)
        return tabular_plan.Plan(problem, tabular_plan.BUDGETS[budget], goal)

    try:
        return remembered("plan", key, make)
    except tabular_columns.AdviseError as error:
        tell(error)


def tell(error: Exception) -> None:
    text = str(error)
    st.error(text[:1].upper() + text[1:] + ".")
    st.stop()


# A comparison: start, watch, cancel


def start(key: tuple, plan: tabular_plan.Plan) -> None:
    from regcls.tabular.comparison import Comparison

    context = get_script_run_ctx()
    session = context.session_id if context else ""

    def present() -> bool:
        """Whether this person's page is still open; tests have no server to ask."""
        return not exists() or get_instance().is_active_session(session)

    stop_old()
    st.session_state["table_run"] = key, Comparison(plan, present).start()


def before(plan: tabular_plan.Plan, key: tuple) -> None:
    """What there is before anything runs."""
    from regcls.tabular import charts as tabular_charts

    draw(tabular_charts.target(plan.problem.y, plan.edges, plan.problem.target))
    st.button(
        "Compare", on_click=start, args=(key, plan), type="primary", icon=":material/play_arrow:",
        key="table_start",
    )  # fmt: skip
    sampled = ""
    if plan.subsampled:
        sampled = (
            f" Settings are searched on {tabular_plan.SEARCH_ROWS:,} of each fold's rows; the best "
            "then learn from all."
        )
    fits = len(plan.fits)
    st.caption(
        f"About {duration(plan.seconds)}: {len(tabular_plan.KINDS)} kinds of models, "
        f"{plan.budget.settings} settings each, on {fits} held-out folds.{sampled}"
    )


def watch() -> None:
    """Progress and what is known so far; when it ends the whole page is drawn anew."""
    run = st.session_state["table_run"][1]
    if not run.running:
        st.rerun()
    now = run.progress
    left = "" if now.seconds_left is None else f", about {duration(now.seconds_left)} left"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(now.share, f"{now.folds_done} of {now.folds} folds are done{left}")
        st.button("Cancel", on_click=run.cancel, icon=":material/stop:", key="table_cancel")
    if run.results is None:
        st.info("First results appear when the first fold is done.")
    else:
        st.caption("So far; intervals narrow as folds come.")
        answer(run.results, live=True)


def draw(picture) -> None:
    st.vega_lite_chart(picture.live, width="stretch", alt=picture.caption)
    st.caption(picture.caption)


def answer(results, live: bool = False) -> None:
    """Verdict and charts."""
    from regcls.tabular import charts as tabular_charts
    from regcls.tabular import verdict

    said = verdict.verdict(results)
    with st.container(border=True):
        st.markdown(f"**{said.headline}**")
        st.markdown("\n".join(f"- {point}" for point in said.points))
        st.markdown(f"**What to try first.** {said.first}")
    draw(tabular_charts.changes(results))
    best = verdict.best_network(results)
    usual = list(dict.fromkeys(["reg", "control", "reg+cls", best, "trees"]))
    kinds = usual
    if not live:
        kinds = st.pills(
            "Models", list(tabular_plan.KINDS), default=usual, selection_mode="multi",
            format_func=tabular_plan.NAMES.get, key="table_kinds",
        )  # fmt: skip
    if kinds:
        kinds = tuple(k for k in tabular_plan.KINDS if k in kinds)
        draw(tabular_charts.per_range(results, kinds, results.plan.problem.target))


def after(run) -> None:
    """Everything of a comparison that is at its end, or was cancelled."""
    if run.error:
        st.error(
            f"The comparison stopped at an error ({type(run.error).__name__}). "
            "Try fewer columns, or leave out the one that was added last."
        )
    if run.cancelled:
        st.info("It was cancelled; what was done by then is below.")
    if run.results is None:
        return
    answer(run.results)
    with st.expander("All figures"):
        st.dataframe(run.results.table, hide_index=True)
        st.dataframe(run.results.ranges(), hide_index=True)
    if run.kept:
        downloads(run)
        new_rows(run)


def downloads(run) -> None:
    from regcls.io.tables import safe_csv
    from regcls.tabular import onnx_export, verdict
    from regcls.tabular.pytorch_code import snippet

    st.subheader("Take it with you", anchor=False)
    results, plan = run.results, run.plan
    kind = st.selectbox(
        "PyTorch code for", list(tabular_plan.NETWORKS), format_func=tabular_plan.NAMES.get,
        index=list(tabular_plan.NETWORKS).index("reg+cls"), key="table_code",
    )  # fmt: skip
    rows = round(len(plan.problem.y) * 0.8)
    code = snippet(kind, verdict.usual(results, kind), plan.problem.target, rows, plan.budget.steps)
    with st.expander("Show the code"):
        st.code(code, language="python")
    with st.container(horizontal=True):
        save("Figures (CSV)", lambda: safe_csv(results.table), "comparison.csv")
        save("Ranges (CSV)", lambda: safe_csv(results.ranges()), "ranges.csv")
        save("Held-out predictions (CSV)", lambda: safe_csv(results.out_of_fold()), "held-out.csv")
        save("Code (Python)", lambda: code, f"{kind.replace('+', '')}.py")
        save("Models (ONNX)", lambda: onnx_export.onnx_zip(results, run.kept), "regcls-table.zip")
    st.caption(
        "The ONNX files take the table's own numbers: filling gaps, scaling and categories are "
        "inside; their metadata “regcls_table” names the columns and the levels of categories. "
        "The held-out predictions can go to the page Your predictions."
    )


def save(label: str, make, name: str) -> None:
    st.download_button(label, make, name, on_click="ignore", key=f"table_save_{name}")


def new_rows(run) -> None:
    """The kept models on rows that somebody uploads now."""
    from regcls.io.tables import TableError, read_table, safe_csv
    from regcls.tabular import onnx_export

    st.subheader("Predict new rows", anchor=False)
    names = ", ".join(column.name for column in run.plan.problem.columns[:8])
    more = len(run.plan.problem.columns) - 8
    file = st.file_uploader(
        f"A table with the columns {names}{f' and {more} more' if more > 0 else ''}",
        type=TYPES, key="table_new", max_upload_size=MOST_MB,
    )  # fmt: skip
    if file is None:
        return
    try:
        frame = read_table(file.getvalue(), file.name).frame
        out = onnx_export.predicted_rows(run.kept, run.plan.problem, frame)
    except TableError as error:
        st.error(str(error))
        return
    except tabular_columns.AdviseError as error:
        st.error(f"{file.name}: {error}.")
        return
    st.dataframe(out.head(200), hide_index=True)
    save("Predictions (CSV)", lambda: safe_csv(out), "predictions.csv")


def how_to_read() -> None:
    with st.expander("How to read this", icon=":material/menu_book:"):
        st.markdown(
            "- **What is compared.** Small networks (two hidden layers of "
            f"{' and '.join(map(str, tabular_plan.HIDDEN))} units) that differ in their loss only: "
            "**reg**; the **control**, reg with its loss scale tuned, since a larger loss alone "
            "can help; **reg+cls**; inverse and square-root **weights** and **LDS** (Yang et al. "
            "2021); **Balanced MSE** (Ren et al. 2022); **HL-Gauss** (Imani and White 2018). "
            "Gradient-boosted trees stand beside them.\n"
            "- **Fair.** Each kind tries as many settings, picked on inner validation rows. Errors "
            "are those of rows that neither training nor picking has seen (nested 5-fold "
            "cross-validation).\n"
            "- **Balanced MAE.** The mean absolute error of each target range, averaged over "
            "ranges: rare values count as much as common ones. **MAE** counts every row alike.\n"
            "- **Intervals** (95 %) resample rows and trained models together. An interval that "
            "holds zero means that this table cannot tell, not that there is no difference."
        )


st.title("Your table", anchor=False)
st.markdown(
    "Does adding classification help *your* regression? Bring a table, choose what to predict, "
    "and see it tried beside everything else the field uses against rare targets."
)
from_address()
inputs()
how_to_read()
if "table" in st.session_state:
    plan, key = ask()
    to_address(st.session_state["table_budget"], st.session_state["table_goal"])
    if plan.problem.notes:
        with st.expander(f"What was done to the table ({len(plan.problem.notes)})"):
            st.markdown("\n".join(f"- {note}" for note in plan.problem.notes))
    run = st.session_state.get("table_run")
    if run is None or run[0] != key:
        if run is not None and run[1].running:
            st.info("The settings changed; Compare stops the run that goes on and starts anew.")
        before(plan, key)
    elif run[1].running:
        st.fragment(watch, run_every=LOOK_SECONDS)()
    else:
        after(run[1])
