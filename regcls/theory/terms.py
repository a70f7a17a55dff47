"""What imbalance adds to the loss of a regressor and of a classifier, exactly, on the 1D data.

With training density p(y), a balanced one that is uniform, and the same p(x|y) (Ren et al.,
Balanced MSE for imbalanced visual regression, CVPR 2022, eq. 3):

    −log p_imb(y|x) = −log p_bal(y|x) + gap,   gap = log ∫ p_bal(y'|x) p(y') dy' − log p(y),

where p is relative to the balanced density. The gap is zero where p is flat, and large for rare
targets. For classes, priors take the place of p; equalized bins make them flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import log_ndtr, ndtr

from regcls.stats import bins
from regcls.synthetic import data as synthetic_data
from regcls.synthetic.data import Function

REACH = 10.0  # standard deviations; beyond, a Gaussian adds less than 1e-22
NODES = 64  # of Gauss and Legendre, on each side of the mean and in each part of the density
POINTS = 600  # test points, uniform over the target
RANGES = 12
WIDTHS = (1.0, 0.5, 0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.03, 0.02)  # s; 1: uniform
GROUPS = ("rare, next to the peak", "rare, farther away", "frequent")
MODELS = ("ideal", "reg", "control", "reg+cls")


@dataclass(frozen=True)
class Density:
    """A density that is flat between ``edges`` (K+1,), at ``levels`` (K,); its integral is 1."""

    edges: np.ndarray
    levels: np.ndarray

    @property
    def limits(self) -> tuple[float, float]:
        return float(self.edges[0]), float(self.edges[-1])

    @property
    def relative(self) -> np.ndarray:
        """Levels (K,) as multiples of the balanced density, which is uniform over the limits."""
        return self.levels * (self.edges[-1] - self.edges[0])

    def at(self, y: np.ndarray) -> np.ndarray:
        """``relative`` at targets within the limits."""
        return self.relative[np.searchsorted(self.edges[1:-1], y, side="right")]

    def mass(self, edges: np.ndarray) -> np.ndarray:
        """Share (C,) of the targets between each two of ``edges`` (C+1,)."""
        grown = np.concatenate(([0.0], np.cumsum(self.levels * np.diff(self.edges))))
        return np.diff(np.interp(edges, self.edges, grown))


@dataclass(frozen=True)
class Terms:
    """Losses in nats (n,): ``imbalanced`` was computed by itself, not as the sum of the others."""

    balanced: np.ndarray
    imbalanced: np.ndarray
    gap: np.ndarray

    @property
    def residual(self) -> float:
        """The largest |imbalanced − (balanced + gap)|: zero but for rounding."""
        return float(np.abs(self.imbalanced - self.balanced - self.gap).max())


@dataclass(frozen=True)
class Case:
    """One setting: what a model says, N(``mean`` (n,), ``sigma``²) cut to the limits of the target,
    at test points whose truths are ``y`` (n,); what it was trained on is ``density``, and a sample
    of that is ``train`` (N,)."""

    mean: np.ndarray
    sigma: float
    y: np.ndarray
    density: Density
    train: np.ndarray


def density(function: Function, seed: int, width: float) -> Density:
    """Of the training targets of ``data1d``, s = ``width``; 1 is uniform."""
    if width >= 1:
        return Density(np.array(function.limits), np.array([1 / np.ptp(function.limits)]))
    peak = _data(function, seed, width).peak
    return Density(*synthetic_data.target_density(function, peak, width))


def ideal(function: Function, seed: int, width: float, sigma: float) -> Case:
    """A model that knows the function and errs by Gaussian noise of deviation ``sigma``."""
    _demand_sigma(sigma)
    test = _test(function, seed)
    train = _data(function, seed, width).train.y
    return Case(test.y, sigma, test.y, density(function, seed, width), train)


def regression(case: Case) -> Terms:
    """The three terms of the regressor at each test point.

    The gap's expectation is a Gauss-Legendre quadrature; the imbalanced model is normalised by
    closed-form Gaussian masses instead, so that the sum is a check.
    """
    low, high = case.density.limits
    p = case.density.at(case.y)
    balanced = -_log_gaussian(case.y, case.mean, case.sigma) + _log_mass(
        case.mean, case.sigma, low, high
    )
    gap = np.log(_expected(case)) - np.log(p)
    log_parts = _log_masses(case.mean, case.sigma, case.density.edges)
    log_norm = _log_sum(log_parts + np.log(case.density.relative))
    imbalanced = -(_log_gaussian(case.y, case.mean, case.sigma) + np.log(p)) + log_norm
    return Terms(balanced, imbalanced, gap)


def classification(case: Case, edges: np.ndarray, priors: np.ndarray) -> Terms:
    """The three terms of a classifier over bins with ``edges`` (C+1,) and training ``priors`` (C,).

    The balanced classifier sees every class alike; given a class, targets are spread evenly over
    its bin. A class without training data counts as a thousandth of a sample, not as impossible.
    """
    priors = np.maximum(priors, 1e-3 / len(case.train))
    priors = priors / priors.sum()
    width = np.diff(edges) / (edges[-1] - edges[0])
    log_class = _log_masses(case.mean, case.sigma, edges) - np.log(width)
    log_balanced = log_class - _log_sum(log_class)[:, None]
    label = np.clip(np.searchsorted(edges[1:-1], case.y, side="right"), 0, len(priors) - 1)
    at = np.arange(len(label)), label
    gap = np.log(np.exp(log_balanced) @ priors) - np.log(priors[label])
    joint = log_class + np.log(priors)
    imbalanced = -(joint[at] - _log_sum(joint))
    return Terms(-log_balanced[at], imbalanced, gap)


def class_priors(case: Case, kind: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Edges (C+1,) and training priors (C,) as the classification loss sees them.

    Equal-width: the density's own masses. Equalized: bins merged on the training sample, and labels
    dropped until every class is seen alike, as ``bins`` does it.
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
    """Means over target ranges, a row a range and name of ``terms``: low, high, train (share of the
    training targets), points, model, balanced, imbalanced, gap (nats). Empty ranges are left out.

    Ranges are equally wide, and cut where the density jumps: rare and frequent are not mixed.
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
    """The ideal model's mean gap in the training peak and outside it, next to the peak (within 2σ)
    or farther away; a row an s of ``WIDTHS`` below 1 and group: width, group, gap (nats), share (of
    the target's range)."""
    rows = []
    for width in WIDTHS[1:]:
        case = ideal(function, seed, width, sigma)
        gap, common = regression(case).gap, case.density.at(case.y) > 1
        near = np.abs(case.y[:, None] - case.y[common]).min(axis=1) <= 2 * sigma
        masks = (~common & near, ~common & ~near, common)
        for group, mask in zip(GROUPS, masks, strict=True):
            if mask.any():
                rows.append((width, group, float(gap[mask].mean()), float(mask.mean())))
    return pd.DataFrame(rows, columns=["width", "group", "gap", "share"])


