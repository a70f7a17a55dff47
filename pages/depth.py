"""Depth: estimate the depth of rooms in photos, as maps, differences, a 3D view and errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages import through_app
from pages.components import (
    answer_cards,
    charts,
    custom_models,
    downloads,
    error_chart,
    messages,
    selection,
    task_models,
    task_page,
    uploads,
    url_state,
)
from pages.components.image_slider import image_slider
from regcls.tasks.depth import files as depth_files
from regcls.tasks.depth import formats, ground_truth, predict, table, units
from regcls.tasks.depth.gallery import Entry, Gallery, own_metrics
from regcls.tasks.depth.ground_truth import TrueDepth
from regcls.tasks.pairs import KEYS, MODELS

if TYPE_CHECKING:
    import numpy as np

through_app()

VIEWS = {
    "maps": "Depth maps",
    "wipe": "Slider",
    "difference": "Difference",
    "space": "3D view",
    "errors": "Errors",
}
NARROWEST, WIDEST = 30, 100  # horizontal field of view, degrees
SAMPLES = {sample.key: sample for sample in predict.SHIPPED_SAMPLES}
ZIP_CAPTION = (
    "A photo and its depth file have the same name, as in **rgb/1.jpg** and **depth/1.png** or "
    "**lobby.jpg** and **lobby_depth.npy**. The unit is decided once for all files of the same "
    "format."
)


def gallery() -> Gallery:
    """Return the visitor's photos."""
    return st.session_state.setdefault("depth_gallery", Gallery())


def first_visit() -> None:
    """Take the view and the sample from the address: ?sample=, view=."""
    if "depth_view" in st.session_state:
        return
    st.session_state["depth_view"] = url_state.choice("view", VIEWS, "maps")
    if key := url_state.choice("sample", SAMPLES, None):
        add_sample(SAMPLES[key])


def write_address(name: str | None) -> None:
    """Write the view and the sample shown, if it is one, to the address."""
    key = next((key for key, sample in SAMPLES.items() if sample.title == name), None)
    view = st.session_state.get("depth_view")
    url_state.write({"sample": key, "view": view}, {"view": "maps"})


# Inputs


def add_sample(sample: predict.Sample) -> None:
    """Add a sample and show it."""
    uploads.add_photos([(sample.title, sample.read())], "depth", gallery())


def inputs() -> None:
    """Draw the upload, the camera or the zip, and the samples."""
    source = task_page.source(["Photos", "Camera", "Zip"], "depth")
    if source == "Photos":
        uploads.upload_photos("Photos of rooms", "depth", gallery())
    elif source == "Camera":
        uploads.take_photo("A photo of your room", "depth", gallery())
    else:
        uploads.upload_zip("A zip of photos and depth files", "depth", gallery(), ZIP_CAPTION)
    uploads.samples(predict.SHIPPED_SAMPLES, add_sample, "depth", 64)


# Results


def show(key: str) -> None:
    """Show a photo's depth in the view picked."""
    entry = gallery().entries[key]
    for note in entry.photo.notes:
        st.info(note)
    st.segmented_control(
        "View",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        required=True,
        key="depth_view",
        label_visibility="collapsed",
    )
    views = {"maps": maps, "wipe": slider, "difference": difference, "space": space}
    views.get(st.session_state["depth_view"], errors)(key, entry)


def stem(photo: predict.PhotoDepth) -> str:
    """Return the first part of the names of a photo's files."""
    return photo.name.rsplit(".", 1)[0].replace(" ", "_")


def save_only(name: str) -> dict[str, Any]:
    """Return the settings of a Plotly figure whose only tool saves it as PNG."""
    image = {"format": "png", "scale": 2, "filename": name}
    buttons = [["toImage"]]
    return {"displaylogo": False, "modeBarButtons": buttons, "toImageButtonOptions": image}


def maps(key: str, entry: Entry) -> None:
    """Show one depth map per model, and the depth at one point."""
    from regcls.tasks.depth import charts as depth_charts

    left, right = st.columns([1, 2], vertical_alignment="center")
    left.image(entry.photo.pixels, caption=entry.photo.name, width="stretch")
    with right:
        point = chosen_point(key, entry)
    st.plotly_chart(
        depth_charts.maps(entry.photo, entry.truth, point),
        key=f"depth_maps_{key}",
        on_select="rerun",
        selection_mode="points",
        config=save_only(f"{stem(entry.photo)}_maps"),
    )
    st.caption(
        "All maps share one scale in metres; bright is near. Hover to read the depth at a point, "
        "click to show it above."
    )
    if entry.measured is not None:
        how_read(entry.measured)


