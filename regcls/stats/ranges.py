"""Target ranges chosen from the shape of the targets, and how imbalanced they are."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from regcls.stats import bins, range_cuts
from regcls.stats.range_cuts import EQUAL_WIDTH, LOG_SCALE, PER_VALUE, TAILS_SPLIT, Cuts, Distinct
from regcls.stats.validation import checked_edges, vector

AUTOMATIC = "automatic"
EQUAL_COUNT = "equal number of targets"
CUSTOM = "custom"
KINDS = (AUTOMATIC, EQUAL_WIDTH, LOG_SCALE, TAILS_SPLIT, PER_VALUE, EQUAL_COUNT)
MIN_ROWS = 5

_RARE = 0.1  # density of a rare range, relative to the densest
_WIDE = 0.25  # share of the targets' extent above which a single rare range hides differences

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TargetRanges:
    """Ranges of a target, why they were chosen, and how imbalanced they are.

    Attributes
    ----------
    edges : ndarray of shape (K + 1,)
        Strictly ascending edges in target units; see `regcls.stats.bins.range_index`.
    kind : str
        How the edges were made: one of `KINDS` except "automatic", or "custom".
    reason : str
        Why, in one sentence.
    counts : ndarray of shape (K,)
        Targets per range.
    single_values : tuple of int
        Ranges whose targets all have the same value.
    isolated : tuple of int
        First or last range, if an empty gap of over 25% of the targets' extent separates it from
        the others.

    Examples
    --------
    >>> found = TargetRanges.of([0, 4, 8], [1, 2, 3, 6])
    >>> found.counts.tolist(), found.imbalance_ratio
    ([3, 1], 3.0)
    """

    edges: Floats
    kind: str
    reason: str
    counts: Counts
    single_values: tuple[int, ...] = ()
    isolated: tuple[int, ...] = ()

    @classmethod
    def of(
        cls,
        edges: ArrayLike,
        y: ArrayLike,
        kind: str = CUSTOM,
        reason: str = "The edges are given.",
    ) -> TargetRanges:
        """Return ranges with given edges.

        Parameters
        ----------
        edges : array-like of shape (K + 1,)
            Ascending edges.
        y : array-like of shape (N,)
            Targets; those beyond the edges are counted in the end ranges.
        kind, reason : str
            How the edges were made, and why.

        Returns
        -------
        TargetRanges
            The ranges.

        Raises
        ------
        ValueError
            If the edges do not ascend strictly, or a target is not a finite number.
        """
        return _counted(checked_edges(edges), kind, reason, Distinct.of(vector("y", y)))

    @property
    def imbalance_ratio(self) -> float:
        """Density of the densest range over that of the sparsest; see `imbalance_ratio`."""
        return imbalance_ratio(self.edges, self.counts, self.single_values)

    @property
    def single_rare_range(self) -> bool:
        """Whether all rare targets at one end are in a single range, or there is one range only."""
        return bool(self.balanced_note)

    @property
    def balanced_note(self) -> str:
        """What limits a score that weights these ranges equally, or an empty string."""
        return balanced_note(self.edges, self.counts, self.single_values, self.isolated)

    @property
    def summary(self) -> str:
        """Why these ranges were chosen and how imbalanced they are, in two or three sentences."""
        imbalance = describe(self.edges, self.counts, self.single_values)
        return " ".join(part for part in (self.reason, imbalance, self.balanced_note) if part)

    def to_dict(self) -> dict[str, Any]:
        """Return kind, reason, imbalance ratio, note and summary as plain values."""
        return {
            "kind": self.kind,
            "reason": self.reason,
            "imbalance_ratio": self.imbalance_ratio,
            "single_rare_range": self.single_rare_range,
            "balanced_note": self.balanced_note,
            "summary": self.summary,
        }


def choose(
    y: ArrayLike,
    count: int = 10,
    kind: str = AUTOMATIC,
    min_rows: int = MIN_ROWS,
    cover: ArrayLike | None = None,
) -> TargetRanges:
    """Return target ranges that suit the distribution of the targets.

    Parameters
    ----------
    y : array-like of shape (N,)
        Targets.
    count : int
        Number of ranges; with ``kind="automatic"``, the maximum.
    kind : str
        One of `KINDS`. "automatic" takes one range per value for up to ``count`` repeated values.
        Else a value that many rows share is a range of its own, and the other targets get ranges
        of equal width if none of these is nearly empty or contains most rows; else ranges of equal
        width on a log scale, under the same conditions; else "quantiles, tails split": quantiles,
        of which the widest is split repeatedly where the density changes most.
    min_rows : int
        Targets that each range has at least, unless there are fewer in all. Ranges of equal width
        (also on a log scale) and of equal counts that are asked for by ``kind`` are not merged.
    cover : array-like of shape (M,), optional
        Further targets, such as those of training, that the edges must include.

    Returns
    -------
    TargetRanges
        The ranges. Inner edges are rounded where that moves no target to another range.

    Raises
    ------
    ValueError
        If an argument is invalid, or a log scale is asked for and a target is not positive.

    References
    ----------
    The split follows the piecewise constant likelihood of Scargle et al., "Studies in astronomical
    time series analysis VI: Bayesian block representations", Astrophysical Journal 764, 2013.

    Examples
    --------
    >>> choose([1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 5, 5, 5, 5, 5]).edges
    array([0.5, 1.5, 4. , 6. ])
    >>> choose(np.arange(101.0), 4).edges
    array([  0.,  25.,  50.,  75., 100.])
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if count < 1 or min_rows < 1:
        raise ValueError(f"count and min_rows must be at least 1, not {count} and {min_rows}")
    data = Distinct.of(vector("y", y))
    low, high = float(data.values[0]), float(data.values[-1])
    if cover is not None and np.size(cover):
        more = vector("cover", cover)
        low, high = min(low, float(more.min())), max(high, float(more.max()))
    if kind in (EQUAL_WIDTH, LOG_SCALE, EQUAL_COUNT) and low < high:
        edges = np.unique(_requested(kind, data, low, high, count))
        return _counted(edges, kind, f"{_capital(kind)}, as requested.", data)
    found = _cuts(kind, data, count, min_rows)
    edges = _closed(found, data, low, high)
    name = _capital(found.kind) if found.inner else "One range"
    return _counted(edges, found.kind, f"{name}, because {found.why}.", data)


