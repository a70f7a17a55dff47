"""What a comparison trains: kinds of models, settings to search, folds, target ranges, time."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regcls.tabular.columns import MOST_INPUTS, AdviseError, Problem

# Kinds of networks; trees come beside them.
NETWORKS = ("reg", "control", "reg+cls", "inverse", "sqrt-inverse", "lds", "bmc", "hl-gauss")
TREES = "trees"
KINDS = (*NETWORKS, TREES)
NAMES = {
    "reg": "reg",
    "control": "control",
    "reg+cls": "reg+cls",
    "inverse": "inverse weights",
    "sqrt-inverse": "square-root weights",
    "lds": "LDS weights",
    "bmc": "Balanced MSE",
    "hl-gauss": "HL-Gauss",
    "trees": "boosted trees",
}
GOALS = {"balanced": "every target range counts alike", "overall": "every row counts alike"}
HIDDEN = (64, 32)
FOLDS = 5
RANGES = 8
LEAST_IN_RANGE = 5  # rows; a range of fewer joins its neighbour
LEAST_ROWS = 50
SEARCH_ROWS = 8000  # a fold's training rows beyond these are left out of the search only
LEAST_EPOCHS = 3  # passes over the rows, however many there are
CLASSES = (8, 16, 32)
BIN_KINDS = ("equalized", "equal-width")


@dataclass(frozen=True)
class Budget:
    """``repeats`` of the 5-fold cross-validation, ``settings`` tried a kind, steps of each."""

    repeats: int
    settings: int
    steps: int


BUDGETS = {
    "quick": Budget(repeats=1, settings=3, steps=400),
    "normal": Budget(repeats=2, settings=6, steps=1200),
    "thorough": Budget(repeats=4, settings=10, steps=2500),
}


@dataclass(frozen=True)
class Setting:
    """One try of the search; each kind uses what it has. ``weight``: λ of reg+cls, the loss scale
    of the others but reg; ``variance``: of Balanced MSE; trees have a rate, leaves and L2."""

    lr: float
    weight: float
    weight_decay: float
    classes: int
    bins: str
    variance: float
    rate: float
    leaves: int
    l2: float


FIRST = Setting(3e-3, 10.0, 1e-4, 16, "equalized", 0.3, 0.1, 31, 0.0)


def settings(count: int, seed: int = 0) -> tuple[Setting, ...]:
    """The settings to try, alike for all kinds: a usual one, then random ones, log-uniform."""
    rng = np.random.default_rng(seed)
    drawn = [FIRST]
    for i in range(1, count):
        log = lambda low, high: float(f"{math.exp(rng.uniform(math.log(low), math.log(high))):.3g}")
        drawn.append(
            Setting(
                lr=log(5e-4, 1e-2),
                weight=log(1, 1000),
                weight_decay=log(1e-6, 1e-2),
                classes=int(rng.choice(CLASSES)),
                bins=BIN_KINDS[i % 2],
                variance=log(0.03, 1),
                rate=log(0.03, 0.3),
                leaves=int(rng.choice((7, 15, 31))),
                l2=log(1e-3, 10),
            )
        )
    return tuple(drawn)


@dataclass(frozen=True)
class Plan:
    """A comparison of one problem. ``goal``: what settings and epochs are picked for."""

    problem: Problem
    budget: Budget
    goal: str = "balanced"
    seed: int = 0

    def __post_init__(self):
        if self.goal not in GOALS:
            raise AdviseError(f"the goal must be one of {', '.join(GOALS)}, not “{self.goal}”")
        n = len(self.problem.y)
        if n < LEAST_ROWS:
            raise AdviseError(
                f"at least {LEAST_ROWS} rows with a target are needed to say anything, "
                f"and this table has {n}"
            )
        groups = self.problem.groups
        if groups is not None and groups.max() + 1 < 2 * FOLDS:
            raise AdviseError(
                f"the column of rows that belong together needs at least {2 * FOLDS} values, "
                f"and has {groups.max() + 1}"
            )

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        return settings(self.budget.settings, self.seed)

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges (K+1,) of the target ranges that errors are told for."""
        return range_edges(self.problem.y)

    @cached_property
    def which(self) -> np.ndarray:
        """The target range (n,) of each row."""
        return np.clip(
            np.searchsorted(self.edges, self.problem.y, side="right") - 1, 0, len(self.edges) - 2
        )

    @property
    def fits(self) -> list[tuple[int, int]]:
        """(repeat, fold) of all that is held out in turn."""
        return [(r, f) for r in range(self.budget.repeats) for f in range(FOLDS)]

    def folds(self, repeat: int) -> np.ndarray:
        """The fold (n,) that each row is held out in."""
        return deal(self.problem.y, self.problem.groups, FOLDS, self.seed + 1000 * repeat)

    @property
    def subsampled(self) -> int:
        """Rows of a fold that the search leaves out, 0 in most tables."""
        return max(0, int(len(self.problem.y) * (1 - 1 / FOLDS)) - SEARCH_ROWS)

    @property
    def seconds(self) -> float:
        """About how long it takes on this machine's cores."""
        rows = min(SEARCH_ROWS, len(self.problem.y)) * 0.8
        inputs = min(MOST_INPUTS, self.problem.values.shape[1] * 1.5)
        tried, steps = self.budget.settings, self.budget.steps
        one = _network_seconds(rows, inputs, steps) * len(NETWORKS) + _tree_seconds(rows, inputs)
        more = 0.0
        if self.subsampled:
            rows = len(self.problem.y) * 0.64
            more = _network_seconds(rows, inputs, 2 * steps) * len(NETWORKS)
            more += _tree_seconds(rows, inputs)
        return 1 + (len(self.fits) + 1) * (tried * one + more) / min(cores(), len(self.fits))