def chosen_point(key: str, entry: Entry) -> tuple[int, int]:
    """Show each model's depth at the point clicked, or at the centre; return (row, column)."""
    height, width = entry.photo.depth["reg"].shape
    clicked = st.session_state.get(f"depth_maps_{key}", {}).get("selection", {}).get("points", [])
    x, y = (clicked[-1]["x"], clicked[-1]["y"]) if clicked else (width // 2, height // 2)
    row, column = min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)
    answer_cards.cards(
        {
            model: answer_cards.figure(f"{metres[row, column]:.2f}", "m")
            for model, metres in entry.photo.depth.items()
        }
    )
    place = "Depth at the point you clicked" if clicked else "Depth at the centre of the photo"
    truth = 0.0 if entry.truth is None else entry.truth[row, column]
    st.caption(f"{place}; true depth {truth:.2f} m." if truth > 0 else f"{place}.")
    return row, column


def slider(key: str, entry: Entry) -> None:
    """Show both models' maps in one place, with a line between them that can be moved."""
    from regcls.tasks.depth import charts as depth_charts

    low, high = depth_charts.limits(entry.photo)
    first, second = (
        predict.png(depth_charts.coloured(predict.enlarged(entry.photo, model), (low, high)))
        for model in MODELS
    )
    image_slider(first, second, (MODELS[0], MODELS[1]), key=f"depth_wipe_{key}")
    st.caption(
        "Drag the line, or move it with the arrow keys. Bright is near; the colours cover "
        f"{low:.1f} to {high:.1f} m."
    )


def difference(key: str, entry: Entry) -> None:
    """Show where the two models differ."""
    from regcls.tasks.depth import charts as depth_charts

    photo = entry.photo
    figure = depth_charts.difference(photo)
    config = save_only(f"{stem(photo)}_difference")
    st.plotly_chart(figure, key=f"depth_gap_{key}", config=config)
    gap = table.row(photo.name, photo)["mean difference"]
    st.caption(
        "Purple: reg+cls predicts a greater depth than reg; orange: a smaller one. The mean absolute "
        f"difference is {gap:.2f} m."
    )
    name = f"{stem(photo)}_difference.npy"
    downloads.button("Difference (.npy, m)", lambda: depth_files.difference_npy(photo), name)


def space(key: str, entry: Entry) -> None:
    """Show the room as a point cloud."""
    from regcls.tasks.depth import charts as depth_charts

    left, right = st.columns(2)
    model = left.segmented_control(
        "Model", MODELS, default=MODELS[1], required=True, key="depth_cloud_model"
    )
    angle = right.slider(
        "Horizontal field of view (degrees)",
        NARROWEST,
        WIDEST,
        round(predict.FIELD_OF_VIEW),
        key="depth_angle",
        help="Field of view of the camera that took the photo. The main camera of a phone has "
        "about 65 to 75 degrees.",
    )
    points = predict.point_cloud(entry.photo, model, angle)
    name = f"{stem(entry.photo)}_{KEYS[model]}_points"
    figure = depth_charts.cloud(points, model)
    st.plotly_chart(figure, key=f"depth_cloud_{key}_{model}", config=save_only(name))
    st.caption(
        "Drag to rotate. With the wrong field of view the room is distorted: right angles between "
        "walls become wider or narrower."
    )
    with st.container(horizontal=True):
        downloads.button("Points (CSV, m)", lambda: points.to_csv(index=False), f"{name}.csv")
        downloads.button("Points (PLY, m)", lambda: depth_files.cloud_ply(points), f"{name}.ply")


def errors(key: str, entry: Entry) -> None:
    """Show the errors per depth range, and those on the photo if its true depth is known."""
    from regcls.tasks.depth.charts import shares

    pair, report = task_models.models("depth")
    true_depth(key, entry)
    if entry.measured is not None and entry.measured.reading is not None:
        metrics, measured = own_metrics(entry), entry.measured
        st.dataframe(metrics, hide_index=True)
        make = partial(depth_files.errors_csv, metrics, measured)
        downloads.button("Download errors", make, "depth_errors.csv")
    error_chart.draw(
        "depth",
        "m",
        f"Mean absolute error on pixels of {pair.predictions['frame'].nunique()} held-out test "
        f"photos, with {report.level:.0%} intervals over photos.",
        gallery().report(pair.reg.card),
        "your own photos",
    )
    charts.draw(shares(entry.photo, pair.reg.card), name="depth-shares")


