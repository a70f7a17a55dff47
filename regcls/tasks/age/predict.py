"""Age from faces: a photo in, both models' ages with their expected error out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd

from regcls.inference import session as inference_session
from regcls.inference.contract import Card
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs as tasks_pairs
from regcls.tasks.age import faces
from regcls.tasks.pairs import MODELS, SAMPLES

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
    """``crop`` uint8 (side, side, 3), what the networks saw; ``readings`` by model;
    ``probabilities`` (C,) of the class head over ``class_edges`` (C+1,), in years."""

    crop: np.ndarray
    readings: Mapping[str, Reading]
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


def load() -> inference_session.Pair:
    """The age pair. Raises ``ContractError`` with what to do."""
    return tasks_pairs.load(TASK)


def look(data: bytes, name: str, pair: inference_session.Pair) -> PhotoAges:
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


def ask(crops: np.ndarray, pair: inference_session.Pair) -> tuple[list[FaceAges], dict[str, float]]:
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


def pair_report(pair: inference_session.Pair) -> ErrorReport:
    """Errors of the shipped pair on its test photos, per ten years of age."""
    return tasks_pairs.held_out(pair, ranges(pair.reg.card))


def own_report(labelled: Iterable[tuple[FaceAges, float]], card: Card) -> ErrorReport | None:
    """Errors on the visitor's own photos, as (face, true age), in the ranges of ``pair_report``."""
    pairs = list(labelled)
    if not pairs:
        return None
    models = tasks_pairs.common(face.readings for face, _ in pairs)
    predictions = {m: [face.readings[m].age for face, _ in pairs] for m in models}
    edges = ranges(card)
    return ErrorReport.from_predictions(
        [age for _, age in pairs],
        predictions,
        edges,
        train_counts=tasks_pairs.train_counts(card, edges),
    )


def ranges(card: Card) -> np.ndarray:
    """Edges of the age ranges that errors are shown in, ten years each."""
    low, high = card.target["low"], card.target["high"]
    return np.arange(low, high + RANGE_YEARS, RANGE_YEARS)


def row(name: str, number: int, face: FaceAges, found: bool, truth: float | None) -> dict:
    """One face as a flat, JSON-able record; what is not known is None."""
    record: dict = {"photo": name, "face": number if found else "centre crop"}
    for model, answer in face.readings.items():
        record |= {f"{model} age": _rounded(answer.age)}
        record |= {f"{model} low": _rounded(answer.low), f"{model} high": _rounded(answer.high)}
    record["true age"] = truth
    for model, answer in face.readings.items():
        error = None if truth is None else _rounded(answer.age - truth)
        record[f"{model} error"] = error
    return record


def table(rows: list[dict]) -> pd.DataFrame:
    """Records of ``row`` as a table whose columns stay when there are none."""
    columns = ["photo", "face"] + [f"{m} {part}" for m in MODELS for part in ("age", "low", "high")]
    columns += ["true age", *(f"{m} error" for m in MODELS)]
    more = dict.fromkeys(name for row in rows for name in row)  # of models that somebody brought
    frame = pd.DataFrame(rows, columns=list(dict.fromkeys([*columns, *more])))
    return frame.astype({"face": str})  # a number, or words where there is none


@dataclass
class Entry:
    """A photo of an album; ``truths`` in years by face (0 is the largest). ``centre``: whether the
    visitor takes the centre crop for want of a face."""

    photo: PhotoAges
    truths: dict[int, float] = field(default_factory=dict)
    centre: bool = False

    @property
    def faces(self) -> tuple[FaceAges, ...]:
        """The faces that count: none where none was found and the centre crop was not taken."""
        return self.photo.faces if self.photo.found or self.centre else ()


class Album:
    """A visitor's photos, each looked at once and told apart by content; problems by file name."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.problems: list[tuple[str, str]] = []

    def add(
        self, data: bytes, name: str, pair: inference_session.Pair, truth: float | None = None
    ) -> str | None:
        """Look at a photo unless it is here already; its key, or None with a new problem."""
        key = hashlib.sha256(data).hexdigest()
        if key not in self.entries:
            try:
                photo = look(data, name, pair)
            except images.MediaError as error:
                self.problems.append((name, str(error)))
                return None
            self.entries[key] = Entry(replace(photo, name=self._free_name(name)))
        if truth is not None:
            self.entries[key].truths[0] = truth
        return key

    def look_again(self, pair: inference_session.Pair) -> None:
        """Ask all of a pair's models where other ones have answered."""
        for entry in self.entries.values():
            photo = entry.photo
            if set(photo.milliseconds) != set(tasks_pairs.sessions(pair)):
                faces, times = ask(np.stack([face.crop for face in photo.faces]), pair)
                entry.photo = replace(photo, faces=tuple(faces), milliseconds=times)

    def add_zip(
        self, data: bytes, pair: inference_session.Pair, tell: Callable[[float], None]
    ) -> str | None:
        """Add a labelled zip; the first photo's key. ``tell`` hears the share done, 0..1.

        A true age is taken to be that of the largest face.
        """
        try:
            photos = images.read_labelled_zip(data)
        except images.MediaError as error:
            self.problems.append(("The zip", str(error)))
            return None
        keys = []
        for number, (name, content, truth, problem) in enumerate(photos, start=1):
            if problem:
                self.problems.append((name, problem))
            if content is not None:
                keys.append(self.add(content, name, pair, truth))
            tell(number / len(photos))
        return next((key for key in keys if key), None)

    def labelled(self) -> list[tuple[FaceAges, float]]:
        """Every face whose true age is known."""
        return [
            (entry.faces[i], truth)
            for entry in self.entries.values()
            for i, truth in sorted(entry.truths.items())
            if i < len(entry.faces)
        ]

    def records(self) -> list[dict]:
        """A record a face; photos without a face are named as well."""
        records: list[dict] = []
        for entry in self.entries.values():
            photo = entry.photo
            records += [
                row(photo.name, i + 1, face, photo.found, entry.truths.get(i))
                for i, face in enumerate(entry.faces)
            ]
            if not entry.faces:
                records.append({"photo": photo.name, "face": "none found"})
        return records

    def _free_name(self, name: str) -> str:
        taken = {entry.photo.name for entry in self.entries.values()}
        options = (f"{name} ({number})" if number > 1 else name for number in count(1))
        return next(option for option in options if option not in taken)


def predict_files(paths: Iterable[str | Path]) -> list[dict]:
    """For the command line: a record a face, or one with ``problem`` for a file that is no photo.

    Raises ``ContractError`` when there is no pair to ask.
    """
    pair = load()
    records: list[dict] = []
    for path in map(Path, paths):
        try:
            photo = look(images.read_file(path), path.name, pair)
        except images.MediaError as error:
            records.append({"photo": str(path), "problem": str(error)})
        else:
            records += [
                row(str(path), number, face, photo.found, None)
                for number, face in enumerate(photo.faces, start=1)
            ]
    return records


def _softmax(logits: np.ndarray) -> np.ndarray:
    """Over the classes, (N, C), shifted by the largest so that nothing overflows."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 2)
