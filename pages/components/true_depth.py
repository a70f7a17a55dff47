"""The true depth of a photo: its file, the unit it is read in, and the errors."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.components import downloads
from pages.components.uploads import MB
from regcls.tasks.depth import files, formats, units
from regcls.tasks.depth.gallery import Gallery, own_metrics
from regcls.tasks.depth.ground_truth import TrueDepth


def draw(key: str, gallery: Gallery) -> None:
    """Draw the uploader for a photo's true depth, how the file is read, and the errors."""
    entry = gallery.entries[key]
    left, right = st.columns(2, gap="medium")
    # Removing the true depth draws a new uploader, which does not list the file any more.
    upload = f"depth_truth_{key}_{st.session_state.get('depth_removed', 0)}"
    left.file_uploader(
        "True depth of the photo, if known",
        formats.SUFFIXES,
        key=upload,
        max_upload_size=formats.MAX_FILE_BYTES // MB,
        on_change=take_truth,
        args=(key, upload, gallery),
        help="A 16-bit PNG, 16-bit or float TIFF, PFM, .npy or .npz file with the photo's aspect "
        "ratio. The unit is recognised by comparison with the prediction. Use 0 where the depth is "
        "unknown. A new file replaces the one before.",
    )
    if entry.measured is None:
        return
    with right:
        st.caption(f"True depth: {entry.measured.name}")
        choose_unit(key, entry.measured, gallery)
        if st.button("Remove true depth", key=f"depth_untruth_{key}", icon=":material/delete:"):
            gallery.remove_truth(key)
            st.session_state["depth_removed"] = st.session_state.get("depth_removed", 0) + 1
            st.rerun()
    if entry.measured.reading is not None:
        metrics = own_metrics(entry)
        st.dataframe(metrics, hide_index=True)
        make = partial(files.errors_csv, metrics, entry.measured)
        downloads.button("Download errors", make, "depth_errors.csv")


def take_truth(key: str, upload: str, gallery: Gallery) -> None:
    """Add or replace a photo's true depth by the uploaded file; without one, remove it.

    Problems of earlier files are forgotten.
    """
    gallery.problems.clear()
    file = st.session_state[upload]
    if file is None:
        gallery.remove_truth(key)
    else:
        gallery.add_truth(key, file.getvalue(), file.name)


def choose_unit(key: str, measured: TrueDepth, gallery: Gallery) -> None:
    """Draw the choice of the unit of a photo's true depth, and of its set."""
    widget = f"depth_unit_{key}"
    # The files of a zip share their unit, so that another photo's choice may have changed it.
    st.session_state[widget] = measured.unit
    files = measured.reading.files if measured.reading else 1
    st.selectbox(
        f"Unit of the {files} files in this format" if files > 1 else "Unit of the true depth",
        units.CHOICES,
        format_func=lambda unit: (
            "Detect automatically" if unit == units.AUTO else units.UNITS[unit].words
        ),
        key=widget,
        on_change=lambda: gallery.set_unit(key, st.session_state[widget]),
    )


def how_read(measured: TrueDepth) -> None:
    """Show in which unit the true depth is read, and why; a doubt or a problem as a warning."""
    if measured.reading is None:
        st.warning(measured.problem)
    elif measured.reading.doubt:
        st.warning(measured.reading.sentence)
    else:
        st.caption(measured.reading.sentence)
    for note in measured.notes:
        st.caption(note)
