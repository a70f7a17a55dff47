"""What the task pages share: new files, problems by file, the thing that is shown of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import streamlit as st
from streamlit.errors import StreamlitAPIException

FEW_PROBLEMS = 4
FEW_THINGS = 12


def unseen(files, page: str) -> list:
    """Of a widget's files those not yet taken: a rerun brings all of them again."""
    seen = st.session_state.setdefault(f"{page}_seen", set())
    new = [file for file in files if file is not None and file.file_id not in seen]
    seen.update(file.file_id for file in new)
    return new


def held(*name: object) -> dict:
    """What a widget takes so that its choice outlives a look at another page: a key of ``name``'s
    parts, one of which tells what it belongs to.

    Its first value goes to the widget itself: one set through the session's state reaches the
    browser once, and a rerun on its heels can lose it.
    """
    return {"key": "_".join(map(str, name)), "persist_state": "session"}


def problems(found: list[tuple[str, str]], page: str) -> None:
    """Say what is wrong, (file name, sentence) each; a button clears the list."""
    if not found:
        return
    if len(found) <= FEW_PROBLEMS:
        for name, text in found:
            st.warning(text if text.startswith(name) else f"{name}: {text}")
    else:
        with st.expander(f"{len(found)} files or rows have a problem", icon=":material/warning:"):
            st.dataframe([{"file": n, "problem": t} for n, t in found], hide_index=True)
    if st.button("Hide messages", key=f"{page}_hide"):
        found.clear()
        st.rerun()


def chosen(entries: Mapping[str, object], name: Callable[[str], str], page: str, what: str) -> str:
    """The key of the entry shown, kept as ``{page}_shown``; picked by a click of several."""
    kept = f"{page}_shown"
    if st.session_state.get(kept) not in entries:
        st.session_state[kept] = next(reversed(entries))
    # The widget's own key is dropped on a rerun without it; what is kept stays.
    at = st.session_state[kept]
    if len(entries) == 1:
        return at
    options = {"options": list(entries), "format_func": name}
    if len(entries) <= FEW_THINGS:
        picked = st.pills(what, default=at, required=True, key=f"{page}_pills_{at}", **options)
    else:
        picked = st.selectbox(what, index=list(entries).index(at), **options)
    if picked != at:
        st.session_state[kept] = picked
        st.rerun()
    return picked


def show(key: str | None, page: str) -> None:
    """Make the entry with this key the one that is shown."""
    if key:
        st.session_state[f"{page}_shown"] = key


OWN = "own_models"  # in the session's state: {task: {name: runtime.Session}}


def with_own(pair, task: str):
    """A pair with the models that this person brought for its task, which answer as well."""
    own = st.session_state.get(OWN, {}).get(task, {})
    return replace(pair, extra=own) if own else pair


def offer_own(task: str) -> None:
    """Where to bring a model, or which ones were brought."""
    own = st.session_state.get(OWN, {}).get(task, {})
    if working := [name for name, session in own.items() if not session.problem]:
        st.caption(f"Beside the shipped pair: {', '.join(working)}.")
    link("models", "Change your models" if own else "Bring your own ONNX pair")


def own_problems(task: str) -> None:
    """Which of the models that this person brought have failed, and why."""
    for session in st.session_state.get(OWN, {}).get(task, {}).values():
        if session.problem:
            st.warning(session.problem)


def link(page: str, label: str) -> None:
    """A way to another page that keeps this person's session."""
    try:
        st.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:")
    except StreamlitAPIException:  # a page that runs by itself, without app.py, knows no other
        st.caption(label)


def answers(cells: Mapping[str, str]) -> None:
    """The models' answers side by side; ``cells``: what stands below each model's name, HTML."""
    listed = list(cells.items())
    for at in range(0, len(listed), 2):  # more in a row are too narrow to read
        for column, (model, cell) in zip(st.columns(2), listed[at : at + 2], strict=False):
            with column:
                card(model, cell)


def card(model: str, cell: str) -> None:
    """A model's name over ``cell`` (HTML, escaped by whoever made it), with its colour beside."""
    from regcls.plotting.errors import PALETTE

    about = {"reg": " · regression only", "reg+cls": " · with a class head"}.get(model, "")
    st.html(
        f'<div style="border-left:6px solid {PALETTE.get(model, "#888888")};padding:.1rem .9rem">'
        f'<div style="opacity:.8"><b>{model}</b>{about}</div>{cell}</div>'
    )
