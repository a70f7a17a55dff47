"""Split-conformal prediction intervals."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regcls.stats.bins import range_index
from regcls.stats.validation import checked_edges, vector


def conformal_radius(
    y_true: ArrayLike, y_pred: ArrayLike, edges: ArrayLike, level: float = 0.9
) -> NDArray[np.float64]:
    """Return the radius of a prediction interval for each range of predictions.

    The interval prediction ± radius contains the true value with probability ``level`` or more.
    Each range of *predictions* has its own calibration set (Mondrian conformal prediction): the
    radius is the ⌈(n+1)·level⌉-th smallest absolute error in it. A range with too few samples for
    that rank also uses those of its nearest neighbours.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (N,)
        Calibration targets and their predictions.
    edges : array-like of shape (K + 1,)
        Ascending edges; predictions beyond them belong to the end ranges.
    level : float
        Coverage of the intervals, between 0 and 1.

    Returns
    -------
    ndarray of shape (K,)
        Radii in target units; ``inf`` if all samples together are too few.

    Raises
    ------
    ValueError
        If an argument is empty or not finite, lengths differ, or ``level`` is out of range.

    References
    ----------
    Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World", Springer, 2005.

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
    which = range_index(y_pred, edges)
    error = np.abs(y_true - y_pred)
    needed = int(np.ceil(level / (1 - level) - 1e-9))
    radius = np.full(len(edges) - 1, np.inf)
    for k in range(len(radius)):
        for reach in range(len(radius)):
            near = np.sort(error[np.abs(which - k) <= reach])
            if len(near) >= needed:
                radius[k] = near[int(np.ceil((len(near) + 1) * level - 1e-9)) - 1]
                break
    return radius
