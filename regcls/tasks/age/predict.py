"""Age from photos: detected faces, the estimates of all models, and their errors."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from regcls.inference import readouts
from regcls.inference.contract import Card
from regcls.inference.readouts import Interval
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.tasks import samples as stored_samples
from regcls.tasks.age import faces, views
from regcls.tasks.pairs import SAMPLES, Pair

if TYPE_CHECKING:
    import pandas as pd

TASK = "age"
RANGE_YEARS = 10.0  # width of the ranges in which errors are shown


@dataclass(frozen=True)
class AgeEstimate:
    """A model's prediction for one face, in years.

    Attributes
    ----------
    age : float
        Predicted age.
    interval : Interval
        Its conformal interval, in years.
    """

    age: float
    interval: Interval


@dataclass(frozen=True)
class FaceAges:
    """All predictions for one face.

    Attributes
    ----------
    views : ndarray of uint8, shape (V, side, side, 3)
        Inputs of the networks: the aligned crop, then its other views.
    readouts : mapping of str to mapping of str to AgeEstimate
        Predictions by model and read-out, each model's best on validation data first.
    probabilities : ndarray, shape (C,)
        Class probabilities of the reg+cls model.
    class_edges : ndarray, shape (C + 1,)
        Edges of its classes, in years.
    spread : mapping of str to tuple of float
        Lowest and highest age that each model predicts for the views.
    doubts : tuple of str
        Why the prediction is unsure, as sentences.
    """

    views: np.ndarray
    readouts: Mapping[str, Mapping[str, AgeEstimate]]
    probabilities: np.ndarray
    class_edges: np.ndarray
    spread: Mapping[str, tuple[float, float]]
    doubts: tuple[str, ...] = ()

    @property
    def crop(self) -> np.ndarray:
        """The aligned crop, uint8 (side, side, 3)."""
        return self.views[0]

    @property
    def estimates(self) -> dict[str, AgeEstimate]:
        """Prediction of each model's best read-out."""
        return {model: next(iter(found.values())) for model, found in self.readouts.items()}


@dataclass(frozen=True)
class PhotoAges:
    """All predictions for one photo.

    Attributes
    ----------
    name : str
        Name of the photo.
    found : bool
        Whether a face was detected. If not, ``faces`` has one entry for the centre crop.
    faces : tuple of FaceAges
        The faces, the largest first.
    preview : ndarray of uint8, shape (h, w, 3)
        A small copy of the photo with the faces outlined.
    notes : tuple of str
        What was changed when the photo was read, as sentences.
    milliseconds : mapping of str to float
        Inference time per face, by model.
    """

    name: str
    found: bool
    faces: tuple[FaceAges, ...]
    preview: np.ndarray
    notes: tuple[str, ...]
    milliseconds: Mapping[str, float]


@dataclass(frozen=True)
class Sample:
    """A photo that is shipped as an example.

    Attributes
    ----------
    title : str
        Name of the person.
    file : str
        Name of the file.
    age : float or None
        True age in years; None if the day of the photo is not known.
    """

    title: str
    file: str
    age: float | None

    def read(self) -> bytes:
        """Return the content of the file."""
        return (SAMPLES / self.file).read_bytes()


SHIPPED_SAMPLES = (
    Sample("Eileen Collins", "astronaut.jpg", None),
    Sample("Grace Hopper", "grace_hopper.jpg", 77.0),
)
FIRST_SAMPLE = SHIPPED_SAMPLES[1]  # the page opens with it


def load() -> Pair:
    """Load the age pair; see `regcls.tasks.pairs.load`."""
    return pairs.load(TASK)


def predict_photo(data: bytes, name: str, pair: Pair) -> PhotoAges:
    """Detect the faces of a photo and predict their ages.

    Parameters
    ----------
    data : bytes
        Content of the file.
    name : str
        Name of the photo.
    pair : Pair
        The models.

    Returns
    -------
    PhotoAges
        Predictions for all faces, or for the centre crop if no face is detected.

    Raises
    ------
    MediaError
        If the file is not a photo that can be read.
    """
    picture = images.read_image(data, name)
    side = pair.input_size[0]
    found = faces.detect(picture.pixels)
    maps = [faces.alignment(face) for face in found] or [faces.centre(picture.pixels)]
    crops = np.stack([views.crops(picture.pixels, to_unit, side) for to_unit in maps])
    doubts = [views.doubts(to_unit) for to_unit in maps]
    predictions, milliseconds = predict_faces(crops, pair, doubts)
    return PhotoAges(
        name,
        bool(found),
        tuple(predictions),
        faces.outlined(picture.pixels, found),
        picture.notes,
        milliseconds,
    )


def predict_faces(
    crops: np.ndarray, pair: Pair, doubts: Sequence[tuple[str, ...]] = ()
) -> tuple[list[FaceAges], dict[str, float]]:
    """Predict the ages of cropped faces with all models.

    Parameters
    ----------
    crops : ndarray of uint8, shape (N, V, side, side, 3)
        Views of each face, of the pair's input size; the first is the aligned crop.
    pair : Pair
        The models.
    doubts : sequence of tuple of str, optional
        Why the prediction for each face is unsure.

    Returns
    -------
    predictions : list of FaceAges
        N predictions.
    milliseconds : dict of str to float
        Inference time per face, by model.
    """
    count = crops.shape[1]
    outputs = pairs.predict(pair, crops.reshape(-1, *crops.shape[2:]))
    sessions = pairs.sessions(pair)  # after the prediction, in which a user's model can fail
    milliseconds = {m: 1000 * count * s.seconds_per_image for m, s in sessions.items()}
    return _faces(crops, pair, outputs, list(doubts) or [()] * len(crops)), milliseconds


