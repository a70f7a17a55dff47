"""From finished progress runs to the shipped pair: ONNX files, predictions on whole clips, cards."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from regcls.inference import contract
from regcls.stats.errors import ErrorReport
from regcls.training import shipping
from regcls.training.onnx_export import answers_alike, shippable, to_onnx
from regcls.training.predict import predict
from regcls.training.progress.data import CUT, HEIGHT, WIDTH, Clips, load_clips
from regcls.training.progress.recipe import SPEEDS, load_run
from regcls.training.search import VARIANTS, record

LEVEL = 0.9  # of the conformal interval
FIFTHS = np.linspace(0.0, 1.0, 6)
BUCKETS = np.linspace(0.0, 1.0, 21)  # the training histogram
# A twentieth is many-shot with at least this share of the fullest one's frames, or few-shot below.
MANY_SHARE, FEW_SHARE = 0.8, 0.4
SEGMENTS = 20  # drawn from each test clip
SHORTEST = 0.2  # of a clip; no sub-segment is shorter
LICENCE = "MIT, as the training videos are; " + shipping.BACKBONE + "."
CITATION = (
    "Data: the public repositories HuangJunkai2023/CR5_TCP_test (two tasks of a robot arm) and "
    "YifanTian07/G1-policy-train (a humanoid's task). " + shipping.METHOD
)
LIMITS = (
    "- It knows three robot manipulation tasks, filmed by cameras on the robots. Of any other "
    "activity its curve says nothing.\n"
    "- Clips of a task are so alike in length that a clock beats it on whole clips; it earns its "
    "keep where the start, the end or the speed is not known (the sub-segments above).\n"
    "- Training clips were cut short at a drawn point, so that late progress is rare: its errors "
    "there are the study's subject."
)


class Segments(NamedTuple):
    """Frames of random sub-segments: ``at`` (M,) into the clips' frames, the ``clip`` of each, and
    the ``seconds`` (M,) that a clock started with the segment shows."""

    at: np.ndarray
    clip: np.ndarray
    seconds: np.ndarray


def export(data: Path, runs: Path, out: Path) -> dict[str, contract.Card]:
    """Write the pair, its predictions on val and test, and CARD.md into ``out``.

    Each variant ships the better of its seeds on val. Raises ``ValueError`` when a run is missing
    or a file does not answer as torch does.
    """
    clips = load_clips(data)
    out.mkdir(parents=True, exist_ok=True)
    models = {
        v: {s: shippable(load_run(v, s, runs)) for s in record(v, runs)["seeds"]} for v in VARIANTS
    }
    tables = {split: _predictions(models, clips[split]) for split in ("val", "test")}
    cards = {}
    for variant, seed in shipping.choose(tables).items():
        cards[variant] = _card(variant, seed, record(variant, runs), clips, tables)
        path = to_onnx(models[variant][seed], out / f"{variant}.onnx", cards[variant])
        answers_alike(models[variant][seed], path, clips["test"].frames[:256])
    shipping.write_tables(tables, cards, out, LIMITS)
    return cards


def _predictions(models: dict, clips: Clips) -> pd.DataFrame:
    table = pd.DataFrame({"y_true": clips.progress, "clip": clips.clip_of_frame.astype(np.int16)})
    for variant, runs in models.items():
        for seed, model in runs.items():
            table[f"{variant}_seed{seed}"] = predict(model, clips.frames, HEIGHT)[0]
    return table


def _card(
    variant: str, seed: int, run: dict, clips: dict[str, Clips], tables: dict
) -> contract.Card:
    counts = np.histogram(clips["train"].progress, BUCKETS)[0]
    return contract.Card(
        task="progress",
        variant="reg+cls" if variant == "regcls" else "reg",
        target={"name": "progress", "unit": "share of the activity", "low": 0.0, "high": 1.0},
        input={"height": HEIGHT, "width": WIDTH},
        classes=shipping.classes(run["seeds"][seed]["recipe"]),
        training_histogram={"edges": BUCKETS, "counts": counts},
        metrics=_metrics(variant, tables["test"], clips, counts),
        training=shipping.training_record(
            run,
            seed,
            "videos of three robot manipulation tasks, one model for all; training clips are cut "
            f"short at a point drawn from U({CUT[0]:g}, {CUT[1]:g}) of their length and shown in "
            f"random sub-segments at {SPEEDS[0]:g} to {SPEEDS[1]:g} times their speed",
            {f"{name} clips": len(split) for name, split in clips.items()},
            "L1",
            shipping.seed_errors(variant, tables["val"]),
        ),
        calibration=shipping.calibration(tables["val"], variant, FIFTHS, LEVEL),
        licence=LICENCE,
        citation=CITATION,
    )


def _metrics(variant: str, table: pd.DataFrame, clips: dict[str, Clips], counts) -> dict:
    """Overall and per shot on whole test clips, on their sub-segments, and the baselines."""
    test = clips["test"]
    answer = table[variant].to_numpy()
    cut = segments(test)
    whole = _report(test.progress, answer, test.clip_of_frame, counts)
    shots = whole.shots(own_shots(counts)).set_index("shot").drop(columns="model")
    everywhere = np.arange(len(test.progress)), test.clip_of_frame
    elapsed = test.progress * test.seconds[test.clip_of_frame]
    clocks = (
        clock(clips["train"], test, *everywhere[1:], elapsed),
        clock(clips["train"], test, cut.clip, cut.seconds),
    )
    half = np.full_like(answer, 0.5)
    mean = np.full_like(answer, clips["train"].progress.mean())
    return {
        "overall": _overall(whole),
        "shots": shots.to_dict("index"),
        "seeds": shipping.spread(shipping.seed_errors(variant, table), "mae"),
        "random_segments": _scores(test, cut, answer[cut.at], counts),
        "clock": _overall(_report(test.progress, clocks[0], test.clip_of_frame, counts)),
        "clock_on_random_segments": _scores(test, cut, clocks[1], counts),
        "always_50_percent": _overall(_report(test.progress, half, test.clip_of_frame, counts)),
        "always_the_training_mean": _overall(
            _report(test.progress, mean, test.clip_of_frame, counts)
        ),
    }


def own_shots(counts: np.ndarray) -> np.ndarray:
    """ "many", "medium" or "few" for each bucket (K,), by its frames against the fullest bucket's."""
    share = np.asarray(counts) / np.max(counts)
    return np.where(share >= MANY_SHARE, "many", np.where(share < FEW_SHARE, "few", "medium"))


