"""Column roles proposed for a table: target, predictions, intervals, one row per model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regcls.io import numbers
from regcls.io.reading import TableError
from regcls.predictions import interval_columns, long_format
from regcls.predictions.columns import Columns, Training
from regcls.predictions.interval_columns import IntervalColumns
from regcls.predictions.long_format import MOST_MODELS, LongFormat

_SAMPLE = 1000  # rows from which column roles are detected
_CORRELATED = 0.3  # rank correlation with the target above which a column may be a prediction

# Names of columns by role, in order of preference, lower case.
_TARGET_NAMES = (
    *("y_true", "true", "truth", "target", "actual", "label", "observed", "y", "gt"),
    *("ground_truth", "y_test", "真值", "真实值", "实际值"),
)
_PREDICTION = re.compile(r"pred|y_?hat|estimat|model|预测|(^|[^a-z])reg([^a-z]|_?cls|$)")
_TRAINING_NAMES = ("train", "y_train", "training")
# Words of columns about a prediction that are not predictions.
_NOT_PREDICTIONS = {
    *("error", "err", "residual", "resid", "se", "stderr", "var", "variance", "uncertainty"),
    *("confidence", "weight", "loss", "fold", "seed"),
}


@dataclass(frozen=True)
class Proposal:
    """A table with one row per sample, and the roles proposed for its columns.

    Attributes
    ----------
    frame : DataFrame
        The table, with one column of predictions per model.
    columns : Columns
        The proposed roles.
    rows : mapping of str to ndarray, optional
        See `regcls.predictions.columns.arrays`; if the original table has one row per sample and
        model.
    notes : tuple of str
        Sentences about rows and models that were left out.
    limits : mapping of str to list of IntervalColumns
        Possible intervals by model, if the original table has one row per sample and model.
    """

    frame: pd.DataFrame
    columns: Columns
    rows: Mapping[str, NDArray[np.int64]] | None = None
    notes: tuple[str, ...] = ()
    limits: Mapping[str, list[IntervalColumns]] = field(default_factory=dict)

    def intervals(self, target: str, models: Sequence[str]) -> dict[str, list[IntervalColumns]]:
        """Return the possible intervals of each model, the preferred one first.

        Parameters
        ----------
        target : str
            Column of the target.
        models : sequence of str
            Columns of predictions.

        Returns
        -------
        dict
            Intervals by model; models without one are left out.
        """
        if self.columns.long is not None:
            return {model: made for model, made in self.limits.items() if model in models}
        known = (target, *models, self.columns.train)
        others = [c for c in self.sample.columns if c not in known]
        found, _ = interval_columns.candidates(self.sample, others)
        return interval_columns.assigned(found, models)

    @cached_property
    def sample(self) -> pd.DataFrame:
        """The first rows of all columns that hold numbers."""
        return _sample(self.frame, numeric_columns(self.frame))


def propose(frame: pd.DataFrame, long: LongFormat | None = None) -> Proposal:
    """Propose column roles for a table.

    Parameters
    ----------
    frame : DataFrame
        A table of targets and predictions.
    long : LongFormat, optional
        Its columns, if it has one row per sample and model; see `detect_long`.

    Returns
    -------
    Proposal
        The table with one row per sample and the roles.

    Raises
    ------
    TableError
        If fewer than two columns hold numbers, or rows cannot be matched.

    Examples
    --------
    >>> table = pd.DataFrame({"model": list("aabb"), "y": [1.0, 2, 1, 2], "pred": [1.5, 2, 1, 3]})
    >>> propose(table, detect_long(table)).columns.models
    ('a', 'b')
    """
    if long is None:
        found = _roles(frame)
        if len(found.models) <= MOST_MODELS:
            return Proposal(frame, found)
        note = (
            f"Of {len(found.models)} columns of predictions, the first {MOST_MODELS} are proposed; left "
            f"out: {', '.join(found.models[MOST_MODELS:])}."
        )
        return Proposal(frame, _first_models(found), notes=(note,))
    known = (long.target, long.prediction, long.model, *long.ids)
    others = [c for c in numeric_columns(frame) if c not in known]
    made, _ = interval_columns.candidates(_sample(frame, others), others)
    own = interval_columns.assigned(made, [long.prediction]).get(long.prediction, [])
    names = list(dict.fromkeys(name for one in own for name in one.columns))
    numbered = frame.assign(
        **{name: numbers.as_numbers(frame[name])[0] for name in (long.target, long.prediction)}
    )
    wide = long_format.pivot(numbered, long, names)
    limits = {model: [_of_model(one, model) for one in own] for model in wide.models if own}
    extra = {name for of_model in limits.values() for one in of_model for name in one.columns}
    left = [
        c for c in wide.frame.columns if c not in (long.target, *wide.models, *extra, *long.ids)
    ]
    columns = Columns(
        long.target,
        wide.models,
        category=_category(wide.frame, left, others),
        intervals=tuple(of_model[0] for of_model in limits.values()),
        long=long,
    )
    return Proposal(wide.frame, columns, wide.rows, wide.notes, limits)


def _of_model(interval: IntervalColumns, model: str) -> IntervalColumns:
    def named(column: str) -> str:
        return f"{model}_{column}" if column else ""

    return replace(
        interval,
        lower=named(interval.lower),
        upper=named(interval.upper),
        std=named(interval.std),
        model=model,
    )


def detect_long(frame: pd.DataFrame) -> LongFormat | None:
    """Return the roles of a table with one row per sample and model, or None.

    Parameters
    ----------
    frame : DataFrame
        A table of targets and predictions.

    Returns
    -------
    LongFormat or None
        None if there is one row per sample, or more than one column of predictions.

    Raises
    ------
    TableError
        If fewer than two columns hold numbers.
    """
    if not any(long_format.is_model_column(column) for column in frame.columns):
        return None
    found = detect(frame)
    if len(found.models) != 1:
        return None
    names = [found.target, *found.models]
    numbered = frame.assign(**{name: numbers.as_numbers(frame[name])[0] for name in names})
    return long_format.detect(numbered, found.target, found.models[0])


def long_columns(
    frame: pd.DataFrame, model: str, target: str = "", prediction: str = "", ids: Sequence[str] = ()
) -> LongFormat:
    """Return the roles of a table with one row per sample and model; what is empty is detected.

    Parameters
    ----------
    frame : DataFrame
        The table.
    model : str
        Column of model names.
    target, prediction : str
        Columns of the target and of the predictions.
    ids : sequence of str
        Columns that identify a sample.

    Returns
    -------
    LongFormat

    Raises
    ------
    TableError
        If a column is missing.
    """
    for name in (model, *filter(None, (target, prediction)), *ids):
        if name not in frame:
            known = ", ".join(map(str, frame.columns[:12]))
            raise TableError(f"the table has no column {name!r}; choose from: {known}")
    if not target or not prediction:
        found = detect(frame.drop(columns=[model]))
        target = target or found.target
        prediction = prediction or next((c for c in found.models if c != target), "")
    long = LongFormat(model, prediction, target, tuple(ids))
    if ids:
        return long
    return replace(long, ids=long_format.matching(frame, long) or ())


def detect(frame: pd.DataFrame) -> Columns:
    """Detect column roles from names, and from rank correlations with the target.

    Parameters
    ----------
    frame : DataFrame
        A table with one row per sample.

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
    >>> found = detect(table.assign(pred_std=0.1))
    >>> found.target, found.models, found.category, found.intervals[0].label
    ('y_true', ('pred',), 'id', '± pred_std')
    """
    return _first_models(_roles(frame))


def _first_models(found: Columns) -> Columns:
    models = found.models[:MOST_MODELS]
    intervals = tuple(one for one in found.intervals if one.model in models)
    return replace(found, models=models, intervals=intervals)


def _roles(frame: pd.DataFrame) -> Columns:
    """Roles with all columns of predictions, however many there are."""
    numeric = numeric_columns(frame)
    if len(numeric) < 2:
        raise TableError(
            "the table needs a true target and at least one prediction, in two columns of numbers; "
            f"{len(numeric) or 'none'} of its columns ({', '.join(map(str, frame.columns[:8]))}) can be "
            "read as numbers"
        )
    sample = _sample(frame, numeric)
    target = _column_named(numeric, _TARGET_NAMES) or _most_correlated(sample, numeric)
    train = _column_named([c for c in numeric if c != target], _TRAINING_NAMES)
    others = [column for column in numeric if column not in (target, train)]
    limits, used = interval_columns.candidates(sample, others)
    models = _models(sample, target, others, used)
    intervals = interval_columns.assigned(limits, models)
    left = [c for c in frame.columns if c not in (target, train, *models, *used)]
    return Columns(
        target,
        models,
        train,
        _category(frame, left, numeric),
        intervals=tuple(made[0] for made in intervals.values()),
    )


def _models(
    sample: pd.DataFrame, target: str, others: Sequence[str], used: set[str]
) -> tuple[str, ...]:
    """Columns named like predictions, else those that are correlated with the target."""
    possible = [c for c in others if c not in used and not _is_no_prediction(c)] or list(others)
    models = [column for column in possible if _is_prediction_name(column)]
    if not models:
        ids = set(long_format.id_columns(sample))
        correlated = [c for c in possible if _correlation(sample[target], sample[c]) > _CORRELATED]
        models = [c for c in correlated if c not in ids] or correlated or possible
    return tuple(models)


def _category(frame: pd.DataFrame, left: Sequence[str], numeric: Sequence[str]) -> str | None:
    """First column of words with few different values, else of codes."""
    texts = [c for c in left if c not in numeric and 2 <= frame[c].nunique() <= 50]
    codes = [c for c in left if c in numeric and frame[c].nunique() <= 20]
    return next(iter([*texts, *codes]), None)


def numeric_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that hold numbers."""
    return [column for column in frame.columns if _is_numeric(frame[column])]


