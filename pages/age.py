"""Age: estimate the age of faces in photos, with prediction intervals and errors per age."""

from __future__ import annotations

from dataclasses import replace

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
    uploads,
)
from regcls.inference import readouts
from regcls.io.labelled_zip import AGE_LIMITS
from regcls.tasks.age import predict, table
from regcls.tasks.age.gallery import Entry, Gallery
from regcls.tasks.pairs import MODELS

through_app()

# Whether the prediction of reg+cls uses its classes, by read-out.
CLASSES_USED = {
    "value": "The predicted age of reg+cls comes from its value head, not from its classes.",
    "recalibrated": "The predicted age of reg+cls comes from its value head, not from its classes.",
    "class": "The predicted age of reg+cls comes from these classes, with their prior removed.",
    "mixed": "The predicted age of reg+cls is a mixture of its value head and these classes.",
}
CLASSES_HEIGHT = 390  # pixels, of the chart of class probabilities
PHOTO_HEIGHT = 420  # pixels, at most
ZIP_CAPTION = (
    "The CSV needs the columns **file** and **age** (in years). The errors on your photos are "
    "added to the error chart."
)
STYLE = f"""<style>
.st-key-age_photo img {{ max-height: {PHOTO_HEIGHT}px; object-fit: contain;
  object-position: left; }}
</style>"""


def gallery() -> Gallery:
    """Return the visitor's photos."""
    return st.session_state.setdefault("age_gallery", Gallery())


def first_visit() -> None:
    """Open the page with a sample."""
    if not st.session_state.get("age_opened"):
        if not gallery().entries:
            add_sample(predict.FIRST_SAMPLE)
        st.session_state["age_opened"] = True


# Inputs


def inputs() -> None:
    """Draw the upload, the camera or the labelled zip, and the samples."""
    source = task_page.source(["Photos", "Camera", "Zip"], "age")
    if source == "Photos":
        uploads.upload_photos("Photos with faces", "age", gallery())
    elif source == "Camera":
        uploads.take_photo("A photo of you", "age", gallery())
    else:
        uploads.upload_zip("A zip of photos and one CSV", "age", gallery(), ZIP_CAPTION)
    uploads.samples(predict.SHIPPED_SAMPLES, add_sample, "age", gallery())


def add_sample(sample: predict.Sample) -> None:
    """Add a sample with its true age, if that is known."""
    pair, _ = task_models.models("age")
    with st.spinner("Processing photo…"):
        key = gallery().add_sample(sample, pair)
    selection.show(key, "age")


# Results


def show(key: str) -> None:
    """Show a photo beside the predictions for one of its faces and the test errors."""
    entry = gallery().entries[key]
    left, right = task_page.medium_and_answers(large=False)  # photos are often upright
    with left:
        with st.container(key="age_photo"):
            st.image(
                entry.photo.preview,
                caption=entry.photo.name,
                width="stretch",
                alt=f"Photo {entry.photo.name} with the faces found",
            )
        for note in entry.photo.notes:
            st.info(note)
        if not entry.photo.found:
            st.warning("No face was found in this photo.")
            entry.centre = st.checkbox(
                "Use the centre of the photo instead", value=entry.centre, key=f"age_centre_{key}"
            )
        number = 0
        if entry.faces:
            number = chosen_face(key, entry)
            with st.container(horizontal=True, vertical_alignment="bottom"):
                true_age(key, entry, number)
                remove(key)
        else:
            remove(key)
    with right:
        face = entry.faces[number] if entry.faces else None
        if face is not None:
            predictions(face)
            for doubt in face.doubts:
                st.warning(f"Unsure. {doubt}")
        draw_errors(face, entry.truths.get(number))


def remove(key: str) -> None:
    """Draw the button that removes a photo."""
    if task_page.remove_button("age", key):
        gallery().remove(key)
        st.rerun()


def chosen_face(key: str, entry: Entry) -> int:
    """Show the crops of several faces; return the number of the face picked, from 0."""
    count = len(entry.faces)
    if count == 1:
        return 0
    with st.container(horizontal=True):
        for number, face in enumerate(entry.faces, start=1):
            st.image(face.crop, caption=str(number), width=72, alt=f"Face {number}")
    return st.pills(
        f"{count} faces, largest first",
        range(count),
        format_func=lambda i: f"Face {i + 1}",
        default=0,
        required=True,
        key=f"age_face_{key}",
    )


def predictions(face: predict.FaceAges) -> None:
    """Show each model's predicted age with its interval, and how stable it is."""
    cells = {}
    for model, found in face.readouts.items():
        estimate = next(iter(found.values()))
        interval = answer_cards.interval_text(estimate.interval, 0, "photos")
        age = answer_cards.figure(f"{estimate.age:.0f}", "years")
        low, high = face.spread[model]
        views = answer_cards.line(f"{low:.0f} to {high:.0f} over {len(face.views)} views")
        cells[model] = f"{age}{answer_cards.line(interval)}{views}"
    answer_cards.cards(cells)


