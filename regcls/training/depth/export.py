"""Export of the depth pair: ONNX files, predictions for sampled pixels, and cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from regcls.inference.contract import Card
from regcls.tasks.depth import metrics
from regcls.tasks.depth import predict as task
from regcls.tasks.depth.metrics import BUCKET, METRICS
from regcls.training import shipping
from regcls.training.depth.data import MM, Rooms, load_rooms
from regcls.training.depth.network import DepthMean
from regcls.training.depth.recipe import (
    FARTHEST,
    HEIGHT,
    WIDTH,
    choosing,
    enlarged,
    fit_line,
    network,
    sampled,
)
from regcls.training.onnx_export import check_outputs, shippable, to_onnx
from regcls.training.predict import predict_batches
from regcls.training.readouts import Problem, Samples
from regcls.training.search import VARIANTS, load_run, read_record
from regcls.training.shipping import Tables

BUCKETS = np.linspace(0.0, FARTHEST, 101)  # metres; edges of the training histogram
PIXELS = {"test": 128, "val": 512}  # sampled from each photo for the stored predictions
RESAMPLES = 1000
CHECKED = 8  # test photos on which the ONNX file is compared with torch
PREDICTIONS = (
    "the mean of the networks of seeds {}, times {:.4f}, plus {:+.4f} m (a line fitted on val by "
    "least squares, since an L1 loss teaches medians)"
)

Sums = dict[str, np.ndarray]  # `_sums` of each photo (photos, 100, 8), by model


class _Evaluation(NamedTuple):
    """What the cards of both variants are made from."""

    rooms: dict[str, Rooms]
    counts: np.ndarray  # of the training histogram
    tables: Tables
    sums: dict[str, Sums]  # by split
    baselines: dict[str, dict[str, Any]]


def export(data: Path, runs: Path, out: Path) -> dict[str, Card]:
    """Write the depth pair: each variant is the mean of its seeds, corrected by a line.

    The line is fitted on the validation split. The tables also have each single seed, with a line
    of its own.

    Parameters
    ----------
    data : Path
        Data set for `load_rooms`.
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
    rooms = load_rooms(data)
    out.mkdir(parents=True, exist_ok=True)
    records = {variant: read_record(variant, runs) for variant in VARIANTS}
    models = _models(records, runs, rooms["val"][choosing(rooms["val"])])
    evaluation = _evaluate(models, rooms)
    cards = {}
    for variant in VARIANTS:
        model = models[variant]
        cards[variant] = _card(variant, records[variant], model.line, evaluation)
        path = to_onnx(model, out / f"{variant}.onnx", cards[variant])
        check_outputs(model, path, rooms["test"].images[:CHECKED])
    return shipping.write_pair_files("depth", evaluation.tables, _readouts(rooms), out)


def readout_problem(data: Path) -> Problem:
    """Return what chooses the read-outs of the depth pair and calibrates its intervals.

    Parameters
    ----------
    data : Path
        Data set for `load_rooms`.

    Returns
    -------
    Problem
        The pixels of the tables of predictions; photos are the units.

    Raises
    ------
    UserError
        If the data set cannot be read.
    """
    return _readouts(load_rooms(data))


def _readouts(rooms: dict[str, Rooms]) -> Problem:
    samples = {split: _samples(rooms[split], pixels) for split, pixels in PIXELS.items()}
    return Problem(samples, sampled(rooms["train"]), task.EDGES, task.EDGES, "rmse", "photos")


def _samples(rooms: Rooms, pixels: int) -> Samples:
    """Return the pixels that `_predictions` draws, in its order."""
    chosen = [_draw(depth, pixels, seed) for seed, depth in enumerate(rooms.depth)]
    y = [depth.ravel()[at] / MM for depth, at in zip(rooms.depth, chosen, strict=True)]
    units = np.repeat(np.arange(len(rooms)), [len(at) for at in chosen])

    def pick(start: int, output: np.ndarray) -> np.ndarray:
        """Return an output (n, h, w) or (n, h, w, C), enlarged, at the pixels of its photos."""
        maps = np.moveaxis(output, 3, 1) if output.ndim == 4 else output[:, None]
        parts = []
        for one, at in zip(maps, chosen[start:], strict=False):
            large = enlarged(np.ascontiguousarray(one, np.float32), rooms.depth.shape[1:])
            parts.append(large.reshape(len(one), -1)[:, at].T)
        picked = np.concatenate(parts)
        return picked if output.ndim == 4 else picked[:, 0]

    return Samples(rooms.images, np.concatenate(y), units, pick, choosing(rooms)[units])


def _models(
    records: Mapping[str, Mapping[str, Any]], runs: Path, val: Rooms
) -> dict[str, DepthMean]:
    """Return the mean of each variant's seeds and each single seed, all with their line."""
    models = {}
    for variant, run in records.items():
        nets = {seed: shippable(load_run(variant, seed, runs, network)) for seed in run["seeds"]}
        models[variant] = DepthMean(nets.values())
        models |= {f"{variant}_seed{seed}": DepthMean([net]) for seed, net in nets.items()}
    for model in models.values():
        model.line = fit_line(model, val, HEIGHT)
    return models


def _evaluate(models: Mapping[str, DepthMean], rooms: dict[str, Rooms]) -> _Evaluation:
    tables, sums = {}, {}
    for split in ("val", "test"):
        tables[split], sums[split] = _predictions(models, rooms[split], PIXELS[split])
    counts = np.histogram(rooms["train"].depth / np.float32(MM), BUCKETS)[0]
    return _Evaluation(rooms, counts, tables, sums, _baselines(rooms))


