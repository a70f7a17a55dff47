"""Gap terms that imbalance adds to the regression and the classification loss, on the 1D data.

Let p(y) be the training density relative to a balanced, uniform density, with the same p(x|y) for
both. Then

    −log p_imb(y|x) = −log p_bal(y|x) + gap,   gap = log ∫ p_bal(y'|x) p(y') dy' − log p(y).

The gap is zero if p is flat, and large for rare targets. For a classifier, class priors take the
place of p; equalized bins make them uniform.

References
----------
Ren, Zhang, Yu, Liu: "Balanced MSE for Imbalanced Visual Regression", CVPR 2022, eq. 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import log_ndtr, logsumexp, ndtr

from regcls.exceptions import UserError
from regcls.stats import bins
from regcls.synthetic.data import Function
from regcls.theory.density import Density, make_data, training_density, uniform_test_points

REACH = 10.0  # standard deviations that the quadrature covers; the rest is below 1e-22
NODES = 64  # Gauss-Legendre nodes on each side of the mean, in each part of the density
RANGES = 12  # equal target ranges of a table
WIDTHS = (1.0, 0.5, 0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.03, 0.02)  # half widths s; 1 is uniform
GROUPS = ("rare, near the peak", "rare, far from the peak", "frequent")
MODELS = ("ideal", "reg", "control", "reg+cls")


@dataclass(frozen=True)
class Terms:
    """The three terms of a loss at each test point, in nats.

    Attributes
    ----------
    balanced : ndarray of shape (n,)
        Loss of the model under balanced targets.
    imbalanced : ndarray of shape (n,)
        Loss of the model under imbalanced targets, computed independently of the other terms.
    gap : ndarray of shape (n,)
        What imbalance adds.
    """

    balanced: np.ndarray
    imbalanced: np.ndarray
    gap: np.ndarray

    @property
    def residual(self) -> float:
        """Largest |imbalanced − (balanced + gap)|, zero up to rounding errors."""
        return float(np.abs(self.imbalanced - self.balanced - self.gap).max())


@dataclass(frozen=True)
class Case:
    """Predictions of a model at test points, and its training targets.

    The model predicts a Gaussian, truncated to the limits of the target.

    Attributes
    ----------
    mean : ndarray of shape (n,)
        Mean of each predicted Gaussian.
    sigma : float
        Standard deviation of all predicted Gaussians, in target units.
    y : ndarray of shape (n,)
        True targets.
    density : Density
        Density of the training targets.
    train : ndarray of shape (N,)
        Training targets, a sample from this density.
    """

    mean: np.ndarray
    sigma: float
    y: np.ndarray
    density: Density
    train: np.ndarray


def ideal_case(function: Function, seed: int, width: float, sigma: float) -> Case:
    """Return the case of a model that knows the function, up to Gaussian noise.

    Parameters
    ----------
    function : Function
        Target function.
    seed : int
        Data seed.
    width : float
        Half width s of the training peak, as a share of the range of the target; 1 is uniform.
    sigma : float
        Standard deviation of the noise, in target units.

    Returns
    -------
    Case

    Raises
    ------
    UserError
        If ``sigma`` is not positive.
    """
    if not sigma > 0:
        raise UserError(f"sigma must be above 0, not {sigma}")
    test = uniform_test_points(function, seed)
    train = make_data(function, seed, width).train.y
    return Case(test.y, sigma, test.y, training_density(function, seed, width), train)


def regression(case: Case) -> Terms:
    """Compute the three terms of a regressor at each test point.

    The expectation in the gap is a Gauss-Legendre quadrature, whereas the imbalanced model is
    normalised with closed-form Gaussian masses. The sum of the terms is therefore a check.

    Parameters
    ----------
    case : Case
        Predictions and training density.

    Returns
    -------
    Terms

    References
    ----------
    Ren, Zhang, Yu, Liu: "Balanced MSE for Imbalanced Visual Regression", CVPR 2022, eq. 3.
    """
    low, high = case.density.limits
    p = case.density.at(case.y)
    balanced = -_log_gaussian(case.y, case.mean, case.sigma) + _log_mass(
        case.mean, case.sigma, low, high
    )
    gap = np.log(_expected(case)) - np.log(p)
    log_parts = _log_masses(case.mean, case.sigma, case.density.edges)
    log_norm = logsumexp(log_parts + np.log(case.density.relative), axis=1)
    imbalanced = -(_log_gaussian(case.y, case.mean, case.sigma) + np.log(p)) + log_norm
    return Terms(balanced, imbalanced, gap)


def classification(case: Case, edges: np.ndarray, priors: np.ndarray) -> Terms:
    """Compute the three terms of a classifier at each test point.

    For the balanced classifier, all classes are equally frequent; within a class, targets are
    uniform over its bin. The prior of a class without training data is that of a thousandth of a
    sample, so that its loss is finite.

    Parameters
    ----------
    case : Case
        Predictions and training targets.
    edges : ndarray of shape (C + 1,)
        Class edges, in target units.
    priors : ndarray of shape (C,)
        Training priors of the classes.

    Returns
    -------
    Terms
    """
    priors = np.maximum(priors, 1e-3 / len(case.train))
    priors = priors / priors.sum()
    width = np.diff(edges) / (edges[-1] - edges[0])
    log_class = _log_masses(case.mean, case.sigma, edges) - np.log(width)
    log_balanced = log_class - logsumexp(log_class, axis=1, keepdims=True)
    label = np.clip(np.searchsorted(edges[1:-1], case.y, side="right"), 0, len(priors) - 1)
    at = np.arange(len(label)), label
    gap = np.log(np.exp(log_balanced) @ priors) - np.log(priors[label])
    joint = log_class + np.log(priors)
    imbalanced = -(joint[at] - logsumexp(joint, axis=1))
    return Terms(-log_balanced[at], imbalanced, gap)


def class_priors(case: Case, kind: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return class edges and the priors that the classification loss is trained with.

    Priors of equal-width bins are the masses of the training density. Equalized bins are merged on
    the training sample, and labels are dropped until all classes are equally frequent.

    Parameters
    ----------
    case : Case
        Training density and training targets.
    kind : str
        "equal-width" or "equalized".
    classes : int
        Number of classes before merging.

    Returns
    -------
    edges : ndarray of shape (C + 1,)
        Class edges, in target units.
    priors : ndarray of shape (C,)
        Training priors, with sum 1.
    """
    limits = case.density.limits
    made = bins.make(kind, np.clip(case.train, *limits), classes, limits)
    mass = case.density.mass(made.edges)
    if kind != "equalized":
        return made.edges, mass
    labels = made.label(case.train)
    counts = np.bincount(labels, minlength=made.classes)
    seen = counts * bins.keep_probability(labels, made.classes)
    return made.edges, seen / seen.sum()