def segments(clips: Clips, each: int = SEGMENTS, seed: int = 0) -> Segments:
    """``each`` sub-segments of every clip: begin and end drawn evenly, at least ``SHORTEST`` apart,
    speed log-uniform in ``SPEEDS``."""
    rng = np.random.default_rng(seed)
    at, clip, seconds = [], [], []
    low, high = np.log(SPEEDS)
    for number, (start, end) in enumerate(zip(clips.starts[:-1], clips.starts[1:], strict=True)):
        length = end - start
        for _ in range(each):
            begin = rng.uniform(0, 1 - SHORTEST)
            stop = rng.uniform(begin + SHORTEST, 1)
            speed = np.exp(rng.uniform(low, high))
            place = np.arange(begin * (length - 1), stop * (length - 1), speed)
            at.append(start + place.round().astype(int))
            clip.append(np.full(len(place), number))
            seconds.append(np.arange(len(place)) * clips.seconds[number] / length)
    return Segments(*map(np.concatenate, (at, clip, seconds)))


def clock(train: Clips, clips: Clips, clip: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """What a clock answers that is told the task: elapsed time over the mean length of the task's
    whole training clips, at most 1."""
    tasks = np.array(train.tasks)
    mean = {task: train.seconds[tasks == task].mean() for task in set(train.tasks)}
    length = np.array([mean[task] for task in clips.tasks])
    return np.minimum(seconds / length[clip], 1.0)


def _report(truth, answer, clip, counts) -> ErrorReport:
    return ErrorReport.from_predictions(
        truth, {"model": answer}, BUCKETS, train_counts=counts, clusters=clip
    )


def _scores(test: Clips, cut: Segments, answer: np.ndarray, counts) -> dict:
    return _overall(_report(test.progress[cut.at], answer, cut.clip, counts))


def _overall(report: ErrorReport) -> dict:
    return report.overall().drop(columns="model").iloc[0].to_dict()
