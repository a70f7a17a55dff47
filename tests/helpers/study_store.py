"""Simulated results of a study, for tests of pages, charts and findings."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from regcls import study
from regcls.study.rows import Result
from regcls.study.spec import Model

RANGES = 10


def error_of(model: Model) -> float:
    """Return a test MSE that grows with imbalance, falls with the loss scale and ignores classes."""
    base = {"uniform": 0.15, "mild": 0.2, "moderate": 0.3, "severe": 0.36}[model.sampling]
    rng = np.random.default_rng([model.function, model.data_seed, model.classes])
    scaled = 0.75 if model.weight > 1 else 1.0
    return base * scaled * (0.5 + model.function / 10) * math.exp(rng.normal(0, 0.08))


def result(model: Model, error: float) -> Result:
    flat = [error] * RANGES
    train = [900 if i == model.data_seed % RANGES else 10 for i in range(RANGES)]
    ranges = {
        "edges": list(range(RANGES + 1)),
        "train": train,
        "test": [100] * RANGES,
        "mse": flat,
        "mae": [math.sqrt(e) for e in flat],
        "val": train,
        "val_mse": flat,
        "peak": 0.5,
    }
    curve = {"epoch": [1], "val_mse": [error], "test_mse": [error]}
    return Result(model, error, error, ranges, curve, 1.0, {"regcls": "simulated"})


def make(
    grid: study.Grid,
    path: Path,
    error: Callable[[Model], float] = error_of,
    only: Callable[[Model], bool] = lambda model: True,
) -> Path:
    """Create a store with a result for each model of the grid that ``only`` accepts."""
    with study.Store(path) as store:
        for _ in range(2):  # the final models of a search are known after the first pass
            known = store.known()
            models = [m for m in grid.models(known) if m.key not in known and only(m)]
            store.add([result(model, error(model)) for model in models])
    return path
