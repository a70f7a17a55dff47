"""What the columns of a table are, and which of them would tell the target's answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from regcls.exceptions import UserError

NUMBER, CATEGORY = "number", "category"
MOST_LEVELS = 200  # a text column of more different values is left out
FREE_TEXT = 0.5  # … and so is one where more than this share of the rows differ
MIN_LEVELS_CHECKED = 20  # rows from which a rank correlation says something
MOST_INPUTS = 300  # of a network; of more, those most related to the target in the training rows
COPY_RANK, CLOSE_RANK = 0.9995, 0.98
_ID_NAME = re.compile(r"(^|[_\s.-])(id|idx|index|uuid|guid|key|rownames?|unnamed: ?\d+)$", re.I)


class AdviseError(UserError):
    """The table cannot be worked on; the message is one sentence that says why."""


@dataclass(frozen=True)
class Column:
    """One usable column. ``kind``: number or category; ``levels``: the category's names."""

    name: str
    kind: str
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suspicion:
    """A column that may tell the answer; ``certain``: left out unless a person puts it back."""

    column: str
    reason: str
    certain: bool


@dataclass(frozen=True)
class Problem:
    """A table ready for the comparison: codes and numbers (n, p) with NaN where missing.

    ``y`` (n,) finite; ``rows`` (n,) are positions in the table that was given; ``groups`` (n,) or
    None marks rows that belong together; ``notes`` say what was left out.
    """

    target: str
    columns: tuple[Column, ...]
    values: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    groups: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    suspicions: tuple[Suspicion, ...] = field(default=())


