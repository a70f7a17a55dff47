"""Column types and values of a table: the target, numbers, and categories as codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regcls.exceptions import UserError
from regcls.tabular import split_column
from regcls.tabular.leaks import Suspicion, check_category, check_number

NUMBER, CATEGORY = "number", "category"
MAX_LEVELS = 200  # text columns with more distinct values are left out
MAX_DISTINCT_SHARE = 0.5  # as are those in which more than this share of the rows differ
MIN_NUMERIC_SHARE = 0.9  # of the non-empty cells of a column of numbers
MAX_INPUTS = 300  # inputs of a network; beyond these, the F-test on the training rows selects
_MISSING = "(missing)"  # level of the empty cells of a category


@dataclass(frozen=True)
class Column:
    """One usable column.

    Attributes
    ----------
    name : str
        Column name in the table.
    kind : {"number", "category"}
        Column type.
    levels : tuple of str
        Levels of a category, most frequent first; empty for a number.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """A table prepared for the comparison.

    Attributes
    ----------
    target : str
        Name of the target column.
    columns : tuple of Column
        The p columns to predict from.
    values : ndarray of shape (n, p)
        Numbers and category codes; NaN where missing.
    y : ndarray of shape (n,)
        Targets, all finite.
    rows : ndarray of shape (n,)
        Positions of the rows in the original table.
    groups : ndarray of shape (n,) or None
        Group number of each row; a group is held out as a whole.
    parts : ndarray of shape (n,) or None
        Part of each row in a given split, see `regcls.tabular.split_column`.
    notes : tuple of str
        What was changed or left out, as sentences.
    suspicions : tuple of Suspicion
        Columns that may leak the target, whether they are used or not.
    """

    target: str
    columns: tuple[Column, ...]
    values: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    groups: np.ndarray | None = None
    parts: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    suspicions: tuple[Suspicion, ...] = ()


