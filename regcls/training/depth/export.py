"""From finished depth runs to the shipped pair: ONNX files, sampled predictions, cards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from regcls.inference import contract
from regcls.tasks.depth import metrics
from regcls.tasks.depth import predict as task
from regcls.tasks.depth.metrics import BUCKET, METRICS
from regcls.training import shipping
from regcls.training.depth.data import MM, Rooms, load_rooms
from regcls.training.depth.network import DepthMean
from regcls.training.depth.recipe import FARTHEST, HEIGHT, WIDTH, enlarged, load_run, straight_line
from regcls.training.onnx_export import answers_alike, shippable, to_onnx
from regcls.training.predict import answers
from regcls.training.search import VARIANTS, record

LEVEL = 0.9  # of the conformal interval
BUCKETS = np.linspace(0.0, FARTHEST, 101)  # metres; the training histogram
PIXELS = {"test": 128, "val": 512}  # drawn from each photo for the stored predictions
RESAMPLES = 1000
LICENCE = (
    "Research use with citation, as the training data NYU Depth v2 asks; " + shipping.BACKBONE + "."
)
CITATION = (
    "Data: Silberman, Hoiem, Kohli, Fergus: Indoor segmentation and support inference from RGBD "
    "images, ECCV 2012. " + shipping.METHOD
)
ANSWERS = (
    "the mean of the networks of seeds {}, times {:.4f}, plus {:+.4f} m (a line fitted on val by "
    "least squares, since an L1 loss teaches medians)"
)
LIMITS = (
    "- Trained on 711 photos of homes, offices and classrooms, taken with one camera (a Kinect, "
    "about 63° across) up to 10 m away. Outdoors, and on other subjects, its metres mean nothing.\n"
    "- A photo does not tell its camera's focal length: another lens makes all depths wrong by "
    "about the ratio of the two focal lengths, even where the shape is right.\n"
    "- Thin, shiny and transparent things, mirrors and windows are often missed. Do not measure, "
    "steer or secure anything by it."
)


def export(data: Path, runs: Path, out: Path) -> dict[str, contract.Card]:
    """Write the pair, predictions on pixels drawn from val and test, and CARD.md into ``out``.

    Each variant ships the mean of its seeds, on a straight line fitted on val; the seeds alone, each
    on a line of its own, are in the tables as well. Raises ``ValueError`` when a run is missing or
    a file does not answer as torch does.
    """
    rooms = load_rooms(data)
    out.mkdir(parents=True, exist_ok=True)
    models = {}
    for variant in VARIANTS:
        seeds = record(variant, runs)["seeds"]
        nets = {seed: shippable(load_run(variant, seed, runs)) for seed in seeds}
        models[variant] = DepthMean(nets.values())
        models |= {f"{variant}_seed{seed}": DepthMean([net]) for seed, net in nets.items()}
    for model in models.values():
        model.line = straight_line(model, rooms["val"], HEIGHT)
    tables, full = {}, {}
    for split in ("val", "test"):
        tables[split], full[split] = _predictions(models, rooms[split], PIXELS[split])
    baselines = _baselines(rooms)
    cards = {}
    for variant in VARIANTS:
        run, model = record(variant, runs), models[variant]
        counts = np.histogram(rooms["train"].depth / np.float32(MM), BUCKETS)[0]
        cards[variant] = _card(variant, run, rooms, tables, full, counts, baselines, model.line)
        path = to_onnx(model, out / f"{variant}.onnx", cards[variant])
        answers_alike(model, path, rooms["test"].images[:8])
    shipping.write_tables(tables, cards, out, LIMITS)
    return cards


def _predictions(
    models: dict, rooms: Rooms, pixels: int
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Answers on ``pixels`` random known pixels of each photo, and every model's ``_sums``."""
    chosen = [_draw(depth, pixels, seed) for seed, depth in enumerate(rooms.depth)]
    frames = np.repeat(np.arange(len(rooms), dtype=np.int16), [len(c) for c in chosen])
    truth = [
        depth.ravel()[c] / np.float32(MM) for depth, c in zip(rooms.depth, chosen, strict=True)
    ]
    table = pd.DataFrame({"y_true": np.concatenate(truth).astype(np.float32), "frame": frames})
    sums = {}
    for name, model in models.items():
        picked, parts = [], []
        for depth, answer, at in zip(rooms.depth, _maps(model, rooms), chosen, strict=True):
            picked.append(answer.ravel()[at])
            parts.append(_sums(depth, answer))
        table[name] = np.concatenate(picked).astype(np.float32)
        sums[name] = np.stack(parts)
    return table, sums