def true_depth(key: str, entry: Entry) -> None:
    """Draw the uploader for a photo's true depth, and how the file is read."""
    left, right = st.columns(2, gap="medium")
    # Removing the true depth draws a new uploader, which does not list the file any more.
    upload = f"depth_truth_{key}_{st.session_state.get('depth_removed', 0)}"
    left.file_uploader(
        "True depth of the photo, if known",
        formats.SUFFIXES,
        key=upload,
        max_upload_size=formats.MAX_FILE_BYTES // uploads.MB,
        on_change=take_truth,
        args=(key, upload),
        help="A 16-bit PNG, 16-bit or float TIFF, PFM, .npy or .npz file with the photo's aspect "
        "ratio. The unit is recognised by comparison with the prediction. Use 0 where the depth is "
        "unknown. A new file replaces the one before.",
    )
    if entry.measured is None:
        return
    with right:
        st.caption(f"True depth: {entry.measured.name}")
        choose_unit(key, entry.measured)
        if st.button("Remove true depth", key=f"depth_untruth_{key}", icon=":material/delete:"):
            gallery().remove_truth(key)
            st.session_state["depth_removed"] = st.session_state.get("depth_removed", 0) + 1
            st.rerun()
    how_read(entry.measured)


def take_truth(key: str, upload: str) -> None:
    """Add or replace a photo's true depth by the uploaded file; without one, remove it."""
    file = st.session_state[upload]
    if file is None:
        gallery().remove_truth(key)
    else:
        gallery().add_truth(key, file.getvalue(), file.name)


def choose_unit(key: str, measured: TrueDepth) -> None:
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
        on_change=lambda: gallery().set_unit(key, st.session_state[widget]),
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


def map_files(key: str, entry: Entry) -> None:
    """Offer each model's depth map as a file."""
    from regcls.tasks.depth import charts as depth_charts

    photo = entry.photo
    formats: dict[str, tuple[Callable[[np.ndarray], bytes], str]] = {
        "16-bit PNG (mm)": (ground_truth.as_png, "png"),
        ".npy (m)": (ground_truth.as_npy, "npy"),
        "Colour PNG": (
            lambda metres: predict.png(depth_charts.coloured(metres, depth_charts.limits(photo))),
            "colour.png",
        ),
    }
    with st.popover("Download", icon=":material/download:"):
        for model, short in KEYS.items():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{model}**")
                for label, (encode, suffix) in formats.items():
                    name = f"{stem(photo)}_{short}.{suffix}"
                    key_of_file = f"depth_get_{key}_{short}_{suffix}"
                    make = partial(depth_file, photo, model, encode)
                    downloads.button(label, make, name, icon=None, key=key_of_file)


def depth_file(
    photo: predict.PhotoDepth, model: str, encode: Callable[[np.ndarray], bytes]
) -> bytes:
    """Return one model's depth map at the size of the photo, as a file."""
    return encode(predict.enlarged(photo, model))


def limits() -> None:
    """Explain how to read the page and where the models fail."""
    with st.expander("How to read this, and limits"):
        st.markdown(
            "- **Training data.** These are small networks, trained on about 650 photos of rooms "
            "in the United States. All were taken with one camera, a 2010 Kinect, which measures "
            "depths up to 10 m (NYU Depth v2; Silberman, Hoiem, Kohli, Fergus, ECCV 2012). For "
            "outdoor scenes, views from above, drawings and close-ups the models also return a "
            "depth, but it is meaningless.\n"
            "- **Field of view.** The size of an object in a photo gives its distance only if the "
            "camera's field of view is known. The networks assume that of the Kinect "
            f"({predict.FIELD_OF_VIEW:.0f}° horizontally). A camera with twice that field of view "
            "yields depths about twice too large; which of two objects is nearer does not change.\n"
            "- **Difficult surfaces.** Mirrors, windows and dark, shiny floors cause large errors, as "
            "they did in the Kinect's own measurements.\n"
            "- **Errors.** The view Errors compares each model's error per metre of depth with the "
            "number of training pixels. Large depths are rare in training, and errors grow there."
        )


st.title("Depth, from a photo of a room")
st.markdown(
    "Two networks estimate the distance of every pixel in metres. They differ in one respect: "
    "*reg+cls* was also trained to classify each pixel's depth into ranges."
)
first_visit()
with task_page.beside_inputs("depth", inputs, uploads.PHOTO_PRIVACY, 2):
    messages.problems(gallery().problems, "depth")
    if entries := gallery().entries:
        gallery().update_predictions(task_models.models("depth")[0])
        custom_models.own_problems("depth")
        shown = selection.chosen(entries, lambda key: entries[key].photo.name, "depth", "Photo")
        entry = entries[shown]
        write_address(entry.photo.name)
        show(shown)
        with st.container(horizontal=True):
            map_files(shown, entry)
            if task_page.remove_button("depth", shown):
                del entries[shown]
                st.rerun()
        task_models.inference_time("depth", entry.photo.milliseconds, "photo")
        rows = [
            table.row(entry.photo.name, entry.photo, entry.measured) for entry in entries.values()
        ]
        downloads.results("**All your photos** (metres)", rows, "depths.csv")
    else:
        write_address(None)
        st.info(
            "Upload a photo of a room, take one, or click a sample.", icon=":material/arrow_back:"
        )
    limits()
