"""From a table's codes and numbers to a network's inputs, fitted on training rows only."""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_regression
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from regcls.tabular.columns import MOST_INPUTS, NUMBER, Column

CLIP = 5.0  # standard deviations; further out a number is taken to this
MOST_CATEGORIES = 30  # one-hot inputs of a category; rarer values share one


def pipeline(columns: tuple[Column, ...]) -> Pipeline:
    """Numbers: median for what is missing, scaled, cut at ±5; one input more for each number that
    is missing at times. Categories: one-hot. At most 300 inputs, by the F-test with the target."""
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
        handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
    )
    parts = [("numbers", scaled, numbers), ("missing", missing, numbers)] if numbers else []
    parts += [("categories", one_hot, categories)] if categories else []
    steps = [("columns", ColumnTransformer(parts)), ("varying", VarianceThreshold())]
    return Pipeline([*steps, ("strongest", SelectKBest(f_regression, k="all"))])


def fit(columns: tuple[Column, ...], values: np.ndarray, y: np.ndarray) -> Pipeline:
    """The pipeline fitted on training rows ``values`` (n, p) and ``y`` (n,)."""
    made = pipeline(columns)
    head = made[:2].fit(values)
    inputs = head.transform(values[:1]).shape[1]
    made[2].set_params(k=min(MOST_INPUTS, inputs))
    made[2].fit(head.transform(values), y)
    return made


def inputs(fitted: Pipeline, values: np.ndarray) -> np.ndarray:
    """A network's inputs (n, d) float32 of ``values`` (n, p)."""
    return fitted.transform(values).astype(np.float32)
