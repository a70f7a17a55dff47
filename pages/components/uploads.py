"""What the task pages share: a task's models when they are first needed, and photos in."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components import selection
from pages.components.task_models import models
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
    take([(file.name, file.getvalue()) for file in unseen(files, task)], task, album)


def camera(label: str, task: str, album) -> None:
    """A camera; its photos are numbered."""
    for file in unseen([st.camera_input(label, key=f"{task}_camera")], task):
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


def unseen(files, page: str) -> list:
    """Of a widget's files those not yet taken: a rerun brings all of them again."""
    seen = st.session_state.setdefault(f"{page}_seen", set())
    new = [file for file in files if file is not None and file.file_id not in seen]
    seen.update(file.file_id for file in new)
    return new
