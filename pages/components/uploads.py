"""Inputs of the task pages: photo uploads, the camera, zips and samples."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import streamlit as st

from pages.components import selection
from pages.components.task_models import models
from regcls.io import images
from regcls.io.labelled_zip import MAX_ZIP_BYTES
from regcls.tasks import pairs
from regcls.tasks import samples as samples_of_tasks

if TYPE_CHECKING:
    from streamlit.typing import UploadedFile

MB = 1_000_000
PHOTO_PRIVACY = (
    "Photos stay in this session's memory: nothing is written to disk, and nothing leaves the "
    "machine that runs this app. They are gone when you reload the page."
)
# HEIC files are accepted here so that the reader can explain why they cannot be used.
PHOTO_TYPES = (*images.SUFFIXES, "heic", "heif")


class Gallery(Protocol):
    """A visitor's files."""

    problems: list[tuple[str, str]]


class PhotoGallery(Gallery, Protocol):
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


def add_photos(
    new: Sequence[UploadedFile], task: str, gallery: PhotoGallery, names: Sequence[str] = ()
) -> None:
    """Add photos, by other names if given, with a progress bar; show the last valid one."""
    if not new:
        return
    pair, _ = models(task)
    bar = st.progress(0.0, "Processing photos…")
    for number, file in enumerate(new):
        name = names[number] if names else file.name
        selection.show(gallery.add(file.getvalue(), name, pair), task)
        handled(file, task)
        bar.progress((number + 1) / len(new))
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
    add_photos(brought(files, task, gallery), task, gallery)


def take_photo(label: str, task: str, gallery: PhotoGallery) -> None:
    """Draw a camera and add its photos, which are numbered, to the gallery."""
    for file in brought([st.camera_input(label, key=f"{task}_camera")], task, gallery):
        shots = st.session_state[f"{task}_shots"] = st.session_state.get(f"{task}_shots", 0) + 1
        add_photos([file], task, gallery, [f"camera {shots}"])


class ZipGallery(Gallery, Protocol):
    """A visitor's photos, with those of whole zips."""

    def add_zip(
        self, data: bytes, pair: pairs.Pair, report: Callable[[float], Any], /
    ) -> str | None:
        """Add the photos of a zip; return the key of the first, None if there is none."""


def upload_zip(label: str, task: str, gallery: ZipGallery, caption: str) -> None:
    """Draw the uploader for a zip; add its photos, with a progress bar, and show the first."""
    file = st.file_uploader(label, "zip", key=f"{task}_zip", max_upload_size=MAX_ZIP_BYTES // MB)
    for new in brought([file], task, gallery):
        pair, _ = models(task)
        bar = st.progress(0.0, "Processing photos…")
        selection.show(gallery.add_zip(new.getvalue(), pair, bar.progress), task)
        handled(new, task)
        bar.empty()
    st.caption(caption)


def samples(offered: Iterable[S], use: Callable[[S], None], task: str, gallery: Gallery) -> None:
    """Draw each sample as a button that shows its picture and calls ``use(sample)``."""
    listed = list(offered)
    keys = {f"{task}_sample_{sample.file}": sample for sample in listed}
    st.html(
        f"<style>{_SAMPLE_CSS}{''.join(_picture_css(k, s.file) for k, s in keys.items())}</style>"
    )
    st.caption("Or try a sample:")
    with st.container(horizontal=True, gap="small", key=f"{task}_samples"):
        for key, sample in keys.items():
            if st.button(sample.title, key=key, width=SAMPLE_WIDTH, wrap=True):
                gallery.problems.clear()
                use(sample)


SAMPLE_WIDTH = 102  # pixels; two in a row of the rail
# The picture is the button's background above its label, which names it to a screen reader.
_SAMPLE_CSS = """
[class*="_samples"] button { display: flex; flex-direction: column; gap: 0; padding: 0 0 .25rem;
  overflow: hidden; justify-content: flex-start; height: 100%; }
[class*="_samples"] button::before { content: ""; width: 100%; aspect-ratio: 4 / 3;
  background-size: cover; background-position: center 30%; }
[class*="_samples"] button p { font-size: .8rem; line-height: 1.2; padding: .25rem .25rem 0; }
"""


@st.cache_data(show_spinner=False)
def _picture_css(key: str, file: str) -> str:
    """Return the style that shows a sample's picture on its button."""
    name = re.sub(r"[^\w-]", "-", key)  # as Streamlit makes a class of a key
    jpeg = base64.b64encode(samples_of_tasks.thumbnail(file)).decode()
    return (
        f".st-key-{name} button::before {{ background-image: url(data:image/jpeg;base64,{jpeg}); }}"
    )


def brought(
    files: Iterable[UploadedFile | None], page: str, gallery: Gallery
) -> list[UploadedFile]:
    """Return the files that are new, until they are `handled`.

    A run of the page that is interrupted while it processes a file is followed by another one, which
    finds the file still new. When a file is added to the widget or removed from it, problems of
    earlier files are forgotten.
    """
    listed = [file for file in files if file is not None]
    ids = {file.file_id for file in listed}
    kept = f"{page}_listed"
    if ids != st.session_state.get(kept, set()):
        gallery.problems.clear()
    st.session_state[kept] = ids
    seen = st.session_state.setdefault(f"{page}_seen", set())
    return [file for file in listed if file.file_id not in seen]


def handled(file: UploadedFile, page: str) -> None:
    """Note that a file has been processed."""
    st.session_state.setdefault(f"{page}_seen", set()).add(file.file_id)


def unseen(files: Iterable[UploadedFile | None], page: str) -> list[UploadedFile]:
    """Return the files that are new; a widget returns all its files on every rerun."""
    seen = st.session_state.setdefault(f"{page}_seen", set())
    new = [file for file in files if file is not None and file.file_id not in seen]
    seen.update(file.file_id for file in new)
    return new
