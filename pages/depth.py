"""Depth: photos of rooms in, how far everything is in the eyes of both models."""

from __future__ import annotations

import numpy as np
import streamlit as st

from pages import through_app
from pages.components import answer_cards, custom_models, messages, selection, task_models, uploads
from pages.components import downloads as components_downloads
from regcls.io import images
from regcls.tasks import pairs as tasks_pairs
from regcls.tasks.depth import ground_truth, predict
from regcls.tasks.depth import table as depth_table
from regcls.tasks.depth.gallery import Entry, Gallery, own_metrics

through_app()

VIEWS = {
    "maps": "Both maps",
    "wipe": "Before and after",
    "difference": "Difference",
    "space": "In space",
    "errors": "Errors",
}
WIDEST, NARROWEST = 100, 30  # degrees across


def gallery() -> Gallery:
    return st.session_state.setdefault("depth_gallery", Gallery())


# State in the address: ?sample=, view=


def from_address() -> None:
    if "depth_view" in st.session_state:
        return
    query = st.query_params
    view = query.get("view", "maps")
    if view not in VIEWS:
        st.toast(f"There is no view {view!r}; the views are {', '.join(VIEWS)}.")
        view = "maps"
    st.session_state["depth_view"] = view
    if key := query.get("sample"):
        sample = next((s for s in predict.SHIPPED_SAMPLES if s.key == key), None)
        if sample is None:
            keys = ", ".join(sample.key for sample in predict.SHIPPED_SAMPLES)
            st.toast(f"There is no sample {key!r}; the samples are {keys}.")
        else:
            take_sample(sample)


def to_address(name: str | None) -> None:
    sample = next((s.key for s in predict.SHIPPED_SAMPLES if s.title == name), None)
    view = st.session_state.get("depth_view")
    wanted = {"sample": sample, "view": view if view != "maps" else None}
    wanted = {name: value for name, value in wanted.items() if value}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


# Photos in


def take_sample(sample: predict.Sample) -> None:
    uploads.take([(sample.title, sample.read())], "depth", gallery())


def inputs() -> None:
    source = st.segmented_control(
        "Where from", ["Photos", "Camera"], default="Photos", required=True,
        label_visibility="collapsed", key="depth_source", width="stretch",
    )  # fmt: skip
    if source == "Photos":
        uploads.upload("Photos of rooms", "depth", gallery())
    else:
        uploads.camera("The room you are in", "depth", gallery())
    uploads.samples(predict.SHIPPED_SAMPLES, take_sample, "depth", 64)


# Results


def show(key: str) -> None:
    entry = gallery().entries[key]
    for note in entry.photo.notes + entry.truth_notes:
        st.info(note)
    st.segmented_control(
        "View", list(VIEWS), format_func=VIEWS.get, required=True, key="depth_view",
        label_visibility="collapsed",
    )  # fmt: skip
    view = st.session_state["depth_view"]
    {"maps": maps, "wipe": wiped, "difference": difference, "space": space, "errors": errors}[view](
        key, entry
    )


def maps(key: str, entry: Entry) -> None:
    from regcls.tasks.depth import charts as depth_charts

    left, right = st.columns([1, 2], vertical_alignment="center")
    left.image(entry.photo.pixels, caption=entry.photo.name, width="stretch")
    with right:
        point = chosen_point(key, entry)
    figure = depth_charts.maps(entry.photo, entry.truth, point)
    st.plotly_chart(
        figure, key=f"depth_maps_{key}", on_select="rerun", selection_mode="points",
        config={"displayModeBar": False},
    )  # fmt: skip
    st.caption(
        "One scale of metres for all maps; bright is near. Point at a place to read all models, "
        "click it to keep the values above."
    )


