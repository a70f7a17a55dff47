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
CLASSES_HEIGHT = 300  # pixels, of the chart of class probabilities
ZIP_CAPTION = (
    "The CSV needs the columns **file** and **age** (in years). The errors on your photos are "
    "added to the error chart."
)


def gallery() -> Gallery:
    """Return the visitor's photos."""
    return st.session_state.setdefault("age_gallery", Gallery())


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
    uploads.samples(predict.SHIPPED_SAMPLES, add_sample, "age", 56)


def add_sample(sample: predict.Sample) -> None:
    """Add a sample with its true age, if that is known."""
    pair, _ = task_models.models("age")
    with st.spinner("Processing photo…"):
        key = gallery().add(sample.read(), sample.title, pair, sample.age)
    selection.show(key, "age")


# Results


def show(key: str) -> None:
    """Show a photo, the predictions for one of its faces, and the charts."""
    entry = gallery().entries[key]
    left, right = st.columns([1, 2], gap="medium")
    with left:
        st.image(entry.photo.preview, caption=entry.photo.name, width="stretch")
        if task_page.remove_button("age", key):
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
            number = chosen_face(key, entry)
            predictions(entry.faces[number])
            true_age(key, entry, number)
    if entry.faces:
        photo = f"Photo: {entry.photo.name}"
        photo += f", face {number + 1}." if len(entry.faces) > 1 else "."
        draw_charts(entry.faces[number], entry.truths.get(number), photo)


def chosen_face(key: str, entry: Entry) -> int:
    """Show the face crops; return the number of the face picked, from 0."""
    count = len(entry.faces)
    side = entry.faces[0].crop.shape[0]
    captions = [f"{i + 1}" for i in range(count)] if count > 1 else [f"Input: {side} × {side} px"]
    with st.container(horizontal=True):
        for face, caption in zip(entry.faces, captions, strict=True):
            st.image(face.crop, caption=caption, width=112)
    if count == 1:
        return 0
    return st.pills(
        f"{count} faces, largest first",
        range(count),
        format_func=lambda i: f"Face {i + 1}",
        default=0,
        required=True,
        key=f"age_face_{key}",
    )


def predictions(face: predict.FaceAges) -> None:
    """Show each model's predicted age with its interval."""
    cells = {}
    for model, found in face.readouts.items():
        estimate = next(iter(found.values()))
        interval = answer_cards.interval_text(estimate.interval, 0, "photos")
        age = answer_cards.figure(f"{estimate.age:.0f}", "years")
        others = answer_cards.readouts({name: f"{one.age:.0f}" for name, one in found.items()})
        cells[model] = f"{age}<div>{interval}</div>{others}"
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
        placeholder="added to the charts and the table",
        key=f"age_truth_{key}_{number}",
    )
    if truth is None:
        entry.truths.pop(number, None)
    else:
        entry.truths[number] = truth


def draw_charts(face: predict.FaceAges, truth: float | None, photo: str) -> None:
    """Draw the errors per age range and the class probabilities of a face in a photo."""
    from regcls.plotting.errors import probabilities

    pair, report = task_models.models("age")
    mark: error_chart.Mark = ("the true age", truth)
    if truth is None:
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
    classes = probabilities(face.class_edges, face.probabilities, "years", "age", truth)
    caption = CLASSES_USED[readouts.best(pair.regcls.card)]
    if truth is not None:
        caption += " Dashed line: the true age."
    spec = classes.spec | {"height": CLASSES_HEIGHT}
    drawn = replace(classes, spec=spec, caption=caption)
    charts.draw(drawn, name="age-classes", settings=photo)


def limits() -> None:
    """Explain how to read the page and what the models must not be used for."""
    with st.expander("How to read this, limits and permitted use"):
        st.markdown(
            "- **Predictions.** Each card shows one model's predicted age with a prediction "
            "interval, calibrated on held-out photos: for photos with a similar prediction it "
            "covered the true age in nine of ten cases.\n"
            "- **Read-outs.** *As trained* is the regression output; *recalibrated* is a monotone "
            "map of it; *class head* is the mean or median of the class probabilities with the "
            "frequency of the classes in training removed; *both heads* is a mixture. All were "
            "fitted and chosen on validation photos.\n"
            "- **Errors.** The first chart shows the error of each model per ten years of age, "
            "above the number of training photos. The second shows the class probabilities of "
            "reg+cls.\n"
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
    "Two networks estimate the age of a face. They differ in one respect: *reg+cls* was also trained "
    "to classify the age into ranges."
)
with task_page.beside_inputs("age", inputs, uploads.PHOTO_PRIVACY, 2):
    messages.problems(gallery().problems, "age")
    if entries := gallery().entries:
        gallery().update_predictions(task_models.models("age")[0])
        custom_models.own_problems("age")
        shown = selection.chosen(entries, lambda key: entries[key].photo.name, "age", "Photo")
        show(shown)
        task_models.inference_time("age", entries[shown].photo.milliseconds, "face")
        downloads.results("**All your photos**", table.table(gallery().records()), "ages.csv")
    else:
        st.info("Upload a photo, take one, or click a sample.", icon=":material/arrow_back:")
    limits()