def imbalance_ratio(
    edges: ArrayLike, counts: ArrayLike, single_values: tuple[int, ...] = ()
) -> float:
    """Return the density of the densest range over that of the sparsest non-empty one.

    Parameters
    ----------
    edges : array-like of shape (K + 1,)
        Ascending edges.
    counts : array-like of shape (K,)
        Targets per range.
    single_values : tuple of int
        Ranges whose targets all have the same value. Their width says nothing about their
        density; they count as at least as wide as the narrowest other range.

    Returns
    -------
    float
        Ratio of targets per unit of the target; 1 for a single non-empty range, NaN without targets.

    Examples
    --------
    >>> imbalance_ratio([0, 1, 3], [100, 20])
    10.0
    """
    filled = np.asarray(counts) > 0
    density = _density(edges, counts, single_values)[filled]
    with np.errstate(over="ignore"):
        return float(density.max() / density.min()) if len(density) else math.nan


def describe(edges: ArrayLike, counts: ArrayLike, single_values: tuple[int, ...] = ()) -> str:
    """Return how imbalanced the targets are over ranges, as a sentence.

    Parameters
    ----------
    edges, counts, single_values : see `imbalance_ratio`
        The ranges and their targets.

    Returns
    -------
    str
        The imbalance ratio and the ranges that it compares, and the number of empty ranges.

    Examples
    --------
    >>> describe([0, 1, 3, 4], [100, 20, 0])
    'Imbalance ratio 10 (targets per unit: most in 0 to 1, fewest in 1 to 3); 1 of 3 ranges is empty.'
    """
    number = np.asarray(counts)
    filled = np.flatnonzero(number)
    if not len(filled):
        return "No range has a target."
    names, density = labels(edges), _density(edges, counts, single_values)[filled]
    densest, sparsest = filled[np.argmax(density)], filled[np.argmin(density)]
    if len(filled) == 1:
        text = f"All targets are in one range, {names[densest]}"
    else:
        ratio = float(f"{imbalance_ratio(edges, counts, single_values):.2g}")
        text = (
            f"Imbalance ratio {ratio:,.15g} (targets per unit: most in {names[densest]}, "
            f"fewest in {names[sparsest]})"
        )
    empty = len(number) - len(filled)
    verb = "is" if empty == 1 else "are"
    return text + (f"; {empty} of {len(number)} ranges {verb} empty." if empty else ".")


def balanced_note(
    edges: ArrayLike,
    counts: ArrayLike,
    single_values: tuple[int, ...] = (),
    isolated: tuple[int, ...] = (),
) -> str:
    """Return a warning if a score that weights ranges equally cannot tell rare targets apart.

    Parameters
    ----------
    edges, counts, single_values : see `imbalance_ratio`
        The ranges and their targets.
    isolated : tuple of int
        End ranges that an empty gap separates from the others.

    Returns
    -------
    str
        A sentence if there is one range only, or if the rare targets at one end (with under 10%
        of the largest density) are in a single range that is isolated or covers over 25% of the
        targets' extent; else an empty string.

    Examples
    --------
    >>> print(balanced_note([0, 1, 3, 9], [500, 300, 20]))
    The 20 rare targets from 3 to 9 are in a single range: a balanced error weights them as one of 3
    ranges and shows no differences among them.
    >>> balanced_note([0, 1, 2, 3], [50, 40, 30])
    ''
    """
    ends, number = np.asarray(edges, np.float64), np.asarray(counts)
    filled = np.flatnonzero(number)
    if len(filled) < 2:
        return "With a single range, a balanced error equals the overall error."
    density = _density(ends, number, single_values)[filled]
    extent = ends[filled[-1] + 1] - ends[filled[0]]
    for order in (slice(None, None, -1), slice(None)):
        rare = density[order] < _RARE * density.max()
        k = int(filled[order][0])
        alone = not rare[1] and ends[k + 1] - ends[k] > _WIDE * extent
        if rare[0] and (alone or k in isolated):
            return (
                f"The {number[k]:,} rare targets from {labels(ends)[k]} are in a single range: a "
                f"balanced error weights them as one of {len(filled)} ranges and shows no "
                "differences among them."
            )
    return ""