def chosen_point(key: str, entry: Entry) -> tuple[int, int]:
    """The place that was clicked, else the middle, and what both models say of it."""
    height, width = entry.photo.depth["reg"].shape
    picked = st.session_state.get(f"depth_maps_{key}", {}).get("selection", {}).get("points", [])
    x, y = (picked[-1]["x"], picked[-1]["y"]) if picked else (width // 2, height // 2)
    row, column = min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)
    answer_cards.answers(
        {
            model: '<div style="font-size:2.1rem;line-height:1.3;font-weight:600">'
            f'{metres[row, column]:.2f}<span style="font-size:1rem;'
            'font-weight:400"> m</span></div>'
            for model, metres in entry.photo.depth.items()
        }
    )
    true = entry.truth[row, column] if entry.truth is not None else 0
    place = "At the place you clicked" if picked else "In the middle; click a map for another place"
    st.caption(place + (f". True depth: {true:.2f} m." if true > 0 else "."))
    return row, column


def wiped(key: str, entry: Entry) -> None:
    from pages.components.image_slider import image_slider
    from regcls.tasks.depth import charts as depth_charts

    ends = depth_charts.limits(entry.photo)
    pictures = [
        predict.png(depth_charts.coloured(predict.enlarged(entry.photo, model), ends))
        for model in tasks_pairs.MODELS
    ]
    image_slider(*pictures, tasks_pairs.MODELS, key=f"depth_wipe_{key}")
    st.caption(
        f"Drag the line, or use the arrow keys. Bright is near; from {ends[0]:.1f} to "
        f"{ends[1]:.1f} m."
    )


def difference(key: str, entry: Entry) -> None:
    from regcls.tasks.depth import charts as depth_charts

    st.plotly_chart(
        depth_charts.difference(entry.photo), key=f"depth_gap_{key}",
        config={"displayModeBar": False},
    )  # fmt: skip
    gap = entry.photo.depth["reg+cls"] - entry.photo.depth["reg"]
    st.caption(
        "Purple: reg+cls sees it farther away than reg; orange: nearer. On average they differ by "
        f"{np.abs(gap).mean():.2f} m here. Which of them is right, only a true depth can tell."
    )


def space(key: str, entry: Entry) -> None:
    from regcls.tasks.depth import charts as depth_charts

    left, right = st.columns(2)
    model = left.segmented_control(
        "Model",
        tasks_pairs.MODELS,
        default=tasks_pairs.MODELS[1],
        required=True,
        key="depth_cloud_model",
    )
    angle = right.slider(
        "Field of view across (degrees)", NARROWEST, WIDEST, round(predict.FIELD_OF_VIEW),
        key="depth_angle",
        help="Of the camera that took the photo. A telephone's main camera has some 65 to 75.",
    )  # fmt: skip
    points = predict.point_cloud(entry.photo, model, angle)
    st.plotly_chart(depth_charts.cloud(points, model), key=f"depth_cloud_{key}_{model}")
    st.caption(
        "Turn it with the mouse or a finger. A wrong field of view bends the room: walls that "
        "should stand at right angles open or close."
    )


