"""Tables with one row per sample and model: recognised, and turned into one column per model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regcls.io.reading import TableError

Flags = NDArray[np.bool_]

MOST_MODELS = 8
_MOST_LEVELS = 50  # different values of a column of model names
_MOST_IDS = 8  # columns that may identify a sample and are tried
_TOGETHER = 2 / 3  # share of the samples that must have a row of every model
_MODEL_NAMES = (
    *("model", "method", "algorithm", "estimator", "variant", "run_name", "model_name", "run"),
    *("algo", "regressor", "learner", "approach", "system", "architecture", "arch", "experiment"),
)
_ID_NAMES = (
    *("id", "sample", "sample_id", "uid", "uuid", "image", "img", "file", "filename", "path"),
    *("row", "index", "idx", "key", "name", "subject", "patient", "person", "video", "clip"),
    *("frame", "item", "date", "time", "timestamp", "ds", "unique_id", "fold", "split", "seed"),
)
_ID_WORDS = {"id", "sample", "image", "file", "filename", "index", "idx", "row", "uuid"}


@dataclass(frozen=True)
class LongFormat:
    """Columns of a table with one row per sample and model.

    Attributes
    ----------
    model : str
        Names of the models.
    prediction : str
        Their predictions.
    target : str
        The true target, the same in all rows of a sample.
    ids : tuple of str
        Columns that identify a sample together; without them, the rows of each model are taken to
        be in the same order.
    """

    model: str
    prediction: str
    target: str
    ids: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """How rows are matched, without a capital and full stop."""
        by = f"matched by {' and '.join(self.ids)}" if self.ids else "in the same order per model"
        return f"one row per sample and {self.model}, {by}"


@dataclass(frozen=True)
class Wide:
    """A table with one row per sample.

    Attributes
    ----------
    frame : DataFrame
        The target, one column of predictions per model, and the other columns from the rows of the
        first model.
    models : tuple of str
        Names of the columns of predictions.
    rows : dict of str to ndarray of shape (N,)
        Numbers of the models' rows in the long table, from 1, by the column of predictions.
    notes : tuple of str
        Sentences about rows and models that were left out.
    """

    frame: pd.DataFrame
    models: tuple[str, ...]
    rows: Mapping[str, NDArray[np.int64]]
    notes: tuple[str, ...] = ()


def is_model_column(column: str) -> bool:
    """Return whether a column is named like one of model names."""
    return re.sub(r"[\s.-]+", "_", column.strip().lower()) in _MODEL_NAMES


def id_columns(frame: pd.DataFrame, without: Sequence[str] = ()) -> list[str]:
    """Return the columns that are named like an identifier of samples, the likeliest first."""
    named = {
        re.sub(r"[\s.-]+", "_", c.strip().lower()): c for c in frame.columns if c not in without
    }
    exact = [named[name] for name in _ID_NAMES if name in named]
    parts = [c for name, c in named.items() if _ID_WORDS & set(name.split("_")) and c not in exact]
    return [*exact, *parts][:_MOST_IDS]


def detect(frame: pd.DataFrame, target: str, prediction: str) -> LongFormat | None:
    """Return the roles of a long table, or None if there is one row per sample.

    A column of categories that is merely called "model" does not make a table long: most samples
    must have a row of every model with the same target.

    Parameters
    ----------
    frame : DataFrame
        The table.
    target, prediction : str
        Its only columns of targets and predictions.

    Returns
    -------
    LongFormat or None
        The first column of model names that fits, with the columns that match the most rows.

    Examples
    --------
    >>> table = pd.DataFrame({"model": list("aabb"), "y": [1.0, 2, 1, 2], "pred": [1.5, 2, 1, 3]})
    >>> detect(table, "y", "pred")
    LongFormat(model='model', prediction='pred', target='y', ids=())
    >>> detect(table.assign(y=[1.0, 2, 3, 4]), "y", "pred") is None
    True
    """
    for column in frame.columns:
        if column in (target, prediction) or not is_model_column(column):
            continue
        if not 2 <= frame[column].nunique() <= _MOST_LEVELS:
            continue
        found = LongFormat(column, prediction, target)
        ids = matching(frame, found)
        if ids is not None:
            return LongFormat(column, prediction, target, ids)
    return None


def matching(frame: pd.DataFrame, long: LongFormat) -> tuple[str, ...] | None:
    """Return the columns that match the rows of the models best.

    Parameters
    ----------
    frame : DataFrame
        The long table.
    long : LongFormat
        Its columns; ``ids`` is not used.

    Returns
    -------
    tuple of str or None
        The fewest columns that match the most samples; none if the order of the rows matches all of
        them; None if less than two thirds of the samples have a row of every model.
    """
    named = id_columns(frame, (long.model, long.prediction, long.target))
    tried = [(name,) for name in named]
    best: tuple[str, ...] | None = None
    most = _TOGETHER
    for ids in [*tried, *combinations(named[:5], 2), *combinations(named[:4], 3)]:
        share = _matched(frame, replace(long, ids=ids))
        if share > most + 1e-9:
            best, most = ids, share
        if most >= 1:
            return best
    # Targets that are equal in most rows, such as many zeros, agree in any order.
    return () if _matched(frame, replace(long, ids=())) >= 1 else best


def _matched(frame: pd.DataFrame, long: LongFormat) -> float:
    """Share of the rows whose sample has one row of each model, all with the same target."""
    names = _names(frame, long)[0]
    keyed = _keyed(frame, long, names)
    if keyed.duplicated(["model", "sample"]).mean() > 1 / 3:
        return 0.0
    groups = keyed.drop_duplicates(["model", "sample"]).groupby("sample")["target"]
    whole = (groups.size() == len(names)) & ~_differ(groups.min(), groups.max())
    return float(whole.sum() * len(names) / max(len(keyed), 1))


def _names(frame: pd.DataFrame, long: LongFormat) -> tuple[list[object], list[object]]:
    """Models in the order of the table: the first eight, and those left out."""
    names = frame[long.model].dropna().drop_duplicates().tolist()
    return names[:MOST_MODELS], names[MOST_MODELS:]


def _keyed(frame: pd.DataFrame, long: LongFormat, names: Sequence[object]) -> pd.DataFrame:
    """Model, sample, target and row of each row of these models."""
    rows = np.flatnonzero(frame[long.model].isin(names))
    part = frame.iloc[rows]
    if long.ids:
        sample = part.groupby(list(long.ids), sort=False, dropna=False).ngroup()
    else:
        sample = part.groupby(long.model, sort=False).cumcount()
    return pd.DataFrame(
        {
            "model": part[long.model].to_numpy(),
            "sample": sample.to_numpy(),
            "target": part[long.target].to_numpy(),
            "row": rows,
        }
    )


def _differ(low: pd.Series, high: pd.Series) -> pd.Series:
    """Whether two targets differ by more than rounding; missing ones do not."""
    a, b = low.to_numpy(np.float64), high.to_numpy(np.float64)
    same = np.isclose(a, b, rtol=1e-6, atol=0, equal_nan=True)
    return pd.Series(~same, index=low.index)


def pivot(frame: pd.DataFrame, long: LongFormat, values: Sequence[str] = ()) -> Wide:
    """Return a long table with one row per sample and one column per model.

    Samples without a row of every model are left out, of repeated rows the first is used, and
    samples whose targets differ between models are left out; notes count them.

    Parameters
    ----------
    frame : DataFrame
        The long table, with numbers in the columns of the target and the predictions.
    long : LongFormat
        Its columns.
    values : sequence of str
        Further columns with one value per sample and model, such as the limits of an interval;
        they are named "model_column".

    Returns
    -------
    Wide
        The table with one row per sample.

    Raises
    ------
    TableError
        If a column is missing, there is a single model, or too few rows can be matched.

    Examples
    --------
    >>> table = pd.DataFrame({"model": list("aabb"), "y": [1.0, 2, 1, 2], "pred": [1.5, 2, 1, 3]})
    >>> pivot(table, LongFormat("model", "pred", "y")).frame
         y    a    b
    0  1.0  1.5  1.0
    1  2.0  2.0  3.0
    """
    _check(frame, long)
    names, rest = _names(frame, long)
    keyed = _keyed(frame, long, names)
    notes = _first_notes(frame, long, rest)
    keyed, repeated = _without_repeats(keyed, frame, long)
    whole, incomplete = _with_partners(keyed, frame, long, len(names))
    kept, differing = _same_targets(whole, long)
    notes += [note for note in (repeated, incomplete, differing) if note]
    table = kept.pivot(index="sample", columns="model", values="row")[names]
    rows = table.sort_values(names[0]).to_numpy()  # type: ignore[call-overload]  # any hashable
    others = [c for c in frame if c not in (long.model, long.prediction, *values)]
    made = frame[others].iloc[rows[:, 0]].reset_index(drop=True)
    labels = _labels(names, long.model, made.columns)
    for place, label in enumerate(labels):
        made[label] = frame[long.prediction].to_numpy()[rows[:, place]]
        for value in values:
            made[f"{label}_{value}"] = frame[value].to_numpy()[rows[:, place]]
    numbers = {label: rows[:, place] + 1 for place, label in enumerate(labels)}
    return Wide(made, tuple(labels), numbers, tuple(notes))


def _check(frame: pd.DataFrame, long: LongFormat) -> None:
    for name in (long.model, long.prediction, long.target, *long.ids):
        if name not in frame:
            known = ", ".join(map(str, frame.columns[:12]))
            raise TableError(f"the table has no column {name!r}; choose from: {known}")
    if len({long.model, long.prediction, long.target, *long.ids}) < 3 + len(long.ids):
        raise TableError(
            "the columns of the models, the predictions, the target and the samples must differ"
        )
    levels = frame[long.model].nunique()
    if not 2 <= levels <= _MOST_LEVELS:
        raise TableError(
            f"the column {long.model} has {levels:,} different values; a column of model names "
            f"has 2 to {_MOST_LEVELS}"
        )


def _first_notes(frame: pd.DataFrame, long: LongFormat, rest: Sequence[object]) -> list[str]:
    notes = []
    if rest:
        notes.append(
            f"The first {MOST_MODELS} models of {long.model} are compared; left out: "
            f"{', '.join(map(str, rest))}."
        )
    unnamed = np.flatnonzero(frame[long.model].isna())
    if len(unnamed):
        notes.append(
            f"{len(unnamed):,} of {len(frame):,} rows left out: {long.model} is empty, such as in "
            f"row {unnamed[0] + 1:,}."
        )
    return notes


def _without_repeats(
    keyed: pd.DataFrame, frame: pd.DataFrame, long: LongFormat
) -> tuple[pd.DataFrame, str]:
    again = keyed.duplicated(["model", "sample"])
    if not again.any():
        return keyed, ""
    row = keyed.loc[again, "row"].iloc[0]
    note = (
        f"{int(again.sum()):,} of {len(frame):,} rows left out: their sample occurs before with the "
        f"same model, such as row {row + 1:,} ({_cells(frame, long, row)}); the first is used."
    )
    return keyed[~again], note


def _with_partners(
    keyed: pd.DataFrame, frame: pd.DataFrame, long: LongFormat, models: int
) -> tuple[pd.DataFrame, str]:
    """Keep the samples with a row of every model."""
    alone = (keyed.groupby("sample")["row"].transform("size") < models).to_numpy()
    if alone.all():
        raise TableError(
            f"no sample has a row of every model in {long.model}; choose columns that identify a "
            "sample"
        )
    if not alone.any():
        return keyed, ""
    row = keyed.loc[alone, "row"].iloc[0]
    note = (
        f"{int(alone.sum()):,} of {len(frame):,} rows left out: their sample does not have a row of "
        f"every model, such as row {row + 1:,} ({_cells(frame, long, row)})."
    )
    return keyed[~alone], note


def _same_targets(keyed: pd.DataFrame, long: LongFormat) -> tuple[pd.DataFrame, str]:
    """Keep the samples that have the same target in the rows of all models."""
    groups = keyed.groupby("sample")["target"]
    low, high = groups.transform("min"), groups.transform("max")
    differ = _differ(low, high).to_numpy()
    if not differ.any():
        return keyed, ""
    samples = keyed["sample"].nunique()
    wrong = keyed.loc[differ, "sample"].nunique()
    first = keyed[differ].index[0]
    other = keyed[keyed["sample"] == keyed.loc[first, "sample"]]
    rows = " and ".join(f"{row + 1:,}" for row in other["row"].iloc[[0, -1]])
    example = f"rows {rows}: {long.target} is {low[first]:g} and {high[first]:g}"
    if wrong > samples / 2:
        advice = "choose columns that identify a sample"
        raise TableError(
            f"the targets of the models differ in {wrong:,} of {samples:,} samples ({example}); {advice}"
        )
    note = f"{wrong:,} of {samples:,} samples left out: their targets differ between models ({example})."
    return keyed[~differ], note


def _cells(frame: pd.DataFrame, long: LongFormat, row: int) -> str:
    """Return the cells of a row that identify its model and sample."""
    names = (long.model, *long.ids)
    return ", ".join(f"{name} {frame[name].iloc[row]}" for name in names)


def _labels(names: Sequence[object], model: str, taken: Sequence[str]) -> list[str]:
    """Return unique names of the columns of predictions; a number gets the name of its column."""
    labels: list[str] = []
    for name in names:
        number = isinstance(name, int | float | np.number)
        text = f"{model} {name:g}" if number else str(name).strip() or "(empty)"
        while text in taken or text in labels:
            text += f" ({model})"
        labels.append(text)
    return labels
