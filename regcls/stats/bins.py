"""Target ranges, class labels, equalisation and shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

KINDS = ("equal-width", "equalized", "quantile")


@dataclass(frozen=True)
class Bins:
    """Classes over a continuous target.

    Attributes
    ----------
    edges : ndarray of shape (C + 1,)
        Ascending edges in target units.
    kind : str
        How the edges were made, from `KINDS`.

    Raises
    ------
    ValueError
        If there are fewer than two edges, or they do not ascend strictly.

    Examples
    --------
    >>> Bins(np.array([0.0, 1.0, 2.0]), "equal-width").label(np.array([-3, 0.5, 1.5, 9]))
    array([0, 0, 1, 1])
    """

    edges: NDArray[np.float64]
    kind: str

    def __post_init__(self) -> None:
        if self.edges.ndim != 1 or len(self.edges) < 2 or not (np.diff(self.edges) > 0).all():
            raise ValueError("edges must be two or more ascending numbers")

    @property
    def classes(self) -> int:
        """Number of classes C."""
        return len(self.edges) - 1

    @property
    def centres(self) -> NDArray[np.float64]:
        """Centres (C,) of the classes in target units."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    def label(self, y: np.ndarray) -> NDArray[np.int64]:
        """Return the class of each target.

        Parameters
        ----------
        y : ndarray
            Targets of any shape.

        Returns
        -------
        ndarray of int64
            Class indices of the same shape; targets beyond the edges get the end classes.
        """
        return range_index(y, self.edges)


def make(kind: str, y: ArrayLike, classes: int, limits: tuple[float, float] | None = None) -> Bins:
    """Return bins for training targets.

    Parameters
    ----------
    kind : {"equal-width", "equalized", "quantile"}
        Equal width; equal width with merged bins, so that the histogram is equalised (fewer
        classes may remain, never fewer than 2); or equally many targets per bin.
    y : array-like of shape (N,)
        Training targets.
    classes : int
        Number of classes C.
    limits : tuple of float, optional
        Lower and upper limit of equal-width and equalized bins; by default, those of ``y``.

    Returns
    -------
    Bins
        At most C classes.

    Raises
    ------
    ValueError
        If ``y`` is constant, not finite or shorter than ``classes``, or ``classes`` is below 2.

    References
    ----------
    Pintea et al., "A step towards understanding why classification helps regression", ICCV 2023,
    §3.

    Examples
    --------
    >>> make("quantile", [0.0, 1.0, 2.0, 10.0], 2).edges
    array([ 0. ,  1.5, 10. ])
    >>> make("equalized", [0.0, 0.1, 0.2, 0.3, 1.0], 4).edges
    array([0.  , 0.25, 1.  ])
    """
    y = _checked_targets(kind, y, classes)
    if kind == "quantile":
        edges = np.unique(np.quantile(y, np.linspace(0, 1, classes + 1)))
        if len(edges) < 3:
            edges = ranges(float(y.min()), float(y.max()), 2)
        return Bins(edges, kind)
    low, high = limits or (float(y.min()), float(y.max()))
    edges = ranges(low, high, classes)
    return Bins(_equalised(y, edges) if kind == "equalized" else edges, kind)


def ranges(low: float, high: float, count: int) -> NDArray[np.float64]:
    """Return the edges of equally wide ranges.

    Parameters
    ----------
    low, high : float
        Limits.
    count : int
        Number of ranges K.

    Returns
    -------
    ndarray of shape (K + 1,)
        Ascending edges.

    Raises
    ------
    ValueError
        If ``count`` is below 1, or ``low`` is not below ``high``.

    Examples
    --------
    >>> ranges(0, 10, 2)
    array([ 0.,  5., 10.])
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    if not low < high:
        raise ValueError(f"low must be below high, not {low} and {high}")
    return np.linspace(low, high, count + 1)


def range_index(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the range of each value; values beyond the edges belong to the end ranges.

    Parameters
    ----------
    values : ndarray of shape (N,)
        Numbers.
    edges : ndarray of shape (K + 1,)
        Ascending edges; a value on an inner edge belongs to the range above it.

    Returns
    -------
    ndarray of shape (N,)
        Range indices from 0 to K - 1.

    Examples
    --------
    >>> range_index(np.array([-1.0, 4.9, 5.0, 10.0]), np.array([0.0, 5.0, 10.0]))
    array([0, 0, 1, 1])
    """
    return np.searchsorted(edges[1:-1], values, side="right").astype(np.int64)


def keep_probability(labels: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Return the probability to keep a label so that all classes occur equally often.

    Parameters
    ----------
    labels : array-like of int
        Class of each training sample.
    classes : int
        Number of classes C.

    Returns
    -------
    ndarray of shape (C,)
        min_count / count(class), where the minimum is over non-empty classes; 0 for empty ones.

    Raises
    ------
    ValueError
        If there are no labels, or a label is not from 0 to C - 1.

    Examples
    --------
    >>> keep_probability(np.array([0, 0, 0, 0, 1]), 2)
    array([0.25, 1.  ])
    """
    labels = np.asarray(labels).ravel()
    if not len(labels):
        raise ValueError("labels is empty")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must be from 0 to {classes - 1}")
    count = np.bincount(labels, minlength=classes).astype(np.float64)
    least = count[count > 0].min()
    return np.divide(least, count, out=np.zeros_like(count), where=count > 0)


def shots(train_counts: ArrayLike, many: int = 100, few: int = 20) -> NDArray[np.str_]:
    """Return the shot of each range: "many", "medium" or "few".

    Parameters
    ----------
    train_counts : array-like of shape (K,)
        Training samples per range.
    many, few : int
        Ranges with more than ``many`` samples are many-shot, those with fewer than ``few`` are
        few-shot. The defaults are those of IMDB-WIKI-DIR and AgeDB-DIR, per year of age.

    Returns
    -------
    ndarray of shape (K,)
        Names of the shots.

    References
    ----------
    Yang et al., "Delving into deep imbalanced regression", ICML 2021.

    Examples
    --------
    >>> shots([500, 50, 5]).tolist()
    ['many', 'medium', 'few']
    """
    count = np.asarray(train_counts)
    return np.where(count > many, "many", np.where(count < few, "few", "medium"))


def _checked_targets(kind: str, y: ArrayLike, classes: int) -> NDArray[np.float64]:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    y = np.asarray(y, dtype=np.float64).ravel()
    if classes < 2:
        raise ValueError(f"classes must be at least 2, not {classes}")
    if not np.isfinite(y).all():
        raise ValueError("y has values that are not finite (NaN or infinity)")
    if len(y) < classes:
        raise ValueError(f"y has {len(y)} values, fewer than the {classes} classes")
    if y.min() == y.max():
        raise ValueError(f"y is constant ({y[0]:g}) and cannot be divided into classes")
    return y


def _equalised(y: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges that remain when bins with the same level of the equalised histogram merge."""
    classes = len(edges) - 1
    share = np.cumsum(np.histogram(y, edges)[0]) / len(y)
    level = np.ceil(share * classes - 1e-9)
    cut = np.flatnonzero(np.diff(level) > 0)
    if not len(cut):  # all bins have the same level: split where both sides are most similar
        cut = np.array([np.argmin(np.abs(share[:-1] - 0.5))])
    return np.concatenate((edges[:1], edges[cut + 1], edges[-1:]))
