"""Bootstrap of means per group of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_UNITS = 512


@dataclass(frozen=True)
class Means:
    """Per group: sample ``counts`` (K,), mean ``point`` (K, Q) and resampled means ``draws`` (K, B, Q)."""

    counts: np.ndarray
    point: np.ndarray
    draws: np.ndarray


def resample(
    which: np.ndarray, groups: int, columns: np.ndarray, clusters, resamples: int, rng
) -> Means:
    """Means of ``columns`` (N, Q) per group of samples, and their bootstrap draws."""
    counts = np.bincount(which, minlength=groups)
    point = np.full((groups, columns.shape[1]), np.nan)
    draws = np.full((groups, resamples, columns.shape[1]), np.nan)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(counts)
    for k in np.flatnonzero(counts):
        rows = order[ends[k] - counts[k] : ends[k]]
        unit = _units(len(rows), None if clusters is None else clusters[rows], rng)
        size = np.bincount(unit).astype(np.float64)
        sums = np.stack([np.bincount(unit, column) for column in columns[rows].T], axis=1)
        point[k] = sums.sum(axis=0) / size.sum()
        if len(size) > 1:  # one unit resamples to itself: no interval, rather than one of no width
            weight = _bootstrap_weights(len(size), resamples, rng)
            draws[k] = (weight @ sums) / (weight @ size)[:, None]
    return Means(counts, point, draws)


def _units(n: int, clusters: np.ndarray | None, rng) -> np.ndarray:
    """Which resampling unit each of ``n`` samples belongs to, numbered without gaps."""
    if clusters is not None:
        return np.unique(clusters, return_inverse=True)[1]
    return np.arange(n) if n <= MAX_UNITS else rng.permutation(n) % MAX_UNITS


def _bootstrap_weights(units: int, resamples: int, rng) -> np.ndarray:
    """(B, units): how often each unit occurs in each resample."""
    take = rng.integers(units, size=(resamples, units))
    take += units * np.arange(resamples)[:, None]
    return np.bincount(take.ravel(), minlength=units * resamples).reshape(resamples, units) * 1.0
