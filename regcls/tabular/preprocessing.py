"""Preprocessing of a table for networks and trees, fitted on training rows only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from regcls.tabular.columns import MAX_INPUTS, NUMBER, Column

CLIP = 5.0  # standard deviations at which numbers are clipped
MAX_CATEGORIES = 30  # one-hot inputs per category; rarer levels share one


def make_pipeline(columns: Sequence[Column]) -> Pipeline:
    """Return the unfitted pipeline for a table.

    Numbers are imputed with their median, standardised and clipped at ±5; a number with missing
    values also gets an indicator. Categories are one-hot encoded. Constant inputs are dropped.

    Parameters
    ----------
    columns : sequence of Column
        The p columns.

    Returns
    -------
    Pipeline
        Steps ``columns``, ``varying`` and ``strongest`` (the F-test with the target).
    """
    numbers = [i for i, column in enumerate(columns) if column.kind == NUMBER]
    categories = [i for i, column in enumerate(columns) if column.kind != NUMBER]
    scaled = Pipeline(
        [
            ("median", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("clip", FunctionTransformer(np.clip, kw_args={"a_min": -CLIP, "a_max": CLIP})),
        ]
    )
    missing = MissingIndicator(features="missing-only", error_on_new=False)
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False
    )
    parts = [("numbers", scaled, numbers), ("missing", missing, numbers)] if numbers else []
    parts += [("categories", one_hot, categories)] if categories else []
    steps = [("columns", ColumnTransformer(parts)), ("varying", VarianceThreshold())]
    return Pipeline([*steps, ("strongest", SelectKBest(f_regression, k="all"))])


def fit(columns: Sequence[Column], values: np.ndarray, y: np.ndarray) -> Pipeline:
    """Fit the preprocessing on training rows.

    Parameters
    ----------
    columns : sequence of Column
        The p columns.
    values : ndarray of shape (n, p)
        Numbers and category codes.
    y : ndarray of shape (n,)
        Targets, for the F-test.

    Returns
    -------
    Pipeline
        The fitted pipeline; it returns at most 300 inputs.
    """
    made = make_pipeline(columns)
    head = made[:2].fit(values)
    inputs = head.transform(values[:1]).shape[1]
    made[2].set_params(k=min(MAX_INPUTS, inputs))
    made[2].fit(head.transform(values), y)
    return made


def inputs(fitted: Pipeline, values: np.ndarray) -> np.ndarray:
    """Return the model inputs for coded rows.

    Parameters
    ----------
    fitted : Pipeline
        Pipeline from `fit`.
    values : ndarray of shape (n, p)
        Numbers and category codes.

    Returns
    -------
    ndarray of shape (n, d), float32
        Model inputs.

    Examples
    --------
    >>> fitted = fit([Column("a", "number")], np.array([[0.0], [2.0]]), np.array([1.0, 3.0]))
    >>> inputs(fitted, np.array([[1.0], [99.0]])).ravel().tolist()
    [0.0, 5.0]
    """
    return fitted.transform(values).astype(np.float32)
