"""Age from faces: a photo in, both models' ages with their expected error out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from regcls.inference.contract import Card
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs as tasks_pairs
from regcls.tasks import reports
from regcls.tasks.age import faces
from regcls.tasks.pairs import SAMPLES, Pair

TASK = "age"
RANGE_YEARS = 10.0  # width of the ranges in which errors are shown


@dataclass(frozen=True)
class Reading:
    """One model's answer for one face, in years.

    ``low`` and ``high`` hold the true age with probability ``level``, as found on held-out photos
    with a like answer; all three are NaN when the model carries no calibration.
    """

    age: float
    low: float
    high: float
    level: float


@dataclass(frozen=True)
class FaceAges:
    """``crop`` uint8 (side, side, 3), what the networks saw; ``estimates`` by model;
    ``probabilities`` (C,) of the class head over ``class_edges`` (C+1,), in years."""

    crop: np.ndarray
    estimates: Mapping[str, Reading]
    probabilities: np.ndarray
    class_edges: np.ndarray


@dataclass(frozen=True)
class PhotoAges:
    """What a photo gave. Where ``found`` is false, ``faces`` holds the centre crop alone.

    ``preview`` is a small copy with the faces outlined; ``milliseconds`` per face by model.
    """

    name: str
    found: bool
    faces: tuple[FaceAges, ...]
    preview: np.ndarray
    notes: tuple[str, ...]
    milliseconds: Mapping[str, float]


@dataclass(frozen=True)
class Sample:
    """A photo that ships; ``age`` in years, None where the day of the photo is not known."""

    title: str
    file: str
    age: float | None

    def read(self) -> bytes:
        return (SAMPLES / self.file).read_bytes()


SHIPPED_SAMPLES = (
    Sample("Eileen Collins", "astronaut.jpg", None),
    Sample("Grace Hopper", "grace_hopper.jpg", 77.0),
)


def load() -> Pair:
    """The age pair. Raises ``ContractError`` with what to do."""
    return tasks_pairs.load(TASK)


def look(data: bytes, name: str, pair: Pair) -> PhotoAges:
    """Decode, find faces, ask both models. Raises ``media.MediaError`` for what is no photo."""
    picture = images.read_image(data, name)
    side = pair.reg.card.input["height"]
    found = faces.detect(picture.pixels)
    crops = [faces.crop(picture.pixels, face, side) for face in found]
    crops = crops or [faces.centre_crop(picture.pixels, side)]
    answers, milliseconds = ask(np.stack(crops), pair)
    return PhotoAges(
        name,
        bool(found),
        tuple(answers),
        faces.outlined(picture.pixels, found),
        picture.notes,
        milliseconds,
    )


def ask(crops: np.ndarray, pair: Pair) -> tuple[list[FaceAges], dict[str, float]]:
    """Both models on uint8 ``crops`` (N, side, side, 3) → answers (N), and ms a face by model."""
    found = tasks_pairs.answers(pair, crops)
    sessions = tasks_pairs.sessions(pair)  # one of them may just have failed
    times = {model: session.seconds_per_image * 1000 for model, session in sessions.items()}
    card = pair.regcls.card
    probabilities = _softmax(found["reg+cls"][1])
    answers = [
        FaceAges(
            crop,
            {m: reading(float(found[m][0][i]), s.card) for m, s in sessions.items()},
            probabilities[i],
            np.asarray(card.classes["edges"], np.float64),
        )
        for i, crop in enumerate(crops)
    ]
    return answers, times


def reading(value: float, card: Card) -> Reading:
    """An answer with its conformal interval: ± the radius calibrated for answers in its range.

    The interval is cut to the ages there are; that loses no true age.
    """
    table = card.calibration
    if table is None:
        return Reading(value, np.nan, np.nan, np.nan)
    k = int(np.searchsorted(table["edges"][1:-1], value, side="right"))
    radius, limits = float(table["radius"][k]), (card.target["low"], card.target["high"])
    low, high = np.clip([value - radius, value + radius], *limits)
    return Reading(value, float(low), float(high), float(table["level"]))


def pair_report(pair: Pair) -> ErrorReport:
    """Errors of the shipped pair on its test photos, per ten years of age."""
    return reports.held_out(pair, ranges(pair.reg.card))


def own_report(labelled: Iterable[tuple[FaceAges, float]], card: Card) -> ErrorReport | None:
    """Errors on the visitor's own photos, as (face, true age), in the ranges of ``pair_report``."""
    pairs = list(labelled)
    if not pairs:
        return None
    models = reports.common(face.estimates for face, _ in pairs)
    predictions = {m: [face.estimates[m].age for face, _ in pairs] for m in models}
    edges = ranges(card)
    return ErrorReport.from_predictions(
        [age for _, age in pairs],
        predictions,
        edges,
        train_counts=reports.train_counts(card, edges),
    )


def ranges(card: Card) -> np.ndarray:
    """Edges of the age ranges that errors are shown in, ten years each."""
    low, high = card.target["low"], card.target["high"]
    return np.arange(low, high + RANGE_YEARS, RANGE_YEARS)


def _softmax(logits: np.ndarray) -> np.ndarray:
    """Over the classes, (N, C), shifted by the largest so that nothing overflows."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