def per_range(case: Case, terms: dict[str, Terms], ranges: int = RANGES) -> pd.DataFrame:
    """Return the mean terms per target range.

    Ranges have equal widths and are split where the density jumps, so that none of them mixes rare
    and frequent targets.

    Parameters
    ----------
    case : Case
        Test points and training density.
    terms : dict of str to Terms
        Terms of each loss by its name.
    ranges : int
        Number of ranges before splitting.

    Returns
    -------
    DataFrame
        One row per loss and range with test points: low, high, train (share of the training
        targets), points, model (name of the loss), and balanced, imbalanced and gap in nats.
    """
    edges = np.union1d(bins.ranges(*case.density.limits, ranges), case.density.edges)
    which = np.searchsorted(edges[1:-1], case.y, side="right")
    train, count = case.density.mass(edges), len(edges) - 1
    counts = np.bincount(which, minlength=count)
    rows = []
    for name, one in terms.items():
        means = {
            term: np.bincount(which, getattr(one, term), count) / np.maximum(counts, 1)
            for term in ("balanced", "imbalanced", "gap")
        }
        table = pd.DataFrame(
            {"low": edges[:-1], "high": edges[1:], "train": train, "points": counts, "model": name}
        )
        rows.append(table.assign(**means)[counts > 0])
    return pd.concat(rows, ignore_index=True)


def by_imbalance(function: Function, seed: int, sigma: float) -> pd.DataFrame:
    """Return the mean gap of the ideal model in and outside the training peak, by its width.

    Parameters
    ----------
    function : Function
        Target function.
    seed : int
        Data seed.
    sigma : float
        Standard deviation of the model's noise, in target units.

    Returns
    -------
    DataFrame
        One row per width of `WIDTHS` below 1 and group: width, group, gap in nats, and share (of
        the range of the target). Targets outside the peak are near it if they are within 2σ.

    Raises
    ------
    UserError
        If ``sigma`` is not positive.
    """
    rows = []
    for width in WIDTHS[1:]:
        case = ideal_case(function, seed, width, sigma)
        gap, common = regression(case).gap, case.density.at(case.y) > 1
        near = np.abs(case.y[:, None] - case.y[common]).min(axis=1) <= 2 * sigma
        masks = (~common & near, ~common & ~near, common)
        for group, mask in zip(GROUPS, masks, strict=True):
            if mask.any():
                rows.append((width, group, float(gap[mask].mean()), float(mask.mean())))
    return pd.DataFrame(rows, columns=["width", "group", "gap", "share"])


def _expected(case: Case) -> np.ndarray:
    """Return E[p(y')] for y' from the model, of shape (n,).

    The quadrature is split at the mean and at the edges of the density.
    """
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    low, high = case.density.limits
    total, norm = np.zeros(len(case.mean)), np.zeros(len(case.mean))
    reach = REACH * case.sigma
    middle = np.clip(case.mean, low, high)
    for side in (-1, 1):
        far = np.clip(middle + side * reach, low, high)
        start, end = np.minimum(middle, far), np.maximum(middle, far)
        for k, level in enumerate(case.density.relative):
            a = np.clip(start, case.density.edges[k], case.density.edges[k + 1])
            b = np.clip(end, case.density.edges[k], case.density.edges[k + 1])
            at = (a + b)[:, None] / 2 + (b - a)[:, None] / 2 * nodes
            # Relative to the density at the middle, which avoids underflow far outside the limits.
            log = _log_gaussian(at, case.mean[:, None], case.sigma)
            log -= _log_gaussian(middle, case.mean, case.sigma)[:, None]
            part = (b - a) / 2 * (np.exp(log) @ weights)
            total += level * part
            norm += part
    return total / norm


def _log_gaussian(y: np.ndarray, mean: np.ndarray, sigma: float) -> np.ndarray:
    return -0.5 * ((y - mean) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))


def _log_mass(mean: np.ndarray, sigma: float, low: float, high: float) -> np.ndarray:
    """Return the log of the Gaussian mass between two numbers, accurate also far in a tail."""
    a, b = (low - mean) / sigma, (high - mean) / sigma
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)  # mirrored into the lower tail
    with np.errstate(divide="ignore"):
        return np.where(
            b < 0,
            log_ndtr(b) + np.log1p(-np.exp(log_ndtr(a) - log_ndtr(b))),
            np.log(ndtr(b) - ndtr(a)),
        )


def _log_masses(mean: np.ndarray, sigma: float, edges: np.ndarray) -> np.ndarray:
    """Return the log masses (n, C) between neighbouring edges."""
    parts = [_log_mass(mean, sigma, low, high) for low, high in pairwise(edges)]
    return np.stack(parts, axis=1)