def _sample(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the first rows of columns as numbers."""
    head = frame.head(_SAMPLE)
    return pd.DataFrame({name: numbers.as_numbers(head[name])[0] for name in columns})


def _is_numeric(column: pd.Series) -> bool:
    try:
        numbers.as_numbers(column.head(_SAMPLE))
    except TableError:
        return False
    return not pd.api.types.is_bool_dtype(column)


def _is_prediction_name(column: str) -> bool:
    return bool(_PREDICTION.search(column.lower()))


def _is_no_prediction(column: str) -> bool:
    return bool(_NOT_PREDICTIONS & set(re.findall(r"[a-z]+", column.lower())))


def _most_correlated(sample: pd.DataFrame, numeric: Sequence[str]) -> str:
    """Column with the highest sum of correlations, of those not named like a prediction."""
    candidates = [c for c in numeric if not _is_prediction_name(c)] or numeric
    others = numeric[:50]
    score = {
        a: sum(_correlation(sample[a], sample[b]) for b in others if b != a)
        for a in candidates[:50]
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
    """Rank correlation; 0 where it is undefined."""
    with np.errstate(invalid="ignore"):
        value = pd.DataFrame({"a": target, "b": column}).corr("spearman").to_numpy()[0, 1]
    return 0.0 if np.isnan(value) else float(value)


def training_targets(frame: pd.DataFrame, name: str, target: str) -> Training:
    """Return the training targets from a table of their own.

    Parameters
    ----------
    frame : DataFrame
        The table.
    name : str
        Name of its file, for messages.
    target : str
        Name of the target column; another name is accepted if only one column holds numbers.

    Returns
    -------
    Training
        The targets, with missing ones.

    Raises
    ------
    TableError
        If the column cannot be identified or has no finite number.
    """
    numeric = numeric_columns(frame)
    column = target if target in numeric else next(iter(numeric), None)
    if column is None or (column != target and len(numeric) > 1):
        raise TableError(f"{name} needs a column called {target}, or exactly one column of numbers")
    values = numbers.as_numbers(frame[column])[0]
    if not np.isfinite(values).any():
        raise TableError(f"{name} has no finite number in the column {column}")
    return Training(values, f"{column} of {name}")
