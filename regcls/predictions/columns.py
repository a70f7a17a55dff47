"""Column roles of a table of predictions, and its columns as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regcls.io import numbers
from regcls.io.reading import TableError
from regcls.predictions import missing_marks
from regcls.predictions.interval_columns import IntervalColumns
from regcls.predictions.long_format import MOST_MODELS, LongFormat
from regcls.predictions.missing_marks import MissingMark

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


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
    intervals : tuple of IntervalColumns
        Prediction intervals, at most one per model.
    long : LongFormat, optional
        Columns of the original table, if that has one row per sample and model.
    """

    target: str
    models: tuple[str, ...]
    train: str | None = None
    category: str | None = None
    group: str | None = None
    intervals: tuple[IntervalColumns, ...] = ()
    long: LongFormat | None = None

    @property
    def summary(self) -> str:
        """Which column has which role, as one sentence.

        Examples
        --------
        >>> Columns("y_true", ("reg", "reg+cls"), category="site").summary
        'y_true is the target; reg and reg+cls are predictions; site is the segment.'
        """
        parts = [f"{self.target} is the target"]
        parts += [_listed(self.models, "prediction")] if self.models else []
        if self.long is not None:
            parts[-1] += f" (column {self.long.prediction}: {self.long.text})"
        parts += [interval.text for interval in self.intervals]
        optional = {
            "the training target": self.train,
            "the segment": self.category,
            "the group": self.group,
        }
        parts += [f"{name} is {role}" for role, name in optional.items() if name is not None]
        return f"{'; '.join(parts)}."

    def to_dict(self) -> dict[str, Any]:
        """Return the roles as plain values, with their ``summary``."""
        return {"summary": self.summary} | asdict(self)


@dataclass(frozen=True)
class Limits:
    """Prediction intervals of one model; NaN in rows without one.

    Attributes
    ----------
    lower, upper : ndarray of shape (N,)
        Their ends, in target units.
    columns : IntervalColumns
        The columns they are from, with the nominal level.
    """

    lower: Floats
    upper: Floats
    columns: IntervalColumns


