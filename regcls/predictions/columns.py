"""Column roles of a table of predictions, and its columns as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regcls.io import numbers
from regcls.io.tables import TableError

MOST_MODELS = 8
_SAMPLE = 1000  # rows from which column roles are detected
_CORRELATED = 0.3  # rank correlation with the target above which a column may be a prediction

# Names of columns by role, in order of preference, lower case.
_TARGET_NAMES = ("y_true", "true", "truth", "target", "actual", "label", "observed", "y", "gt")
_PREDICTION_NAMES = ("pred", "prediction", "yhat", "y_hat", "reg", "model", "estimate")
_TRAINING_NAMES = ("train", "y_train", "training")


@dataclass(frozen=True)
class Columns:
    """Names of the columns by role.

    Attributes
    ----------
    target : str
        The true target.
    models : tuple of str
        Predictions, one column per model.
    train : str, optional
        Training targets.
    category : str, optional
        Category of each row, for an error report per segment.
    group : str, optional
        Rows with the same value belong together, such as one person or video.
    """

    target: str
    models: tuple[str, ...]
    train: str | None = None
    category: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Arrays:
    """Columns of a table as arrays; rows without a number are left out.

    Attributes
    ----------
    y : ndarray of shape (N,)
        True targets, finite.
    predictions : mapping of str to ndarray of shape (N,)
        Predictions by model, finite.
    rows : ndarray of shape (N,)
        Numbers of the rows in the table, from 1.
    train : ndarray of shape (M,), optional
        Training targets, finite.
    category, group : ndarray of shape (N,), optional
        Category and group of each row, as text.
    notes : tuple of str
        Sentences on rows that were left out and on how numbers were read.
    """

    y: np.ndarray
    predictions: Mapping[str, np.ndarray]
    rows: np.ndarray
    train: np.ndarray | None = None
    category: np.ndarray | None = None
    group: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def detect(frame: pd.DataFrame) -> Columns:
    """Detect column roles from names, and from rank correlations with the target.

    Parameters
    ----------
    frame : DataFrame
        A table of targets and predictions.

    Returns
    -------
    Columns
        The detected roles; ``group`` is never detected.

    Raises
    ------
    TableError
        If fewer than two columns hold numbers.

    Examples
    --------
    >>> table = pd.DataFrame({"id": ["a", "b"], "y_true": [1.0, 2.0], "pred": [1.5, 2.5]})
    >>> detect(table)
    Columns(target='y_true', models=('pred',), train=None, category='id', group=None)
    """
    numeric = [column for column in frame.columns if _is_numeric(frame[column])]
    if len(numeric) < 2:
        raise TableError(
            "the table needs a true target and at least one prediction; of the columns "
            f"{', '.join(map(str, frame.columns[:8]))}, {len(numeric)} hold numbers"
        )
    target = _column_named(numeric, _TARGET_NAMES) or _most_correlated(frame, numeric)
    train = _column_named([c for c in numeric if c != target], _TRAINING_NAMES)
    others = [column for column in numeric if column not in (target, train)]
    correlation = {column: _correlation(frame[target], frame[column]) for column in others}
    named = [column for column in others if _is_prediction_name(column)]
    models = named or [c for c in others if correlation[c] > _CORRELATED] or others
    texts = [c for c in frame.columns if c not in numeric and 2 <= frame[c].nunique() <= 50]
    codes = [c for c in others if c not in models and frame[c].nunique() <= 20]
    return Columns(target, tuple(models[:MOST_MODELS]), train, next(iter([*texts, *codes]), None))


def _is_numeric(column: pd.Series) -> bool:
    try:
        numbers.as_numbers(column.head(_SAMPLE))
    except TableError:
        return False
    return not pd.api.types.is_bool_dtype(column)


def _is_prediction_name(column: str) -> bool:
    return any(word in column.lower() for word in _PREDICTION_NAMES)


def _most_correlated(frame: pd.DataFrame, numeric: list[str]) -> str:
    """Column with the highest sum of correlations, of those not named like a prediction."""
    candidates = [c for c in numeric if not _is_prediction_name(c)] or numeric
    others = numeric[:50]
    score = {
        a: sum(_correlation(frame[a], frame[b]) for b in others if b != a) for a in candidates[:50]
    }
    return max(score, key=lambda column: score[column])


def _column_named(columns: Sequence[str], words: Sequence[str]) -> str | None:
    """Return the column with the first name of ``words``, else one that contains such a name."""
    for word in words:
        for column in columns:
            if column.lower().replace(" ", "_") == word:
                return column
    return next((c for c in columns for word in words[:4] if word in c.lower()), None)


def _correlation(target: pd.Series, column: pd.Series) -> float:
    """Rank correlation of the first rows; 0 where it is undefined."""
    pair = pd.DataFrame({"a": numbers.as_numbers(target.head(_SAMPLE))[0]})
    pair["b"] = numbers.as_numbers(column.head(_SAMPLE))[0]
    with np.errstate(invalid="ignore"):
        value = pair.corr("spearman").to_numpy()[0, 1]
    return 0.0 if np.isnan(value) else float(value)


def arrays(frame: pd.DataFrame, columns: Columns, train: np.ndarray | None = None) -> Arrays:
    """Return the columns of a table as arrays.

    Rows without a finite number in the target or a prediction are left out; notes count them.

    Parameters
    ----------
    frame : DataFrame
        A table of targets and predictions.
    columns : Columns
        Names of the columns.
    train : ndarray of shape (M,), optional
        Training targets from another source; they replace those of ``columns.train``.

    Returns
    -------
    Arrays
        The arrays and the notes.

    Raises
    ------
    TableError
        If a column is missing or does not hold numbers, a role is not filled, no row is complete
        or the target is constant.

    Examples
    --------
    >>> table = pd.DataFrame({"y": [1.0, 2.0, None], "reg": [1.5, 2.5, 3.5]})
    >>> found = arrays(table, Columns("y", ("reg",)))
    >>> found.y.tolist(), found.notes
    ([1.0, 2.0], ('Column y: 1 of 3 rows left out (1 missing).',))
    """
    _check_columns(frame, columns)
    notes: list[str] = []
    complete = np.ones(len(frame), bool)
    values = {}
    for name in (columns.target, *columns.models):
        values[name], note = numbers.as_numbers(frame[name])
        finite, lost = numbers.finite(values[name], name)
        complete &= finite
        notes += [text for text in (note, lost) if text]
    if not complete.any():
        raise TableError("no row has a number in the target and in every prediction")
    y = values[columns.target][complete]
    if y.min() == y.max():
        raise TableError(
            f"the target {columns.target} is {y[0]:g} in every row; its values must differ"
        )
    if columns.train is not None and train is None:
        found, note = numbers.as_numbers(frame[columns.train])
        train = found[np.isfinite(found)]
        notes += [note] if note else []
    return Arrays(
        y,
        {name: values[name][complete] for name in columns.models},
        np.flatnonzero(complete) + 1,
        train if train is not None and len(train) else None,
        _texts(frame, columns.category, complete),
        _texts(frame, columns.group, complete),
        tuple(notes),
    )


def _texts(frame: pd.DataFrame, name: str | None, keep: np.ndarray) -> np.ndarray | None:
    if name is None:
        return None
    return frame[name].astype("string").fillna("(empty)").to_numpy(str)[keep]


def _check_columns(frame: pd.DataFrame, columns: Columns) -> None:
    optional = (columns.train, columns.category, columns.group)
    for name in (columns.target, *columns.models, *optional):
        if name is not None and name not in frame:
            known = ", ".join(map(str, frame.columns[:12]))
            raise TableError(f"the table has no column {name!r}; choose from: {known}")
    if not columns.models:
        raise TableError("choose at least one column of predictions")
    if columns.target in columns.models:
        raise TableError(f"the column {columns.target} cannot be both target and prediction")
    if len(columns.models) > MOST_MODELS:
        raise TableError(f"at most {MOST_MODELS} models can be compared, not {len(columns.models)}")


def training_targets(frame: pd.DataFrame, name: str, target: str) -> np.ndarray:
    """Return the training targets from a table of their own.

    Parameters
    ----------
    frame : DataFrame
        The table.
    name : str
        Name of its file, for the error message.
    target : str
        Name of the target column; another name is accepted if only one column holds numbers.

    Returns
    -------
    ndarray of shape (M,)
        The finite targets.

    Raises
    ------
    TableError
        If the column cannot be identified.
    """
    numeric = [column for column in frame.columns if _is_numeric(frame[column])]
    column = target if target in numeric else next(iter(numeric), None)
    if column is None or (column != target and len(numeric) > 1):
        raise TableError(f"{name} needs a column called {target}, or exactly one column of numbers")
    values = numbers.as_numbers(frame[column])[0]
    return values[np.isfinite(values)]
