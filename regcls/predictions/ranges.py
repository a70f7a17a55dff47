"""Target ranges of an error report: chosen from the shape of the targets, or as requested."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from regcls.io.tables import TableError
from regcls.predictions.columns import Arrays
from regcls.stats import ranges as target_shapes
from regcls.stats.range_cuts import whole_edges
from regcls.stats.ranges import TargetRanges
from regcls.stats.verdicts import MIN_UNITS

KINDS = {
    "automatic": "Automatic (by the shape of the targets)",
    "count": "Equal width, by number",
    "log": "Equal width on a log scale",
    "width": "Equal width, by width",
    "quantile": "Equal number of targets",
    "edges": "Custom edges",
}
RANGES = 10
MOST_RANGES = 200
_BY_NUMBER = {
    "automatic": target_shapes.AUTOMATIC,
    "count": target_shapes.EQUAL_WIDTH,
    "log": target_shapes.LOG_SCALE,
    "quantile": target_shapes.EQUAL_COUNT,
}


def target_ranges(
    found: Arrays, kind: str = "automatic", size: float = RANGES, own: str = ""
) -> TargetRanges:
    """Return target ranges that cover all targets, and how they were chosen.

    Parameters
    ----------
    found : Arrays
        Targets and, if known, training targets.
    kind : {"automatic", "count", "log", "width", "quantile", "edges"}
        Ranges that suit the shape of the targets (see `regcls.stats.ranges.choose`); equally wide
        ranges by their number, on a linear or log scale, or by their width; ranges with equally
        many (training) targets; or given edges.
    size : float
        Number of ranges (with ``kind="automatic"``, the maximum), or their width in target units
        for ``kind="width"``.
    own : str
        For ``kind="edges"``: ascending numbers, separated by commas or semicolons.

    Returns
    -------
    TargetRanges
        Edges in target units, kind, reason and numbers of test targets.

    Raises
    ------
    TableError
        If an argument is invalid, a log scale is chosen and a target is not positive, or the given
        edges do not cover the targets.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 10.0])
    >>> made = target_ranges(Arrays(y, {"reg": y}, np.arange(3)), "count", 2)
    >>> made.edges, made.counts
    (array([ 0.,  5., 10.]), array([2, 1]))
    """
    if kind == "edges":
        return TargetRanges.of(_parse_edges(own, found.y), found.y)
    if kind == "width":
        low, high = _limits(found)
        edges, reason = _edges_of_width(low, high, size), f"Ranges {size:g} wide, as requested."
        return TargetRanges.of(edges, found.y, target_shapes.EQUAL_WIDTH, reason)
    if kind not in _BY_NUMBER:
        raise TableError(f"the kind of ranges must be one of {', '.join(KINDS)}, not {kind!r}")
    if not 1 <= size <= MOST_RANGES:
        raise TableError(f"the number of ranges must be from 1 to {MOST_RANGES}, not {size:g}")
    if kind == "log" and (low := _limits(found)[0]) <= 0:
        raise TableError(
            f"a log scale needs targets above 0, and the lowest is {low:g}; choose another kind of "
            "ranges"
        )
    name = _BY_NUMBER[kind]
    if kind == "quantile" and found.train is not None:
        made = target_shapes.choose(found.train, int(size), name, cover=found.y)
        return TargetRanges.of(made.edges, found.y, made.kind, made.reason)
    # With fewer rows, a range of the report would have no interval.
    made = target_shapes.choose(found.y, int(size), name, MIN_UNITS, found.train)
    if kind != "automatic":
        return made
    targets = (found.y,) if found.train is None else (found.y, found.train)
    return replace(made, edges=whole_edges(made.edges, *targets))


def _limits(found: Arrays) -> tuple[float, float]:
    targets = found.y if found.train is None else np.concatenate((found.y, found.train))
    return float(targets.min()), float(targets.max())


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