@dataclass(frozen=True)
class Training:
    """Training targets as they are in their file.

    Attributes
    ----------
    values : ndarray of shape (M,)
        Targets; NaN where there is no number.
    name : str
        Name of their column in messages.
    """

    values: Floats
    name: str = "training targets"


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
        Sentences on rows that were left out, with an example, and on how numbers were read.
    intervals : mapping of str to Limits
        Prediction intervals by model.
    marks : tuple of MissingMark
        Numbers that probably stand for missing values and are still among the targets or
        predictions.
    columns : Columns, optional
        Where the arrays are from.
    """

    y: Floats
    predictions: Mapping[str, Floats]
    rows: Rows
    train: Floats | None = None
    category: np.ndarray | None = None
    group: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    intervals: Mapping[str, Limits] = field(default_factory=dict)
    marks: tuple[MissingMark, ...] = ()
    columns: Columns | None = None


def arrays(
    frame: pd.DataFrame,
    columns: Columns,
    train: Training | None = None,
    missing: Sequence[tuple[str, float]] = (),
    rows: Mapping[str, Rows] | None = None,
) -> Arrays:
    """Return the columns of a table as arrays.

    Rows without a finite number in the target or a prediction are left out; notes count them, each
    with an example.

    Parameters
    ----------
    frame : DataFrame
        A table of targets and predictions.
    columns : Columns
        Names of the columns.
    train : Training, optional
        Training targets from another source; they replace those of ``columns.train``.
    missing : sequence of (str, float)
        Columns with a number that stands for a missing value in them; "" for all columns.
    rows : mapping of str to ndarray, optional
        Numbers of the rows in the original table by column of predictions, from 1, as in
        `regcls.predictions.long_format.Wide`; by default, those in ``frame``.

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
    ([1.0, 2.0], ('Column y: 1 of 3 rows left out: 1 missing, such as row 3 (no number).',))
    """
    _check_columns(frame, columns)
    reader = _Reader(frame, missing, rows or {columns.models[0]: np.arange(len(frame)) + 1})
    complete = np.ones(len(frame), bool)
    values = {}
    for name in (columns.target, *columns.models):
        values[name] = reader.numbers(name)
        complete &= np.isfinite(values[name])
    if not complete.any():
        raise TableError(_no_row(columns, values))
    y = values[columns.target][complete]
    if y.min() == y.max():
        raise TableError(
            f"the target {columns.target} is {y[0]:g} in every row; its values must differ"
        )
    intervals = {one.model: reader.limits(one, values[one.model]) for one in columns.intervals}
    return Arrays(
        y,
        {name: values[name][complete] for name in columns.models},
        reader.row_numbers(columns.target)[complete],
        reader.training(train, columns.train),
        _texts(frame, columns.category, complete),
        _texts(frame, columns.group, complete),
        tuple(reader.notes),
        {
            model: Limits(found.lower[complete], found.upper[complete], found.columns)
            for model, found in intervals.items()
        },
        tuple(reader.marks),
        columns,
    )


class _Reader:
    """Reads columns of numbers and collects notes and missing marks."""

    def __init__(
        self,
        frame: pd.DataFrame,
        missing: Sequence[tuple[str, float]],
        rows: Mapping[str, Rows],
    ) -> None:
        self._frame, self._missing, self._rows = frame, missing, rows
        self.notes: list[str] = []
        self.marks: list[MissingMark] = []

    def row_numbers(self, column: str) -> Rows:
        """Numbers (N,) of the rows that a column is from in the original table."""
        return self._rows.get(column, next(iter(self._rows.values())))

    def numbers(self, column: str) -> Floats:
        """Numbers of the target or a prediction; rows that are not finite are left out later."""
        values = self._converted(column)
        rows = self.row_numbers(column)
        return self._cleaned(values, column, "rows left out", rows, self._frame[column])

    def training(self, given: Training | None, column: str | None) -> Floats | None:
        """Finite training targets from another source or from a column."""
        cells = None
        if given is None and column is not None:
            given, cells = Training(self._converted(column), column), self._frame[column]
        if given is None:
            return None
        rows = np.arange(len(given.values)) + 1
        values = self._cleaned(given.values, given.name, "training targets left out", rows, cells)
        found = values[np.isfinite(values)]
        return found if len(found) else None

    def limits(self, of: IntervalColumns, predicted: Floats) -> Limits:
        """Intervals of a model from its limits, or from its standard deviation."""
        from scipy import stats

        rows, without = self.row_numbers(of.model), "rows without an interval"
        if of.std:
            std = self._limit(of.std)
            kinds = {"negative": std < 0, "missing": np.isnan(std)}
            self._note(of.std, without, kinds, rows, self._frame[of.std])
            reach = stats.norm.isf((1 - of.level) / 2) * np.where(std < 0, np.nan, std)
            return Limits(predicted - reach, predicted + reach, of)
        lower, upper = self._limit(of.lower), self._limit(of.upper)
        for name, values in ((of.lower, lower), (of.upper, upper)):
            self._note(name, without, {"missing": np.isnan(values)}, rows, self._frame[name])
        crossed = {f"above {of.upper}": lower > upper}
        self._note(of.lower, "rows with an empty interval", crossed, rows, self._frame[of.lower])
        return Limits(lower, upper, of)

    def _limit(self, column: str) -> Floats:
        values = self._converted(column)
        return np.where(self._marked(values, column), np.nan, values)

    def _converted(self, column: str) -> Floats:
        values, note = numbers.as_numbers(self._frame[column])
        if note:
            self.notes.append(note)
        return values

    def _cleaned(
        self, values: Floats, name: str, what: str, rows: Rows, cells: pd.Series | None
    ) -> Floats:
        """Make given marks NaN; note what is not finite, and look for further marks."""
        marked = self._marked(values, name)
        kinds = {"missing": np.isnan(values), "infinite": np.isinf(values) & ~marked}
        kinds["marked as missing"] = marked
        self._note(name, what, kinds, rows, cells)
        if marked.any():
            values = np.where(marked, np.nan, values)
        self.marks += missing_marks.find(values, name, rows)
        return values

    def _marked(self, values: Floats, name: str) -> NDArray[np.bool_]:
        """Whether each value is one of the given marks, up to the precision of a 32-bit number."""
        marked = np.zeros(len(values), bool)
        for mark in {mark for column, mark in self._missing if column in ("", name)}:
            marked |= np.isclose(values, mark, rtol=1e-6, atol=0)
        return marked

    def _note(
        self,
        name: str,
        what: str,
        kinds: Mapping[str, np.ndarray],
        rows: Rows,
        cells: pd.Series | None = None,
    ) -> None:
        """Count the rows of each kind, with the number and the cell of the first as an example."""
        parts, count = [], 0
        for kind, where in kinds.items():
            at = np.flatnonzero(where)
            if not len(at):
                continue
            count += len(at)
            cell = "" if cells is None else f" ({_cell(cells.iloc[at[0]])})"
            parts.append(f"{len(at):,} {kind}, such as row {rows[at[0]]:,}{cell}")
        if parts:
            total = f"{count:,} of {len(rows):,} {what}"
            self.notes.append(f"Column {name}: {total}: {'; '.join(parts)}.")


def _cell(value: object) -> str:
    """Return a cell as it is quoted in a note."""
    if isinstance(value, str):
        return repr(value[:30]) if value else "empty"
    return "no number" if value is None or value is pd.NA or value != value else f"{value}"


def _no_row(columns: Columns, values: Mapping[str, Floats]) -> str:
    counts = ", ".join(f"{name} {int(np.isfinite(v).sum()):,}" for name, v in values.items())
    return f"no row has a number in the target and in every prediction; rows with one: {counts}"


def _texts(frame: pd.DataFrame, name: str | None, keep: np.ndarray) -> np.ndarray | None:
    if name is None:
        return None
    return frame[name].astype("string").fillna("(empty)").to_numpy(str)[keep]


def _check_columns(frame: pd.DataFrame, columns: Columns) -> None:
    optional = (columns.train, columns.category, columns.group)
    limits = [name for interval in columns.intervals for name in interval.columns]
    for name in (columns.target, *columns.models, *optional, *limits):
        if name is not None and name not in frame:
            known = ", ".join(map(str, frame.columns[:12]))
            raise TableError(f"the table has no column {name!r}; choose from: {known}")
    if not columns.models:
        raise TableError("choose at least one column of predictions")
    if columns.target in columns.models:
        raise TableError(f"the column {columns.target} cannot be both target and prediction")
    if len(columns.models) > MOST_MODELS:
        raise TableError(f"at most {MOST_MODELS} models can be compared, not {len(columns.models)}")
    for interval in columns.intervals:
        if interval.model not in columns.models:
            raise TableError(f"the interval {interval.label} has no model among the predictions")


def _listed(names: Sequence[str], role: str) -> str:
    if len(names) == 1:
        return f"{names[0]} is the {role}"
    return f"{', '.join(names[:-1])} and {names[-1]} are {role}s"
