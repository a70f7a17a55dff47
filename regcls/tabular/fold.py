"""One fold of a comparison: search settings on inner validation rows, predict the held-out rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from regcls.tabular import preprocessing
from regcls.tabular.fitter import Fitter, Report
from regcls.tabular.models import FittedModel
from regcls.tabular.plan import SEARCH_ROWS, Plan, Setting, assign_folds
from regcls.tabular.split_column import VALID

INNER_FOLDS = 5  # one of them validates


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
        Predictions by method, in units of the target.
    selected : mapping of str to Setting
        Setting with the best validation score, by method.
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
    fitter = Fitter(plan, search_train, search_valid, seed)
    fitter.search(lambda share: report(searched * share))
    others = fitter.search_others(lambda share: report(searched + 0.13 * share))
    if large:
        selected = fitter.selected
        fitter = Fitter(plan, train, valid, seed)
        fitter.fit(selected, lambda share: report(0.53 + 0.45 * share))
        settings = {kind: setting for kind, (_, setting) in others.items()}
        others = {k: (answer, settings[k]) for k, answer in fitter.fit_others(settings).items()}
    fitted = fitter.network_answers() | others
    predictions = {}
    if len(test):
        x = preprocessing.inputs(fitter.preprocessing, plan.problem.values[test])
        predictions = {kind: answer.predict(x) for kind, (answer, _) in fitted.items()}
    report(1.0)
    return FoldResult(
        repeat,
        -1 if fold is None else fold,
        test,
        predictions,
        selected={kind: setting for kind, (_, setting) in fitted.items()},
        constant=float(np.median(plan.problem.y[outer])),
        models={
            kind: FittedModel(kind, setting, fitter.preprocessing, answer)
            for kind, (answer, setting) in fitted.items()
            if fold is None
        },
    )


def _split_inner(plan: Plan, outer: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the rows ``outer`` into training and validation rows."""
    parts = plan.problem.parts
    if parts is not None and (chooses := parts[outer] == VALID).any():
        return outer[~chooses], outer[chooses]
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
