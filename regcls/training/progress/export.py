"""Export of the progress pair: ONNX files, predictions on whole clips, and cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from regcls.inference.contract import Card
from regcls.stats.errors import ErrorReport
from regcls.training import shipping
from regcls.training.progress.data import CUT, HEIGHT, WIDTH, Clips, load_clips
from regcls.training.progress.recipe import SPEEDS, network
from regcls.training.readouts import Problem, Samples
from regcls.training.shipping import Tables

FIFTHS = np.linspace(0.0, 1.0, 6)
BUCKETS = np.linspace(0.0, 1.0, 21)  # edges of the training histogram
# Shots of a bucket, by its number of frames relative to the fullest bucket: many from 0.8 on, few
# below 0.4.
MANY_SHARE, FEW_SHARE = 0.8, 0.4
SEGMENTS = 20  # random sub-segments per test clip
SHORTEST = 0.2  # of the clip; minimum length of a sub-segment
CHECKED = 256  # test frames on which the ONNX file is compared with torch


class Segments(NamedTuple):
    """Frames of random sub-segments.

    Attributes
    ----------
    at : ndarray of int, shape (M,)
        Indices of frames.
    clip : ndarray of int, shape (M,)
        Index of the clip of each frame.
    seconds : ndarray, shape (M,)
        Time since the start of the sub-segment.
    """

    at: np.ndarray
    clip: np.ndarray
    seconds: np.ndarray


def export(data: Path, runs: Path, out: Path) -> dict[str, Card]:
    """Write the progress pair; see `regcls.training.shipping.export_seeds`.

    Parameters
    ----------
    data : Path
        Data set for `load_clips`.
    runs : Path
        Folder of the finished runs.
    out : Path
        Folder of the pair.

    Returns
    -------
    dict of str to Card
        Cards by variant.

    Raises
    ------
    UserError
        If the data set cannot be read or a run is missing.
    ValueError
        If an ONNX file does not give the outputs of the torch model.
    """
    clips = load_clips(data)
    plan = shipping.SeedExport(
        task="progress",
        splits=clips,
        network=network,
        table=_table,
        images=lambda split: split.frames,
        height=HEIGHT,
        card=lambda variant, seed, run, tables: _card(variant, seed, run, clips, tables),
        checked=CHECKED,
        readouts=_readouts(clips),
    )
    return shipping.export_seeds(plan, runs, out)


def readout_problem(data: Path) -> Problem:
    """Return what chooses the read-outs of the progress pair and calibrates its intervals.

    Parameters
    ----------
    data : Path
        Data set for `load_clips`.

    Returns
    -------
    Problem
        All frames of whole clips; clips are the units.

    Raises
    ------
    UserError
        If the data set cannot be read.
    """
    return _readouts(load_clips(data))


def _readouts(clips: dict[str, Clips]) -> Problem:
    samples = {
        name: Samples(clips[name].frames, clips[name].progress, clips[name].clip_of_frame)
        for name in ("val", "test")
    }
    return Problem(samples, clips["train"].progress, FIFTHS, FIFTHS, "mae", "clips")


def _table(clips: Clips) -> pd.DataFrame:
    return pd.DataFrame({"y_true": clips.progress, "clip": clips.clip_of_frame.astype(np.int16)})


def _card(
    variant: str, seed: int, run: dict[str, Any], clips: dict[str, Clips], tables: Tables
) -> Card:
    counts = np.histogram(clips["train"].progress, BUCKETS)[0]
    return shipping.make_card(
        "progress",
        variant,
        recipe=run["seeds"][seed]["recipe"],
        target={"name": "progress", "unit": "share of the activity", "low": 0.0, "high": 1.0},
        size=(HEIGHT, WIDTH),
        histogram=(BUCKETS, counts),
        metrics=_metrics(variant, tables["test"], clips, counts),
        training=shipping.training_record(
            run,
            seed,
            "videos of three robot manipulation tasks, one model for all; training clips are cut "
            f"short at a point drawn from U({CUT[0]:g}, {CUT[1]:g}) of their length and shown in "
            f"random sub-segments at {SPEEDS[0]:g} to {SPEEDS[1]:g} times their speed",
            {f"{name} clips": len(split) for name, split in clips.items()},
            shipping.seed_errors(variant, tables["val"]),
        ),
    )


def _metrics(
    variant: str, table: pd.DataFrame, clips: dict[str, Clips], counts: np.ndarray
) -> dict[str, Any]:
    """Return test errors on whole clips and on sub-segments, of the model and of the baselines."""
    train, test = clips["train"], clips["test"]
    predicted = table[variant].to_numpy()
    cut = segments(test)
    elapsed = test.progress * test.seconds[test.clip_of_frame]
    whole = _report(test.progress, predicted, test.clip_of_frame, counts)
    shots = whole.shots(own_shots(counts)).set_index("shot").drop(columns="model")

    def on_clips(values: np.ndarray) -> dict[str, Any]:
        return _overall(_report(test.progress, values, test.clip_of_frame, counts))

    def on_segments(values: np.ndarray) -> dict[str, Any]:
        return _overall(_report(test.progress[cut.at], values, cut.clip, counts))

    return {
        "overall": _overall(whole),
        "shots": shots.to_dict("index"),
        "seeds": shipping.spread(shipping.seed_errors(variant, table), "mae"),
        "random_segments": on_segments(predicted[cut.at]),
        "clock": on_clips(clock(train, test, test.clip_of_frame, elapsed)),
        "clock_on_random_segments": on_segments(clock(train, test, cut.clip, cut.seconds)),
        "always_50_percent": on_clips(np.full_like(predicted, 0.5)),
        "always_the_training_mean": on_clips(np.full_like(predicted, train.progress.mean())),
    }


def own_shots(counts: np.ndarray) -> np.ndarray:
    """Return the shot of each bucket, by its number of frames relative to the fullest bucket.

    Parameters
    ----------
    counts : ndarray, shape (K,)
        Training frames per bucket.

    Returns
    -------
    ndarray of str, shape (K,)
        "many", "medium" or "few".
    """
    share = np.asarray(counts) / np.max(counts)
    return np.where(share >= MANY_SHARE, "many", np.where(share < FEW_SHARE, "few", "medium"))


def segments(clips: Clips, each: int = SEGMENTS, seed: int = 0) -> Segments:
    """Draw random sub-segments: uniform start and end, at least `SHORTEST` apart, random speed.

    Parameters
    ----------
    clips : Clips
        The clips.
    each : int, default SEGMENTS
        Number of sub-segments per clip.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    Segments
        Frames of all sub-segments.
    """
    rng = np.random.default_rng(seed)
    at, clip, seconds = [], [], []
    low, high = np.log(SPEEDS)
    for number, (start, end) in enumerate(zip(clips.starts[:-1], clips.starts[1:], strict=True)):
        length = end - start
        for _ in range(each):
            first = rng.uniform(0, 1 - SHORTEST)
            last = rng.uniform(first + SHORTEST, 1)
            speed = np.exp(rng.uniform(low, high))
            place = np.arange(first * (length - 1), last * (length - 1), speed)
            at.append(start + place.round().astype(int))
            clip.append(np.full(len(place), number))
            seconds.append(np.arange(len(place)) * clips.seconds[number] / length)
    return Segments(*map(np.concatenate, (at, clip, seconds)))


def clock(train: Clips, clips: Clips, clip: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Predict progress from the elapsed time and the mean length of the task's training clips.

    Parameters
    ----------
    train : Clips
        Training clips, for the mean length per task before they were cut.
    clips : Clips
        Clips to predict for; their tasks are known.
    clip : ndarray of int, shape (M,)
        Index of the clip of each frame.
    seconds : ndarray, shape (M,)
        Elapsed time of each frame.

    Returns
    -------
    ndarray, shape (M,)
        Predicted progress, at most 1.
    """
    tasks = np.array(train.tasks)
    mean = {task: train.seconds[tasks == task].mean() for task in set(train.tasks)}
    length = np.array([mean[task] for task in clips.tasks])
    return np.minimum(seconds / length[clip], 1.0)


def _report(
    truth: np.ndarray, predicted: np.ndarray, clip: np.ndarray, counts: np.ndarray
) -> ErrorReport:
    return ErrorReport.from_predictions(
        truth, {"model": predicted}, BUCKETS, train_counts=counts, clusters=clip
    )


def _overall(report: ErrorReport) -> dict[str, Any]:
    row = report.overall().drop(columns="model").iloc[0]
    return {str(name): value for name, value in row.to_dict().items()}
