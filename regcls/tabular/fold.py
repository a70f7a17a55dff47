"""One held-out fold: prepare, search all kinds on inner validation, predict what is held out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.nn.labels import SIGMA_IN_BIN_WIDTHS
from regcls.stats import bins
from regcls.tabular import preprocessing, reweighting
from regcls.tabular.plan import (
    HIDDEN,
    LEAST_EPOCHS,
    NETWORKS,
    SEARCH_ROWS,
    TREES,
    Plan,
    Setting,
    batch_of,
    deal,
    score_weights,
)

if TYPE_CHECKING:
    from regcls.nn.tabular_ensemble import Model, TabularEnsemble

INNER = 5  # one in five training rows validates
TREE_ROUNDS = 300


class Cancelled(Exception):
    """The comparison was stopped."""


@dataclass(frozen=True)
class Kept:
    """A trained model of one kind, to be used again. Networks: ``layers``; trees: ``trees``.

    ``prepared``: the fitted pipeline; ``mean``, ``std``: of the training targets; ``edges``:
    classes in the target's units, ``centres`` HL-Gauss's.
    """

    kind: str
    setting: Setting
    prepared: Any
    mean: float
    std: float
    layers: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    edges: np.ndarray | None = None
    trees: Any = None


@dataclass(frozen=True)
class FoldResult:
    """Out-of-fold predictions by kind (m,) for the rows ``test`` (m,), and what was picked."""

    repeat: int
    fold: int
    test: np.ndarray
    predictions: Mapping[str, np.ndarray]
    picked: Mapping[str, Setting]
    scores: Mapping[str, float]
    constant: float
    kept: Mapping[str, Kept] = field(default_factory=dict)


def fit_fold(
    plan: Plan,
    repeat: int,
    fold: int | None,
    breathe: Callable[[float], None] = lambda share: None,
) -> FoldResult:
    """Everything of one fold; ``fold`` None trains on all rows and keeps the models.

    ``breathe`` is told the share of the work that is done, and may raise ``Cancelled``.
    """
    seed = plan.seed + 1000 * repeat + (99 if fold is None else fold)
    dealt = plan.folds(repeat)
    outer = np.flatnonzero(dealt != fold) if fold is not None else np.arange(len(dealt))
    test = np.flatnonzero(dealt == fold) if fold is not None else np.empty(0, np.int64)
    train, valid = _inner(plan, outer, seed)
    few_train, few_valid = _sample(train, valid, seed)
    large = len(few_train) < len(train)
    networks = lambda share: breathe(share * (0.4 if large else 0.85))
    work = _Work(plan, few_train, few_valid, test, seed)
    found, scores = work.networks(networks)
    trees, scores[TREES] = work.trees(lambda share: breathe(0.85 + 0.13 * share))
    picked = {kind: plan.settings[i] for kind, i in found.items()}
    picked[TREES] = trees[0]
    if large:
        work = _Work(plan, train, valid, test, seed)
        scores = work.again(picked, lambda share: breathe(0.4 + 0.45 * share)) | {}
        scores[TREES], trees = work.trees_again(picked[TREES])
    predictions = work.predictions(test)
    predictions[TREES] = trees[1].predict(work.test)[: len(test)] if len(test) else np.empty(0)
    kept = work.kept(picked, trees[1]) if fold is None else {}
    breathe(1.0)
    return FoldResult(
        repeat, -1 if fold is None else fold, test, predictions, picked, scores,
        float(np.median(plan.problem.y[outer])), kept,
    )  # fmt: skip


def _inner(plan: Plan, outer: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    groups = plan.problem.groups
    if groups is not None:
        groups = np.unique(groups[outer], return_inverse=True)[1]
    dealt = deal(plan.problem.y[outer], groups, INNER, seed + 7)
    return outer[dealt > 0], outer[dealt == 0]


def _sample(train: np.ndarray, valid: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """At most ``SEARCH_ROWS`` of both together, drawn at random."""
    share = SEARCH_ROWS / (len(train) + len(valid))
    if share >= 1:
        return train, valid
    rng = np.random.default_rng(seed)
    few = lambda rows: np.sort(rng.choice(rows, int(len(rows) * share), replace=False))
    return few(train), few(valid)


class _Work:
    """The arrays of one fold, and the models trained on them."""

    def __init__(self, plan: Plan, train, valid, test, seed: int):
        problem = plan.problem
        self.plan, self.seed, self.valid_rows = plan, seed, valid
        self.y = problem.y[train]
        self.mean, self.std = float(self.y.mean()), float(self.y.std()) or 1.0
        self.prepared = preprocessing.fit(problem.columns, problem.values[train], self.y)
        rows = (train, valid, test if len(test) else valid[:1])
        make = lambda r: preprocessing.inputs(self.prepared, problem.values[r])
        self.x, self.valid, self.test = map(make, rows)
        self.valid_y = problem.y[valid]
        self.weights = score_weights(plan.which[valid], plan.goal)
        self._sample_weights: dict[str, tuple[np.ndarray, ...]] = {}
        self.ensemble: TabularEnsemble | None = None
        self.chosen: dict[str, int] = {}  # kind → its model in the ensemble

    def networks(self, breathe) -> tuple[dict[str, int], dict[str, float]]:
        """Train every setting of every kind: the best setting by kind, and its validation score."""
        tries = [(kind, i) for i in range(len(self.plan.settings)) for kind in NETWORKS]
        self._train([self._model(k, self.plan.settings[i]) for k, i in tries], 1.0, breathe)
        scores = np.nan_to_num(self.ensemble.scores()[:, 0], nan=np.inf)
        for kind in NETWORKS:
            mine = [m for m, (k, _) in enumerate(tries) if k == kind]
            self.chosen[kind] = min(mine, key=lambda m: scores[m])
        return (
            {kind: tries[m][1] for kind, m in self.chosen.items()},
            {kind: float(scores[m]) * self.std for kind, m in self.chosen.items()},
        )

    def again(self, picked: Mapping[str, Setting], breathe) -> dict[str, float]:
        """Train each kind's picked setting on all rows, with twice the steps."""
        self._train([self._model(kind, picked[kind]) for kind in NETWORKS], 2.0, breathe)
        self.chosen = {kind: m for m, kind in enumerate(NETWORKS)}
        scores = self.ensemble.scores()[:, 0] * self.std
        return dict(zip(NETWORKS, map(float, scores), strict=True))

    def _train(self, models: list[Model], times: float, breathe) -> None:
        from regcls.nn.tabular_ensemble import TabularEnsemble

        made = TabularEnsemble(
            [self.x], [self._scaled(self.y)], models, [self.seed], HIDDEN, batch_of(len(self.x))
        )
        steps = self.plan.budget.steps * times
        epochs = max(LEAST_EPOCHS, round(steps / made.steps_per_epoch))
        total = epochs * made.steps_per_epoch
        made.fit(
            [self.valid], [self._scaled(self.valid_y)], [self.weights], epochs,
            patience=max(4, epochs // 4), breathe=lambda: breathe(made.step / total),
        )  # fmt: skip
        self.ensemble = made

    def _scaled(self, y: np.ndarray) -> np.ndarray:
        return ((y - self.mean) / self.std).astype(np.float32)

    def _model(self, kind: str, s: Setting) -> Model:
        from regcls.nn.tabular_ensemble import Model

        shared = {"lr": s.lr, "weight_decay": s.weight_decay}
        if kind == "reg":
            return Model("mse", **shared)
        shared["weight"] = s.weight
        if kind == "control":
            return Model("mse", **shared)
        if kind == "bmc":
            return Model("bmc", variance=s.variance, **shared)
        if kind == "reg+cls":
            edges = class_edges(self._scaled(self.y), s)
            made = bins.Bins(edges, s.bins)
            keep = None
            if s.bins == "equalized":
                keep = (bins.keep_probability(made.label(self._scaled(self.y)), made.classes),)
            return Model("cls", edges=(edges,), keep=keep, **shared)
        if kind == "hl-gauss":
            edges = self._hl_edges(s)
            return Model(
                "hl", edges=(edges,), sigma=(SIGMA_IN_BIN_WIDTHS * (edges[1] - edges[0]),), **shared
            )
        return Model("mse", sample_weight=self._weighing(kind), **shared)

    def _hl_edges(self, s: Setting) -> np.ndarray:
        """Equally wide classes over the training targets, as HL-Gauss has them."""
        y = self._scaled(self.y)
        return bins.ranges(float(y.min()), float(y.max()), s.classes)

    def _weighing(self, kind: str) -> tuple[np.ndarray, ...]:
        if kind not in self._sample_weights:
            make = {
                "inverse": reweighting.inverse,
                "sqrt-inverse": lambda y: reweighting.inverse(y, power=0.5),
                "lds": reweighting.lds,
            }
            self._sample_weights[kind] = (make[kind](self.y),)
        return self._sample_weights[kind]

    def trees(self, breathe) -> tuple[tuple[Setting, Any], float]:
        """The best of as many settings of gradient-boosted trees, and its validation score."""
        best, score = None, np.inf
        for i, setting in enumerate(self.plan.settings):
            breathe(i / len(self.plan.settings))
            made, own = self._grow(setting)
            if best is None or own < score:
                best, score = (setting, made), own
        return best, score

    def trees_again(self, setting: Setting) -> tuple[float, tuple[Setting, Any]]:
        made, score = self._grow(setting)
        return score, (setting, made)

    def _grow(self, s: Setting) -> tuple[Any, float]:
        from sklearn.ensemble import HistGradientBoostingRegressor

        made = HistGradientBoostingRegressor(
            learning_rate=s.rate, max_leaf_nodes=s.leaves, l2_regularization=s.l2,
            max_iter=TREE_ROUNDS, early_stopping=True, n_iter_no_change=10, random_state=self.seed,
        )  # fmt: skip
        made.fit(self.x, self.y, X_val=self.valid, y_val=self.valid_y)
        error = np.abs(made.predict(self.valid) - self.valid_y)
        return made, float(error @ self.weights)

    def predictions(self, test: np.ndarray) -> dict[str, np.ndarray]:
        """By kind, what its chosen network says of the held-out rows (m,), in target units."""
        values = self.ensemble.predict([self.test])[:, 0, : len(test)] * self.std + self.mean
        return {kind: values[m].astype(np.float64) for kind, m in self.chosen.items()}

    def kept(self, picked: Mapping[str, Setting], trees) -> dict[str, Kept]:
        """Each kind's chosen model, to be downloaded and used on new rows."""
        found = {}
        for kind, m in self.chosen.items():
            edges = self.ensemble.models[m].edges
            found[kind] = Kept(
                kind, picked[kind], self.prepared, self.mean, self.std,
                layers=tuple(self.ensemble.layers(m, 0)),
                edges=None if edges is None else np.asarray(edges[0]) * self.std + self.mean,
            )  # fmt: skip
        found[TREES] = Kept(TREES, picked[TREES], self.prepared, self.mean, self.std, trees=trees)
        return found


def class_edges(y: np.ndarray, s: Setting) -> np.ndarray:
    """Edges of reg+cls's classes for the training targets ``y``."""
    return bins.make(s.bins, y, min(s.classes, len(y))).edges
