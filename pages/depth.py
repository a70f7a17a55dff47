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
    folds,
    messages,
    selection,
    task_models,
    task_page,
    true_depth,
    uploads,
    url_state,
)
from pages.components.image_slider import Probe, Scale, image_slider
from regcls.tasks.depth import files as depth_files
from regcls.tasks.depth import ground_truth, predict, table
from regcls.tasks.depth.gallery import Entry, Gallery
from regcls.tasks.pairs import KEYS, MODELS

if TYPE_CHECKING:
    import numpy as np

through_app()

VIEWS = {"reg": "reg", "regcls": "reg+cls", "difference": "Difference"}  # with a shipped pair
TRUTH = "true"  # the view of a photo's true depth
ANSWERS = (("median", 0.5), ("nearest", 0.05), ("farthest", 0.95))  # quantiles of a map
JPEG_QUALITY = 88
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
    """Open the page with the sample and the view of the address (?sample=, view=), or the first."""
    if st.session_state.get("depth_opened"):
        return
    st.session_state["depth_view"] = url_state.choice("view", VIEWS, "reg")
    first = predict.FIRST_SAMPLE.key
    key = url_state.choice("sample", SAMPLES, first)
    if not gallery().entries:
        add_sample(SAMPLES[key])
    st.session_state["depth_opened"] = True


def write_address(name: str | None) -> None:
    """Write the view and the sample shown, if it is one, to the address."""
    key = next((key for key, sample in SAMPLES.items() if sample.title == name), None)
    view = st.session_state.get("depth_view")
    view = view if view in VIEWS else None
    url_state.write({"sample": key, "view": view}, {"view": "reg"})


# Inputs


def add_sample(sample: predict.Sample) -> None:
    """Add a sample and show it."""
    pair, _ = task_models.models("depth")
    with st.spinner("Processing photo…"):
        key = gallery().add_sample(sample, pair)
    selection.show(key, "depth")


def inputs() -> None:
    """Draw the upload, the camera or the zip, and the samples."""
    source = task_page.source(["Photos", "Camera", "Zip"], "depth")
    if source == "Photos":
        uploads.upload_photos("Photos of rooms", "depth", gallery())
    elif source == "Camera":
        uploads.take_photo("A photo of your room", "depth", gallery())
    else:
        uploads.upload_zip("A zip of photos and depth files", "depth", gallery(), ZIP_CAPTION)
    uploads.samples(predict.SHIPPED_SAMPLES, add_sample, "depth", gallery())


# Results


def show(key: str) -> None:
    """Show a photo over its depth, beside the predictions and the test errors."""
    entry = gallery().entries[key]
    left, right = task_page.medium_and_answers()
    with left:
        for note in entry.photo.notes:
            st.info(note)
        wipe(key, entry, chosen_view(entry))
        if entry.measured is not None:
            true_depth.how_read(entry.measured)
        with st.container(horizontal=True):
            map_files(key, entry)
            if task_page.remove_button("depth", key):
                gallery().remove(key)
                st.rerun()
    with right:
        predictions(entry)
        draw_errors()


def chosen_view(entry: Entry) -> str:
    """Draw the switch between the models' maps; return the one picked, a name or "difference"."""
    own = [model for model in entry.photo.depth if model not in MODELS]
    options = {**VIEWS, **{model: model for model in own}}
    if entry.truth is not None:
        options[TRUTH] = "True depth"
    if st.session_state.get("depth_view") not in options:
        st.session_state["depth_view"] = "reg"
    st.segmented_control(
        "Depth shown beside the photo",
        list(options),
        format_func=options.__getitem__,
        required=True,
        key="depth_view",
        label_visibility="collapsed",
    )
    return st.session_state["depth_view"]


def wipe(key: str, entry: Entry, view: str) -> None:
    """Show a photo and a map in one place, with a line between them that can be moved."""
    from regcls.tasks.depth import charts as depth_charts

    photo = entry.photo
    low, high = depth_charts.limits(photo, entry.truth)
    name = VIEWS.get(view, view)
    if view == "difference":
        metres, end = depth_charts.gap_and_limit(photo)
        name, colours = "reg+cls minus reg", depth_charts.DIFFERENCE_SCALE
        ends, words = (-end, end), (f"−{end:.2f} m", f"+{end:.2f} m")
    else:
        if view == TRUTH and entry.truth is not None:
            name, metres = "true depth", known(entry.truth)
        else:
            metres = photo.depth[name]
        colours = depth_charts.SCALE
        ends, words = (low, high), (f"near, {low:.1f} m", f"far, {high:.1f} m")
    values = dict(photo.depth)
    if entry.truth is not None:
        values["true"] = known(entry.truth)
    size = photo.pixels.shape[:2]
    image_slider(
        predict.jpeg(photo.pixels, JPEG_QUALITY),
        predict.png(depth_charts.coloured(metres, ends, colours)),
        ("photo", name),
        f"depth_wipe_{key}",
        size[1] / size[0],
        Scale(depth_charts.ramp(colours), *words),
        Probe("m", values),
    )
    if view == "difference":
        gap = table.row(photo.name, photo)["mean difference"]
        st.caption(
            "Purple: reg+cls predicts a greater depth than reg; orange: a smaller one. The mean "
            f"absolute difference is {gap:.2f} m."
        )
    else:
        st.caption(
            "Drag the line, or move it with the arrow keys. All maps share one scale in metres; "
            "bright is near."
        )


