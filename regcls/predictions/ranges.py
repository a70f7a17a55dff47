"""Target ranges of a report."""

from __future__ import annotations

import numpy as np

from regcls.io.tables import TableError
from regcls.predictions.columns import Arrays
from regcls.stats import bins

KINDS = {
    "count": "equally wide, this many",
    "width": "of this width",
    "quantile": "as many targets in each, this many",
    "edges": "own edges",
}
RANGES = 10
MOST_RANGES = 200


def edges(found: Arrays, kind: str = "count", size: float = RANGES, own: str = "") -> np.ndarray:
    """Edges (K+1,) of target ranges over targets and training targets.

    ``kind`` of ``KINDS``; ``size``: how many, or how wide; ``own``: edges with commas. Raises
    ``TableError``.
    """
    every = found.y if found.train is None else np.concatenate((found.y, found.train))
    low, high = float(every.min()), float(every.max())
    if kind == "edges":
        return _own_edges(own, found.y)
    if kind == "width":
        if not size > 0 or (high - low) / size > MOST_RANGES:
            raise TableError(f"The width must be above {(high - low) / MOST_RANGES:.3g}.")
        start = np.floor(low / size) * size
        made = start + size * np.arange(int(np.floor((high - start) / size)) + 2)
        return made if made[-2] < high else made[:-1]
    count = int(size)
    if not 1 <= count <= MOST_RANGES:
        raise TableError(f"There must be 1 to {MOST_RANGES} ranges, not {count}.")
    if kind == "quantile":
        basis = found.y if found.train is None else found.train
        inner = np.quantile(basis, np.linspace(0, 1, count + 1))[1:-1]
        return np.unique(np.concatenate(([low], inner[(inner > low) & (inner < high)], [high])))
    if kind != "count":
        raise TableError(f"Ranges are made by {', '.join(KINDS)}, not by {kind!r}.")
    return bins.ranges(low, high, count)


def _own_edges(text: str, y: np.ndarray) -> np.ndarray:
    try:
        made = np.array([float(part) for part in text.replace(";", ",").split(",") if part.strip()])
    except ValueError as error:
        raise TableError("The edges must be numbers with commas between them.") from error
    if len(made) < 2 or not (np.diff(made) > 0).all() or len(made) > MOST_RANGES + 1:
        raise TableError(f"The edges must be 2 to {MOST_RANGES + 1} ascending numbers.")
    if y.min() < made[0] or y.max() > made[-1]:
        raise TableError(
            f"The targets run from {y.min():g} to {y.max():g}; the edges must reach that far."
        )
    return made