def labels(edges: ArrayLike, digits: int = 4) -> list[str]:
    """Return "2 to 4.5" for each range, with enough digits to tell the edges apart.

    Parameters
    ----------
    edges : array-like of shape (K + 1,)
        Ascending edges.
    digits : int
        Significant digits, if they are enough.

    Returns
    -------
    list of str
        One label per range.

    Examples
    --------
    >>> labels([0, 0.25, 20000])
    ['0 to 0.25', '0.25 to 20,000']
    """
    numbers = [float(edge) for edge in np.asarray(edges)]
    for precision in range(digits, 18):
        ends = [f"{number:.{precision}g}" for number in numbers]
        if len(set(ends)) == len(ends):
            break
    ends = [f"{float(end):,.15g}" for end in ends]
    return [f"{low} to {high}" for low, high in itertools.pairwise(ends)]


def _cuts(kind: str, data: Distinct, count: int, min_rows: int) -> Cuts:
    if len(data.values) == 1:
        return Cuts([], PER_VALUE, f"all targets are {data.values[0]:g}")
    if kind == PER_VALUE:
        return range_cuts.per_value(data, min_rows)
    if count == 1:
        return Cuts([], EQUAL_WIDTH, "one range was requested")
    if kind == TAILS_SPLIT:
        return range_cuts.tails_split(data, count, min_rows, "they were requested")
    return range_cuts.automatic(data, count, min_rows)


def _requested(kind: str, data: Distinct, low: float, high: float, count: int) -> Floats:
    """Edges exactly as asked, with empty ranges if there are any."""
    if kind == EQUAL_WIDTH:
        return bins.ranges(low, high, count)
    if kind == EQUAL_COUNT:
        y = np.repeat(data.values, data.rows)
        inner = np.quantile(y, np.linspace(0, 1, count + 1)[1:-1])
        return np.concatenate(([low], inner[(inner > low) & (inner < high)], [high]))
    if low <= 0:
        raise ValueError(f"a log scale needs targets above 0, and the lowest is {low:g}")
    inner = np.geomspace(low, high, count + 1)[1:-1]
    return np.concatenate(([low], inner, [high]))


def _closed(found: Cuts, data: Distinct, low: float, high: float) -> Floats:
    """Add the outer edges: the lowest and highest target, or half a gap beyond single values."""
    values = data.values
    if found.kind == PER_VALUE:
        first, last = float(values[0]), float(values[-1])
        size = 10.0 ** math.floor(math.log10(abs(first))) if first else 1.0
        gaps = np.diff(values) if len(values) > 1 else np.array([size])
        low = min(low, range_cuts.between(first - gaps[0], first))
        high = max(high, range_cuts.between(last, last + gaps[-1]))
    if found.inner and high <= found.inner[-1]:  # the highest two targets are adjacent numbers
        high = math.nextafter(found.inner[-1], math.inf)
    return np.array([low, *found.inner, high])


def _counted(edges: Floats, kind: str, reason: str, data: Distinct) -> TargetRanges:
    at = np.searchsorted(data.values, edges[1:-1])
    cuts = np.concatenate(([0], at, [len(data.values)]))
    single = tuple(int(k) for k in np.flatnonzero(np.diff(cuts) == 1))
    return TargetRanges(edges, kind, reason, data.rows_between(cuts), single, _isolated(data, cuts))


def _isolated(data: Distinct, cuts: NDArray[np.int64]) -> tuple[int, ...]:
    """Return the non-empty end ranges behind a gap of more than a quarter of the extent."""
    filled = np.flatnonzero(np.diff(cuts))
    if len(filled) < 3:
        return ()
    values, found = data.values, []
    for k, cut in ((filled[0], cuts[filled[0] + 1]), (filled[-1], cuts[filled[-1]])):
        if values[cut] - values[cut - 1] > _WIDE * (values[-1] - values[0]):
            found.append(int(k))
    return tuple(found)


def _density(edges: ArrayLike, counts: ArrayLike, single_values: tuple[int, ...]) -> Floats:
    """Targets per unit (K,); ranges of a single value are as wide as the narrowest other one."""
    width, number = np.diff(np.asarray(edges, np.float64)), np.asarray(counts)
    alone = np.isin(np.arange(len(width)), single_values)
    others = ~alone & (number > 0)
    if alone.any() and others.any():
        width = np.where(alone, np.maximum(width, width[others].min()), width)
    return number / width


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