def _faces(
    crops: np.ndarray,
    pair: Pair,
    outputs: Mapping[str, pairs.Outputs],
    doubts: Sequence[tuple[str, ...]],
) -> list[FaceAges]:
    """Return the predictions for faces (N, V, ...) from the models' outputs (N · V, ...)."""
    from scipy.special import softmax

    sessions, count = pairs.sessions(pair), crops.shape[1]
    logits, classes = outputs["reg+cls"][1], pair.regcls.card.classes
    assert logits is not None and classes is not None  # guaranteed by the contract
    probabilities = softmax(logits[::count].astype(np.float64), axis=1)
    answers = {m: readouts.predict_all(s.card, *outputs[m]) for m, s in sessions.items()}
    return [
        FaceAges(
            crops[i],
            {m: _estimates(answers[m], count * i, s.card) for m, s in sessions.items()},
            probabilities[i],
            np.asarray(classes["edges"], np.float64),
            {m: _ends(answers[m], slice(count * i, count * (i + 1))) for m in sessions},
            doubts[i],
        )
        for i in range(len(crops))
    ]


def _ends(answers: Mapping[str, np.ndarray], of_face: slice) -> tuple[float, float]:
    """Return the lowest and highest age of a model's best read-out over the views of a face."""
    ages = next(iter(answers.values()))[of_face]
    return float(ages.min()), float(ages.max())


def _estimates(answers: Mapping[str, np.ndarray], face: int, card: Card) -> dict[str, AgeEstimate]:
    """Return a face's predictions by read-out."""
    found = {}
    for readout, ages in answers.items():
        age = float(ages[face])
        found[readout] = AgeEstimate(age, readouts.interval(card, age, readout))
    return found


def first_sample(pair: Pair) -> PhotoAges | None:
    """Return the predictions for `FIRST_SAMPLE` that are stored with the app.

    Parameters
    ----------
    pair : Pair
        The models.

    Returns
    -------
    PhotoAges or None
        The predictions, without inference times; None if they are not those of these models.
    """
    sample = FIRST_SAMPLE
    kept = stored_samples.stored(TASK, sample.read(), pair)
    if kept is None:
        return None
    outputs = {"reg": (kept["reg"], None), "reg+cls": (kept["regcls"], kept["logits"])}
    shipped = Pair(pair.reg, pair.regcls, pair.predictions, pair.card_text)
    found = _faces(kept["views"], shipped, outputs, [()] * len(kept["views"]))
    preview = np.asarray(Image.open(io.BytesIO(kept["preview"].tobytes())))
    return PhotoAges(sample.title, True, tuple(found), preview, (), dict.fromkeys(outputs, np.nan))


def store_sample(pair: Pair) -> Path:
    """Store the predictions for `FIRST_SAMPLE` with the app.

    Parameters
    ----------
    pair : Pair
        The shipped models.

    Returns
    -------
    Path
        The file.
    """
    sample = FIRST_SAMPLE
    photo = predict_photo(sample.read(), sample.title, pair)
    crops = np.stack([face.views for face in photo.faces])
    outputs = pairs.run_pair(pair, crops.reshape(-1, *crops.shape[2:]))
    preview = io.BytesIO()
    Image.fromarray(photo.preview).save(preview, "JPEG", quality=85)
    logits = outputs["reg+cls"][1]
    assert logits is not None  # guaranteed by the contract
    return stored_samples.store(
        TASK,
        sample.read(),
        pair,
        {
            "views": crops,
            "preview": np.frombuffer(preview.getvalue(), np.uint8),
            "reg": outputs["reg"][0],
            "regcls": outputs["reg+cls"][0],
            "logits": logits,
        },
    )


def pair_report(pair: Pair) -> ErrorReport:
    """Return the test errors of a pair per ten years of age.

    Parameters
    ----------
    pair : Pair
        The pair.

    Returns
    -------
    ErrorReport
        Errors in years.
    """
    return reports.held_out(pair, ranges(pair.reg.card))


def readout_table(pair: Pair) -> pd.DataFrame:
    """Return the test errors of all read-outs of a pair.

    Parameters
    ----------
    pair : Pair
        The pair.

    Returns
    -------
    DataFrame
        See `regcls.tasks.reports.held_out_readouts`; errors in years.
    """
    return reports.held_out_readouts(pair, ranges(pair.reg.card))


def own_report(labelled: Iterable[tuple[FaceAges, float]], card: Card) -> ErrorReport | None:
    """Return the errors on a user's own photos, in the ranges of `pair_report`.

    Parameters
    ----------
    labelled : iterable of tuple
        Predictions for a face and its true age in years.
    card : Card
        Card of a shipped model, for the training counts.

    Returns
    -------
    ErrorReport or None
        Errors in years; None without labelled faces.
    """
    listed = list(labelled)
    if not listed:
        return None
    models = reports.common_models(face.estimates for face, _ in listed)
    edges = ranges(card)
    return ErrorReport.from_predictions(
        np.array([age for _, age in listed]),
        {m: np.array([face.estimates[m].age for face, _ in listed]) for m in models},
        edges,
        train_counts=reports.train_counts(card, edges),
    )


def ranges(card: Card) -> np.ndarray:
    """Return the edges of the age ranges in which errors are shown.

    Parameters
    ----------
    card : Card
        Card of a model, for the limits of the target.

    Returns
    -------
    ndarray, shape (K + 1,)
        Edges in years, ten years apart.
    """
    low, high = card.target["low"], card.target["high"]
    return np.arange(low, high + RANGE_YEARS, RANGE_YEARS)
