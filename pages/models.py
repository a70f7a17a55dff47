"""Models: cards and speed of the shipped models, and the visitor's own ONNX models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages import through_app
from pages.components import (
    answer_cards,
    charts,
    downloads,
    folds,
    messages,
    task_models,
    uploads,
    url_state,
)
from pages.components.custom_models import OWN
from regcls.inference import contract
from regcls.inference.contract import ContractError
from regcls.io.tables import safe_csv
from regcls.tasks import comparison, pairs, registry

if TYPE_CHECKING:
    from regcls.inference.custom.inspect import Finding, Form
    from regcls.inference.session import Session

through_app()

SECTIONS = {"shipped": "Shipped pairs", "own": "Your models"}
PAGES = ("age", "depth", "progress")
DIMENSIONLESS = "abs_rel"  # a metric of depth; its card has others without a unit
REQUIREMENTS = f"""
- **File.** One ONNX file of at most {contract.MAX_BYTES // 1_000_000} MB with all weights inside,
  opset 18, standard operators only.
- **Input.** RGB images with a dynamic batch dimension.
- **Outputs.** `value`; for reg+cls also `logits`.
"""


@dataclass
class PageState:
    """What the page keeps between reruns, besides its widgets."""

    speeds: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # rows by task
    found: dict[str, Finding] = field(default_factory=dict)  # uploaded files by key
    completed: dict[str, Finding] = field(default_factory=dict)  # with a card, by the same key


def page_state() -> PageState:
    """Return the page's state in this session."""
    return st.session_state.setdefault("models", PageState())


# Shipped pairs


def shipped() -> list[pairs.Shipped]:
    """Load the shipped pairs; a session is loaded again when its file has changed."""
    with st.spinner("Loading models…"):
        return pairs.shipped()


def show_pair(found: pairs.Shipped) -> None:
    """Show both models of a pair in one table, and all that is known of them in folds."""
    task = registry.get(found.task)
    st.subheader(task.title)
    if found.pair is None:
        st.warning(found.problem)
        return
    pair = found.pair
    unit = "points" if task.has_frames else task.unit
    _, report = task_models.models(task.name)
    table = comparison.table(pair, report, unit)
    st.table(table.set_index(""))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Test errors with {report.level:.0%} intervals, each model by the read-out that was best "
            "on validation data. Difference: reg+cls minus reg.",
            width="stretch",
        )
        downloads.button(
            "Download table",
            lambda: safe_csv(table),
            f"{task.name}_models.csv",
            key=f"models_table_{task.name}",
        )
        messages.link(task.name, f"Use the {task.name} pair")
    details(task.name, pair)


def details(task: str, pair: pairs.Pair) -> None:
    """Draw, folded, the cards, the training data, all errors and the speed of a pair."""
    from regcls.inference import cards
    from regcls.inference import charts as inference_charts

    sessions = pairs.sessions(pair)
    if part := folds.fold("Cards, training data, all errors and speed", f"models_fold_{task}"):
        with part:
            columns = st.columns(2)
            for column, (model, session) in zip(columns, sessions.items(), strict=True):
                with column:
                    facts(model, cards.facts(session))
            picture = inference_charts.training(pair.reg.card, pair.regcls.card)
            charts.draw(picture, name=f"training-{task}")
            held_out_errors(task, pair, sessions)
            speed(task, sessions)
    if part := folds.fold("Full model card", f"models_fold_card_{task}"):
        with part:
            st.markdown(re.sub("^#", "####", pair.card_text, flags=re.MULTILINE))


def facts(model: str, lines: Mapping[str, str]) -> None:
    """Show the main entries of a model's card."""
    rows = "".join(
        f'<div style="margin:.25rem 0"><span style="opacity:.75">{name}:</span> {escape(text)}</div>'
        for name, text in lines.items()
    )
    answer_cards.card(model, rows)


def held_out_errors(task: str, pair: pairs.Pair, sessions: Mapping[str, Session]) -> None:
    """Show the held-out errors of a pair, with a download."""
    from regcls.inference import cards

    table = cards.metrics({model: session.card for model, session in sessions.items()})
    unit = pair.reg.card.target["unit"]
    if DIMENSIONLESS in table:
        unit = f"mae and rmse in {unit}; the others have no unit"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**Held-out errors** ({unit})")
        downloads.button(
            "Download errors",
            lambda: table.to_csv(index=False),
            f"{task}_metrics.csv",
            key=f"models_csv_{task}",
        )
    st.dataframe(table.round(3), hide_index=True)


def speed(task: str, sessions: Mapping[str, Session]) -> None:
    """Measure the throughput of a pair on request, and show it."""
    speeds = page_state().speeds
    if st.button("Measure speed", key=f"models_time_{task}", icon=":material/speed:"):
        speeds[task] = measured(sessions)
    if rows := speeds.get(task):
        st.dataframe(rows, hide_index=True)
        st.caption(
            f"{sessions['reg'].provider.why} Images per second: median, slowest and fastest of five "
            "runs. Other load on this machine reduces them."
        )
    else:
        st.caption(f"{provider()} The measurement takes a few seconds.")