def unique_names(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Make column names unique by numbering repeated ones.

    Parameters
    ----------
    frame : DataFrame
        The table. Names that are not strings are converted.

    Returns
    -------
    DataFrame
        The table with unique names.
    list of str
        One sentence per renamed column.

    Examples
    --------
    >>> table, notes = unique_names(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    >>> list(table)
    ['a', 'a (2)']
    """
    seen: dict[str, int] = {}
    names: list[str] = []
    notes: list[str] = []
    for name in map(str, frame.columns):
        seen[name] = seen.get(name, 0) + 1
        new = name if seen[name] == 1 else f"{name} ({seen[name]})"
        while new in names:
            seen[name] += 1
            new = f"{name} ({seen[name]})"
        if new != name:
            notes.append(f"Several columns are named “{name}”; a later one was renamed “{new}”.")
        names.append(new)
    return frame.set_axis(names, axis=1), notes


def target_values(frame: pd.DataFrame, target: str) -> np.ndarray:
    """Return the target column as numbers.

    Parameters
    ----------
    frame : DataFrame
        The table, n rows.
    target : str
        Name of the target column.

    Returns
    -------
    ndarray of shape (n,)
        Numbers; NaN where the target is missing or infinite.

    Raises
    ------
    UserError
        If there is no such column, or if it has dates, text or a single value.
    """
    if target not in frame:
        raise UserError(f"there is no column “{target}”; choose one of the table's columns")
    series = frame[target]
    if is_date(series):
        raise UserError(
            f"“{target}” contains dates; convert them to numbers first, such as days since a date"
        )
    numbers = to_numbers(series)
    if numbers is None:
        raise UserError(_reason(series))
    finite = numbers[np.isfinite(numbers)]
    if len(finite) and finite.min() == finite.max():
        raise UserError(
            f"“{target}” is {finite[0]:g} in every row, so there is nothing to predict; "
            "choose another column"
        )
    return np.where(np.isfinite(numbers), numbers, np.nan)


def make_problem(
    frame: pd.DataFrame,
    target: str,
    leave_out: Sequence[str] | None = None,
    group: str | None = None,
    notes: Sequence[str] = (),
    split: str | None = None,
) -> Problem:
    """Prepare a table for the comparison: detect column types, code categories, find leaks.

    Parameters
    ----------
    frame : DataFrame
        The table, one row per sample.
    target : str
        Name of the column to predict.
    leave_out : sequence of str, optional
        Columns that are not used. Without it, the columns that certainly leak the target are left
        out.
    group : str, optional
        Column whose equal values mark rows that belong together, such as a person.
    notes : sequence of str
        Sentences to put before the notes of this function.
    split : str, optional
        Column with train, val or test for each row; see `regcls.tabular.split_column`.

    Returns
    -------
    Problem
        The prepared table, without the rows that have no target.

    Raises
    ------
    UserError
        If the target cannot be predicted, no column remains to predict from, or ``split`` is not a
        split.

    Examples
    --------
    >>> table = pd.DataFrame({"size": [1.0, 2.0, 3.0], "y": [2.0, 4.0, None]})
    >>> problem = make_problem(table, "y")
    >>> problem.columns, problem.y.tolist()
    ((Column(name='size', kind='number', levels=()),), [2.0, 4.0])
    """
    frame, renamed = unique_names(frame)
    all_notes = [*notes, *renamed]
    y = target_values(frame, target)
    rows = np.flatnonzero(np.isfinite(y))
    if lost := len(y) - len(rows):
        has = "s have" if lost > 1 else " has"
        were = "were" if lost > 1 else "was"
        all_notes.append(f"{lost} row{has} no finite target and {were} left out.")
    all_notes += _number_notes(frame[target])
    frame, y = frame.iloc[rows], y[rows]
    kept_parts = None if split is None else split_column.parts(frame[split])
    if kept_parts is not None:
        all_notes.append(f"The split “{split}” is kept: {split_column.summary(kept_parts)}.")
    others = [name for name in frame.columns if name not in (target, group, split)]
    found = [_column(frame[name], str(name), all_notes) for name in others]
    usable = [pair for pair in found if pair is not None]
    suspicions = _suspicions(usable, y)
    out = {s.column for s in suspicions if s.certain} if leave_out is None else set(leave_out)
    kept = [(column, values) for column, values in usable if column.name not in out]
    if not kept:
        raise UserError("no column is left to predict from; add columns of numbers or categories")
    if len(kept) > MAX_INPUTS:
        all_notes.append(
            f"Of {len(kept):,} columns, the {MAX_INPUTS} most related to the target in the training "
            "rows are used (F-test)."
        )
    return Problem(
        target=target,
        columns=tuple(column for column, _ in kept),
        values=np.column_stack([values for _, values in kept]),
        y=y,
        rows=rows,
        groups=None if group is None else pd.factorize(frame[group].astype(str))[0],
        parts=kept_parts,
        notes=tuple(all_notes),
        suspicions=tuple(suspicions),
    )


def encode(frame: pd.DataFrame, columns: Sequence[Column]) -> np.ndarray:
    """Code new rows in the same way as the training table.

    Parameters
    ----------
    frame : DataFrame
        New rows, m of them, with at least the given columns.
    columns : sequence of Column
        The p columns of the training table.

    Returns
    -------
    ndarray of shape (m, p)
        Numbers and category codes; NaN where a number is missing. The code of an unknown category
        is the number of known levels.

    Raises
    ------
    UserError
        If columns are missing, or a column of numbers has none.

    Examples
    --------
    >>> kind = Column("kind", "category", ("small", "large"))
    >>> encode(pd.DataFrame({"kind": ["large", "huge"]}), [kind]).ravel()
    array([1., 2.])
    """
    frame, _ = unique_names(frame)
    missing = [column.name for column in columns if column.name not in frame]
    if missing:
        raise UserError(f"the new rows lack the column “{'”, “'.join(missing[:5])}”")
    arrays = []
    for column in columns:
        series = frame[column.name]
        if column.kind == NUMBER:
            numbers = _new_numbers(series)
            arrays.append(np.where(np.isfinite(numbers), numbers, np.nan))
        else:
            arrays.append(_codes(series, column.levels))
    return np.column_stack(arrays)


def _new_numbers(series: pd.Series) -> np.ndarray:
    """Return a column of new rows as float64 (m,); raise if none of its filled cells is numeric.

    Its numbers would otherwise all be replaced by the training rows' median.
    """
    numbers = _numbers(series)
    if np.isnan(numbers).all() and series.notna().any() and not _is_numeric(series):
        raise UserError(f"the new rows do not fit the training table: {_reason(series)}")
    return numbers


def to_numbers(series: pd.Series) -> np.ndarray | None:
    """Return a column as numbers if at least 90% of its non-empty cells are numeric.

    Parameters
    ----------
    series : Series
        The column, n cells; numbers may be given as text.

    Returns
    -------
    ndarray of shape (n,) or None
        Numbers, float64, NaN where a cell is not numeric; None if too few cells are.

    Examples
    --------
    >>> to_numbers(pd.Series(["1", "2.5", ""]))
    array([1. , 2.5, nan])
    """
    if _is_numeric(series):
        return None if pd.api.types.is_complex_dtype(series) else _numbers(series)
    numbers = _numbers(series)
    text = series.astype("string").str.strip()
    filled = (text.notna() & (text != "")).to_numpy(bool)
    if not filled.any():
        return None
    return numbers if np.isfinite(numbers[filled]).mean() >= MIN_NUMERIC_SHARE else None


def _reason(series: pd.Series) -> str:
    """Return why a column is not numeric, for an error message."""
    from regcls.io.numbers import as_numbers
    from regcls.io.reading import TableError

    try:
        as_numbers(series)
    except TableError as error:
        return str(error)
    share = f"{MIN_NUMERIC_SHARE:.0%}"
    return f"“{series.name}” has numbers in fewer than {share} of its cells; choose another column"


def _numbers(series: pd.Series) -> np.ndarray:
    """Return a column as float64 (n,), NaN where a cell is not a number."""
    nothing = np.full(len(series), np.nan)
    if _is_numeric(series):
        if pd.api.types.is_complex_dtype(series):
            return nothing
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if is_date(series):
        return nothing
    from regcls.io.numbers import as_numbers
    from regcls.io.reading import TableError

    try:
        return as_numbers(series)[0]
    except TableError:
        return nothing


def _is_numeric(series: pd.Series) -> bool:
    return pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series)


def _number_notes(series: pd.Series) -> list[str]:
    """Return a note on how a text column was read as numbers, if there is one."""
    if _is_numeric(series):
        return []
    from regcls.io.numbers import as_numbers

    note = as_numbers(series)[1]
    return [note] if note else []


def _column(series: pd.Series, name: str, notes: list[str]) -> tuple[Column, np.ndarray] | None:
    """Return the column with its values (n,), or None after adding a note on why it is left out."""
    if is_date(series):
        notes.append(f"“{name}” contains dates and was left out.")
        return None
    if series.map(lambda v: isinstance(v, (list, dict, set, tuple, np.ndarray, bytes))).any():
        notes.append(f"“{name}” contains lists or other compound values and was left out.")
        return None
    numbers = to_numbers(series)
    if numbers is None:
        return _category(series, name, notes)
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        notes.append(f"“{name}” has {infinite} infinite values, which are treated as missing.")
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    if len(np.unique(numbers[np.isfinite(numbers)])) < 2 and not np.isnan(numbers).any():
        notes.append(f"“{name}” has the same value in every row and was left out.")
        return None
    if np.isnan(numbers).all():
        notes.append(f"“{name}” is empty and was left out.")
        return None
    if share := np.isnan(numbers).mean():
        notes.append(
            f"“{name}” is missing in {share:.1%} of the rows; the median of the training rows is "
            "used there."
        )
    notes.extend(_number_notes(series))
    return Column(name, NUMBER), numbers


def _category(series: pd.Series, name: str, notes: list[str]) -> tuple[Column, np.ndarray] | None:
    counts = series.astype("string").fillna(_MISSING).value_counts()
    if len(counts) < 2:
        notes.append(f"“{name}” has the same value in every row and was left out.")
        return None
    if len(counts) > max(MAX_DISTINCT_SHARE * len(series), 2) or len(counts) > MAX_LEVELS:
        notes.append(
            f"“{name}” has {len(counts)} distinct texts, like names or free text, and was left out."
        )
        return None
    levels = tuple(map(str, counts.index))
    return Column(name, CATEGORY, levels), _codes(series, levels)


def _codes(series: pd.Series, levels: tuple[str, ...]) -> np.ndarray:
    """Return the position of each value among ``levels`` (n,); ``len(levels)`` if unknown."""
    text = series.astype("string").fillna(_MISSING)
    place = {level: float(i) for i, level in enumerate(levels)}
    return text.map(place).fillna(len(levels)).to_numpy(dtype=np.float64)


def is_date(series: pd.Series) -> bool:
    """Return whether a column has dates or times, also as text."""
    if pd.api.types.is_datetime64_any_dtype(series) or pd.api.types.is_timedelta64_dtype(series):
        return True
    if pd.api.types.is_numeric_dtype(series):
        return False
    some = series.dropna().head(50).astype(str)
    if some.empty or not some.str.contains(r"\d[-/.:]\d+[-/.:T ]\d", regex=True).mean() > 0.9:
        return False
    return bool(pd.to_datetime(some, errors="coerce", format="mixed").notna().mean() > 0.9)


def _suspicions(usable: list[tuple[Column, np.ndarray]], y: np.ndarray) -> list[Suspicion]:
    """Return the columns that identify the row or leak the target, the certain ones first."""
    found = [
        (check_number if column.kind == NUMBER else check_category)(column.name, values, y)
        for column, values in usable
    ]
    return sorted((s for s in found if s is not None), key=lambda s: not s.certain)
