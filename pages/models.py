"""Models: what ships, card by card, and a pair of one's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from pages import through_app
from pages.components import answer_cards, messages, uploads
from pages.components.custom_models import OWN
from regcls.inference import contract
from regcls.inference.contract import ContractError
from regcls.tasks import pairs

through_app()

SECTIONS = {"shipped": "Shipped pairs", "own": "Bring your own"}
PAGES = ("age", "depth", "progress")


def shipped():
    """The three pairs. Their sessions are shared, and loaded anew when a file has changed."""
    with st.spinner("Reading the models…"):
        from regcls.tasks import pairs

        return pairs.shipped()


def from_address() -> None:
    if "models_section" not in st.session_state:
        asked = st.query_params.get("show", "shipped")
        st.session_state["models_section"] = asked if asked in SECTIONS else "shipped"
        if asked not in SECTIONS:
            st.toast(f"There is nothing called {asked!r} here; there are {', '.join(SECTIONS)}.")


def to_address(section: str) -> None:
    wanted = {} if section == "shipped" else {"show": section}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


# What ships


def pair_of(found) -> None:
    st.subheader(found.task.capitalize())
    if found.pair is None:
        st.warning(found.problem)
        return
    from regcls.inference import cards
    from regcls.inference import charts as inference_charts

    pair = found.pair
    sessions = pairs.sessions(pair)
    for column, (model, session) in zip(st.columns(2), sessions.items(), strict=True):
        with column:
            facts(model, cards.facts(session))
    picture = inference_charts.training(pair.reg.card, pair.regcls.card)
    st.altair_chart(picture.chart())
    st.caption(picture.caption)
    table = cards.metrics({model: session.card for model, session in sessions.items()})
    with st.container(horizontal=True, vertical_alignment="center"):
        unit = pair.reg.card.target["unit"]
        st.markdown(f"**Held-out errors** (in {unit}; δ and ratios without unit)")
        st.download_button(
            "Download", table.to_csv(index=False), f"{found.task}_metrics.csv", "text/csv",
            icon=":material/download:", on_click="ignore", key=f"models_csv_{found.task}",
        )  # fmt: skip
    st.dataframe(table.round(3), hide_index=True)
    benchmark(found.task, sessions)
    with st.expander("The whole card"):
        st.markdown(pair.card_text.replace("\n# ", "\n#### ").replace("\n## ", "\n##### "))
    messages.link(found.task, f"Use the {found.task} pair")


@st.cache_resource(show_spinner=False)
def provider() -> str:
    """What models run on here, and why."""
    from regcls.inference import providers

    try:
        return providers.provider().why
    except ContractError as error:
        return f"{error}."


def facts(model: str, lines: dict[str, str]) -> None:
    from html import escape

    rows = "".join(
        f'<div style="margin:.25rem 0"><span style="opacity:.75">{name}:</span> {escape(text)}</div>'
        for name, text in lines.items()
    )
    answer_cards.card(model, rows)


def benchmark(task: str, sessions) -> None:
    from regcls.inference import cards

    kept = st.session_state.setdefault("models_speed", {})
    if st.button("How fast is it here?", key=f"models_time_{task}", icon=":material/speed:"):
        rows, total = [], len(sessions) * len(cards.BATCHES)
        bar = st.progress(0.0, "Running on noise…")
        try:
            for model, session in sessions.items():
                for row in cards.measure_speed(session):
                    rows.append({"model": model, **row})
                    bar.progress(len(rows) / total)
        except ContractError as error:
            st.error(f"{error}.")
        bar.empty()
        kept[task] = rows
    if rows := kept.get(task):
        st.dataframe(rows, hide_index=True)
        st.caption(
            f"{sessions['reg'].provider.why} Five runs a row, median, slowest and fastest; other "
            "people's work on this machine slows it down."
        )


# One's own


def bring() -> None:
    st.markdown(
        "Bring one ONNX file or two, a reg model and a reg+cls model of one task. They answer beside "
        "the shipped pair on the task's page, and with photos or videos whose truth you know they "
        "get errors per range of their own."
    )
    files = st.file_uploader(
        "ONNX files", "onnx", accept_multiple_files=True, key="own_files",
        max_upload_size=contract.MAX_BYTES // 1_000_000,
    )  # fmt: skip
    st.caption(
        "Needed: opset 18, at most 16 MB, all weights inside, standard operators, one colour image "
        "in (a free batch), a value out and, for reg+cls, logits. A file is tried in a process of its "
        "own, with little memory and time, before it may run here. It stays in this session's "
        "memory; nothing is written to disk."
    )
    found = st.session_state.setdefault("own_found", {})
    for file in uploads.unseen(files, "own"):
        from regcls.inference.custom import inspect

        with st.spinner(f"Trying {file.name}…"):
            found[file.file_id] = inspect.examine(file.getvalue(), file.name)
    for key in list(found):
        with st.container(border=True):
            examined(key, found[key])
    in_use()


def examined(key: str, finding) -> None:
    st.markdown(f"**{finding.name}**")
    if finding.problem:
        st.error(finding.problem)
    elif finding.conforms:
        card = finding.card
        st.success(f"It keeps the contract: {card.task}, {card.variant}.")
        answered(finding)
        use(key, finding.data, finding.name)
    else:
        st.info(
            "It is sound, and does not say what it is. Fill in what it lacks; then it is tried."
        )
        form(key, finding)
    if st.button("Forget this file", key=f"own_forget_{key}", icon=":material/delete:"):
        del st.session_state["own_found"][key]
        st.rerun()


def form(key: str, finding) -> None:
    from regcls.inference.custom import inspect

    guess = finding.form
    maps = guess.task == "depth"
    tasks = ["depth"] if maps else ["age", "progress"]
    task = st.selectbox("Task", tasks, tasks.index(guess.task), key=f"own_task_{key}")
    target = inspect.TARGETS[task]
    with st.form(f"own_form_{key}"):
        low, high, unit = st.columns(3)
        low = low.number_input(f"Lowest {target.name} ({target.unit})", value=target.low)
        high = high.number_input(f"Highest {target.name} ({target.unit})", value=target.high)
        unit = unit.selectbox("Its answers are in", list(inspect.UNITS[task]))
        height, width, order, scaling = st.columns(4)
        limits = {
            "min_value": inspect.MIN_SIDE,
            "max_value": inspect.MAX_SIDE,
            "disabled": not finding.free,
        }
        height = height.number_input("Height (pixels)", value=guess.height, **limits)
        width = width.number_input("Width (pixels)", value=guess.width, **limits)
        order = order.selectbox("Colours", inspect.ORDERS)
        scalings = list(inspect.SCALINGS)
        scaling = scaling.selectbox(
            "Pixels are scaled to", scalings, scalings.index(guess.scaling),
            disabled=finding.kind == "uint8",
        )  # fmt: skip
        value, logits = guess.value, guess.logits
        if len(finding.outputs) > 1:
            names = list(finding.outputs)
            value = st.selectbox("Output with the value", names, names.index(value))
            logits = next(name for name in names if name != value)
        edges = class_edges(finding, low, high, logits)
        licence = st.text_input("Licence", "not stated")
        submitted = st.form_submit_button("Try it")
    if submitted:
        filled = replace(
            guess, task=task, name=target.name, unit=unit, low=low, high=high, height=int(height),
            width=int(width), order=order, scaling=scaling, value=value, logits=logits, edges=edges,
            licence=licence,
        )  # fmt: skip
        attempt(key, finding, filled)
    done(key, finding)


def attempt(key: str, finding, filled) -> None:
    """Make the conforming file, or say why not."""
    from regcls.inference.custom import wrap

    kept = st.session_state.setdefault("own_complete", {})
    kept.pop(key, None)
    try:
        with st.spinner("Trying it…"):
            kept[key] = wrap.complete(finding, filled)
    except ContractError as error:
        st.error(f"It cannot be used so: {error}.")


def class_edges(finding, low: float, high: float, logits: str) -> tuple[float, ...]:
    """Edges as typed; left as they are, equal ranges from the lowest to the highest target."""
    if not logits:
        return ()
    count = len(finding.form.edges) - 1
    text = st.text_input(
        f"Edges of its {count} classes, with commas (empty: equal ranges)", "",
        help=f"{count + 1} ascending numbers.",
    )  # fmt: skip
    if not text.strip():
        return tuple(np.linspace(low, high, count + 1))
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        st.error("The edges must be numbers with commas between them; equal ranges are taken.")
        return tuple(np.linspace(low, high, count + 1))


def done(key: str, finding) -> None:
    """A file that was completed: to use, and to keep."""
    made = st.session_state.get("own_complete", {}).get(key)
    if made is None:
        return
    st.success("It runs and keeps the contract now.")
    answered(made)
    stem = finding.name.rsplit(".", 1)[0]
    use(key, made.data, f"{stem}_regcls.onnx")
    st.download_button(
        "Download the conforming file", made.data, f"{stem}_regcls.onnx", "application/octet-stream",
        icon=":material/download:", on_click="ignore", key=f"own_get_{key}",
    )  # fmt: skip


def answered(finding) -> None:
    """What it said when it was tried: a wrong scaling or unit shows here first."""
    value, unit = finding.trial.outputs["value"], finding.card.target["unit"]
    st.caption(
        f"On black, white and noise it answered from {value.low:.3g} to {value.high:.3g} ({unit}), "
        f"in {1000 * finding.trial.seconds_per_image:.1f} ms an image on one core."
    )


def use(key: str, data: bytes, name: str) -> None:
    if not st.button("Use it beside the shipped pair", key=f"own_use_{key}", type="primary"):
        return
    from regcls.inference import session as inference_session
    from regcls.inference.custom import inspect

    session = inference_session.own_session(data, name)
    task = session.card.task
    if task not in PAGES:
        st.error(f"There is no page for the task {task!r}; there are {', '.join(PAGES)}.")
        return
    models = st.session_state.setdefault(OWN, {}).setdefault(task, {})
    models[inspect.NAMES[session.card.variant]] = session


def in_use() -> None:
    brought = st.session_state.get(OWN, {})
    for task in [task for task, models in brought.items() if models]:
        with st.container(horizontal=True, vertical_alignment="center"):
            names = ", ".join(f"{name} ({s.name})" for name, s in brought[task].items())
            st.markdown(f"In use for **{task}**: {names}")
            if st.button("Stop using them", key=f"own_stop_{task}"):
                brought.pop(task)
                st.rerun()
            messages.link(task, f"To the {task} page")


st.title("Models")
st.markdown("Every model that runs here, what it learned from, how far off it is, and your own.")
from_address()
section = st.segmented_control(
    "Show", list(SECTIONS), format_func=SECTIONS.get, required=True, key="models_section",
    label_visibility="collapsed",
)  # fmt: skip
to_address(section)
with st.expander("How to read this"):
    st.markdown(
        "A *pair* is two models of one task, alike in all but the class head and its loss. Both are "
        "scored on their regression output. **Shots** group target ranges by their training data: "
        "many, medium, few. Held-out errors are on data that no model was trained or chosen on. "
        "*How fast is it here?* runs each model on noise, on the provider that it really uses."
    )
if section == "shipped":
    provider_in_words = st.empty()
    for one in shipped():
        pair_of(one)
    provider_in_words.caption(
        provider()
    )  # last: it loads ONNX Runtime, and the cards need not wait
else:
    bring()