def unique_names(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with one name a column; a name that comes again gets a number, and a note."""
    seen: dict[str, int] = {}
    names, notes = [], []
    for name in map(str, frame.columns):
        seen[name] = seen.get(name, 0) + 1
        new = name if seen[name] == 1 else f"{name} ({seen[name]})"
        while new in names:
            seen[name] += 1
            new = f"{name} ({seen[name]})"
        if new != name:
            notes.append(f"Two columns are called “{name}”; the later one is now “{new}”.")
        names.append(new)
    return frame.set_axis(names, axis=1), notes


def target_values(frame: pd.DataFrame, target: str) -> np.ndarray:
    """The target (n,) as numbers, NaN where it is missing or infinite. Raises ``AdviseError``."""
    if target not in frame:
        raise AdviseError(f"there is no column “{target}”; choose one of the table's columns")
    series = frame[target]
    if _is_date(series):
        raise AdviseError(
            f"“{target}” holds dates; turn them into a number first, such as days since a date"
        )
    numbers = numbers_of(series)
    if numbers is None:
        raise AdviseError(f"“{target}” does not hold numbers; choose a column that does")
    finite = numbers[np.isfinite(numbers)]
    if len(finite) and finite.min() == finite.max():
        raise AdviseError(
            f"“{target}” is {finite[0]:g} in every row, so there is nothing to predict"
        )
    return np.where(np.isfinite(numbers), numbers, np.nan)


def possible_targets(frame: pd.DataFrame) -> list[str]:
    """Columns that hold different numbers, those of most different values first."""
    found = []
    for name in frame.columns:
        numbers = None if _is_date(frame[name]) else numbers_of(frame[name])
        if numbers is not None:
            different = len(np.unique(numbers[np.isfinite(numbers)]))
            if different > 1:
                found.append((different <= 10, name))
    return [name for _, name in sorted(found, key=lambda f: f[0])]


def problem(
    frame: pd.DataFrame,
    target: str,
    leave_out: tuple[str, ...] | None = None,
    group: str | None = None,
    notes: tuple[str, ...] = (),
) -> Problem:
    """The table as a problem; ``leave_out`` None leaves out the columns that surely tell the answer.

    Raises ``AdviseError`` where nothing can be learned from it.
    """
    frame, renamed = unique_names(frame)
    notes = [*notes, *renamed]
    y = target_values(frame, target)
    rows = np.flatnonzero(np.isfinite(y))
    if lost := len(y) - len(rows):
        notes.append(
            f"{lost} row{'s have' if lost > 1 else ' has'} no finite target and "
            f"{'are' if lost > 1 else 'is'} left out."
        )
    notes += _note_of(frame[target])
    frame, y = frame.iloc[rows], y[rows]
    columns, arrays = [], []
    others = [name for name in frame.columns if name not in (target, group)]
    for name in others:
        made = _column(frame[name], str(name), notes)
        if made is not None:
            columns.append(made[0])
            arrays.append(made[1])
    suspicions = _suspicions(columns, arrays, y)
    out = {w.column for w in suspicions if w.certain} if leave_out is None else set(leave_out)
    kept = [i for i, column in enumerate(columns) if column.name not in out]
    if not kept:
        raise AdviseError("no column is left to predict from; add columns of numbers or categories")
    if len(kept) > MOST_INPUTS:
        notes.append(
            f"Of {len(kept):,} columns the {MOST_INPUTS} most related to the target in the training "
            "rows are used (F-test)."
        )
    return Problem(
        target=target,
        columns=tuple(columns[i] for i in kept),
        values=np.column_stack([arrays[i] for i in kept]),
        y=y,
        rows=rows,
        groups=None if group is None else pd.factorize(frame[group].astype(str))[0],
        notes=tuple(notes),
        suspicions=tuple(suspicions),
    )


def encode(frame: pd.DataFrame, columns: tuple[Column, ...]) -> np.ndarray:
    """New rows (n, p) in the manner of ``columns``; unknown categories get a code of their own.

    Raises ``AdviseError`` naming the columns that the table lacks.
    """
    frame, _ = unique_names(frame)
    missing = [column.name for column in columns if column.name not in frame]
    if missing:
        raise AdviseError(f"the new rows lack the column “{'”, “'.join(missing[:5])}”")
    arrays = []
    for column in columns:
        series = frame[column.name]
        if column.kind == NUMBER:
            numbers = numbers_of(series, at_least=0.0)
            arrays.append(np.where(np.isfinite(numbers), numbers, np.nan))
        else:
            arrays.append(_codes(series, column.levels))
    return np.column_stack(arrays)


def numbers_of(series: pd.Series, at_least: float = 0.9) -> np.ndarray | None:
    """The column as float64 (n,), or None where fewer than ``at_least`` of its cells are numbers."""
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
        if pd.api.types.is_complex_dtype(series):
            return None
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if _is_date(series):
        return None if at_least else np.full(len(series), np.nan)
    from regcls.io.numbers import as_numbers
    from regcls.io.tables import TableError

    try:
        numbers, _ = as_numbers(series)
    except TableError:
        return None if at_least else np.full(len(series), np.nan)
    text = series.astype("string").str.strip()
    given = (text.notna() & (text != "")).to_numpy(bool)
    return numbers if np.isfinite(numbers[given]).mean() >= at_least else None


def _note_of(series: pd.Series) -> list[str]:
    """How a column of texts was read as numbers, if there is something to say."""
    if pd.api.types.is_bool_dtype(series) or pd.api.types.is_numeric_dtype(series):
        return []
    from regcls.io.numbers import as_numbers

    note = as_numbers(series)[1]
    return [note] if note else []


def _column(series: pd.Series, name: str, notes: list[str]) -> tuple[Column, np.ndarray] | None:
    """The column with its values (n,), or None and a note why it is left out."""
    if _is_date(series):
        notes.append(f"“{name}” holds dates and is left out.")
        return None
    if series.map(lambda v: isinstance(v, (list, dict, set, tuple, np.ndarray, bytes))).any():
        notes.append(f"“{name}” holds lists or other things that are no single value: left out.")
        return None
    numbers = numbers_of(series)
    if numbers is not None:
        infinite = int(np.isinf(numbers).sum())
        if infinite:
            notes.append(f"“{name}” has {infinite} infinite values, which count as missing.")
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        if len(np.unique(numbers[np.isfinite(numbers)])) < 2 and not np.isnan(numbers).any():
            notes.append(f"“{name}” is the same in every row and is left out.")
            return None
        if np.isnan(numbers).all():
            notes.append(f"“{name}” is empty and is left out.")
            return None
        if share := np.isnan(numbers).mean():
            notes.append(
                f"“{name}”: {share:.1%} missing; the median of the training rows stands in."
            )
        notes.extend(_note_of(series))
        return Column(name, NUMBER), numbers
    return _category(series, name, notes)


def _category(series: pd.Series, name: str, notes: list[str]) -> tuple[Column, np.ndarray] | None:
    text = series.astype("string").fillna("(missing)")
    counts = text.value_counts()
    if len(counts) < 2:
        notes.append(f"“{name}” is the same in every row and is left out.")
        return None
    many = len(counts) > max(FREE_TEXT * len(text), 2) or len(counts) > MOST_LEVELS
    if many:
        notes.append(
            f"“{name}” has {len(counts)} different texts, as names or free text have: left out."
        )
        return None
    levels = tuple(map(str, counts.index))
    return Column(name, CATEGORY, levels), _codes(series, levels)


def _codes(series: pd.Series, levels: tuple[str, ...]) -> np.ndarray:
    """Position of each value among ``levels`` (n,); one that is unknown gets their number."""
    text = series.astype("string").fillna("(missing)")
    place = {level: float(i) for i, level in enumerate(levels)}
    return text.map(place).fillna(len(levels)).to_numpy(dtype=np.float64)


def _is_date(series: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(series) or pd.api.types.is_timedelta64_dtype(series):
        return True
    if pd.api.types.is_numeric_dtype(series):
        return False
    some = series.dropna().head(50).astype(str)
    if some.empty or not some.str.contains(r"\d[-/.:]\d+[-/.:T ]\d", regex=True).mean() > 0.9:
        return False
    return bool(pd.to_datetime(some, errors="coerce", format="mixed").notna().mean() > 0.9)


def _suspicions(columns: list[Column], arrays: list[np.ndarray], y: np.ndarray) -> list[Suspicion]:
    """Columns that name the row or follow from the target, the surest first."""
    if len(y) < MIN_LEVELS_CHECKED:
        return []
    found = []
    for column, values in zip(columns, arrays, strict=True):
        if column.kind == NUMBER:
            found += _number_suspicions(column.name, values, y)
        else:
            found += _category_suspicions(column.name, values, y)
    return sorted(found, key=lambda w: not w.certain)


def _number_suspicions(name: str, values: np.ndarray, y: np.ndarray) -> list[Suspicion]:
    from scipy import stats

    known = np.isfinite(values)
    whole = bool((values[known] == np.round(values[known])).all())
    distinct = len(np.unique(values[known]))
    if whole and distinct == len(values):
        steady = len(set(np.diff(values).tolist())) == 1
        if steady or _ID_NAME.search(name):
            return [Suspicion(name, "it numbers the rows, as an id does", True)]
    if known.sum() < MIN_LEVELS_CHECKED or distinct < 3:
        return []
    if np.array_equal(values[known], y[known]):
        return [Suspicion(name, "it is a copy of the target", True)]
    rank = abs(float(stats.spearmanr(values[known], y[known]).statistic))
    if rank >= COPY_RANK:
        return [Suspicion(name, "it orders the rows just as the target does", True)]
    if rank >= CLOSE_RANK:
        said = f"it orders the rows almost as the target does (rank correlation {rank:.3f})"
        return [Suspicion(name, said, False)]
    if _ID_NAME.search(name):
        return [Suspicion(name, "its name is that of an id", False)]
    return []


def _category_suspicions(name: str, codes: np.ndarray, y: np.ndarray) -> list[Suspicion]:
    code, y = codes.astype(int), y - y.mean()
    counts = np.bincount(code)
    filled = np.maximum(counts, 1)
    spread = (np.bincount(code, y**2) / filled - (np.bincount(code, y) / filled) ** 2) @ counts
    repeated = (counts > 1).sum() > 1
    if repeated and spread / len(y) < 1e-4 * y.var():
        return [Suspicion(name, "each of its values has one value of the target", True)]
    if _ID_NAME.search(name):
        return [Suspicion(name, "its name is that of an id", False)]
    return []