def _draw(depth: np.ndarray, pixels: int, seed: int) -> np.ndarray:
    known = np.flatnonzero(depth)
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(known, min(pixels, len(known)), replace=False))


def _maps(model, rooms: Rooms) -> Iterator[np.ndarray]:
    """A model's answer for each photo, enlarged to the truth's size."""
    for value, *_ in answers(model, rooms.images, HEIGHT, batch=16):
        yield from enlarged(value, rooms.depth.shape[1:])


def _sums(depth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """(100, 8): per 0.1 m bucket of truth, the sums of ``metric_columns`` and the pixel count."""
    truth = depth.ravel() / np.float32(MM)
    known = truth > 0
    truth = truth[known]
    columns = metrics.metric_columns(truth, answer.ravel()[known])
    bucket = np.minimum((truth / BUCKET).astype(int), 99)
    rows = [np.bincount(bucket, column, 100) for column in columns]
    return np.stack([*rows, np.bincount(bucket, minlength=100)], axis=1)


def _metrics(sums: np.ndarray, which: np.ndarray | slice = slice(None)) -> dict[str, float]:
    """All metrics over some buckets of ``sums`` (photos, 100, 8), intervals over photos."""
    photos = sums[:, which].sum(axis=1)
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(photos), np.full(len(photos), 1 / len(photos)), RESAMPLES)
    point, draws = _means(photos.sum(axis=0)), _means(weights @ photos)
    bounds = np.nanquantile(draws, [0.025, 0.975], axis=0)
    result: dict[str, float] = {"test": int(photos[:, -1].sum())}
    for at, name in enumerate(METRICS):
        result |= {name: point[at], f"{name}_low": bounds[0, at], f"{name}_high": bounds[1, at]}
    return result


def _means(sums: np.ndarray) -> np.ndarray:
    means = sums[..., :-1] / np.maximum(sums[..., -1:], 1)
    means[..., 0] = np.sqrt(means[..., 0])
    return means


def _by_shot(sums: np.ndarray, shots: np.ndarray) -> dict[str, dict]:
    return {
        shot: _metrics(sums, shots == shot) for shot in ("many", "medium", "few") if shot in shots
    }


def _baselines(rooms: dict[str, Rooms]) -> dict[str, dict]:
    """Always the training mean, and always the training mean map."""
    mean_map = rooms["train"].depth.mean(axis=0) / MM
    constant = np.full_like(mean_map, mean_map.mean())
    result = {}
    for name, answer in (("mean", constant), ("mean_map", mean_map)):
        sums = np.stack([_sums(depth, answer) for depth in rooms["test"].depth])
        result[f"always_the_training_{name}"] = _metrics(sums)
    return result


def _card(variant, run, rooms, tables, full, counts, baselines, line) -> contract.Card:
    first, sums = next(iter(run["seeds"])), full["test"][variant]
    recipe = run["seeds"][first]["recipe"]
    middles = (BUCKETS[:-1] + BUCKETS[1:]) / 2
    seeds = {s: _metrics(full["test"][f"{variant}_seed{s}"]) for s in run["seeds"]}
    val = {s: _metrics(full["val"][f"{variant}_seed{s}"])["rmse"] for s in run["seeds"]}
    return contract.Card(
        task="depth",
        variant="reg+cls" if variant == "regcls" else "reg",
        target={"name": "depth", "unit": "metres", "low": 0.0, "high": FARTHEST},
        input={"height": HEIGHT, "width": WIDTH},
        classes=shipping.classes(recipe),
        training_histogram={"edges": BUCKETS, "counts": counts},
        metrics={
            "overall": _metrics(sums),
            "shots": _by_shot(sums, metrics.own_shots(counts)),
            "shots_nyud2_dir": _by_shot(sums, metrics.nyud2_dir_shots(middles)),
            "seeds": {
                **shipping.spread({s: m["mae"] for s, m in seeds.items()}, "mae"),
                **shipping.spread({s: m["rmse"] for s, m in seeds.items()}, "rmse"),
            },
            **baselines,
        },
        training=shipping.training_record(
            run,
            first,
            "NYU Depth v2, the labelled frames (official split; validation: contiguous blocks of "
            "train)",
            {name: len(split) for name, split in rooms.items()},
            "L1",
            val,
        )
        | {"answers": ANSWERS.format(list(run["seeds"]), *line), "seed": list(run["seeds"])},
        calibration=shipping.calibration(tables["val"], variant, task.EDGES, LEVEL),
        licence=LICENCE,
        citation=CITATION,
    )