def known(truth: np.ndarray) -> np.ndarray:
    """Return the true depth with NaN where it is not known."""
    import numpy as np

    return np.where(truth > 0, truth, np.float32(np.nan))


def predictions(entry: Entry) -> None:
    """Show each model's median depth with the range of nearly all pixels."""
    import numpy as np

    cells = {}
    for model, metres in entry.photo.depth.items():
        median, near, far = (float(np.quantile(metres, share)) for _, share in ANSWERS)
        pixels = f"{near:.1f} to {far:.1f} m for 90% of the pixels"
        figure = answer_cards.figure(f"{median:.1f}", "m, median")
        cells[model] = f"{figure}{answer_cards.line(pixels)}"
    answer_cards.cards(cells)


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

    point = chosen_point(key, entry)
    st.plotly_chart(
        depth_charts.maps(entry.photo, entry.truth, point),
        key=f"depth_maps_{key}",
        on_select="rerun",
        selection_mode="points",
        config=save_only(f"{stem(entry.photo)}_maps"),
    )
    st.caption("Bright is near. Hover to read the depth at a point, click to show it above.")


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


def difference(key: str, entry: Entry) -> None:
    """Show where the two models differ."""
    from regcls.tasks.depth import charts as depth_charts

    photo = entry.photo
    figure = depth_charts.difference(photo)
    config = save_only(f"{stem(photo)}_difference")
    st.plotly_chart(figure, key=f"depth_gap_{key}", config=config)
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


def draw_errors() -> None:
    """Show the test errors per depth range, with those on the photos whose true depth is known."""
    pair, report = task_models.models("depth")
    error_chart.draw(
        "depth",
        "m",
        f"Mean absolute error on pixels of {pair.predictions['frame'].nunique()} held-out test "
        f"photos, with {report.level:.0%} intervals over photos.",
        gallery().report(pair.reg.card),
        "your own photos",
    )


def details(key: str, entry: Entry) -> None:
    """Draw, folded, everything beyond the wiped maps, the predictions and the test errors."""
    from regcls.tasks.depth.charts import shares

    if part := folds.fold("True depth of the photo", "depth_fold_truth"):
        with part:
            true_depth.draw(key, gallery())
    if part := folds.fold("Maps side by side, and their difference", "depth_fold_maps"):
        with part:
            maps(key, entry)
            difference(key, entry)
    if part := folds.fold("3D view", "depth_fold_space"):
        with part:
            space(key, entry)
    if part := folds.fold("Share of the pixels per range", "depth_fold_shares"):
        with part:
            card = task_models.models("depth")[0].reg.card
            charts.draw(shares(entry.photo, card), name="depth-shares")
    error_chart.details("depth", "m")
    if part := folds.fold("Table of all photos", "depth_fold_table"):
        with part:
            entries = gallery().entries.values()
            rows = [table.row(one.photo.name, one.photo, one.measured) for one in entries]
            downloads.results("**All your photos** (metres)", rows, "depths.csv")
            task_models.inference_time("depth", entry.photo.milliseconds, "photo")


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
            "- **Errors.** The error chart compares each model's error per metre of depth with the "
            "number of training pixels. Large depths are rare in training, and errors grow there."
        )


st.title("Depth, from a photo of a room")
st.markdown(
    "Two networks estimate the distance of every pixel. *reg+cls* was also trained to classify the "
    "distance into ranges."
)
with task_page.beside_inputs("depth", inputs, uploads.PHOTO_PRIVACY):
    first_visit()
    messages.problems(gallery().problems, "depth")
    if entries := gallery().entries:
        gallery().update_predictions(task_models.models("depth")[0])
        custom_models.own_problems("depth")
        shown = selection.chosen(entries, lambda key: entries[key].photo.name, "depth", "Photo")
        show(shown)
        write_address(entries[shown].photo.name)
    else:
        write_address(None)
        st.info("Upload a photo of a room, take one, or click a sample.")
        draw_errors()
if entries:
    details(shown, entries[shown])
limits()
