"""What the task pages share: a task's models when they are first needed, and photos in."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module

import streamlit as st

from pages.components import selection
from regcls.inference.contract import ContractError
from regcls.io import images
from regcls.tasks import pairs

PHOTO_PRIVACY = (
    "Photos stay in this session's memory: nothing is stored on disk, and nothing leaves the "
    "machine that runs this app. Reload the page and they are gone."
)
PHOTO_TYPES = (
    *images.SUFFIXES,
    "heic",
    "heif",
)  # the last two are refused with a reason of our own


@st.cache_resource(show_spinner=False)
def _loaded(task: str, root: str):
    """The shipped pair and its errors on the test data; ``root`` only tells folders apart."""
    module = import_module(f"regcls.tasks.{task}.predict")
    pair = module.load()
    return pair, module.pair_report(pair)


def models(task: str):
    """The task's pair, with the models that this person brought, and its report. A broken pair
    ends the page with a reason."""
    try:
        pair, report = _loaded(task, os.environ.get(pairs.ROOT, ""))
        return selection.with_own(pair, task), report
    except ContractError as error:
        st.error(f"The {task} models cannot be used: {error}.")
        st.stop()


def take(new: list[tuple[str, bytes]], task: str, album) -> None:
    """Look at new photos, (name, bytes) each, with progress; the last good one is then shown."""
    if not new:
        return
    pair, _ = models(task)
    bar = st.progress(0.0, "Looking at your photos…")
    for number, (name, data) in enumerate(new, start=1):
        selection.show(album.add(data, name, pair), task)
        bar.progress(number / len(new))
    bar.empty()


def upload(label: str, task: str, album) -> None:
    """A place to drop photos on."""
    files = st.file_uploader(
        label, PHOTO_TYPES, accept_multiple_files=True, key=f"{task}_files",
        max_upload_size=images.MAX_BYTES // 1_000_000,
    )  # fmt: skip
    take([(file.name, file.getvalue()) for file in selection.unseen(files, task)], task, album)


def camera(label: str, task: str, album) -> None:
    """A camera; its photos are numbered."""
    for file in selection.unseen([st.camera_input(label, key=f"{task}_camera")], task):
        shots = st.session_state[f"{task}_shots"] = st.session_state.get(f"{task}_shots", 0) + 1
        take([(f"camera {shots}", file.getvalue())], task, album)


def samples(listed, take_one: Callable, task: str, width: int) -> None:
    """A row a sample: its picture, and a button that calls ``take_one(sample)``."""
    st.caption("Or try a sample:")
    for sample in listed:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(str(pairs.SAMPLES / sample.file), width=width)
            if st.button(sample.title, key=f"{task}_sample_{sample.file}"):
                take_one(sample)


def results(title: str, rows, name: str) -> None:
    """All that was looked at, as a table and as the CSV ``name`` (file names come from anyone)."""
    import pandas as pd

    from regcls.io.tables import safe_csv

    table = pd.DataFrame(rows)
    if table.empty:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(title)
        st.download_button(
            "Download results", safe_csv(table), name, "text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    st.dataframe(table, hide_index=True)


def engine(task: str, milliseconds: dict[str, float], what: str) -> None:
    """Where the models run, why, and how long each took for one ``what``."""
    pair, _ = models(task)
    spent = ", ".join(f"{model} {time:,.1f} ms" for model, time in milliseconds.items())
    st.caption(f"{pair.regcls.provider.why} Time per {what}: {spent}.")