def errors(key: str, entry: Entry) -> None:
    from regcls.plotting.errors import errors_per_range
    from regcls.tasks.depth.charts import shares

    pair, report = task_models.models("depth")
    true_depth(key, entry)
    own = gallery().report(pair.reg.card)
    st.altair_chart(errors_per_range(report, "m", "depth", extra=own).chart())
    photos = pair.predictions["frame"].nunique()
    st.caption(
        f"Points: mean absolute error on pixels of {photos} test photos of rooms that no model was "
        f"trained on; bars: {report.level:.0%} intervals over photos."
        + ("" if own is None else " Diamonds: your own photos.")
    )
    if entry.truth is not None:
        table = own_metrics(entry)
        st.dataframe(table, hide_index=True)
        st.download_button(
            "Download these errors", table.to_csv(index=False), "depth_errors.csv", "text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    picture = shares(entry.photo, pair.reg.card)
    st.altair_chart(picture.chart())
    st.caption(picture.caption)


def true_depth(key: str, entry: Entry) -> None:
    if entry.truth is not None:
        return
    file = st.file_uploader(
        "The photo's true depth, if you have it", ["png", "npy"], key=f"depth_truth_{key}",
        max_upload_size=4 * images.MAX_BYTES // 1_000_000,
        help="A 16-bit PNG in millimetres or a .npy file in metres, of the photo's shape; 0 where "
        "it is not known.",
    )  # fmt: skip
    for new in uploads.unseen([file], "depth"):
        gallery().add_truth(key, new.getvalue(), new.name)
        st.rerun()


def downloads(key: str, entry: Entry) -> None:
    from regcls.tasks.depth import charts as depth_charts

    photo, ends = entry.photo, depth_charts.limits(entry.photo)
    stem = photo.name.rsplit(".", 1)[0].replace(" ", "_")
    with st.popover("Download", icon=":material/download:"):
        for model, short in tasks_pairs.KEYS.items():
            metres = predict.enlarged(photo, model)
            files = {
                "16-bit PNG (mm)": (ground_truth.as_png(metres), "png", "image/png"),
                ".npy (m)": (ground_truth.as_npy(metres), "npy", "application/octet-stream"),
                "colours": (
                    predict.png(depth_charts.coloured(metres, ends)),
                    "colour.png",
                    "image/png",
                ),
            }
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{model}**")
                for what, (data, suffix, kind) in files.items():
                    st.download_button(
                        what, data, f"{stem}_{short}.{suffix}", kind, on_click="ignore",
                        key=f"depth_get_{key}_{short}_{suffix}",
                    )  # fmt: skip


def limits() -> None:
    with st.expander("How to read this, and where it fails"):
        st.markdown(
            "These are small networks that learned from some 650 photos of rooms in the United "
            "States, taken with one camera, a Kinect of 2010 (NYU Depth v2; Silberman, Hoiem, "
            "Kohli, Fergus, ECCV 2012), which sees no farther than 10 m. **Outdoors**, from above, "
            "of drawings or of things close by, they answer all the same, and mean nothing.\n\n"
            "**Metres depend on the lens.** How large a thing appears tells its distance only if "
            f"one knows the field of view. The networks expect that of the Kinect "
            f"({predict.FIELD_OF_VIEW:.0f}° across). A photo of a camera that sees twice as wide "
            "comes out about twice too far away; what is nearer than what stays right. Mirrors, "
            "windows and dark, shiny floors mislead them as they misled the Kinect.\n\n"
            "The errors are held against the depth of training pixels in each metre: far depths "
            "are rare, and errors grow there."
        )


st.title("Depth, from a photo of a room")
st.markdown(
    "Two networks say how many metres away everything is, alike in all but one thing: *reg+cls* "
    "also had to name the class of depth of each pixel while it learned."
)
from_address()
left, right = st.columns([1, 3], gap="medium")
with left:
    inputs()
    st.caption(uploads.PHOTO_PRIVACY)
    custom_models.offer_own("depth")
with right:
    messages.problems(gallery().problems, "depth")
    if entries := gallery().entries:
        gallery().update_predictions(task_models.models("depth")[0])
        custom_models.own_problems("depth")
        key = selection.chosen(entries, lambda key: entries[key].photo.name, "depth", "Photo")
        entry = entries[key]
        to_address(entry.photo.name)
        show(key)
        with st.container(horizontal=True):
            downloads(key, entry)
            if st.button("Remove", key=f"depth_remove_{key}", icon=":material/delete:"):
                del entries[key]
                st.rerun()
        task_models.engine("depth", entry.photo.milliseconds, "photo")
        rows = [depth_table.row(entry.photo.name, entry.photo) for entry in entries.values()]
        components_downloads.results("**All your photos** (metres)", rows, "depths.csv")
    else:
        to_address(None)
        st.info("Add a photo of a room, take one, or click a sample.", icon=":material/arrow_back:")
    limits()