@lru_cache(maxsize=64)
def _data(function: Function, seed: int, width: float) -> synthetic_data.Data1D:
    sampling = "uniform" if width >= 1 else width
    return synthetic_data.make(function, seed, sampling=sampling, samples=30_000)


def _test(function: Function, seed: int) -> synthetic_data.Split:
    """Every so many of the uniform test points, in order of their targets."""
    test = synthetic_data.make(function, seed, sampling="uniform", samples=30_000).test
    order = np.argsort(test.y)[np.linspace(0, len(test) - 1, POINTS).astype(int)]
    low, high = function.limits
    return synthetic_data.Split(
        test.x[order], np.clip(test.y[order], low, high), test.y_clean[order]
    )


def _expected(case: Case) -> np.ndarray:
    """(n,) E[p(y')] for y' from the model: quadrature in each part of p, split at the mean."""
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
            # Relative to the density at the middle: far outside the limits all of it underflows.
            log = _log_gaussian(at, case.mean[:, None], case.sigma)
            log -= _log_gaussian(middle, case.mean, case.sigma)[:, None]
            part = (b - a) / 2 * (np.exp(log) @ weights)
            total += level * part
            norm += part
    return total / norm


def _log_gaussian(y: np.ndarray, mean: np.ndarray, sigma: float) -> np.ndarray:
    return -0.5 * ((y - mean) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))


def _log_mass(mean: np.ndarray, sigma: float, low: float, high: float) -> np.ndarray:
    """log of the Gaussian's mass between two numbers, also far out in a tail."""
    a, b = (low - mean) / sigma, (high - mean) / sigma
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)  # mirrored into the lower tail
    with np.errstate(divide="ignore"):
        return np.where(
            b < 0,
            log_ndtr(b) + np.log1p(-np.exp(log_ndtr(a) - log_ndtr(b))),
            np.log(ndtr(b) - ndtr(a)),
        )


def _log_masses(mean: np.ndarray, sigma: float, edges: np.ndarray) -> np.ndarray:
    """(n, C) log masses between each two of ``edges``."""
    parts = [_log_mass(mean, sigma, low, high) for low, high in pairwise(edges)]
    return np.stack(parts, axis=1)


def _log_sum(logs: np.ndarray) -> np.ndarray:
    """log Σ exp over the last axis."""
    most = logs.max(axis=1)
    return most + np.log(np.exp(logs - most[:, None]).sum(axis=1))


def _demand_sigma(sigma: float) -> None:
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, not {sigma}")
