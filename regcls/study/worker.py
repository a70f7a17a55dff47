"""Train a batch of a study's models with one ensemble and measure them.

A batch holds models of one network and one kind of training; data, λ, learning rate and seeds are
each model's own. What a model learns does not depend on which batch it is in.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from regcls import __version__
from regcls.nn.labels import make_classes, soft_label_sigma
from regcls.stats import bins
from regcls.study.spec import Model
from regcls.study.store import Result
from regcls.synthetic import data as synthetic_data

RANGES = 10  # equal target ranges over the function's values
CURVE_POINTS = 10  # epochs at which errors are taken while training
CURVE_SAMPLES = 4000  # test and validation points of the curve; the result is on all of them
LARGEST_BATCH = 100  # models; more gain nothing, and a batch that is killed is lost
BATCH_SECONDS = (2.0, 30.0)  # on one core: starting one costs too, and progress should be seen


def pack(models: Sequence[Model], jobs: int = 1) -> list[list[Model]]:
    """Batches of models that can train together, data sets that are shared next to each other;
    where there are many, each of ``jobs`` workers gets 16 or more."""
    seconds = float(np.clip(sum(m.core_seconds for m in models) / (16 * jobs), *BATCH_SECONDS))
    groups: dict[tuple, list[Model]] = {}
    for model in models:
        place = (model.scenario, model.sampling, *_alike(model))
        groups.setdefault(place, []).append(model)
    batches = []
    for group in groups.values():
        most = max(1, min(LARGEST_BATCH, int(seconds / group[0].core_seconds)))
        parts = np.array_split(np.arange(len(group)), math.ceil(len(group) / most))
        batches += [[group[i] for i in part] for part in parts]
    return batches


def _alike(model: Model) -> tuple:
    """What the models of one batch must have in common."""
    return (
        model.hidden, model.activation, model.classes, model.optimiser, model.reg_loss,
        model.class_loss, _sigma(model), model.batch, model.samples, model.epochs,
    )  # fmt: skip


def _sigma(model: Model) -> float:
    if model.class_loss != "soft":
        return 1.0
    return soft_label_sigma(synthetic_data.FUNCTIONS[model.function - 1].limits, model.classes)


def train(
    models: Sequence[Model],
    threads: int | None = None,
    stop: str | None = None,
    parent: int | None = None,
) -> list[Result] | None:
    """Results of the models of one batch, in order; None when told to stop.

    Training stops when a file named ``stop`` appears, and a worker process ends when its
    ``parent`` process is gone. ``threads``: how many this process uses, if it has not started yet.
    """
    from regcls.nn.ensemble import use_threads

    if threads is not None:
        use_threads(threads)
    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the parent decides
    if not models:
        return []
    started = time.perf_counter()
    data = [
        _data(m.function, m.data_seed, m.scenario, m.sampling, m.samples, m.noise) for m in models
    ]
    ensemble = _ensemble(models, data)
    points = np.unique(np.linspace(0, models[0].epochs, CURVE_POINTS + 1).round().astype(int))[1:]
    curve = {"val_mse": [], "test_mse": []}
    for epoch in range(1, models[0].epochs + 1):
        ensemble.train_epoch()
        if stop is not None and Path(stop).exists():
            return None
        if parent is not None and os.getppid() != parent:
            os._exit(1)  # nobody is left to take the results
        if epoch in points:
            for part in ("val", "test"):
                error = _errors(ensemble, data, part, CURVE_SAMPLES)
                curve[f"{part}_mse"].append((error**2).mean(axis=1))
    squares = {part: _errors(ensemble, data, part) for part in ("val", "test")}
    seconds = (time.perf_counter() - started) / len(models)
    return [
        Result(
            model=model,
            test_mse=float((squares["test"][i] ** 2).mean()),
            val_mse=float((squares["val"][i] ** 2).mean()),
            ranges=_ranges(data[i], squares["val"][i], squares["test"][i]),
            curve={"epoch": points.tolist()} | {k: _rounded(v, i) for k, v in curve.items()},
            seconds=seconds,
            versions=_versions(),
        )
        for i, model in enumerate(models)
    ]


@lru_cache(maxsize=64)
def _data(
    function: int, seed: int, scenario: str, sampling: str, samples: int, noise: float
) -> synthetic_data.Data1D:
    return synthetic_data.make(
        synthetic_data.FUNCTIONS[function - 1], seed, scenario, sampling, samples, noise
    )


def _ensemble(models: Sequence[Model], data: Sequence[synthetic_data.Data1D]):
    from regcls.nn.ensemble import Ensemble
    from regcls.nn.spec import Network, Training

    first = models[0]
    network = Network(hidden=first.hidden, activation=first.activation, classes=first.classes)
    training = Training(
        optimiser=first.optimiser,
        reg_loss=first.reg_loss,
        class_loss=first.class_loss or "hard",
        sigma=_sigma(first),
        batch=first.batch,
    )
    return Ensemble(
        network,
        training,
        np.stack([d.train.x for d in data]),
        np.stack([d.train.y for d in data]),
        seeds=[m.init_seed for m in models],
        lr=np.array([m.lr for m in models]),
        reg_weight=np.array([m.weight for m in models]),
        weight_decay=np.array([m.weight_decay for m in models]),
        **_labels(models, data),
    )


def _labels(
    models: Sequence[Model], data: Sequence[synthetic_data.Data1D]
) -> dict[str, np.ndarray | None]:
    """Arrays of class labels for an ensemble; none for reg."""
    classes = models[0].classes
    if not classes:
        return {}
    # Padded to the classes of the setting, so that a model does not depend on the others of its
    # batch.
    made = make_classes([d.train.y for d in data], [m.bins for m in models], classes, pad=True)
    return {"labels": made.labels, "edges": made.edges, "keep": made.keep}


def _errors(ensemble, data: Sequence[synthetic_data.Data1D], part: str, most: int | None = None):
    """Prediction minus target (R, N) on a part of the data; NaN where training diverged."""
    x = np.stack([getattr(d, part).x[:most] for d in data])
    y = np.stack([getattr(d, part).y[:most] for d in data])
    # In pieces that stay in the processor's cache.
    pieces = np.array_split(x, max(1, x.shape[1] // 2000), axis=1)
    error = np.concatenate([ensemble.predict(piece) for piece in pieces], axis=1) - y
    error[~np.isfinite(error).all(axis=1)] = np.nan
    return error


def _ranges(data: synthetic_data.Data1D, val: np.ndarray, test: np.ndarray) -> dict[str, object]:
    """Per equal target range: edges, counts and errors (None where nothing is), and the peak."""
    edges = bins.ranges(*data.function.limits, RANGES)
    cut = bins.Bins(edges, "equal-width")
    which = {part: cut.label(getattr(data, part).y) for part in ("train", "val", "test")}
    count = {part: np.bincount(label, minlength=RANGES) for part, label in which.items()}

    def mean(part: str, values: np.ndarray) -> list[float | None]:
        total = np.bincount(which[part], values, minlength=RANGES)
        return [
            _short(t / n) if n and math.isfinite(t) else None
            for t, n in zip(total.tolist(), count[part].tolist(), strict=True)
        ]

    return {
        "edges": [_short(edge) for edge in edges.tolist()],
        "train": count["train"].tolist(),
        "test": count["test"].tolist(),
        "mse": mean("test", test**2),
        "mae": mean("test", np.abs(test)),
        "val": count["val"].tolist(),
        "val_mse": mean("val", val**2),
        "peak": data.peak,
    }


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _rounded(rows: list[np.ndarray], i: int) -> list[float | None]:
    return [_short(row[i]) if np.isfinite(row[i]) else None for row in rows]


@lru_cache(maxsize=1)
def _versions() -> dict[str, str]:
    import torch

    return {"regcls": __version__, "torch": torch.__version__, "numpy": np.__version__}