def measured(sessions: Mapping[str, Session]) -> list[dict[str, Any]]:
    """Return the throughput of each model and batch size, with a progress bar meanwhile."""
    from regcls.inference import cards

    rows: list[dict[str, Any]] = []
    total = len(sessions) * len(cards.BATCHES)
    bar = st.progress(0.0, "Running on random images…")
    try:
        for model, session in sessions.items():
            for row in cards.measure_speed(session):
                rows.append({"model": model, **row})
                bar.progress(len(rows) / total)
    except ContractError as error:
        st.error(error.sentence)
    bar.empty()
    return rows


@st.cache_resource(show_spinner=False)
def provider() -> str:
    """Return which device runs the models, and why."""
    from regcls.inference import providers

    try:
        return providers.provider().why
    except ContractError as error:
        return error.sentence


# The visitor's own models


def own_models() -> None:
    """Draw the uploader, the files with what was found, and the models in use."""
    st.markdown(
        "Upload a reg model, a reg+cls model, or both, for one of the tasks. They predict beside the "
        "shipped pair on the task's page, which also shows their errors per target range for photos "
        "and videos with known targets."
    )
    st.markdown(REQUIREMENTS)
    files = st.file_uploader(
        "ONNX files",
        "onnx",
        accept_multiple_files=True,
        key="own_files",
        max_upload_size=contract.MAX_BYTES // uploads.MB,
    )
    st.caption(
        "Each file is first run in a separate process with limited memory and time. It stays in "
        "this session's memory; nothing is written to disk."
    )
    found = page_state().found
    for file in uploads.unseen(files, "own"):
        from regcls.inference.custom import inspect

        with st.spinner(f"Checking {file.name}…"):
            found[file.file_id] = inspect.examine(file.getvalue(), file.name)
    for key in list(found):
        with st.container(border=True):
            show_file(key, found[key])
    in_use()


def show_file(key: str, finding: Finding) -> None:
    """Show what was found in a file: a problem, a model to use, or fields to complete."""
    st.markdown(f"**{finding.name}**")
    if finding.problem:
        st.error(finding.problem)
    elif finding.card is not None:
        st.success(f"The file is a valid model: {finding.card.task}, {finding.card.variant}.")
        trial_result(finding)
        use(key, finding.data, finding.name)
    elif finding.form is not None:
        st.info(
            "The file is a valid model but has no model card. Complete the fields, then test it."
        )
        complete_card(key, finding, finding.form)
    if st.button("Remove file", key=f"own_forget_{key}", icon=":material/delete:"):
        state = page_state()
        state.found.pop(key)
        state.completed.pop(key, None)
        st.rerun()


def complete_card(key: str, finding: Finding, guess: Form) -> None:
    """Draw the fields of a card; when they are submitted, test the model with them."""
    tasks = ["depth"] if guess.task == "depth" else ["age", "progress"]
    task = st.selectbox("Task", tasks, tasks.index(guess.task), key=f"own_task_{key}")
    with st.form(f"own_form_{key}"):
        filled = fields(finding, guess, task)
        submitted = st.form_submit_button("Test model")
    if submitted:
        run_test(key, finding, filled)
    show_completed(key, finding)


def fields(finding: Finding, guess: Form, task: str) -> Form:
    """Draw the fields of a card; return their values."""
    from regcls.inference.custom import inspect

    target = inspect.TARGETS[task]
    left, middle, right = st.columns(3)
    low = left.number_input(f"Lowest {target.name} ({target.unit})", value=target.low)
    high = middle.number_input(f"Highest {target.name} ({target.unit})", value=target.high)
    unit = right.selectbox("Unit of the predictions", list(inspect.UNITS[task]))
    *sides, third, fourth = st.columns(4)
    height, width = (
        column.number_input(
            f"{name} (pixels)",
            inspect.MIN_SIDE,
            inspect.MAX_SIDE,
            side,
            disabled=not finding.free,
        )
        for column, name, side in zip(
            sides, ("Height", "Width"), (guess.height, guess.width), strict=True
        )
    )
    order = third.selectbox("Channel order", inspect.ORDERS)
    scalings = list(inspect.SCALINGS)
    scaling = fourth.selectbox(
        "Pixel values",
        scalings,
        scalings.index(guess.scaling),
        disabled=finding.kind == "uint8",
    )
    value, logits = guess.value, guess.logits
    if len(finding.outputs) > 1:
        names = list(finding.outputs)
        value = st.selectbox("Output with the predicted value", names, names.index(value))
        logits = next(name for name in names if name != value)
    edges = class_edges(len(guess.edges) - 1, low, high) if logits else ()
    return replace(
        guess,
        task=task,
        name=target.name,
        unit=unit,
        low=low,
        high=high,
        height=height,
        width=width,
        order=order,
        scaling=scaling,
        value=value,
        logits=logits,
        edges=edges,
        licence=st.text_input("Licence", "not stated"),
    )


