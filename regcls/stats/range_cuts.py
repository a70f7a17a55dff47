"""Where to cut sorted targets into ranges; `regcls.stats.ranges` is the way in."""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regcls.formats import percent
from regcls.stats import bins

EQUAL_WIDTH = "equal width"
LOG_SCALE = "equal width on a log scale"
TAILS_SPLIT = "quantiles, tails split"
PER_VALUE = "one range per value"

_ROWS_PER_RANGE = 8  # on average, at least
_MASS = 1.5  # a value with more than this many equal shares of the rows gets a range of its own
_END_MASS = 0.5  # the same for the lowest and highest value, where targets may be censored,
_CENSORED = 10.0  # if they have this many times the rows of the other values
_FULLEST = 0.6  # largest share of the rows in one of several ranges of equal width
_REMAINING = 0.6  # least share of the ranges of equal width that remains when ends are merged
_PAIR = 0.9  # the same for two neighbours of five ranges or more
_GAP = 0.25  # share of a part's extent from which a gap decides where it is split
_SHIFT = 0.1  # of a range's width, by which rounding may move an edge

Floats = NDArray[np.float64]


class Cuts(NamedTuple):
    """Inner edges, the kind of ranges they make, and why that kind was chosen, in one clause."""

    inner: list[float]
    kind: str
    why: str


class Distinct:
    """Distinct values in ascending order, and the number of rows of each and before each."""

    def __init__(self, values: Floats, before: NDArray[np.int64]) -> None:
        self.values, self.before, self.rows = values, before, np.diff(before)

    @classmethod
    def of(cls, y: Floats) -> Distinct:
        """Sort targets (N,)."""
        ordered = np.sort(y)
        first = np.flatnonzero(np.concatenate(([True], ordered[1:] > ordered[:-1])))
        return cls(ordered[first], np.append(first, len(ordered)))

    def part(self, start: int, stop: int) -> Distinct:
        """Return the values from ``start`` up to and without ``stop``."""
        return Distinct(self.values[start:stop], self.before[start : stop + 1] - self.before[start])

    def rows_between(self, cuts: NDArray[np.int64] | list[int]) -> NDArray[np.int64]:
        """Return the rows (K,) of the parts between cuts (K + 1,), which are indices of values."""
        return np.diff(self.before[np.asarray(cuts, np.int64)])

    def edge(self, cut: int) -> float:
        """Return a round number between the values on both sides of a cut."""
        return between(float(self.values[cut - 1]), float(self.values[cut]))

    def edges(self, cuts: list[int]) -> list[float]:
        """Return the edges of the inner ones of these cuts."""
        return [self.edge(cut) for cut in cuts[1:-1]]

    @property
    def total(self) -> int:
        """Number of rows."""
        return int(self.before[-1])


