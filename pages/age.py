"""Age: photos in, what both models say, and how far they are usually off at that age."""

from __future__ import annotations

import streamlit as st

from pages import through_app
from pages.components import (
    answer_cards,
    custom_models,
    downloads,
    messages,
    selection,
    task_models,
    uploads,
)
from regcls.io.labelled_zip import AGE_LIMITS, MAX_ZIP_BYTES
from regcls.tasks import pairs as tasks_pairs
from regcls.tasks.age import predict, table
from regcls.tasks.age.gallery import Entry, Gallery

through_app()


def gallery() -> Gallery:
    return st.session_state.setdefault("age_gallery", Gallery())


def take_zip(data: bytes) -> None:
    pair, _ = task_models.models("age")
    bar = st.progress(0.0, "Looking at the photos of the zip…")
    selection.show(gallery().add_zip(data, pair, bar.progress), "age")
    bar.empty()


def inputs() -> None:
    source = st.segmented_control(
        "Where from", ["Photos", "Camera", "Zip"], default="Photos", required=True,
        label_visibility="collapsed", key="age_source", width="stretch",
    )  # fmt: skip
    if source == "Photos":
        uploads.upload("Photos with faces", "age", gallery())
    elif source == "Camera":
        uploads.camera("A photo of you", "age", gallery())
    else:
        for file in uploads.unseen([zip_widget()], "age"):
            take_zip(file.getvalue())
        st.caption(
            "The CSV has the columns **file** and **age** (in years). Your photos' errors then "
            "join the chart of errors per age."
        )
    uploads.samples(predict.SHIPPED_SAMPLES, take_sample, "age", 56)


def zip_widget():
    """The uploader for labelled zips."""
    return st.file_uploader(
        "A zip of photos and one CSV", "zip", key="age_zip",
        max_upload_size=MAX_ZIP_BYTES // 1_000_000,
    )  # fmt: skip


def take_sample(sample: predict.Sample) -> None:
    pair, _ = task_models.models("age")
    with st.spinner("Looking…"):
        key = gallery().add(sample.read(), sample.title, pair, sample.age)
    selection.show(key, "age")


def show(key: str) -> None:
    entry = gallery().entries[key]
    left, right = st.columns([1, 2], gap="medium")
    with left:
        st.image(entry.photo.preview, caption=entry.photo.name, width="stretch")
        if st.button("Remove", key=f"age_remove_{key}", icon=":material/delete:"):
            del gallery().entries[key]
            st.rerun()
    with right:
        for note in entry.photo.notes:
            st.info(note)
        if not entry.photo.found:
            st.warning("No face was found in this photo.")
            entry.centre = st.checkbox(
                "Use the centre of the photo instead", value=entry.centre, key=f"age_centre_{key}"
            )
        if entry.faces:
            at = chosen_face(key, entry)
            answers(entry.faces[at])
            true_age(key, entry, at)
    if entry.faces:
        charts(entry.faces[at], entry.truths.get(at))


def chosen_face(key: str, entry: Entry) -> int:
    """The face shown: its crop, and below the crops a click for each where there are several."""
    count = len(entry.faces)
    side = entry.faces[0].crop.shape[0]
    captions = [
        f"{i + 1}" if count > 1 else f"as the networks see it, {side} × {side}"
        for i in range(count)
    ]
    with st.container(horizontal=True):
        for face, caption in zip(entry.faces, captions, strict=True):
            st.image(face.crop, caption=caption, width=112)
    if count == 1:
        return 0
    return st.pills(
        f"{count} faces, the largest first", range(count), format_func=lambda i: f"Face {i + 1}",
        default=0, required=True, key=f"age_face_{key}",
    )  # fmt: skip


def answers(face: predict.FaceAges) -> None:
    cells = {}
    for model, answer in face.estimates.items():
        interval = (
            f"{answer.low:.0f} to {answer.high:.0f} ({answer.level:.0%} interval)"
            if answer.level == answer.level
            else "no interval: the model carries no calibration"
        )
        cells[model] = (
            f'<div style="font-size:2.1rem;line-height:1.3;font-weight:600">{answer.age:.0f}'
            f'<span style="font-size:1rem;font-weight:400"> years</span></div>'
            f"<div>{interval}</div>"
        )
    answer_cards.answers(cells)


def true_age(key: str, entry: Entry, at: int) -> None:
    low, high = AGE_LIMITS
    truth = st.number_input(
        "True age, if you know it (years)", low, high, entry.truths.get(at), 1.0, format="%.0f",
        placeholder="joins the charts and the table below", key=f"age_truth_{key}_{at}",
    )  # fmt: skip
    if truth is None:
        entry.truths.pop(at, None)
    else:
        entry.truths[at] = truth


def charts(face: predict.FaceAges, truth: float | None) -> None:
    from regcls.plotting.errors import errors_per_range, probabilities

    pair, report = task_models.models("age")
    mark = truth if truth is not None else [face.estimates[m].age for m in tasks_pairs.MODELS]
    own = predict.own_report(gallery().labelled_faces(), pair.reg.card)
    st.altair_chart(errors_per_range(report, "years", "age", mark=mark, extra=own).chart())
    line = "true age" if truth is not None else "two answers, since the true age is not known"
    st.caption(
        f"Bars: {report.level:.0%} intervals on {len(pair.predictions)} test photos that no model "
        f"was trained on. The dashed line marks this person's {line}."
        + ("" if own is None else " Diamonds: your own photos.")
    )
    thoughts = probabilities(face.class_edges, face.probabilities, "years", "age", truth)
    st.altair_chart(thoughts.chart().properties(height=300))
    st.caption(
        "The class head is set aside when the age is read: reg+cls answers from its regression "
        "output."
    )


def limits() -> None:
    with st.expander("How to read this, its limits, and what it may be used for"):
        st.markdown(
            "The coloured bars hold each model's answer and the interval in which the true age lies "
            "for nine of ten photos with a like answer. The first chart shows how far off each "
            "model is per ten years of age, over how many training photos there were; the second, "
            "what the class head of reg+cls thinks.\n\n"
            "These are small networks, trained on a few thousand photos of mostly young adults and "
            "small children. They guess how old a face *looks* and are often ten years off, more "
            "where the training data is thin: that is what the error chart is there to show. "
            "Light, make-up, glasses and camera angle all move the answer. Never use it to decide "
            "anything about a person.\n\n"
            "The models were trained on UTKFace (Zhang, Song, Qi, CVPR 2017), which is for "
            "**non-commercial research** only, and so are they."
        )


st.title("Age, from a face")
st.markdown(
    "Two networks, alike in all but one thing: *reg+cls* also had to name the age class while it "
    "learned. See what each says of a face, and how far off it usually is at that age."
)
left, right = st.columns([1, 2], gap="medium")
with left:
    inputs()
    st.caption(uploads.PHOTO_PRIVACY)
    custom_models.offer_own("age")
with right:
    messages.problems(gallery().problems, "age")
    if gallery().entries:
        entries = gallery().entries
        gallery().update_predictions(task_models.models("age")[0])
        custom_models.own_problems("age")
        key = selection.chosen(entries, lambda key: entries[key].photo.name, "age", "Photo")
        show(key)
        task_models.engine("age", entries[key].photo.milliseconds, "face")
        downloads.results("**All your photos**", table.table(gallery().records()), "ages.csv")
    else:
        st.info("Add a photo, take one, or click a sample.", icon=":material/arrow_back:")
    limits()
