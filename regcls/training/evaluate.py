"""A shipped pair on a labelled data set, in the ranges that its page shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.tasks.age import predict as age_task
from regcls.tasks.depth import ground_truth
from regcls.tasks.depth import predict as depth_task
from regcls.tasks.pairs import Pair
from regcls.tasks.progress import predict as progress_task
from regcls.training.age.data import SPLITS, load_faces
from regcls.training.depth.data import load_rooms
from regcls.training.progress.data import load_clips

PIXELS = 500  # drawn from each photo: a map's neighbours say the same
BATCH = 32


def age(pair: Pair, data: Path, split: str, csv: Path | None = None) -> ErrorReport:
    """``data``: faces cropped as UTKFace's. Raises ``ValueError``, as do the others."""
    _demand(split)
    faces = load_faces(data, pair.reg.card.input["height"], csv)[split]
    _demand_some(faces, data, split)
    card = pair.reg.card
    return ErrorReport.from_predictions(
        faces.ages,
        _values(pair, faces.images),
        age_task.ranges(card),
        train_counts=age_task.train_counts(card),
    )


def depth(pair: Pair, data: Path, split: str) -> ErrorReport:
    """On pixels drawn from each photo; intervals resample photos."""
    _demand(split)
    rooms = load_rooms(data)[split]
    _demand_some(rooms, data, split)
    truths, answers, photos = [], {model: [] for model in pairs.MODELS}, []
    for start in range(0, len(rooms), BATCH):
        values = _values(pair, rooms.images[start : start + BATCH])
        for number, millimetres in enumerate(rooms.depth[start : start + BATCH]):
            shape = values["reg"][number].shape
            metres = ground_truth.resized(millimetres / np.float32(ground_truth.MM), shape).ravel()
            known = np.flatnonzero(metres)
            rng = np.random.default_rng(start + number)
            at = rng.choice(known, min(PIXELS, len(known)), replace=False)
            truths.append(metres[at])
            photos.append(np.full(len(at), start + number))
            for model, value in values.items():
                answers[model].append(value[number].ravel()[at])
    return ErrorReport.from_predictions(
        np.concatenate(truths),
        {model: np.concatenate(parts) for model, parts in answers.items()},
        depth_task.EDGES,
        train_counts=reports.train_counts(pair.reg.card, depth_task.EDGES),
        clusters=np.concatenate(photos),
    )


def progress(pair: Pair, data: Path, split: str) -> ErrorReport:
    """On whole clips, in points; intervals resample clips."""
    _demand(split)
    clips = load_clips(data, cut=False)[split]
    _demand_some(clips, data, split)
    percent, edges = progress_task.PERCENT, progress_task.EDGES
    return ErrorReport.from_predictions(
        percent * clips.progress,
        {model: percent * value for model, value in _values(pair, clips.frames).items()},
        edges,
        train_counts=reports.train_counts(pair.reg.card, edges, percent),
        clusters=clips.clip_of_frame,
    )


def _values(pair: Pair, images: np.ndarray) -> dict[str, np.ndarray]:
    return {model: answer[0] for model, answer in pairs.run_pair(pair, images).items()}


def _demand(split: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}, not {split!r}")


def _demand_some(samples, data: Path, split: str) -> None:
    if not len(samples):
        raise ValueError(f"{data} has nothing in the split {split}")
