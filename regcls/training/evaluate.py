"""Errors of a shipped pair on a labelled data set, in the ranges of its page."""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path

import numpy as np

from regcls.exceptions import UserError
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.tasks.age import predict as age_task
from regcls.tasks.depth import ground_truth
from regcls.tasks.depth import predict as depth_task
from regcls.tasks.pairs import Pair
from regcls.tasks.progress import predict as progress_task
from regcls.training.age.data import load_faces
from regcls.training.depth.data import Rooms, load_rooms
from regcls.training.progress.data import load_clips
from regcls.training.sources import SPLITS

PIXELS = 500  # sampled from each photo, since errors of neighbouring pixels correlate
BATCH = 32


def evaluate(task: str, pair: Pair, data: Path, split: str, csv: Path | None = None) -> ErrorReport:
    """Evaluate a pair on one split of a data set.

    Parameters
    ----------
    task : str
        Name of the task.
    pair : Pair
        The pair.
    data : Path
        Data set of the task, as for training. Faces must be cropped as in UTKFace.
    split : str
        train, val or test.
    csv : Path, optional
        Index of a data set of faces.

    Returns
    -------
    ErrorReport
        Errors per range, in the unit of the task's page.

    Raises
    ------
    UserError
        If the data set cannot be read or has no samples in the split.
    """
    if split not in SPLITS:
        raise UserError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")
    if task == "age":
        return _age(pair, data, split, csv)
    return {"depth": _depth, "progress": _progress}[task](pair, data, split)


def _age(pair: Pair, data: Path, split: str, csv: Path | None) -> ErrorReport:
    faces = load_faces(data, pair.input_size[0], csv)[split]
    _check_not_empty(faces, data, split)
    edges = age_task.ranges(pair.reg.card)
    return ErrorReport.from_predictions(
        faces.ages,
        _values(pair, faces.images),
        edges,
        train_counts=reports.train_counts(pair.reg.card, edges),
    )


def _depth(pair: Pair, data: Path, split: str) -> ErrorReport:
    """Evaluate on pixels sampled from each photo; intervals resample photos."""
    rooms = load_rooms(data)[split]
    _check_not_empty(rooms, data, split)
    truths: list[np.ndarray] = []
    photos: list[np.ndarray] = []
    predictions: dict[str, list[np.ndarray]] = {model: [] for model in pairs.MODELS}
    for start in range(0, len(rooms), BATCH):
        values = _values(pair, rooms.images[start : start + BATCH])
        for number in range(start, min(start + BATCH, len(rooms))):
            metres, at = _sample(rooms, number, values["reg"].shape[1:])
            truths.append(metres)
            photos.append(np.full(len(at), number))
            for model, value in values.items():
                predictions[model].append(value[number - start].ravel()[at])
    return ErrorReport.from_predictions(
        np.concatenate(truths),
        {model: np.concatenate(parts) for model, parts in predictions.items()},
        depth_task.EDGES,
        train_counts=reports.train_counts(pair.reg.card, depth_task.EDGES),
        clusters=np.concatenate(photos),
    )


def _sample(rooms: Rooms, number: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the depths in metres of random known pixels of a photo, and their flat indices."""
    metres = rooms.depth[number] / np.float32(ground_truth.MM)
    metres = ground_truth.resized(metres, (shape[0], shape[1])).ravel()
    known = np.flatnonzero(metres)
    rng = np.random.default_rng(number)
    at = rng.choice(known, min(PIXELS, len(known)), replace=False)
    return metres[at], at


def _progress(pair: Pair, data: Path, split: str) -> ErrorReport:
    """Evaluate on whole clips, in percentage points; intervals resample clips."""
    clips = load_clips(data, cut=False)[split]
    _check_not_empty(clips, data, split)
    percent, edges = progress_task.PERCENT, progress_task.EDGES
    return ErrorReport.from_predictions(
        percent * clips.progress,
        {model: percent * value for model, value in _values(pair, clips.frames).items()},
        edges,
        train_counts=reports.train_counts(pair.reg.card, edges, percent),
        clusters=clips.clip_of_frame,
    )


def _values(pair: Pair, images: np.ndarray) -> dict[str, np.ndarray]:
    """Predict with each model's best read-out on validation data."""
    return pairs.best(pair, pairs.run_pair(pair, images))


def _check_not_empty(samples: Sized, data: Path, split: str) -> None:
    if not len(samples):
        raise UserError(f"{data} has no samples in the split {split}")
