"""Training and test data of a Lab run."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from regcls.lab import frames
from regcls.lab.settings import OWN, LabSettings
from regcls.synthetic import data as synthetic_data

# Per run, from its uniform test set: enough to estimate an MSE within 2%, and fast every epoch.
TEST_POINTS = 4000
RANGES = 16  # target ranges of densities and error reports


def function_curve(settings: LabSettings, points: int = 241) -> pd.DataFrame:
    """Return the function to learn as a curve.

    Parameters
    ----------
    settings : LabSettings
        Settings of the run.
    points : int, default 241
        Points of the curve.

    Returns
    -------
    DataFrame
        Columns x and y.
    """
    x = np.linspace(-1, 1, points)
    return pd.DataFrame({"x": x, "y": settings.target_function(x)})


@dataclass(frozen=True)
class Arrays:
    """Data of R runs.

    Attributes
    ----------
    x, y : ndarray of shape (R, N)
        Training inputs and targets.
    test_x, test_y : ndarray of shape (R, M)
        Test inputs and targets, sampled uniformly over the targets.
    peaks : ndarray of shape (R,)
        Peaks of the training targets; NaN for the uniform sampling.
    limits : tuple of float
        Lowest and highest value of the function.
    """

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    peaks: np.ndarray
    limits: tuple[float, float]
    # Densities do not change during training but are drawn often.
    _densities: dict[tuple[str, int | None], pd.DataFrame] = field(
        default_factory=dict, repr=False, compare=False
    )

    def input_density(self, run: int | None = None) -> pd.DataFrame:
        """Return how the training inputs are distributed over 100 cells.

        Parameters
        ----------
        run : int, optional
            Index of one run, from 0; all runs by default.

        Returns
        -------
        DataFrame
            Columns left, right and share.
        """
        key = ("x", run)
        if key not in self._densities:
            x = self.x if run is None else self.x[run]
            self._densities[key] = frames.input_density(x, 100)
        return self._densities[key]

    def target_density(self, run: int | None = None) -> pd.DataFrame:
        """Return how the training targets are distributed over the target ranges.

        Parameters
        ----------
        run : int, optional
            Index of one run, from 0; all runs by default.

        Returns
        -------
        DataFrame
            Columns low, high and share.
        """
        key = ("y", run)
        if key not in self._densities:
            y = self.y if run is None else self.y[run]
            self._densities[key] = frames.target_density(y, self.limits, RANGES)
        return self._densities[key]


def make_arrays(settings: LabSettings) -> Arrays:
    """Generate the data of all runs; run r has the data seed ``settings.seed`` + r.

    Parameters
    ----------
    settings : LabSettings
        Settings of the runs.

    Returns
    -------
    Arrays
        Data.
    """
    function = settings.target_function
    sampling = settings.imbalance if settings.sampling == OWN else settings.sampling
    sets = [
        synthetic_data.make(
            function,
            seed,
            settings.scenario,
            sampling,
            settings.samples,
            settings.noise,
            settings.overlap,
        )
        for seed in range(settings.seed, settings.seed + settings.repeats)
    ]
    return Arrays(
        np.stack([d.train.x for d in sets]),
        np.stack([d.train.y for d in sets]),
        np.stack([d.test.x[:TEST_POINTS] for d in sets]),
        np.stack([d.test.y[:TEST_POINTS] for d in sets]),
        np.array([np.nan if d.peak is None else d.peak for d in sets]),
        function.limits,
    )
