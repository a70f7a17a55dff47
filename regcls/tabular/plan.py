"""The plan of a comparison: model kinds, settings to search, folds, target ranges, run time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from regcls.exceptions import UserError
from regcls.stats import bins
from regcls.stats.range_cuts import whole_edges
from regcls.stats.ranges import TargetRanges, choose
from regcls.tabular import split_column
from regcls.tabular.columns import MAX_INPUTS, Problem
from regcls.tabular.methods import FIELDS, METHODS, NETWORKS, RIDGE
from regcls.utils import pace
from regcls.utils.cpu import cores

GOALS = ("balanced", "overall")  # equal weight for each target range, or for each row
HIDDEN = (64, 32)
FOLDS = 5
RANGES = 8
MOST_RANGES = 50
MIN_ROWS_PER_RANGE = 5  # one for each fold
MIN_ROWS = 50
SEARCH_ROWS = 8000  # rows of a fold that the search uses; the final fit uses all
MIN_EPOCHS = 3
CLASSES = (8, 16, 32)
PACE = "table"  # kind of work, for the estimate of its time
START_SECONDS = 3  # to load PyTorch
BIN_KINDS = ("equalized", "equal-width")


@dataclass(frozen=True)
class Budget:
    """How much a comparison tries.

    Attributes
    ----------
    repeats : int
        Repeats of the 5-fold cross-validation.
    settings : int
        Settings tried per model kind.
    steps : int
        Training steps per setting.
    """

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
    """One setting of the search; each model kind uses the fields that it has.

    Attributes
    ----------
    lr : float
        Learning rate of Adam.
    weight : float
        λ of reg+cls; the loss scale of the other networks, except reg.
    weight_decay : float
        L2 penalty of Adam.
    classes : int
        Number of classes of reg+cls before merging.
    bins : {"equalized", "equal-width"}
        Kind of class edges for reg+cls.
    variance : float
        Noise variance of Balanced MSE, for standardised targets.
    strength : float
        Factor of the second term of RankSim and ordinal entropy.
    rate, leaves, l2 : float, int, float
        Learning rate, maximum number of leaves and L2 penalty of the boosted trees.
    ridge : float
        L2 penalty of linear models, as a share of the number of rows.
    """

    lr: float
    weight: float
    weight_decay: float
    classes: int
    bins: str
    variance: float
    rate: float
    leaves: int
    l2: float
    strength: float = 1.0
    ridge: float = 1e-3

    @property
    def soft_classes(self) -> int:
        """Number of classes of HL-Gauss, which predicts by them and needs more than reg+cls."""
        return 4 * self.classes

    def used(self, method: str) -> dict[str, float | int | str]:
        """Return the fields that a method uses.

        Parameters
        ----------
        method : str
            Name of the method.

        Returns
        -------
        dict
            Values by field.

        Examples
        --------
        >>> DEFAULT_SETTING.used("control")
        {'lr': 0.003, 'weight_decay': 0.0001, 'weight': 10.0}
        """
        network = METHODS[method].network
        fields: tuple[str, ...] = ("ridge",) if method == RIDGE else ("rate", "leaves", "l2")
        if network:
            fields = ("lr", "weight_decay", *FIELDS.get(network, ("weight",)))
        return {name: getattr(self, name) for name in fields}


DEFAULT_SETTING = Setting(3e-3, 10.0, 1e-4, 16, "equalized", 0.3, 0.1, 31, 0.0)


def draw_settings(count: int, seed: int = 0) -> tuple[Setting, ...]:
    """Return the settings to try, the same for all model kinds.

    Parameters
    ----------
    count : int
        Number of settings.
    seed : int
        Seed of the random search.

    Returns
    -------
    tuple of Setting
        The default setting, then random ones, log-uniform in the continuous fields.

    Examples
    --------
    >>> draw_settings(3)[0] == DEFAULT_SETTING
    True
    """
    rng = np.random.default_rng(seed)

    def log_uniform(low: float, high: float, rng: np.random.Generator = rng) -> float:
        return float(f"{math.exp(rng.uniform(math.log(low), math.log(high))):.3g}")

    drawn = [DEFAULT_SETTING]
    later = np.random.default_rng([seed, 1])  # of what was added later; the rest stays as it was
    for i in range(1, count):
        drawn.append(
            Setting(
                lr=log_uniform(5e-4, 1e-2),
                weight=log_uniform(1, 1000),
                weight_decay=log_uniform(1e-6, 1e-2),
                classes=int(rng.choice(CLASSES)),
                bins=BIN_KINDS[i % 2],
                variance=log_uniform(0.03, 1),
                rate=log_uniform(0.03, 0.3),
                leaves=int(rng.choice((7, 15, 31))),
                l2=log_uniform(1e-3, 10),
                strength=log_uniform(0.03, 10, later),
                ridge=log_uniform(1e-5, 1, later),
            )
        )
    return tuple(drawn)


@dataclass(frozen=True)
class Plan:
    """A comparison of all model kinds on one table.

    Parameters
    ----------
    problem : Problem
        The prepared table, n rows.
    budget : Budget
        How much is tried.
    goal : {"balanced", "overall"}
        Metric that selects settings and epochs: balanced MAE or MAE.
    seed : int
        Seed of the folds, the search and the initial weights.
    ranges : int
        Maximum number of target ranges, from 1 to 50.

    Raises
    ------
    UserError
        If the goal is unknown, the table has too few rows or groups, or ``ranges`` is invalid.
    """

    problem: Problem
    budget: Budget
    goal: str = "balanced"
    seed: int = 0
    ranges: int = RANGES

    def __post_init__(self) -> None:
        if self.goal not in GOALS:
            raise UserError(f"the goal must be one of {', '.join(GOALS)}, not “{self.goal}”")
        if not 1 <= self.ranges <= MOST_RANGES:
            raise UserError(
                f"the number of target ranges must be from 1 to {MOST_RANGES}, not {self.ranges}"
            )
        n = len(self.problem.y)
        if n < MIN_ROWS:
            raise UserError(
                f"at least {MIN_ROWS} rows with a target are needed, and this table has {n}"
            )
        groups = self.problem.groups
        if self.problem.parts is None and groups is not None and groups.max() + 1 < 2 * FOLDS:
            raise UserError(
                "the column that groups rows must have "
                f"at least {2 * FOLDS} values, and has {groups.max() + 1}"
            )

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """Settings that each model kind tries."""
        return draw_settings(self.budget.settings, self.seed)

    @cached_property
    def target_ranges(self) -> TargetRanges:
        """The K target ranges for which errors are reported and balanced, and how they were chosen."""
        return _ranges(self.problem.y, self.ranges)

    @property
    def edges(self) -> np.ndarray:
        """Edges of the target ranges, shape (K + 1,)."""
        return self.target_ranges.edges

    @cached_property
    def range_index(self) -> np.ndarray:
        """Target range of each row, shape (n,)."""
        return bins.range_index(self.problem.y, self.edges)

    @property
    def splits(self) -> list[tuple[int, int]]:
        """(repeat, fold) of each held-out fold; with a given split, one repeat per seed."""
        if self.problem.parts is not None:
            return [(seed, 0) for seed in range(self.budget.repeats * FOLDS)]
        return [(r, f) for r in range(self.budget.repeats) for f in range(FOLDS)]

    @property
    def train_y(self) -> np.ndarray:
        """Targets that models train on: of all rows, or of those that a given split does not test."""
        parts = self.problem.parts
        return self.problem.y if parts is None else self.problem.y[parts != split_column.TEST]

    def folds(self, repeat: int) -> np.ndarray:
        """Return the fold in which each row is held out.

        Parameters
        ----------
        repeat : int
            Number of the repeat, from 0.

        Returns
        -------
        ndarray of shape (n,)
            Fold of each row, 0 to 4; with a given split, 0 for test rows and 1 for the others.
        """
        if self.problem.parts is not None:
            return np.where(self.problem.parts == split_column.TEST, 0, 1)
        return assign_folds(self.problem.y, self.problem.groups, FOLDS, self.seed + 1000 * repeat)

    @property
    def subsampled(self) -> int:
        """Rows of a fold that the search leaves out; 0 for most tables."""
        return max(0, int(len(self.problem.y) * (1 - 1 / FOLDS)) - SEARCH_ROWS)

    @property
    def seconds(self) -> float:
        """Estimated run time in seconds on the available cores, as fast as earlier runs were."""
        return pace.corrected(PACE, self.estimated)

    @property
    def estimated(self) -> float:
        """Estimated run time in seconds without knowledge of the machine."""
        folds = len(self.splits)
        return START_SECONDS + (folds + 1) * self.fold_seconds / min(cores(), folds)

    @property
    def fold_seconds(self) -> float:
        """Estimated time of one fold on one core, in seconds, without knowledge of the machine."""
        rows = min(SEARCH_ROWS, len(self.problem.y)) * 0.8
        inputs = min(MAX_INPUTS, self.problem.values.shape[1] * 1.5)
        steps = self.budget.steps
        search = self.budget.settings * _fit_seconds(rows, inputs, steps)
        if not self.subsampled:
            return search
        return search + _fit_seconds(len(self.problem.y) * 0.64, inputs, 2 * steps)


def _fit_seconds(rows: float, inputs: float, steps: int) -> float:
    """Estimate the time to fit one setting of every model kind once, on one core."""
    return _network_seconds(rows, inputs, steps) * len(NETWORKS) + _tree_seconds(rows, inputs)


def _network_seconds(rows: float, inputs: float, steps: int) -> float:
    """Estimate the time of one network on one core.

    The constants were measured; a forward pass costs about a third of a training step.
    """
    batch = batch_size(int(rows))
    least = MIN_EPOCHS * rows / batch
    return max(steps, least) * (4e-5 + 1.1 * batch * (inputs * HIDDEN[0] + 5600) * 1.3e-10)


def _tree_seconds(rows: float, inputs: float) -> float:
    return 0.2 + rows * inputs * 2e-6


def range_edges(y: np.ndarray, count: int = RANGES) -> np.ndarray:
    """Return the edges of the target ranges for which errors are reported.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    count : int
        Maximum number of ranges.

    Returns
    -------
    ndarray of shape (K + 1,)
        Edges that suit the shape of the targets; see `regcls.stats.ranges.choose`. Each range has
        at least 5 rows.

    Examples
    --------
    >>> range_edges(np.arange(101.0), 2)
    array([  0.,  50., 100.])
    """
    return _ranges(y, count).edges


def _ranges(y: np.ndarray, count: int) -> TargetRanges:
    """Choose the target ranges; those of an integer target, such as a number of rooms, end at integers."""
    found = choose(y, count, min_rows=MIN_ROWS_PER_RANGE)
    return replace(found, edges=whole_edges(found.edges, y))


def assign_folds(y: np.ndarray, groups: np.ndarray | None, folds: int, seed: int) -> np.ndarray:
    """Assign rows to folds, stratified by the target.

    Rows are sorted by target (ties at random) and assigned block by block, so that each fold gets
    its share of every part of the target's range. With groups, whole groups are assigned, sorted by
    their mean target.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    groups : ndarray of shape (n,) or None
        Group number of each row, from 0.
    folds : int
        Number of folds.
    seed : int
        Seed of the assignment.

    Returns
    -------
    ndarray of shape (n,)
        Fold of each row, from 0.

    Examples
    --------
    >>> np.bincount(assign_folds(np.arange(10.0), None, 5, seed=0))
    array([2, 2, 2, 2, 2])
    """
    rng = np.random.default_rng(seed)
    if groups is not None:
        mean = np.bincount(groups, y) / np.bincount(groups)
        return assign_folds(mean, None, folds, seed)[groups]
    order = np.lexsort((rng.random(len(y)), y))
    assigned = np.empty(len(y), np.int64)
    for start in range(0, len(y), folds):
        block = order[start : start + folds]
        assigned[block] = rng.permutation(folds)[: len(block)]
    return assigned


def score_weights(range_index: np.ndarray, goal: str) -> np.ndarray:
    """Return the weights with which absolute errors add up to the balanced MAE or the MAE.

    Parameters
    ----------
    range_index : ndarray of shape (m,)
        Target range of each row.
    goal : {"balanced", "overall"}
        Balanced MAE or MAE.

    Returns
    -------
    ndarray of shape (m,)
        Weights that sum to 1.

    Examples
    --------
    >>> score_weights(np.array([0, 0, 2]), "balanced")
    array([0.25, 0.25, 0.5 ])
    """
    if goal == "overall":
        return np.full(len(range_index), 1 / len(range_index))
    counts = np.bincount(range_index)
    return 1 / (counts[range_index] * np.count_nonzero(counts))


def batch_size(rows: int) -> int:
    """Return the mini-batch size for a training set: about 20 batches per epoch, from 32 to 256.

    Parameters
    ----------
    rows : int
        Number of training rows.

    Returns
    -------
    int
        A power of two.

    Examples
    --------
    >>> [batch_size(rows) for rows in (100, 2000, 100_000)]
    [32, 128, 256]
    """
    return int(np.clip(2 ** round(math.log2(max(rows, 1) / 20)), 32, 256))
