"""Fitted models of a comparison and their predictions on new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax

from regcls.tabular.columns import Problem, encode
from regcls.tabular.plan import HIDDEN, TREES, Setting
from regcls.tabular.preprocessing import inputs


@dataclass(frozen=True)
class FittedModel:
    """A model of one kind with its preprocessing, fitted on all rows.

    Attributes
    ----------
    kind : str
        Model kind.
    setting : Setting
        Setting that the search selected.
    preprocessing : sklearn.pipeline.Pipeline
        Fitted preprocessing.
    mean, std : float
        Mean and standard deviation of the training targets.
    layers : tuple of (ndarray of shape (in, out), ndarray of shape (out,))
        Weights and biases of a network: hidden layers, value head and, with classes, class head.
    edges : ndarray of shape (C + 1,) or None
        Class edges in units of the target, for networks with classes.
    trees : HistGradientBoostingRegressor or None
        The boosted trees.
    """

    kind: str
    setting: Setting
    preprocessing: Any
    mean: float
    std: float
    layers: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    edges: np.ndarray | None = None
    trees: Any = None

    @property
    def centres(self) -> np.ndarray:
        """Class centres in units of the target, shape (C,); empty without classes."""
        return np.empty(0) if self.edges is None else (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def class_head(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Weights and biases of the class head, or None."""
        return self.layers[-1] if len(self.layers) > len(HIDDEN) + 1 else None

    def predict(self, values: np.ndarray) -> np.ndarray:
        """Predict coded rows.

        Parameters
        ----------
        values : ndarray of shape (n, p)
            Numbers and category codes, as in `Problem.values`.

        Returns
        -------
        ndarray of shape (n,)
            Predictions in units of the target.
        """
        x = inputs(self.preprocessing, values)
        if self.kind == TREES:
            return self.trees.predict(x)
        for weight, bias in self.layers[: len(HIDDEN)]:
            x = np.maximum(x @ weight + bias, 0)
        if self.kind == "hl-gauss":
            weight, bias = self.layers[-1]
            return softmax(x @ weight + bias, axis=1) @ self.centres
        weight, bias = self.layers[len(HIDDEN)]
        return ((x @ weight + bias)[:, 0] * self.std + self.mean).astype(np.float64)


def predict_rows(
    models: Mapping[str, FittedModel], problem: Problem, frame: pd.DataFrame
) -> pd.DataFrame:
    """Add the predictions of all models to new rows.

    Parameters
    ----------
    models : mapping of str to FittedModel
        Models by kind.
    problem : Problem
        The table that they were fitted on.
    frame : DataFrame
        New rows; columns that the models do not use are kept.

    Returns
    -------
    DataFrame
        The rows with one more column per kind, named "target, kind".

    Raises
    ------
    UserError
        If columns are missing.
    """
    values = encode(frame, problem.columns)
    predictions = {f"{problem.target}, {k}": model.predict(values) for k, model in models.items()}
    return frame.assign(**predictions)