def _network_seconds(rows: float, inputs: float, steps: int) -> float:
    """Of one network on one core, as measured; a pass that only predicts costs about a third."""
    batch = batch_of(int(rows))
    steps = max(steps, LEAST_EPOCHS * rows / batch)
    return steps * (4e-5 + 1.1 * batch * (inputs * HIDDEN[0] + 5600) * 1.3e-10)


def _tree_seconds(rows: float, inputs: float) -> float:
    return 0.2 + rows * inputs * 2e-6


def range_edges(y: np.ndarray, count: int = RANGES) -> np.ndarray:
    """Edges of about ``count`` equally wide ranges from the 0.5 % to the 99.5 % quantile of ``y``,
    the end ones reaching to its ends; a range of fewer than 5 rows joins its neighbour."""
    low, high = np.quantile(y, [0.005, 0.995])
    if low == high:
        low, high = y.min(), y.max()
    edges = np.linspace(low, high, count + 1)
    edges[0], edges[-1] = y.min(), y.max()
    edges = np.unique(edges)
    while len(edges) > 2:
        counts = np.histogram(y, edges)[0]
        least = int(np.argmin(counts))
        if counts[least] >= LEAST_IN_RANGE:
            break
        left = least > 0 and (least == len(counts) - 1 or counts[least - 1] <= counts[least + 1])
        edges = np.delete(edges, least if left else least + 1)
    return edges


def deal(y: np.ndarray, groups: np.ndarray | None, folds: int, seed: int) -> np.ndarray:
    """Deal rows into ``folds`` (n,), each with its share of every part of the target's range.

    Rows ordered by target (ties at random) are dealt block by block; with ``groups``, whole groups
    are, ordered by their mean target.
    """
    rng = np.random.default_rng(seed)
    if groups is not None:
        mean = np.bincount(groups, y) / np.bincount(groups)
        return deal(mean, None, folds, seed)[groups]
    order = np.lexsort((rng.random(len(y)), y))
    dealt = np.empty(len(y), np.int64)
    for start in range(0, len(y), folds):
        block = order[start : start + folds]
        dealt[block] = rng.permutation(folds)[: len(block)]
    return dealt


def score_weights(which: np.ndarray, goal: str) -> np.ndarray:
    """Weights (m,) with which absolute errors add up to the balanced or the plain MAE."""
    if goal == "overall":
        return np.full(len(which), 1 / len(which))
    counts = np.bincount(which)
    return 1 / (counts[which] * np.count_nonzero(counts))


def batch_of(rows: int) -> int:
    """Rows of a mini-batch: some twenty batches an epoch, within 32 to 256."""
    return int(np.clip(2 ** round(math.log2(max(rows, 1) / 20)), 32, 256))


def cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
