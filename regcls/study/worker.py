"""Train and evaluate a batch of a study's models as one ensemble.

All models of a batch have the same network and kind of training. Data, λ, learning rate, weight
decay and seeds are per model. The result of a model does not depend on its batch, except for
rounding: on some processors, matrix products of one and of many networks round differently.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regcls import __version__
from regcls.nn.labels import make_classes, soft_label_sigma
from regcls.stats import bins
from regcls.study.rows import Result
from regcls.study.spec import Model
from regcls.synthetic import data as synthetic_data

if TYPE_CHECKING:
    from regcls.nn.ensemble import Ensemble

RANGES = 10  # equal target ranges over the function's values
CURVE_POINTS = 10  # epochs at which errors are recorded
CURVE_SAMPLES = 4000  # test and validation points of the curve; final errors use all points
LARGEST_BATCH = 100  # models; larger batches are no faster, and a killed batch is lost
BATCH_SECONDS = (2.0, 30.0)  # on one core: long enough to amortise its start, short for progress
_CACHE_SAMPLES = 2000  # points predicted at once, so that activations stay in the CPU cache


def pack(models: Sequence[Model], jobs: int = 1) -> list[list[Model]]:
    """Group models into batches that can train together.

    Parameters
    ----------
    models : sequence of Model
        Models to train.
    jobs : int, default 1
        Number of workers; if there are enough models, each gets at least 16 batches.

    Returns
    -------
    list of list of Model
        Batches; within a scenario and sampling, models on one data set stay next to each other.
    """
    seconds = float(np.clip(sum(m.core_seconds for m in models) / (16 * jobs), *BATCH_SECONDS))
    groups: dict[tuple, list[Model]] = {}
    for model in models:
        group_key = (model.scenario, model.sampling, *_shared_settings(model))
        groups.setdefault(group_key, []).append(model)
    batches = []
    for group in groups.values():
        most = max(1, min(LARGEST_BATCH, int(seconds / group[0].core_seconds)))
        parts = np.array_split(np.arange(len(group)), math.ceil(len(group) / most))
        batches += [[group[i] for i in part] for part in parts]
    return batches


def _shared_settings(model: Model) -> tuple:
    """Return the settings that all models of a batch must share."""
    return (
        model.hidden,
        model.activation,
        model.classes,
        model.optimiser,
        model.reg_loss,
        model.class_loss,
        _sigma(model),
        model.batch,
        model.samples,
        model.epochs,
    )


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
    """Train the models of one batch.

    Parameters
    ----------
    models : sequence of Model
        Models that can train together; see `pack`.
    threads : int, optional
        Number of threads that this process uses.
    stop : str, optional
        Path of a file; training is cancelled once it exists.
    parent : int, optional
        Process number of the parent; this process exits once its parent has ended.

    Returns
    -------
    list of Result or None
        Results in the order of ``models``; None if training was cancelled.
    """
    from regcls.nn.ensemble import use_threads

    if threads is not None:
        use_threads(threads)
    if parent is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent handles it
    if not models:
        return []
    started = time.perf_counter()
    data = [
        _data(m.function, m.data_seed, m.scenario, m.sampling, m.samples, m.noise, m.overlap)
        for m in models
    ]
    ensemble = _ensemble(models, data)
    points = np.unique(np.linspace(0, models[0].epochs, CURVE_POINTS + 1).round().astype(int))[1:]
    curve: dict[str, list[np.ndarray]] = {"val_mse": [], "test_mse": []}
    for epoch in range(1, models[0].epochs + 1):
        ensemble.train_epoch()
        if stop is not None and Path(stop).exists():
            return None
        if parent is not None and os.getppid() != parent:
            os._exit(1)  # there is no process left to receive the results
        if epoch in points:
            for part in ("val", "test"):
                error = _errors(ensemble, data, part, CURVE_SAMPLES)
                curve[f"{part}_mse"].append((error**2).mean(axis=1))
    errors = {part: _errors(ensemble, data, part) for part in ("val", "test")}
    seconds = (time.perf_counter() - started) / len(models)
    return [
        Result(
            model=model,
            test_mse=float((errors["test"][i] ** 2).mean()),
            val_mse=float((errors["val"][i] ** 2).mean()),
            ranges=_ranges(data[i], errors["val"][i], errors["test"][i]),
            curve={"epoch": points.tolist()} | {k: _rounded(v, i) for k, v in curve.items()},
            seconds=seconds,
            versions=_versions(),
        )
        for i, model in enumerate(models)
    ]


@lru_cache(maxsize=64)
def _data(
    function: int,
    seed: int,
    scenario: str,
    sampling: str,
    samples: int,
    noise: float,
    overlap: float,
) -> synthetic_data.Data1D:
    return synthetic_data.make(
        synthetic_data.FUNCTIONS[function - 1], seed, scenario, sampling, samples, noise, overlap
    )


def _ensemble(models: Sequence[Model], data: Sequence[synthetic_data.Data1D]) -> Ensemble:
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


def _errors(
    ensemble: Ensemble,
    data: Sequence[synthetic_data.Data1D],
    part: str,
    points: int | None = None,
) -> np.ndarray:
    """Return prediction minus target (R, N) on one split; NaN for models that diverged."""
    x = np.stack([getattr(d, part).x[:points] for d in data])
    y = np.stack([getattr(d, part).y[:points] for d in data])
    pieces = np.array_split(x, max(1, x.shape[1] // _CACHE_SAMPLES), axis=1)
    error = np.concatenate([ensemble.predict(piece) for piece in pieces], axis=1) - y
    error[~np.isfinite(error).all(axis=1)] = np.nan
    return error


def _ranges(data: synthetic_data.Data1D, val: np.ndarray, test: np.ndarray) -> dict[str, object]:
    """Return edges, counts and errors per equal target range, and the peak of the training data.

    Errors are None in ranges without samples.
    """
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
