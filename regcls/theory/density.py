"""Density of the training targets, and the 1D data that it describes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from regcls.synthetic import data as synthetic_data
from regcls.synthetic.data import Function

SAMPLES = 30_000  # of a data set; one third each for training, validation and test
POINTS = 600  # test points, uniform over the target


@dataclass(frozen=True)
class Density:
    """Piecewise constant density of the training targets.

    Attributes
    ----------
    edges : ndarray of shape (K + 1,)
        Ends of the constant parts, in target units.
    levels : ndarray of shape (K,)
        Density in each part; its integral is 1.

    Examples
    --------
    >>> density = Density(np.array([0.0, 1.0, 4.0]), np.array([0.7, 0.1]))
    >>> density.relative
    array([2.8, 0.4])
    >>> density.mass(np.array([0.0, 1.0, 4.0]))
    array([0.7, 0.3])
    """

    edges: np.ndarray
    levels: np.ndarray

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest target."""
        return float(self.edges[0]), float(self.edges[-1])

    @property
    def relative(self) -> np.ndarray:
        """Levels, of shape (K,), as multiples of the uniform density."""
        return self.levels * (self.edges[-1] - self.edges[0])

    def at(self, y: np.ndarray) -> np.ndarray:
        """Return the density at given targets, as a multiple of the uniform density.

        Parameters
        ----------
        y : ndarray of shape (n,)
            Targets within the limits.

        Returns
        -------
        ndarray of shape (n,)
        """
        return self.relative[np.searchsorted(self.edges[1:-1], y, side="right")]

    def mass(self, edges: np.ndarray) -> np.ndarray:
        """Return the share of the targets in each interval.

        Parameters
        ----------
        edges : ndarray of shape (C + 1,)
            Ends of the intervals.

        Returns
        -------
        ndarray of shape (C,)
        """
        cumulative = np.concatenate(([0.0], np.cumsum(self.levels * np.diff(self.edges))))
        return np.diff(np.interp(edges, self.edges, cumulative))


def training_density(function: Function, seed: int, width: float) -> Density:
    """Return the density of the training targets.

    Parameters
    ----------
    function : Function
        Target function.
    seed : int
        Data seed.
    width : float
        Half width s of the training peak, as a share of the range of the target; 1 is uniform.

    Returns
    -------
    Density
    """
    if width >= 1:
        return Density(np.array(function.limits), np.array([1 / np.ptp(function.limits)]))
    peak = make_data(function, seed, width).peak
    return Density(*synthetic_data.target_density(function, peak, width))


@lru_cache(maxsize=64)
def make_data(function: Function, seed: int, width: float) -> synthetic_data.Data1D:
    """Create the 1D data set with a training peak of a given width.

    Parameters
    ----------
    function : Function
        Target function.
    seed : int
        Data seed.
    width : float
        Half width s of the training peak, as a share of the range of the target; 1 is uniform.

    Returns
    -------
    Data1D
    """
    sampling = "uniform" if width >= 1 else width
    return synthetic_data.make(function, seed, sampling=sampling, samples=SAMPLES)


def uniform_test_points(function: Function, seed: int) -> synthetic_data.Split:
    """Return evenly spaced points of the uniform test set, sorted by target.

    Parameters
    ----------
    function : Function
        Target function.
    seed : int
        Data seed.

    Returns
    -------
    Split
        `POINTS` test points; targets are clipped to the limits of the function.
    """
    test = synthetic_data.make(function, seed, sampling="uniform", samples=SAMPLES).test
    order = np.argsort(test.y)[np.linspace(0, len(test) - 1, POINTS).astype(int)]
    low, high = function.limits
    return synthetic_data.Split(
        test.x[order], np.clip(test.y[order], low, high), test.y_clean[order]
    )
