"""Training of all methods on the training rows of one fold, and choice of their settings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from regcls.stats.readouts import STATISTICS, TAUS, WEIGHTS, class_prediction, fit_monotone
from regcls.tabular import networks, preprocessing
from regcls.tabular.answers import (
    Answer,
    Average,
    ClassHead,
    Recalibrated,
    Trees,
    ValueHead,
    features,
)
from regcls.tabular.methods import (
    METHODS,
    NETWORKS,
    OTHERS,
    READ_FROM_NETWORKS,
    RIDGE,
    TREES,
    Method,
)
from regcls.tabular.plan import HIDDEN, MIN_EPOCHS, Plan, Setting, batch_size, score_weights

if TYPE_CHECKING:
    from regcls.nn.tabular_ensemble import TabularEnsemble

TREE_ROUNDS = 300
TREE_BINS = 255  # those of HistGradientBoostingRegressor
# Successive halving (Jamieson and Talwalkar, AISTATS 2016): after this share of the steps, this share
# of the settings of each answer goes on. Alike for all networks.
RUNGS = ((0.25, 0.5), (0.5, 0.25))
REFIT_WEIGHTS = "sqrt-inverse"  # of the refitted last layer and of the mean's second network
# The weights of a network that a reading starts from; see `regcls.nn.tabular_model.ANSWERS`.
SNAPSHOTS = {"class": "class", "mixed": "class", "prior": "prior"}

Report = Callable[[float], None]  # is called with the share of the work that is done, 0 to 1
Chosen = dict[tuple[str, str], int]  # number of the network by kind and snapshot
Fitted = tuple[Answer, Setting]


def snapshot(method: Method) -> str:
    """Return which of a network's best epochs a method starts from."""
    return "value" if method.network == "hl-gauss" else SNAPSHOTS.get(method.reading, "value")


# Networks and their snapshots that the methods need.
NEEDED = tuple(dict.fromkeys((m.network, snapshot(m)) for m in METHODS.values() if m.network))


