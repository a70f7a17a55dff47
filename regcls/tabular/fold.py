"""One fold of a comparison: search settings on inner validation rows, predict the held-out rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.nn.labels import hl_gauss_edges
from regcls.stats import bins
from regcls.tabular import preprocessing, reweighting
from regcls.tabular.models import FittedModel
from regcls.tabular.plan import (
    HIDDEN,
    MIN_EPOCHS,
    NETWORKS,
    SEARCH_ROWS,
    TREES,
    Plan,
    Setting,
    assign_folds,
    batch_size,
    score_weights,
)

if TYPE_CHECKING:
    from regcls.nn.tabular_ensemble import Model, TabularEnsemble

INNER_FOLDS = 5  # one of them validates
TREE_ROUNDS = 300
SAMPLE_WEIGHTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "inverse": reweighting.inverse,
    "sqrt-inverse": partial(reweighting.inverse, variant="sqrt-inverse"),
    "lds": reweighting.lds,
    "lds-inverse": partial(reweighting.lds, variant="inverse"),
}
Report = Callable[[float], None]  # is called with the share of the work that is done, 0 to 1


class Cancelled(Exception):
    """The comparison was cancelled."""


@dataclass(frozen=True)
class FoldResult:
    """Held-out predictions of one fold.

    Attributes
    ----------
    repeat, fold : int
        Numbers of the repeat and the fold, from 0; -1 for the fit on all rows.
    test : ndarray of shape (m,)
        Held-out rows.
    predictions : mapping of str to ndarray of shape (m,)
        Predictions by model kind, in units of the target.
    selected : mapping of str to Setting
        Setting with the best validation score, by kind.
    scores : mapping of str to float
        Its validation score (balanced MAE or MAE), by kind.
    constant : float
        Median of the training targets, the constant baseline.
    models : mapping of str to FittedModel
        Fitted models by kind; only of the fit on all rows.
    """

    repeat: int
    fold: int
    test: np.ndarray
    predictions: Mapping[str, np.ndarray]
    selected: Mapping[str, Setting]
    scores: Mapping[str, float]
    constant: float
    models: Mapping[str, FittedModel] = field(default_factory=dict)


def fit_fold(
    plan: Plan, repeat: int, fold: int | None, report: Report = lambda share: None
) -> FoldResult:
    """Search, fit and predict one fold.

    In a large table, the search uses a random part of the rows, and the selected settings are then
    fitted again on all rows of the fold.

    Parameters
    ----------
    plan : Plan
        The comparison.
    repeat : int
        Number of the repeat, from 0.
    fold : int or None
        The held-out fold; None fits on all rows and returns the models.
    report : callable
        Called with the share of the work that is done; may raise `Cancelled`.

    Returns
    -------
    FoldResult
        Predictions and selected settings.
    """
    seed = plan.seed + 1000 * repeat + (99 if fold is None else fold)
    assigned = plan.folds(repeat)
    outer = np.flatnonzero(assigned != fold) if fold is not None else np.arange(len(assigned))
    test = np.flatnonzero(assigned == fold) if fold is not None else np.empty(0, np.int64)
    train, valid = _split_inner(plan, outer, seed)
    search_train, search_valid = _subsample(train, valid, seed)
    large = len(search_train) < len(train)
    searched = 0.4 if large else 0.85  # share of the work after the search of the networks
    fitter = _Fitter(plan, search_train, search_valid, test, seed)
    selected, scores = fitter.search_networks(lambda share: report(searched * share))
    trees = fitter.search_trees(lambda share: report(searched + 0.13 * share))
    selected[TREES] = trees.setting
    if large:
        fitter = _Fitter(plan, train, valid, test, seed)
        scores = fitter.fit_networks(selected, lambda share: report(0.53 + 0.45 * share))
        trees = fitter.fit_trees(trees.setting)
    scores[TREES] = trees.score
    predictions = fitter.predict_networks()
    predictions[TREES] = trees.model.predict(fitter.test)[: len(test)] if len(test) else np.empty(0)
    report(1.0)
    return FoldResult(
        repeat,
        -1 if fold is None else fold,
        test,
        predictions,
        selected,
        scores,
        constant=float(np.median(plan.problem.y[outer])),
        models=fitter.fitted_models(selected, trees.model) if fold is None else {},
    )


def _split_inner(plan: Plan, outer: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows ``outer`` into training and validation rows."""
    groups = plan.problem.groups
    if groups is not None:
        groups = np.unique(groups[outer], return_inverse=True)[1]
    assigned = assign_folds(plan.problem.y[outer], groups, INNER_FOLDS, seed + 7)
    return outer[assigned > 0], outer[assigned == 0]


