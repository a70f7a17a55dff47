"""Column roles of a table of predictions, and its columns as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regcls.io import numbers
from regcls.io.tables import TableError

MOST_MODELS = 8


_TRUTHS = ("y_true", "true", "truth", "target", "actual", "label", "observed", "y", "gt")
_PREDICTED = ("pred", "prediction", "yhat", "y_hat", "reg", "model", "estimate")
_TRAINING = ("train", "y_train", "training")


@dataclass(frozen=True)
class Columns:
    """Which column is what: the true ``target``, the ``models``' predictions, and, if there are
    such, training targets (``train``), a ``category``, and a ``group``: rows with one value in it
    belong together (a person, a video)."""

    target: str
    models: tuple[str, ...]
    train: str | None = None
    category: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Arrays:
    """``y`` (N,) and ``predictions`` by model (N,), all finite; ``rows`` (N,) numbers of the table's
    rows from 1; ``train`` (M,) training targets or None; ``category`` and ``group`` (N,) or None."""

    y: np.ndarray
    predictions: Mapping[str, np.ndarray]
    rows: np.ndarray
    train: np.ndarray | None = None
    category: np.ndarray | None = None
    group: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def guess(frame: pd.DataFrame) -> Columns:
    """Columns by their names, and by how well they follow the target. Raises ``TableError``."""
    numeric = [column for column in frame.columns if _may_be_numbers(frame[column])]
    if len(numeric) < 2:
        raise TableError(
            "A true target and at least one prediction are needed; of the columns "
            f"{', '.join(map(str, frame.columns[:8]))}, {len(numeric)} hold numbers."
        )
    target = _named(numeric, _TRUTHS) or _followed(frame, numeric)
    train = _named([c for c in numeric if c != target], _TRAINING)
    others = [column for column in numeric if column not in (target, train)]
    alike = {column: _alike(frame[target], frame[column]) for column in others}
    named = [c for c in others if any(word in c.lower() for word in _PREDICTED)]
    models = named or [c for c in others if alike[c] > 0.3] or others
    words = [c for c in frame.columns if c not in numeric and 2 <= frame[c].nunique() <= 50]
    few = [c for c in others if c not in models and frame[c].nunique() <= 20]
    return Columns(target, tuple(models[:MOST_MODELS]), train, next(iter([*words, *few]), None))


def _may_be_numbers(column: pd.Series) -> bool:
    try:
        numbers.as_numbers(column.head(1000))
    except TableError:
        return False
    return not pd.api.types.is_bool_dtype(column)


def _followed(frame: pd.DataFrame, numeric: list[str]) -> str:
    """The column that the others follow best, and that is not called a prediction itself."""
    own = [c for c in numeric if not any(word in c.lower() for word in _PREDICTED)] or numeric
    others = numeric[:50]
    likeness = {a: sum(_alike(frame[a], frame[b]) for b in others if b != a) for a in own[:50]}
    return max(likeness, key=likeness.get)


def _named(columns: Sequence[str], words: Sequence[str]) -> str | None:
    """The column called by the first of ``words`` that any is called by."""
    for word in words:
        for column in columns:
            if column.lower().replace(" ", "_") == word:
                return column
    return next((c for c in columns for word in words[:4] if word in c.lower()), None)


def _alike(target: pd.Series, column: pd.Series) -> float:
    """Rank correlation of the first thousand rows, 0 where there is none."""
    pair = pd.DataFrame({"a": numbers.as_numbers(target.head(1000))[0]})
    pair["b"] = numbers.as_numbers(column.head(1000))[0]
    with np.errstate(invalid="ignore"):
        value = pair.corr("spearman").iloc[0, 1]
    return 0.0 if np.isnan(value) else float(value)


def arrays(frame: pd.DataFrame, columns: Columns, train: np.ndarray | None = None) -> Arrays:
    """Numbers from a table; rows that lack one are left out, and counted in the notes.

    ``train``: training targets from elsewhere. Raises ``TableError``.
    """
    _demand_columns(frame, columns)
    notes, good = [], np.ones(len(frame), bool)
    values = {}
    for name in (columns.target, *columns.models):
        values[name], note = numbers.as_numbers(frame[name])
        fine, lost = numbers.finite(values[name], name)
        good &= fine
        notes += [said for said in (note, lost) if said]
    if not good.any():
        raise TableError("No row has a number in the target and in every prediction.")
    y = values[columns.target][good]
    if y.min() == y.max():
        raise TableError(f"The target {columns.target} is {y[0]:g} in every row: nothing varies.")
    if columns.train is not None and train is None:
        found, note = numbers.as_numbers(frame[columns.train])
        train = found[np.isfinite(found)]
        notes += [note] if note else []
    category, group = (
        None if name is None else frame[name].astype("string").fillna("(empty)").to_numpy(str)[good]
        for name in (columns.category, columns.group)
    )
    return Arrays(
        y,
        {name: values[name][good] for name in columns.models},
        np.flatnonzero(good) + 1,
        train if train is not None and len(train) else None,
        category,
        group,
        tuple(notes),
    )


def _demand_columns(frame: pd.DataFrame, columns: Columns) -> None:
    wanted = [columns.target, *columns.models]
    wanted += [
        name for name in (columns.train, columns.category, columns.group) if name is not None
    ]
    for name in wanted:
        if name not in frame:
            raise TableError(
                f"There is no column {name!r}; there are {', '.join(map(str, frame.columns[:12]))}."
            )
    if not columns.models:
        raise TableError("Choose at least one column of predictions.")
    if columns.target in columns.models:
        raise TableError(f"{columns.target} cannot be both the target and a prediction of it.")
    if len(columns.models) > MOST_MODELS:
        raise TableError(f"At most {MOST_MODELS} models are compared at once.")


def training_targets(frame: pd.DataFrame, name: str, target: str) -> np.ndarray:
    """Training targets (M,) of a file of their own: the column ``target``, or the only one with
    numbers. Raises ``TableError``."""
    numeric = [column for column in frame.columns if _may_be_numbers(frame[column])]
    column = target if target in numeric else next(iter(numeric), None)
    if column is None or (column != target and len(numeric) > 1):
        raise TableError(f"{name} needs a column called {target}, or one column of numbers.")
    values = numbers.as_numbers(frame[column])[0]
    return values[np.isfinite(values)]
