"""Target ranges, class labels, equalisation and shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KINDS = ("equal-width", "equalized", "quantile")


@dataclass(frozen=True)
class Bins:
    """Classes over a continuous target: ``edges`` (C+1,) ascending, in target units.

    >>> Bins(np.array([0.0, 1.0, 2.0]), "equal-width").label(np.array([-3, 0.5, 1.5, 9]))
    array([0, 0, 1, 1])
    """

    edges: np.ndarray
    kind: str

    def __post_init__(self):
        if self.edges.ndim != 1 or len(self.edges) < 2 or not (np.diff(self.edges) > 0).all():
            raise ValueError("edges must be two or more ascending numbers")

    @property
    def classes(self) -> int:
        return len(self.edges) - 1

    @property
    def centres(self) -> np.ndarray:
        return (self.edges[:-1] + self.edges[1:]) / 2

    def label(self, y: np.ndarray) -> np.ndarray:
        """Class of each target, int64 of the same shape; beyond the ends, the end classes."""
        return np.searchsorted(self.edges[1:-1], y, side="right").astype(np.int64)


def make(kind: str, y: np.ndarray, classes: int, limits: tuple[float, float] | None = None) -> Bins:
    """Bins for the training targets ``y`` (N,).

    equal-width: over ``limits``, or over the range of ``y``. quantile: as many targets in each.
    equalized: the histogram over ``classes`` equal-width bins is equalised and bins that land on
    one level merge, so fewer classes may remain, never under 2 (Pintea et al. 2023, §3). Raises
    ``ValueError`` for NaN, a constant target, fewer than 2 classes, fewer points than classes.
    """
    y = _checked(kind, y, classes)
    if kind == "quantile":
        edges = np.unique(np.quantile(y, np.linspace(0, 1, classes + 1)))
        if len(edges) < 3:
            edges = ranges(float(y.min()), float(y.max()), 2)
        return Bins(edges, kind)
    low, high = limits or (float(y.min()), float(y.max()))
    edges = ranges(low, high, classes)
    return Bins(_equalised(y, edges) if kind == "equalized" else edges, kind)


def ranges(low: float, high: float, count: int) -> np.ndarray:
    """Edges (count+1,) of ``count`` equally wide target ranges."""
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    if not low < high:
        raise ValueError(f"low must be below high, but they are {low} and {high}")
    return np.linspace(low, high, count + 1)


def keep_probability(labels: np.ndarray, classes: int) -> np.ndarray:
    """(C,) chance to keep a label so that all classes are seen alike: min_count / count(class).

    Empty classes get 0 and do not count as the minimum.

    >>> keep_probability(np.array([0, 0, 0, 0, 1]), 2)
    array([0.25, 1.  ])
    """
    labels = np.asarray(labels).ravel()
    if not len(labels):
        raise ValueError("labels is empty")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must lie between 0 and {classes - 1}")
    count = np.bincount(labels, minlength=classes).astype(np.float64)
    least = count[count > 0].min()
    return np.divide(least, count, out=np.zeros_like(count), where=count > 0)


def shots(train_counts: np.ndarray, many: int = 100, few: int = 20) -> np.ndarray:
    """ "many" (> ``many`` training samples), "few" (< ``few``) or "medium" for each range (K,).

    The defaults are those of IMDB-WIKI-DIR and AgeDB-DIR, per year of age (Yang et al. 2021).
    """
    count = np.asarray(train_counts)
    return np.where(count > many, "many", np.where(count < few, "few", "medium"))


def _checked(kind: str, y: np.ndarray, classes: int) -> np.ndarray:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, not {kind!r}")
    y = np.asarray(y, dtype=np.float64).ravel()
    if classes < 2:
        raise ValueError(f"classes must be at least 2, not {classes}")
    if not np.isfinite(y).all():
        raise ValueError("y has values that are not finite numbers (NaN or infinity)")
    if len(y) < classes:
        raise ValueError(f"y has {len(y)} points, fewer than the {classes} classes asked for")
    if y.min() == y.max():
        raise ValueError(f"y is constant ({y[0]:g}): there is nothing to cut into classes")
    return y


def _equalised(y: np.ndarray, edges: np.ndarray) -> np.ndarray:
    classes = len(edges) - 1
    share = np.cumsum(np.histogram(y, edges)[0]) / len(y)
    level = np.ceil(share * classes - 1e-9)
    cut = np.flatnonzero(np.diff(level) > 0)
    if not len(cut):  # all on one level: split where the two sides are the most alike
        cut = np.array([np.argmin(np.abs(share[:-1] - 0.5))])
    return np.concatenate((edges[:1], edges[cut + 1], edges[-1:]))
