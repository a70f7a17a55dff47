"""Fitted models of a comparison and their predictions on new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regcls.tabular.answers import Answer
from regcls.tabular.columns import Problem, encode
from regcls.tabular.plan import Setting
from regcls.tabular.preprocessing import inputs


@dataclass(frozen=True)
class FittedModel:
    """A method with its preprocessing, fitted on all rows.

    Attributes
    ----------
    kind : str
        Method.
    setting : Setting
        Setting that the search selected.
    preprocessing : sklearn.pipeline.Pipeline
        Fitted preprocessing.
    answer : Answer
        Prediction for preprocessed rows.
    """

    kind: str
    setting: Setting
    preprocessing: Any
    answer: Answer

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
        return self.answer.predict(inputs(self.preprocessing, values))


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
