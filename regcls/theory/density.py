"""Density of the training targets, the 1D data that it describes, and Gaussian integrals over it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.special import log_ndtr, ndtr

from regcls.synthetic import data as synthetic_data
from regcls.synthetic.data import Function

SAMPLES = 30_000  # of a data set; one third each for training, validation and test
POINTS = 600  # test points, uniform over the target
REACH = 10.0  # standard deviations that the quadrature covers; the rest is below 1e-22
NODES = 64  # Gauss-Legendre nodes on each side of the mean, in each part of the density


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


def expected_level(
    mean: np.ndarray, sigma: float, edges: np.ndarray, levels: np.ndarray
) -> np.ndarray:
    """Return the expectation of a step function under truncated Gaussians.

    Gauss-Legendre quadrature, split at the mean and at the edges of the steps.

    Parameters
    ----------
    mean : ndarray of shape (n,)
        Means of the Gaussians.
    sigma : float
        Their standard deviation, in target units.
    edges : ndarray of shape (K + 1,)
        Ends of the steps; the Gaussians are truncated to the outer ones.
    levels : ndarray of shape (K,)
        Value of the function in each step.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> expected_level(np.array([1.0]), 0.1, np.array([0.0, 1.0, 2.0]), np.array([2.0, 4.0])).round(9)
    array([3.])
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    low, high = edges[0], edges[-1]
    total, norm = np.zeros(len(mean)), np.zeros(len(mean))
    middle = np.clip(mean, low, high)
    for side in (-1, 1):
        far = np.clip(middle + side * REACH * sigma, low, high)
        start, end = np.minimum(middle, far), np.maximum(middle, far)
        for k, level in enumerate(levels):
            a, b = (np.clip(ends, edges[k], edges[k + 1]) for ends in (start, end))
            at = (a + b)[:, None] / 2 + (b - a)[:, None] / 2 * nodes
            # Relative to the density at the middle, which avoids underflow far outside the limits.
            log = log_gaussian(at, mean[:, None], sigma)
            log -= log_gaussian(middle, mean, sigma)[:, None]
            part = (b - a) / 2 * (np.exp(log) @ weights)
            total += level * part
            norm += part
    return total / norm


def log_gaussian(y: np.ndarray, mean: np.ndarray, sigma: float) -> np.ndarray:
    """Return the log density of Gaussians.

    Parameters
    ----------
    y, mean : ndarray
        Arguments and means, of shapes that broadcast.
    sigma : float
        Standard deviation.

    Returns
    -------
    ndarray
    """
    return -0.5 * ((y - mean) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))


def log_masses(mean: np.ndarray, sigma: float, edges: np.ndarray) -> np.ndarray:
    """Return the log masses of Gaussians between neighbouring edges, in closed form.

    Parameters
    ----------
    mean : ndarray of shape (n,)
        Means.
    sigma : float
        Standard deviation.
    edges : ndarray of shape (K + 1,)
        Ascending edges.

    Returns
    -------
    ndarray of shape (n, K)
        Accurate also far in a tail.

    Examples
    --------
    >>> np.exp(log_masses(np.array([0.0]), 1.0, np.array([-np.inf, 0.0, np.inf])))
    array([[0.5, 0.5]])
    """
    parts = [_log_mass(mean, sigma, low, high) for low, high in pairwise(edges)]
    return np.stack(parts, axis=1)


def _log_mass(mean: np.ndarray, sigma: float, low: float, high: float) -> np.ndarray:
    a, b = (low - mean) / sigma, (high - mean) / sigma
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)  # mirrored into the lower tail
    with np.errstate(divide="ignore"):
        return np.where(
            b < 0,
            log_ndtr(b) + np.log1p(-np.exp(log_ndtr(a) - log_ndtr(b))),
            np.log(ndtr(b) - ndtr(a)),
        )
