"""The arrays that a Lab run trains and tests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from regcls.lab.settings import OWN, LabSettings
from regcls.synthetic import data as synthetic_data

TEST_POINTS = 4000  # of each run's uniform test set; enough for 2 % of an MSE, cheap every epoch


def function_curve(settings: LabSettings, points: int = 241) -> pd.DataFrame:
    """Columns x, y: the function that is learned."""
    x = np.linspace(-1, 1, points)
    return pd.DataFrame({"x": x, "y": settings.target_function(x)})


@dataclass(frozen=True)
class Arrays:
    """Training points ``x``, ``y`` (R, N), test points ``test_x``, ``test_y`` (R, M), peaks (R,)."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    peaks: np.ndarray
    limits: tuple[float, float]


def make_arrays(settings: LabSettings) -> Arrays:
    """The data of all runs; run r has the data seed ``settings.seed + r``."""
    sampling = settings.imbalance if settings.sampling == OWN else settings.sampling
    sets = synthetic_data.make_many(
        settings.target_function,
        range(settings.seed, settings.seed + settings.repeats),
        scenario=settings.scenario,
        sampling=sampling,
        samples=settings.samples,
        noise=settings.noise,
    )
    return Arrays(
        np.stack([d.train.x for d in sets]),
        np.stack([d.train.y for d in sets]),
        np.stack([d.test.x[:TEST_POINTS] for d in sets]),
        np.stack([d.test.y[:TEST_POINTS] for d in sets]),
        np.array([np.nan if d.peak is None else d.peak for d in sets]),
        settings.target_function.limits,
    )