def _predictions(
    models: Mapping[str, DepthMean], rooms: Rooms, pixels: int
) -> tuple[pd.DataFrame, Sums]:
    """Return predictions for random known pixels of each photo, and the sums of each model."""
    chosen = [_draw(depth, pixels, seed) for seed, depth in enumerate(rooms.depth)]
    frames = np.repeat(np.arange(len(rooms), dtype=np.int16), [len(c) for c in chosen])
    truth = [
        depth.ravel()[c] / np.float32(MM) for depth, c in zip(rooms.depth, chosen, strict=True)
    ]
    table = pd.DataFrame({"y_true": np.concatenate(truth).astype(np.float32), "frame": frames})
    sums = {}
    for name, model in models.items():
        picked, parts = [], []
        for depth, predicted, at in zip(rooms.depth, _maps(model, rooms), chosen, strict=True):
            picked.append(predicted.ravel()[at])
            parts.append(_sums(depth, predicted))
        table[name] = np.concatenate(picked).astype(np.float32)
        sums[name] = np.stack(parts)
    return table, sums


def _draw(depth: np.ndarray, pixels: int, seed: int) -> np.ndarray:
    known = np.flatnonzero(depth)
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(known, min(pixels, len(known)), replace=False))


def _maps(model: DepthMean, rooms: Rooms) -> Iterator[np.ndarray]:
    """Yield the predicted map of each photo at the size of the true depth."""
    for value, *_ in predict_batches(model, rooms.images, HEIGHT, batch=16):
        yield from enlarged(value, rooms.depth.shape[1:])


def _sums(depth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Sum `metric_columns` and count the pixels per 0.1 m of true depth, shape (100, 8)."""
    truth = depth.ravel() / np.float32(MM)
    known = truth > 0
    truth = truth[known]
    columns = metrics.metric_columns(truth, predicted.ravel()[known])
    bucket = np.minimum((truth / BUCKET).astype(int), 99)
    rows = [np.bincount(bucket, column, 100) for column in columns]
    return np.stack([*rows, np.bincount(bucket, minlength=100)], axis=1)


def _metrics(sums: np.ndarray, which: np.ndarray | slice = slice(None)) -> dict[str, Any]:
    """Compute all metrics over some buckets of ``sums`` (photos, 100, 8); intervals over photos."""
    photos = sums[:, which].sum(axis=1)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(photos), np.full(len(photos), 1 / len(photos)), RESAMPLES)
    point, draws = _means(photos.sum(axis=0)), _means(weights @ photos)
    bounds = np.nanquantile(draws, [0.025, 0.975], axis=0)
    result: dict[str, Any] = {"test": int(photos[:, -1].sum())}
    for at, name in enumerate(METRICS):
        result |= {name: point[at], f"{name}_low": bounds[0, at], f"{name}_high": bounds[1, at]}
    return result


def _means(sums: np.ndarray) -> np.ndarray:
    means = sums[..., :-1] / np.maximum(sums[..., -1:], 1)
    means[..., 0] = np.sqrt(means[..., 0])
    return means


def _by_shot(sums: np.ndarray, shots: np.ndarray) -> dict[str, dict[str, Any]]:
    return {
        shot: _metrics(sums, shots == shot) for shot in ("many", "medium", "few") if shot in shots
    }


def _baselines(rooms: dict[str, Rooms]) -> dict[str, dict[str, Any]]:
    """Return the metrics of two constant predictions: the training mean and the mean map."""
    mean_map = rooms["train"].depth.mean(axis=0) / MM
    constant = np.full_like(mean_map, mean_map.mean())
    result = {}
    for name, predicted in (("mean", constant), ("mean_map", mean_map)):
        sums = np.stack([_sums(depth, predicted) for depth in rooms["test"].depth])
        result[f"always_the_training_{name}"] = _metrics(sums)
    return result


def _card(
    variant: str, run: Mapping[str, Any], line: tuple[float, float], evaluation: _Evaluation
) -> Card:
    rooms, counts, _, sums, baselines = evaluation
    first, seeds = next(iter(run["seeds"])), list(run["seeds"])
    centres = (BUCKETS[:-1] + BUCKETS[1:]) / 2
    own = sums["test"][variant]
    of_seeds = {s: _metrics(sums["test"][f"{variant}_seed{s}"]) for s in seeds}
    val_errors = {s: _metrics(sums["val"][f"{variant}_seed{s}"])["rmse"] for s in seeds}
    training = shipping.training_record(
        run,
        first,
        "NYU Depth v2, the labelled frames (official split; validation: contiguous blocks of train)",
        {name: len(split) for name, split in rooms.items()},
        val_errors,
    )
    return shipping.make_card(
        "depth",
        variant,
        recipe=run["seeds"][first]["recipe"],
        target={"name": "depth", "unit": "metres", "low": 0.0, "high": FARTHEST},
        size=(HEIGHT, WIDTH),
        histogram=(BUCKETS, counts),
        metrics={
            "overall": _metrics(own),
            "shots": _by_shot(own, metrics.own_shots(counts)),
            "shots_nyud2_dir": _by_shot(own, metrics.nyud2_dir_shots(centres)),
            "seeds": {
                **shipping.spread({s: m["mae"] for s, m in of_seeds.items()}, "mae"),
                **shipping.spread({s: m["rmse"] for s, m in of_seeds.items()}, "rmse"),
            },
            **baselines,
        },
        training=training | {"answers": PREDICTIONS.format(seeds, *line), "seed": seeds},
    )