def true_age(key: str, entry: Entry, number: int) -> None:
    """Draw the input for the true age of a face."""
    low, high = AGE_LIMITS
    truth = st.number_input(
        "True age in years, if known",
        low,
        high,
        entry.truths.get(number),
        1.0,
        format="%.0f",
        placeholder="adds the error to the chart",
        key=f"age_truth_{key}_{number}",
    )
    if truth is None:
        entry.truths.pop(number, None)
    else:
        entry.truths[number] = truth


def draw_errors(face: predict.FaceAges | None, truth: float | None) -> None:
    """Draw the test errors per age range, with the visitor's photos and the age of a face."""
    pair, report = task_models.models("age")
    mark: error_chart.Mark | None = None
    if truth is not None:
        mark = ("the true age", truth)
    elif face is not None:
        mark = ("the predicted ages", [face.estimates[model].age for model in MODELS])
    error_chart.draw(
        "age",
        "years",
        f"Mean absolute error on {len(pair.predictions):,} held-out test photos, with "
        f"{report.level:.0%} intervals.",
        predict.own_report(gallery().labelled_faces(), pair.reg.card),
        "your own photos",
        mark,
    )


# Details


def details(entry: Entry, key: str) -> None:
    """Draw, folded, everything beyond the predictions and the test errors."""
    if entry.faces and (part := folds.fold("Read-outs and classes", "age_fold_classes")):
        number = st.session_state.get(f"age_face_{key}") or 0
        with part:
            heads(entry, number)
    error_chart.details("age", "years")
    if part := folds.fold("Table of all photos", "age_fold_table"):
        with part:
            downloads.results("**All your photos**", table.table(gallery().records()), "ages.csv")
            task_models.inference_time("age", entry.photo.milliseconds, "face")


def heads(entry: Entry, number: int) -> None:
    """Show what each read-out of a face predicts, and the class head's distribution."""
    from regcls.plotting.errors import probabilities

    face, truth = entry.faces[number], entry.truths.get(number)
    cells = {
        model: answer_cards.readouts({name: f"{one.age:.0f} years" for name, one in found.items()})
        for model, found in face.readouts.items()
    }
    if any(cells.values()):
        answer_cards.cards(cells)
    side = face.crop.shape[0]
    st.image(
        face.crop,
        caption=f"Input: {side} × {side} px",
        width=112,
        alt="The face as the networks see it",
    )
    classes = probabilities(face.class_edges, face.probabilities, "years", "age", truth)
    caption = CLASSES_USED[readouts.best(task_models.models("age")[0].regcls.card)]
    if truth is not None:
        caption += " Dashed line: the true age."
    drawn = replace(classes, spec=classes.spec | {"height": CLASSES_HEIGHT}, caption=caption)
    photo = f"Photo: {entry.photo.name}"
    photo += f", face {number + 1}." if len(entry.faces) > 1 else "."
    charts.draw(drawn, name="age-classes", settings=photo)


def limits() -> None:
    """Explain how to read the page and what the models must not be used for."""
    with st.expander("How to read this, limits and permitted use"):
        st.markdown(
            "- **Predictions.** Each card shows one model's predicted age with a prediction "
            "interval, calibrated on held-out photos: for photos with a similar prediction it "
            "covered the true age in nine of ten cases.\n"
            "- **Views.** The same face is also shown to the models mirrored and shifted by 3% of "
            "the crop. The range over these views shows how much the prediction hangs on the crop; "
            "a photo that is saved again or reduced moves it about as much. The predicted age is "
            "that of the aligned crop: on validation photos, the mean over the views was not clearly "
            "better.\n"
            "- **Read-outs.** *As trained* is the regression output; *recalibrated* is a monotone "
            "map of it; *class head* is the mean or median of the class probabilities with the "
            "frequency of the classes in training removed; *both heads* is a mixture. All were "
            "fitted and chosen on validation photos.\n"
            "- **Errors.** The error chart shows the error of each model per ten years of age, "
            "above the number of training photos.\n"
            "- **Limits.** These are small networks, trained on a few thousand photos, mostly of "
            "young adults and small children. They estimate how old a face *looks* and are often "
            "off by ten years, and by more where training data is scarce. Lighting, make-up, "
            "glasses and camera angle all change the prediction.\n"
            "- **Use.** Never use the predictions to make decisions about a person. The models "
            "were trained on UTKFace (Zhang, Song, Qi, CVPR 2017), which is licensed for "
            "**non-commercial research** only, and so are the models."
        )


st.title("Age, from a face")
st.markdown(
    "Two networks estimate the age of a face. *reg+cls* was also trained to classify the age into "
    "ranges."
)
st.html(STYLE)
with task_page.beside_inputs("age", inputs, uploads.PHOTO_PRIVACY):
    first_visit()
    messages.problems(gallery().problems, "age")
    if entries := gallery().entries:
        gallery().update_predictions(task_models.models("age")[0])
        custom_models.own_problems("age")
        shown = selection.chosen(entries, lambda key: entries[key].photo.name, "age", "Photo")
        show(shown)
    else:
        st.info("Upload a photo, take one, or click a sample.")
        draw_errors(None, None)
if entries:
    details(entries[shown], shown)
limits()