def automatic(data: Distinct, count: int, min_rows: int) -> Cuts:
    """Return cuts that suit the distribution; see `regcls.stats.ranges.choose`."""
    distinct = len(data.values)
    if distinct <= 2 * count and 2 * distinct <= data.total:
        found = per_value(data, min_rows)
        if len(found.inner) < count:
            return found
    most = max(1, min(count, data.total // max(_ROWS_PER_RANGE, min_rows)))
    if most == 1:
        return Cuts([], EQUAL_WIDTH, f"{data.total:,} targets are enough for one range only")
    masses = _masses(data, most, min_rows)
    if not len(masses):
        return by_shape(data, most, min_rows)
    return _around(data, masses, most, min_rows)


def per_value(data: Distinct, min_rows: int) -> Cuts:
    """Return a range per value; values with fewer than ``min_rows`` rows join a neighbour."""
    cuts = _merged(data, list(range(len(data.values) + 1)), min_rows)
    why = f"there are only {len(data.values)} different values"
    if len(cuts) <= len(data.values):
        why += f" (those with fewer than {min_rows} targets are merged)"
    return Cuts(data.edges(cuts), PER_VALUE, why)


def by_shape(data: Distinct, count: int, min_rows: int) -> Cuts:
    """Return ranges of equal width, those on a log scale, or quantiles with the tails split."""
    if count == 1:
        return Cuts([], EQUAL_WIDTH, "there is one range only")
    if len(data.values) <= count:
        return per_value(data, min_rows)
    low, high = float(data.values[0]), float(data.values[-1])
    even, problem = _even(data, bins.ranges(low, high, count), min_rows)
    if even is not None:
        why = "no range is nearly empty or contains most targets"
        if len(even) < count - 1:
            why += " (after merging sparse ends)"
        return Cuts(even, EQUAL_WIDTH, why)
    why = f"with {count} ranges of equal width {problem}"
    if low > 0:
        log, problem = _even(data, np.geomspace(low, high, count + 1), min_rows)
        if log is not None:
            return Cuts(log, LOG_SCALE, why)
        why += f", and on a log scale {problem}"
    return tails_split(data, count, min_rows, why)


def tails_split(data: Distinct, count: int, min_rows: int, why: str) -> Cuts:
    """Return quantiles, of which the widest is split until there are ``count`` ranges."""
    cuts = _merged(data, _quantiles(data, (count + 1) // 2), min_rows)
    whole: set[int] = set()  # starts of parts that cannot be split
    while len(cuts) <= count:
        widths = {
            start: data.values[stop - 1] - data.values[start]
            for start, stop in itertools.pairwise(cuts)
            if start not in whole
        }
        if not widths:
            break
        start = max(widths, key=widths.__getitem__)
        found = _best_cut(data, start, cuts[cuts.index(start) + 1], min_rows)
        if found is None:
            whole.add(start)
        else:
            cuts = sorted([*cuts, found])
    return Cuts(data.edges(cuts), TAILS_SPLIT, why)


def _quantiles(data: Distinct, parts: int) -> list[int]:
    """Return the cuts nearest to those of equally many rows per part; ties give fewer parts."""
    ranks = data.total * np.arange(1, parts) / parts
    above = np.searchsorted(data.before, ranks)
    below = np.maximum(above - 1, 0)
    nearer = ranks - data.before[below] < data.before[above] - ranks
    inner = np.where(nearer, below, above)
    return np.unique(np.concatenate(([0], inner, [len(data.values)]))).astype(int).tolist()


def between(low: float, high: float) -> float:
    """Return a round number in the middle half of a gap, above ``low`` and not above ``high``.

    Examples
    --------
    >>> between(3.5, 50.6), between(4, 5), between(0, 0.324)
    (30.0, 4.5, 0.2)
    """
    middle, quarter = low / 2 + high / 2, high / 4 - low / 4
    return _roundest(max(low, middle - quarter), min(high, middle + quarter), middle, high)


def _roundest(low: float, high: float, near: float, otherwise: float) -> float:
    """Return the number above ``low`` and up to ``high`` with the fewest digits, close to ``near``."""
    if low < high:
        size = max(abs(low), abs(high))
        first = max(-math.floor(math.log10(size)) - 1, -307)
        for digits in range(first, first + 18):
            for per_step in (1, 2):  # multiples of 1, 0.5, 0.1, 0.05 ...
                step = 10.0**-digits / per_step
                nearest = round(near * per_step, digits) / per_step
                options = (nearest, nearest - step, nearest + step)
                fitting = [
                    round(o, digits + 1) for o in options if low < round(o, digits + 1) <= high
                ]
                if fitting:
                    return fitting[0]
    return near if low < near <= high else otherwise


def _masses(data: Distinct, count: int, min_rows: int) -> NDArray[np.int64]:
    """Return the indices of values that so many rows share that they need ranges of their own."""
    least = np.full(len(data.values), _MASS * data.total / count)
    for end in (0, -1):
        others = (data.total - data.rows[end]) / (len(data.values) - 1)
        least[end] = min(least[end], max(_END_MASS * data.total / count, _CENSORED * others))
    return np.flatnonzero((data.rows > least) & (data.rows >= min_rows))


def _merged(data: Distinct, cuts: list[int], min_rows: int) -> list[int]:
    """Merge parts with fewer than ``min_rows`` rows into the neighbour with fewer rows."""
    rows = data.rows_between(cuts).tolist()
    cuts = list(cuts)
    while len(rows) > 1 and min(rows) < min_rows:
        least = rows.index(min(rows))
        left = least > 0 and (least == len(rows) - 1 or rows[least - 1] <= rows[least + 1])
        first = least - 1 if left else least
        rows[first : first + 2] = [rows[first] + rows[first + 1]]
        del cuts[first + 1]
    return cuts


def _even(data: Distinct, edges: Floats, min_rows: int) -> tuple[list[float] | None, str]:
    """Return the inner edges, with sparse ends merged, if they suit the data; else the problem."""
    at = np.searchsorted(data.values, edges[1:-1])
    ends = np.array([0, len(data.values)])
    rows = data.rows_between(np.insert(ends, 1, at))
    left, right = _ends(rows[::-1].tolist(), min_rows), _ends(rows.tolist(), min_rows)
    kept = slice(left, len(at) - right)
    merged = data.rows_between(np.insert(ends, 1, at[kept]))
    pair = int((merged[1:] + merged[:-1]).max()) if len(rows) >= 5 and len(merged) > 1 else 0
    if merged.max() > _FULLEST * data.total:
        return None, f"{_share(merged.max() / data.total)} of the targets would be in one range"
    if pair > _PAIR * data.total:
        return None, f"{_share(pair / data.total)} of the targets would be in two ranges"
    if len(merged) < max(2, _REMAINING * len(rows)) or merged.min() < min_rows:
        return None, f"{(rows < min_rows).sum()} would have fewer than {min_rows} targets"
    slack = _SHIFT * np.minimum(np.diff(edges)[:-1], np.diff(edges)[1:])
    return [
        _rounded(data, int(cut), float(edge), float(by))
        for cut, edge, by in zip(at[kept], edges[1:-1][kept], slack[kept], strict=True)
    ], ""


def _ends(rows: list[int], min_rows: int) -> int:
    """Return how many edges at the upper end are removed so that the last ranges are not sparse."""
    removed = 0
    while len(rows) > 1 and (
        rows[-1] < min_rows or (rows[-2] < min_rows and rows[-1] < 3 * min_rows)
    ):
        rows[-2:] = [rows[-2] + rows[-1]]
        removed += 1
    return removed


def _rounded(data: Distinct, cut: int, edge: float, by: float) -> float:
    """Round an edge, by less than ``by`` and without moving a value to another range."""
    low, high = float(data.values[cut - 1]), float(data.values[cut])
    if cut == len(data.values) - 1:
        high = max(edge, low + (high - low) / 2)
    return _roundest(max(low, edge - by), min(high, edge + by), edge, edge)


def _best_cut(data: Distinct, start: int, stop: int, min_rows: int) -> int | None:
    """Return the widest gap or where the density changes most, with ``min_rows`` rows on both sides.

    A gap counts if it is a quarter of the part's extent. Else the cut maximises the likelihood of
    two constant densities; if that is hardly better than one density, the cut is in the middle.
    """
    at = np.arange(start + 1, stop)
    left = data.before[at] - data.before[start]
    right = data.before[stop] - data.before[at]
    at = at[(left >= min_rows) & (right >= min_rows)]
    if not len(at):
        return None
    values, rows = data.values, float(data.before[stop] - data.before[start])
    low, high = float(values[start]), float(values[stop - 1])
    share = (data.before[at] - data.before[start]) / rows
    left, right = values[at - 1] - low, high - values[at]  # without the gap between them
    closest = int(np.argmin(left + right))
    if left[closest] + right[closest] < (1 - _GAP) * (high - low):
        return int(at[closest])
    gain = _likelihood(share, left / (high - low), rows)
    gain += _likelihood(1 - share, right / (high - low), rows)
    if gain.max() < 3 + math.log(rows):
        return int(at[np.argmin(np.abs(left - right))])
    return int(at[np.argmax(gain)])


def _likelihood(share: Floats, width: Floats, rows: float) -> Floats:
    """Return the log-likelihood of parts with a share of the rows over a share of the width."""
    number = share * rows
    unbiased = width * (number + 1) / np.maximum(number - 1, 0.5)  # few rows span too little
    return number * np.log(share / np.maximum(unbiased, 1e-6))


def _around(data: Distinct, masses: NDArray[np.int64], count: int, min_rows: int) -> Cuts:
    """Return cuts with a range for each value in ``masses``, and ranges by shape between them."""
    cuts = np.unique(np.concatenate(([0], masses, masses + 1, [len(data.values)]))).tolist()
    cuts = _merged(data, cuts, min_rows)
    while len(cuts) - 1 > count:
        cuts = _merged(data, cuts, int(data.rows_between(cuts).min()) + 1)
    alone = set(masses.tolist())
    parts = list(itertools.pairwise(cuts))
    free = [part for part in parts if not alone & set(range(*part))]
    shares = _allotted([data.part(*part) for part in free], count - len(parts), min_rows)
    found = {
        part: by_shape(data.part(*part), share, min_rows)
        for part, share in zip(free, shares, strict=True)
    }
    inner = data.edges(cuts)
    for piece in found.values():
        inner += piece.inner
    names = ", ".join(f"{data.values[mass]:g}" for mass in masses)
    share = _share(data.rows[masses].sum() / data.total)
    why = f"{names} {'is' if len(masses) == 1 else 'are'} the value of {share} of the targets"
    if not found:
        return Cuts(sorted(inner), PER_VALUE, why)
    main = max(found, key=lambda part: int(data.before[part[1]] - data.before[part[0]]))
    ranges = "a range of its own" if len(masses) == 1 else "ranges of their own"
    why = f"{why} ({ranges}), and for the others {found[main].why}"
    return Cuts(sorted(inner), found[main].kind, why)


def _allotted(parts: list[Distinct], extra: int, min_rows: int) -> list[int]:
    """Return the number of ranges of each part: one, and its turn of ``extra`` more."""
    shares = [1] * len(parts)
    limits = [min(len(part.values), part.total // (min_rows + 1)) for part in parts]
    while extra > 0 and any(s < limit for s, limit in zip(shares, limits, strict=True)):
        for i, limit in enumerate(limits):
            if extra > 0 and shares[i] < limit:
                shares[i], extra = shares[i] + 1, extra - 1
    return shares


def _share(share: float) -> str:
    """Return a share in per cent, and never 100% for less than all."""
    return percent(share) if share < 0.99 or share == 1 else percent(min(share, 0.999), 1)


def whole_edges(edges: Floats, *targets: Floats) -> Floats:
    """Return the edges of integer targets as integers; no target moves to another range.

    Parameters
    ----------
    edges : ndarray of shape (K + 1,)
        Ascending edges that cover all targets.
    *targets : ndarray
        Targets, such as those of testing and training.

    Returns
    -------
    ndarray of shape (K + 1,)
        The edges given if a target is not an integer, or if two edges are between the same integers.

    Examples
    --------
    >>> whole_edges(np.array([2.5, 3.5, 6.0, 9.0]), np.array([3.0, 4.0, 7.0, 9.0]))
    array([3., 4., 6., 9.])
    """
    if any((values != np.round(values)).any() for values in targets):
        return edges
    made = np.ceil(edges)
    if len(made) > 2:  # the last range has its upper end
        made[-1] = max(np.floor(edges[-1]), made[-2] + 1)
    return made if (np.diff(made) > 0).all() else edges
