"""Split-conformal prediction intervals."""

from __future__ import annotations

import numpy as np

from regcls.stats.validation import checked_edges, vector


def conformal_radius(
    y_true: np.ndarray, y_pred: np.ndarray, edges: np.ndarray, level: float = 0.9
) -> np.ndarray:
    """Radius (K,) so that prediction ± radius holds the truth with probability ≥ ``level``.

    Split-conformal regression with one calibration set per *predicted* range (Mondrian; Vovk,
    Gammerman, Shafer 2005): the ⌈(n+1)·level⌉-th smallest absolute error. A range with too few
    calibration samples for that rank takes its nearest neighbours' samples as well; ``inf`` when
    even all together are too few. Predictions beyond the edges count for the end ranges.
    """
    y_true, edges = vector("y_true", y_true), checked_edges(edges)
    y_pred = vector("y_pred", y_pred, len(y_true))
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    which = np.searchsorted(edges[1:-1], y_pred, side="right")
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
