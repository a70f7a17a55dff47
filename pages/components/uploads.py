"""Inputs of the task pages: photo uploads, the camera, zips and samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import streamlit as st

from pages.components import selection
from pages.components.task_models import models
from regcls.io import images
from regcls.io.labelled_zip import MAX_ZIP_BYTES
from regcls.tasks import pairs

if TYPE_CHECKING:
    from streamlit.typing import UploadedFile

MB = 1_000_000
PHOTO_PRIVACY = (
    "Photos stay in this session's memory: nothing is written to disk, and nothing leaves the "
    "machine that runs this app. They are gone when you reload the page."
)
# HEIC files are accepted here so that the reader can explain why they cannot be used.
PHOTO_TYPES = (*images.SUFFIXES, "heic", "heif")


class PhotoGallery(Protocol):
    """A visitor's photos; ``add`` returns the photo's key, or None and records the problem."""

    def add(self, data: bytes, name: str, pair: pairs.Pair, /) -> str | None:
        """Add a photo with the models' predictions."""


class Sample(Protocol):
    """A photo or video that ships with the package."""

    @property
    def title(self) -> str:
        """The label of its button."""

    @property
    def file(self) -> str:
        """The file's name in the folder of samples."""


S = TypeVar("S", bound=Sample)


def add_photos(new: Sequence[tuple[str, bytes]], task: str, gallery: PhotoGallery) -> None:
    """Add photos, (name, content) each, with a progress bar; show the last valid one."""
    if not new:
        return
    pair, _ = models(task)
    bar = st.progress(0.0, "Processing photos…")
    for number, (name, data) in enumerate(new, start=1):
        selection.show(gallery.add(data, name, pair), task)
        bar.progress(number / len(new))
    bar.empty()


def upload_photos(label: str, task: str, gallery: PhotoGallery) -> None:
    """Draw a file uploader and add the new photos to the gallery."""
    files = st.file_uploader(
        label,
        PHOTO_TYPES,
        accept_multiple_files=True,
        key=f"{task}_files",
        max_upload_size=images.MAX_BYTES // MB,
    )
    add_photos([(file.name, file.getvalue()) for file in unseen(files, task)], task, gallery)


def take_photo(label: str, task: str, gallery: PhotoGallery) -> None:
    """Draw a camera and add its photos, which are numbered, to the gallery."""
    for file in unseen([st.camera_input(label, key=f"{task}_camera")], task):
        shots = st.session_state[f"{task}_shots"] = st.session_state.get(f"{task}_shots", 0) + 1
        add_photos([(f"camera {shots}", file.getvalue())], task, gallery)


class ZipGallery(Protocol):
    """A visitor's photos, with those of whole zips."""

    def add_zip(
        self, data: bytes, pair: pairs.Pair, report: Callable[[float], Any], /
    ) -> str | None:
        """Add the photos of a zip; return the key of the first, None if there is none."""


def upload_zip(label: str, task: str, gallery: ZipGallery, caption: str) -> None:
    """Draw the uploader for a zip; add its photos, with a progress bar, and show the first."""
    file = st.file_uploader(label, "zip", key=f"{task}_zip", max_upload_size=MAX_ZIP_BYTES // MB)
    for new in unseen([file], task):
        pair, _ = models(task)
        bar = st.progress(0.0, "Processing photos…")
        selection.show(gallery.add_zip(new.getvalue(), pair, bar.progress), task)
        bar.empty()
    st.caption(caption)


def samples(
    offered: Iterable[S],
    use: Callable[[S], None],
    task: str,
    width: int,
    picture: Callable[[S], Any] = lambda sample: str(pairs.SAMPLES / sample.file),
) -> None:
    """Draw one row per sample: its picture and a button that calls ``use(sample)``."""
    st.caption("Or try a sample:")
    for sample in offered:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(picture(sample), width=width)
            if st.button(sample.title, key=f"{task}_sample_{sample.file}"):
                use(sample)


def unseen(files: Iterable[UploadedFile | None], page: str) -> list[UploadedFile]:
    """Return the files that are new; a widget returns all its files on every rerun."""
    seen = st.session_state.setdefault(f"{page}_seen", set())
    new = [file for file in files if file is not None and file.file_id not in seen]
    seen.update(file.file_id for file in new)
    return new
