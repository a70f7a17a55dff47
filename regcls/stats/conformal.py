"""Split-conformal prediction intervals, with samples or groups of samples as units."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regcls.stats.bins import range_index
from regcls.stats.validation import checked_edges, vector


def conformal_radius(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    edges: ArrayLike,
    level: float = 0.9,
    clusters: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return the radius of a prediction interval for each range of predictions.

    The interval prediction ± radius contains the true value of a new sample with probability
    ``level`` or more, if the calibration samples chose nothing about the model. Each range of
    *predictions* has its own calibration set (Mondrian conformal prediction): the radius is the
    ⌈(n+1)·level⌉-th smallest absolute error in it. Ranges do not borrow from their neighbours,
    since that would break the guarantee.

    With ``clusters``, such as photos of which many pixels are known, the units are clusters, and
    the guarantee is for a random sample of a new cluster: each cluster that has samples in the
    range weighs the same, and one more cluster is taken to have an infinite error.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (N,)
        Calibration targets and their predictions.
    edges : array-like of shape (K + 1,)
        Ascending edges; predictions beyond them belong to the end ranges.
    level : float
        Coverage of the intervals, between 0 and 1.
    clusters : array-like of shape (N,), optional
        Cluster of each sample; by default, each sample is a unit.

    Returns
    -------
    ndarray of shape (K,)
        Radii in target units; ``inf`` in ranges with too few units, below level / (1 − level).

    Raises
    ------
    ValueError
        If an argument is empty or not finite, lengths differ, or ``level`` is out of range.

    References
    ----------
    Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", Springer, 2005. Dunn,
    Wasserman and Ramdas, "Distribution-free prediction sets for two-layer hierarchical models",
    JASA 2022 (pooled distribution functions).

    Examples
    --------
    >>> y_pred = np.array([1.0, 2.0, 3.0, 7.0, 8.0, 9.0])
    >>> y_true = y_pred + [0.1, 0.2, 0.3, 1.0, 2.0, 3.0]
    >>> conformal_radius(y_true, y_pred, [0, 5, 10], level=0.5).round(1)
    array([0.2, 2. ])
    """
    y_true, edges = vector("y_true", y_true), checked_edges(edges)
    y_pred = vector("y_pred", y_pred, len(y_true))
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, not {level}")
    unit = _units(clusters, len(y_true))
    which, error = range_index(y_pred, edges), np.abs(y_true - y_pred)
    return np.array(
        [_radius(error[which == k], unit[which == k], level) for k in range(len(edges) - 1)]
    )


def units_per_range(
    y_pred: ArrayLike, edges: ArrayLike, clusters: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Count the units that have predictions in each range.

    Parameters
    ----------
    y_pred : array-like of shape (N,)
        Predictions.
    edges : array-like of shape (K + 1,)
        Ascending edges; predictions beyond them belong to the end ranges.
    clusters : array-like of shape (N,), optional
        Cluster of each sample; by default, each sample is a unit.

    Returns
    -------
    ndarray of shape (K,)
        Number of samples or of clusters.

    Examples
    --------
    >>> units_per_range([1, 2, 7], [0, 5, 10], clusters=[4, 4, 4]).tolist()
    [1, 1]
    """
    y_pred, edges = vector("y_pred", y_pred), checked_edges(edges)
    which, unit = range_index(y_pred, edges), _units(clusters, len(y_pred))
    return np.array([len(np.unique(unit[which == k])) for k in range(len(edges) - 1)])


def _units(clusters: ArrayLike | None, count: int) -> NDArray[np.int64]:
    if clusters is None:
        return np.arange(count)
    found = np.asarray(clusters)
    if found.shape != (count,):
        raise ValueError(f"clusters must have the shape ({count},), not {found.shape}")
    return np.unique(found, return_inverse=True)[1]


def _radius(error: np.ndarray, unit: np.ndarray, level: float) -> float:
    """Return the smallest radius that covers (units + 1) · level units, each of weight 1."""
    _, own, sizes = np.unique(unit, return_inverse=True, return_counts=True)
    order = np.argsort(error)
    covered = np.cumsum(1 / sizes[own][order]) if len(error) else np.empty(0)
    place = int(np.searchsorted(covered, (len(sizes) + 1) * level - 1e-9))
    return float(error[order[place]]) if place < len(error) else np.inf
