"""Target ranges of an error report."""

from __future__ import annotations

import numpy as np

from regcls.io.tables import TableError
from regcls.predictions.columns import Arrays
from regcls.stats import bins

KINDS = {
    "count": "Equal width, by number",
    "width": "Equal width, by width",
    "quantile": "Equal number of targets",
    "edges": "Custom edges",
}
RANGES = 10
MOST_RANGES = 200


def edges(found: Arrays, kind: str = "count", size: float = RANGES, own: str = "") -> np.ndarray:
    """Return the edges of target ranges that cover all targets.

    Parameters
    ----------
    found : Arrays
        Targets and, if known, training targets.
    kind : {"count", "width", "quantile", "edges"}
        Equally wide ranges by their number or width, ranges with equally many (training) targets,
        or given edges.
    size : float
        Number of ranges, or their width in target units for ``kind="width"``.
    own : str
        For ``kind="edges"``: ascending numbers, separated by commas or semicolons.

    Returns
    -------
    ndarray of shape (K + 1,)
        Ascending edges in target units.

    Raises
    ------
    TableError
        If an argument is invalid, or the given edges do not cover the targets.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 10.0])
    >>> edges(Arrays(y, {"reg": y}, np.arange(3)), "count", 2)
    array([ 0.,  5., 10.])
    """
    targets = found.y if found.train is None else np.concatenate((found.y, found.train))
    low, high = float(targets.min()), float(targets.max())
    if kind == "edges":
        return _parse_edges(own, found.y)
    if kind == "width":
        return _edges_of_width(low, high, size)
    count = int(size)
    if not 1 <= count <= MOST_RANGES:
        raise TableError(f"the number of ranges must be from 1 to {MOST_RANGES}, not {count}")
    if kind == "quantile":
        basis = found.y if found.train is None else found.train
        inner = np.quantile(basis, np.linspace(0, 1, count + 1))[1:-1]
        return np.unique(np.concatenate(([low], inner[(inner > low) & (inner < high)], [high])))
    if kind != "count":
        raise TableError(f"the kind of ranges must be one of {', '.join(KINDS)}, not {kind!r}")
    return bins.ranges(low, high, count)


def _edges_of_width(low: float, high: float, width: float) -> np.ndarray:
    """Edges at multiples of ``width``."""
    if not width > 0 or (high - low) / width > MOST_RANGES:
        least = (high - low) / MOST_RANGES
        raise TableError(f"the range width must be above {least:.3g}, not {width:g}")
    start = np.floor(low / width) * width
    made = start + width * np.arange(int(np.floor((high - start) / width)) + 2)
    return made if made[-2] < high else made[:-1]


def _parse_edges(text: str, y: np.ndarray) -> np.ndarray:
    try:
        made = np.array([float(part) for part in text.replace(";", ",").split(",") if part.strip()])
    except ValueError as error:
        raise TableError("the edges must be numbers separated by commas") from error
    if len(made) < 2 or not (np.diff(made) > 0).all() or len(made) > MOST_RANGES + 1:
        raise TableError(f"the edges must be 2 to {MOST_RANGES + 1} ascending numbers")
    if y.min() < made[0] or y.max() > made[-1]:
        raise TableError(f"the edges must cover the targets, from {y.min():g} to {y.max():g}")
    return made