def _subsample(train: np.ndarray, valid: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw at most ``SEARCH_ROWS`` rows of both together."""
    share = SEARCH_ROWS / (len(train) + len(valid))
    if share >= 1:
        return train, valid
    rng = np.random.default_rng(seed)

    def draw(rows: np.ndarray) -> np.ndarray:
        return np.sort(rng.choice(rows, int(len(rows) * share), replace=False))

    return draw(train), draw(valid)


@dataclass(frozen=True)
class _Trees:
    """Boosted trees with their setting and validation score."""

    setting: Setting
    model: Any
    score: float


class _Fitter:
    """Preprocessed training, validation and test rows of a fold, and the networks fitted on them."""

    ensemble: TabularEnsemble

    def __init__(
        self, plan: Plan, train: np.ndarray, valid: np.ndarray, test: np.ndarray, seed: int
    ) -> None:
        problem = plan.problem
        self.plan, self.seed = plan, seed
        self.y, self.valid_y = problem.y[train], problem.y[valid]
        self.mean, self.std = float(self.y.mean()), float(self.y.std()) or 1.0
        self.preprocessing = preprocessing.fit(problem.columns, problem.values[train], self.y)
        # Without test rows, one row stands in so that all arrays have a length.
        self.x, self.valid, self.test = (
            preprocessing.inputs(self.preprocessing, problem.values[rows])
            for rows in (train, valid, test if len(test) else valid[:1])
        )
        self.test_count = len(test)
        self.weights = score_weights(plan.range_index[valid], plan.goal)
        self.best: dict[str, int] = {}  # number of each kind's best network in the ensemble
        self._sample_weights: dict[str, tuple[np.ndarray, ...]] = {}

    def search_networks(self, report: Report) -> tuple[dict[str, Setting], dict[str, float]]:
        """Train every setting of every kind; return the best setting and its score by kind."""
        tried = [(kind, setting) for setting in self.plan.settings for kind in NETWORKS]
        self._train([self._network(*pair) for pair in tried], self.plan.budget.steps, report)
        scores = np.nan_to_num(self.ensemble.scores()[:, 0], nan=np.inf)
        for kind in NETWORKS:
            own = [m for m, (k, _) in enumerate(tried) if k == kind]
            self.best[kind] = min(own, key=lambda m: scores[m])
        return (
            {kind: tried[m][1] for kind, m in self.best.items()},
            {kind: float(scores[m]) * self.std for kind, m in self.best.items()},
        )

    def fit_networks(self, selected: Mapping[str, Setting], report: Report) -> dict[str, float]:
        """Train the selected setting of each kind with twice the steps; return scores by kind."""
        networks = [self._network(kind, selected[kind]) for kind in NETWORKS]
        self._train(networks, 2 * self.plan.budget.steps, report)
        self.best = {kind: m for m, kind in enumerate(NETWORKS)}
        scores = self.ensemble.scores()[:, 0] * self.std
        return dict(zip(NETWORKS, map(float, scores), strict=True))

    def _train(self, networks: list[Model], steps: float, report: Report) -> None:
        from regcls.nn.tabular_ensemble import TabularEnsemble

        ensemble = TabularEnsemble(
            [self.x],
            [self._scaled(self.y)],
            networks,
            [self.seed],
            HIDDEN,
            batch_size(len(self.x)),
        )
        epochs = max(MIN_EPOCHS, round(steps / ensemble.steps_per_epoch))
        total = epochs * ensemble.steps_per_epoch
        ensemble.fit(
            [self.valid],
            [self._scaled(self.valid_y)],
            [self.weights],
            epochs,
            patience=max(4, epochs // 4),
            on_step=lambda: report(ensemble.step / total),
        )
        self.ensemble = ensemble

    def _scaled(self, y: np.ndarray) -> np.ndarray:
        return ((y - self.mean) / self.std).astype(np.float32)

    def _network(self, kind: str, setting: Setting) -> Model:
        """Return what a network of this kind minimises."""
        from regcls.nn.tabular_ensemble import Model

        make = partial(Model, lr=setting.lr, weight_decay=setting.weight_decay)
        if kind == "reg":
            return make("mse")
        if kind == "control":
            return make("mse", weight=setting.weight)
        if kind == "bmc":
            return make("bmc", weight=setting.weight, variance=setting.variance)
        if kind in SAMPLE_WEIGHTS:
            weights = self._sample_weight(kind)
            return make("mse", weight=setting.weight, sample_weight=weights)
        y = self._scaled(self.y)
        if kind == "hl-gauss":
            edges, sigma = hl_gauss_edges(float(y.min()), float(y.max()), setting.soft_classes)
            return make("hl", weight=setting.weight, edges=(edges,), sigma=(sigma,))
        made = bins.make(setting.bins, y, min(setting.classes, len(y)))
        keep = None
        if setting.bins == "equalized":
            keep = (bins.keep_probability(made.label(y), made.classes),)
        return make("cls", weight=setting.weight, edges=(made.edges,), keep=keep)

    def _sample_weight(self, kind: str) -> tuple[np.ndarray, ...]:
        if kind not in self._sample_weights:
            self._sample_weights[kind] = (SAMPLE_WEIGHTS[kind](self.y),)
        return self._sample_weights[kind]

    def search_trees(self, report: Report) -> _Trees:
        """Fit boosted trees with every setting; return the best."""
        fitted = []
        for i, setting in enumerate(self.plan.settings):
            report(i / len(self.plan.settings))
            fitted.append(self.fit_trees(setting))
        return min(fitted, key=lambda trees: trees.score)

    def fit_trees(self, setting: Setting) -> _Trees:
        """Fit boosted trees with one setting."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        model = HistGradientBoostingRegressor(
            learning_rate=setting.rate,
            max_leaf_nodes=setting.leaves,
            l2_regularization=setting.l2,
            max_iter=TREE_ROUNDS,
            early_stopping=True,
            n_iter_no_change=10,
            random_state=self.seed,
        )
        model.fit(self.x, self.y, X_val=self.valid, y_val=self.valid_y)
        error = np.abs(model.predict(self.valid) - self.valid_y)
        return _Trees(setting, model, float(error @ self.weights))

    def predict_networks(self) -> dict[str, np.ndarray]:
        """Return the predictions (m,) of each kind's best network for the test rows."""
        values = self.ensemble.predict([self.test])[:, 0, : self.test_count] * self.std + self.mean
        return {kind: values[m].astype(np.float64) for kind, m in self.best.items()}

    def fitted_models(self, selected: Mapping[str, Setting], trees: Any) -> dict[str, FittedModel]:
        """Return each kind's best model with what it needs to predict new rows."""
        make = partial(FittedModel, preprocessing=self.preprocessing, mean=self.mean, std=self.std)
        models = {}
        for kind, m in self.best.items():
            edges = self.ensemble.models[m].edges
            models[kind] = make(
                kind,
                selected[kind],
                layers=tuple(self.ensemble.layers(m, 0)),
                edges=None if edges is None else np.asarray(edges[0]) * self.std + self.mean,
            )
        return models | {TREES: make(TREES, selected[TREES], trees=trees)}