class Fitter:
    """Preprocessed training and validation rows of a fold, and the models fitted on them.

    Parameters
    ----------
    plan : Plan
        The comparison.
    train, valid : ndarray of shape (n,) and (m,)
        Rows that train, and rows that choose.
    seed : int
        Seed of initial weights, batches and trees.
    """

    ensemble: TabularEnsemble

    def __init__(self, plan: Plan, train: np.ndarray, valid: np.ndarray, seed: int) -> None:
        problem = plan.problem
        self.plan, self.seed = plan, seed
        self.y, self.valid_y = problem.y[train], problem.y[valid]
        self.mean, self.std = float(self.y.mean()), float(self.y.std()) or 1.0
        self.preprocessing = preprocessing.fit(problem.columns, problem.values[train], self.y)
        self.x, self.valid = (
            preprocessing.inputs(self.preprocessing, problem.values[rows])
            for rows in (train, valid)
        )
        self.weights = score_weights(plan.range_index[valid], plan.goal)
        self.tried: list[tuple[str, Setting]] = []
        self.chosen: Chosen = {}

    def score(self, predicted: np.ndarray) -> float:
        """Return the validation error, balanced MAE or MAE, of predictions (m,)."""
        return float(np.abs(predicted - self.valid_y) @ self.weights)

    # Networks

    def search(self, report: Report) -> None:
        """Train all settings of all kinds of networks, fewer and fewer of them."""
        tried = [(kind, setting) for setting in self.plan.settings for kind in NETWORKS]
        self._train(tried, self.plan.budget.steps, report, RUNGS)

    def fit(self, selected: Mapping[tuple[str, str], Setting], report: Report) -> None:
        """Train the settings that a search has selected, with twice the steps."""
        tried = dict.fromkeys((kind, setting) for (kind, _), setting in selected.items())
        self._train(list(tried), 2 * self.plan.budget.steps, report)
        at = {pair: m for m, pair in enumerate(self.tried)}
        self.chosen = {(k, name): at[k, setting] for (k, name), setting in selected.items()}

    @property
    def selected(self) -> dict[tuple[str, str], Setting]:
        """The selected setting by kind and snapshot."""
        return {key: self.tried[m][1] for key, m in self.chosen.items()}

    def _train(
        self,
        tried: Sequence[tuple[str, Setting]],
        steps: float,
        report: Report,
        rungs: Sequence[tuple[float, float]] = (),
    ) -> None:
        from regcls.nn.tabular_ensemble import TabularEnsemble

        scaled, batch = self.scaled(self.y), batch_size(len(self.x))
        models = [networks.make(kind, setting, self.y, scaled) for kind, setting in tried]
        ensemble = TabularEnsemble([self.x], [scaled], models, [self.seed], HIDDEN, batch)
        epochs = max(MIN_EPOCHS, round(steps / ensemble.steps_per_epoch))
        total = epochs * ensemble.steps_per_epoch
        self.ensemble, self.tried, left = ensemble, list(tried), list(rungs)

        def thin_out(epoch: int) -> None:
            while left and epoch >= left[0][0] * epochs:
                self._keep(left.pop(0)[1])

        ensemble.fit(
            [self.valid],
            [self.scaled(self.valid_y)],
            [self.weights],
            epochs,
            patience=max(4, epochs // 4),
            on_epoch=thin_out,
            on_step=lambda: report(ensemble.step / total),
        )
        self._choose()

    def _ranked(self, kind: str, name: str) -> list[int]:
        """Return the networks of a kind, the best in one answer first."""
        scores = np.nan_to_num(self.ensemble.scores(name)[:, 0], nan=np.inf)
        return sorted(
            (m for m, (k, _) in enumerate(self.tried) if k == kind), key=scores.__getitem__
        )

    def _choose(self) -> None:
        self.chosen = {key: self._ranked(*key)[0] for key in NEEDED}

    def _keep(self, share: float) -> None:
        """Go on with this share of the settings of each answer."""
        count = math.ceil(share * len(self.plan.settings))
        best = {m for key in NEEDED for m in self._ranked(*key)[:count]}
        self.ensemble.keep(sorted(best))
        self.tried = [pair for m, pair in enumerate(self.tried) if m in best]

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return standardised targets, float32."""
        return ((y - self.mean) / self.std).astype(np.float32)

    # Answers

    def network_answers(self) -> dict[str, Fitted]:
        """Return the answer and setting of each method that reads a network."""
        return {name: self._answer(METHODS[name]) for name in READ_FROM_NETWORKS}

    def _answer(self, method: Method) -> Fitted:
        number = self.chosen[method.network, snapshot(method)]
        setting, reading = self.tried[number][1], method.reading
        if reading in ("class", "prior", "mixed"):
            head = self._class_head(number, snapshot(method))
            if reading == "prior":
                head = self._without_prior(head)
            return (self._mixed(number, head) if reading == "mixed" else head), setting
        answer = self._value_head(number, "value")
        if reading == "recalibrated":
            fitted = fit_monotone(answer.predict(self.valid), self.valid_y, self.weights)
            return Recalibrated(answer, fitted), setting
        if reading == "refitted":
            return self._refitted(answer), setting
        if reading == "mean":
            other = self._value_head(self.chosen[REFIT_WEIGHTS, "value"], "value")
            return Average((answer, other), (0.5, 0.5)), setting
        return answer, setting

    def _value_head(self, number: int, name: str) -> ValueHead:
        layers = self.ensemble.layers(number, 0, name)
        weight, bias = layers[len(HIDDEN)]
        offset = float(bias[0]) * self.std + self.mean
        return ValueHead(tuple(layers[: len(HIDDEN)]), weight[:, 0] * self.std, offset)

    def _class_head(self, number: int, name: str) -> ClassHead:
        layers, model = self.ensemble.layers(number, 0, name), self.ensemble.models[number]
        assert model.edges is not None
        edges = np.asarray(model.edges[0], np.float64) * self.std + self.mean
        prior = networks.class_prior(model, self.scaled(self.y))
        return ClassHead(tuple(layers[: len(HIDDEN)]), *layers[-1], edges, prior)

    def _without_prior(self, head: ClassHead) -> ClassHead:
        """Choose the power of the prior and the statistic on validation rows."""
        logits = head.logits(self.valid)
        tried = [(tau, statistic) for statistic in STATISTICS for tau in TAUS]
        tau, statistic = min(
            tried,
            key=lambda pair: self.score(class_prediction(logits, head.edges, head.prior, *pair)),
        )
        return replace(head, tau=tau, statistic=statistic)

    def _mixed(self, number: int, head: ClassHead) -> Average:
        """Choose the weight of the value head, and the class head's parameters, on validation rows."""
        value, logits = self._value_head(number, "class"), head.logits(self.valid)
        own, best = value.predict(self.valid), (math.inf, head, 0.0)
        for statistic in STATISTICS:
            for tau in TAUS:
                other = class_prediction(logits, head.edges, head.prior, tau, statistic)
                for weight in WEIGHTS:
                    score = self.score(weight * own + (1 - weight) * other)
                    if score < best[0]:
                        best = score, replace(head, tau=tau, statistic=statistic), weight
        return Average((value, best[1]), (best[2], 1 - best[2]))

    def _refitted(self, answer: ValueHead) -> ValueHead:
        """Fit the last layer again, on reweighted training rows and frozen features."""
        weights = networks.SAMPLE_WEIGHTS[REFIT_WEIGHTS](self.y)
        inputs = features(answer.hidden, self.x)
        found = [
            replace(answer, weight=weight, bias=bias)
            for weight, bias in (
                _ridge(inputs, self.y, setting.ridge, weights) for setting in self.plan.settings
            )
        ]
        return min(found, key=lambda refitted: self.score(refitted.predict(self.valid)))

    # Other models

    def search_others(self, report: Report) -> dict[str, Fitted]:
        """Fit boosted trees and ridge regression with every setting; return the best of each."""
        found: dict[str, list[Fitted]] = {}
        for i, setting in enumerate(self.plan.settings):
            report(i / len(self.plan.settings))
            for kind, answer in self.fit_others(dict.fromkeys(OTHERS, setting)).items():
                found.setdefault(kind, []).append((answer, setting))
        best = lambda pairs: min(pairs, key=lambda pair: self.score(pair[0].predict(self.valid)))
        return {kind: best(pairs) for kind, pairs in found.items()}

    def fit_others(self, settings: Mapping[str, Setting]) -> dict[str, Answer]:
        """Fit each of these models with its setting."""
        return {
            kind: self._ridge(setting) if kind == RIDGE else self._trees(setting, kind != TREES)
            for kind, setting in settings.items()
        }

    def _trees(self, setting: Setting, weighted: bool) -> Trees:
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
        weights = networks.SAMPLE_WEIGHTS[REFIT_WEIGHTS](self.y) if weighted else None
        model.fit(self._few_values, self.y, weights, X_val=self.valid, y_val=self.valid_y)
        return Trees(model)

    @cached_property
    def _few_values(self) -> np.ndarray:
        """Training inputs of the trees, (n, d).

        Trees cut each column into at most 255 bins. With sample weights, finding the bins takes
        longer than growing the trees; columns that have no more values than bins need no search.
        """
        return np.column_stack([few_values(column, TREE_BINS) for column in self.x.T])

    def _ridge(self, setting: Setting) -> ValueHead:
        return ValueHead((), *_ridge(self.x, self.y, setting.ridge))


def few_values(values: np.ndarray, most: int) -> np.ndarray:
    """Replace the values of a column by the mean of their quantile bin, if there are many.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The column.
    most : int
        Maximum number of different values.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> few_values(np.array([1.0, 2.0, 10.0, 20.0]), 2).tolist()
    [1.5, 1.5, 15.0, 15.0]
    """
    if len(np.unique(values)) <= most:
        return values
    edges = np.unique(np.quantile(values, np.arange(1, most) / most, method="midpoint"))
    which = np.searchsorted(edges, values, side="right")
    return (np.bincount(which, values) / np.maximum(np.bincount(which), 1))[which]


def _ridge(
    x: np.ndarray, y: np.ndarray, penalty: float, weights: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Return weights (d,) and bias of a ridge regression; the penalty is per row."""
    from sklearn.linear_model import Ridge

    model = Ridge(alpha=penalty * len(x)).fit(np.asarray(x, np.float64), y, weights)
    return model.coef_, float(model.intercept_)