def class_edges(count: int, low: float, high: float) -> tuple[float, ...]:
    """Draw the field of the class edges; return them, by default of equal-width ranges."""
    equal_width = tuple(np.linspace(low, high, count + 1).tolist())
    text = st.text_input(
        f"Edges of the {count} classes, separated by commas",
        placeholder="Equal-width ranges",
        help=f"{count + 1} ascending numbers. Leave empty for equal-width ranges from the lowest to "
        "the highest target.",
    )
    if not text.strip():
        return equal_width
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        st.error(
            "Class edges must be numbers separated by commas. Equal-width ranges are used instead."
        )
        return equal_width


def run_test(key: str, finding: Finding, filled: Form) -> None:
    """Add a card to the model and run it; show the reason if that fails."""
    from regcls.inference.custom import wrap

    completed = page_state().completed
    completed.pop(key, None)
    try:
        with st.spinner("Testing the model…"):
            completed[key] = wrap.complete(finding, filled)
    except ContractError as error:
        st.error(error.sentence)


def show_completed(key: str, finding: Finding) -> None:
    """Offer a model that has been given a card, to use and to download."""
    completed = page_state().completed.get(key)
    if completed is None:
        return
    st.success("The model passed the test and now has a card.")
    trial_result(completed)
    name = f"{finding.name.rsplit('.', 1)[0]}_regcls.onnx"
    use(key, completed.data, name)
    downloads.button("Download model with card", completed.data, name, key=f"own_get_{key}")


def trial_result(finding: Finding) -> None:
    """Show the predictions of the trial run, which reveal a wrong scaling or unit."""
    if finding.trial is None or finding.card is None:
        return
    value, unit = finding.trial.outputs["value"], finding.card.target["unit"]
    st.caption(
        f"Predictions for black, white and random images are between {value.low:.3g} and "
        f"{value.high:.3g} ({unit}). One image takes "
        f"{1000 * finding.trial.seconds_per_image:.1f} ms on one core."
    )


def use(key: str, data: bytes, name: str) -> None:
    """Draw the button that adds a model to its task's page."""
    if not st.button("Use beside the shipped pair", key=f"own_use_{key}", type="primary"):
        return
    from regcls.inference import session as inference_session
    from regcls.inference.custom import inspect

    session = inference_session.own_session(data, name)
    task = session.card.task
    if task not in PAGES:
        st.error(f"The task {task!r} has no page. Tasks with a page: {', '.join(PAGES)}.")
        return
    models = st.session_state.setdefault(OWN, {}).setdefault(task, {})
    models[inspect.NAMES[session.card.variant]] = session


def in_use() -> None:
    """List the models in use, with a button that removes them and a link to their page."""
    own = st.session_state.get(OWN, {})
    for task in [task for task, models in own.items() if models]:
        with st.container(horizontal=True, vertical_alignment="center"):
            names = ", ".join(f"{model} ({session.name})" for model, session in own[task].items())
            st.markdown(f"In use for **{task}**: {names}")
            if st.button("Stop using", key=f"own_stop_{task}"):
                own.pop(task)
                st.rerun()
            messages.link(task, f"Open the {task} page")


# The page


def choose_section() -> str:
    """Draw the choice of a section, first the one in the address."""
    if "models_section" not in st.session_state:
        st.session_state["models_section"] = url_state.choice("show", SECTIONS, "shipped")
    st.segmented_control(
        "Show",
        list(SECTIONS),
        format_func=SECTIONS.__getitem__,
        required=True,
        key="models_section",
        label_visibility="collapsed",
    )
    section = st.session_state["models_section"]
    url_state.write({"show": section}, {"show": "shipped"})
    return section


def how_to_read() -> None:
    """Explain the terms."""
    with st.expander("How to read this"):
        st.markdown(
            "- **Pair.** A reg and a reg+cls model of one task that differ only in the class head and "
            "its loss.\n"
            "- **Frequent and rare targets.** Ranges with at least, and with less than, the median "
            "number of training samples per range.\n"
            "- **Errors per group of ranges.** Those of the regression output as trained; the model "
            "card has those of the other read-outs.\n"
            "- **Shots.** Target ranges grouped by their number of training samples: many, medium "
            "and few.\n"
            "- **Held-out errors.** Measured on data used neither for training nor for model "
            "selection."
        )


st.title("Models")
st.markdown(
    "Model cards, training data, held-out errors and speed of the shipped models. You can also add "
    "your own."
)
section = choose_section()
if section == "shipped":
    for found in shipped():
        show_pair(found)
else:
    own_models()
how_to_read()
