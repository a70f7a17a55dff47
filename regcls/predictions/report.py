"""Door one: somebody's predictions → errors per target range, and what they say, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from regcls.io import tables
from regcls.io.tables import TableError
from regcls.stats import bins
from regcls.stats.errors import ErrorReport

KINDS = {
    "count": "equally wide, this many",
    "width": "of this width",
    "quantile": "as many targets in each, this many",
    "edges": "own edges",
}
RANGES = 10
MOST_RANGES = 200
MOST_MODELS = 8
WORST = 20
SEGMENTS = 12
CELLS = 60  # of the density, a side
BANDS = (0.1, 0.5, 0.9)  # quantiles of the predictions in a range
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


# What is what


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
        tables.as_numbers(column.head(1000))
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
    pair = pd.DataFrame({"a": tables.as_numbers(target.head(1000))[0]})
    pair["b"] = tables.as_numbers(column.head(1000))[0]
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
        values[name], note = tables.as_numbers(frame[name])
        fine, lost = tables.finite(values[name], name)
        good &= fine
        notes += [said for said in (note, lost) if said]
    if not good.any():
        raise TableError("No row has a number in the target and in every prediction.")
    y = values[columns.target][good]
    if y.min() == y.max():
        raise TableError(f"The target {columns.target} is {y[0]:g} in every row: nothing varies.")
    if columns.train is not None and train is None:
        found, note = tables.as_numbers(frame[columns.train])
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
    values = tables.as_numbers(frame[column])[0]
    return values[np.isfinite(values)]


def edges(found: Arrays, kind: str = "count", size: float = RANGES, own: str = "") -> np.ndarray:
    """Edges (K+1,) of target ranges over targets and training targets.

    ``kind`` of ``KINDS``; ``size``: how many, or how wide; ``own``: edges with commas. Raises
    ``TableError``.
    """
    every = found.y if found.train is None else np.concatenate((found.y, found.train))
    low, high = float(every.min()), float(every.max())
    if kind == "edges":
        return _own_edges(own, found.y)
    if kind == "width":
        if not size > 0 or (high - low) / size > MOST_RANGES:
            raise TableError(f"The width must be above {(high - low) / MOST_RANGES:.3g}.")
        start = np.floor(low / size) * size
        made = start + size * np.arange(int(np.floor((high - start) / size)) + 2)
        return made if made[-2] < high else made[:-1]
    count = int(size)
    if not 1 <= count <= MOST_RANGES:
        raise TableError(f"There must be 1 to {MOST_RANGES} ranges, not {count}.")
    if kind == "quantile":
        basis = found.y if found.train is None else found.train
        inner = np.quantile(basis, np.linspace(0, 1, count + 1))[1:-1]
        return np.unique(np.concatenate(([low], inner[(inner > low) & (inner < high)], [high])))
    if kind != "count":
        raise TableError(f"Ranges are made by {', '.join(KINDS)}, not by {kind!r}.")
    return bins.ranges(low, high, count)


def _own_edges(text: str, y: np.ndarray) -> np.ndarray:
    try:
        made = np.array([float(part) for part in text.replace(";", ",").split(",") if part.strip()])
    except ValueError as error:
        raise TableError("The edges must be numbers with commas between them.") from error
    if len(made) < 2 or not (np.diff(made) > 0).all() or len(made) > MOST_RANGES + 1:
        raise TableError(f"The edges must be 2 to {MOST_RANGES + 1} ascending numbers.")
    if y.min() < made[0] or y.max() > made[-1]:
        raise TableError(
            f"The targets run from {y.min():g} to {y.max():g}; the edges must reach that far."
        )
    return made


# What they say


class Report:
    """All figures of one set of predictions; each is computed when it is asked for, and kept."""

    def __init__(self, found: Arrays, cut: np.ndarray):
        self.arrays, self.edges = found, cut
        self.errors = ErrorReport.from_predictions(
            found.y,
            found.predictions,
            cut,
            y_train=self._inside(found.train, cut),
            clusters=found.group,
        )

    @staticmethod
    def _inside(train: np.ndarray | None, cut: np.ndarray) -> np.ndarray | None:
        return None if train is None else train[(train >= cut[0]) & (train <= cut[-1])]

    @property
    def models(self) -> tuple[str, ...]:
        return self.errors.names

    @property
    def imbalance(self) -> str:
        """How uneven the data is, in words."""
        counts = np.sort(self.errors.counts)[::-1]
        total, ranges = counts.sum(), len(counts)
        enough = int(np.searchsorted(np.cumsum(counts), 0.8 * total)) + 1
        full = counts[counts > 0]
        words = (
            f"{enough} of {ranges} ranges hold 80 % of the {total:,} {self.errors.counted} targets; the "
            f"fullest has {full[0] / full[-1]:,.0f} times as many as the emptiest"
        )
        empty = ranges - len(full)
        return words + (f", and {empty} have none at all." if empty else ".")

    @cached_property
    def shot_names(self) -> tuple[np.ndarray, str]:
        """Shots (K,) of the ranges, and how they were told apart."""
        named = bins.shots(self.errors.counts)
        if len(set(named)) > 1:
            return named, f"many: over 100 {self.errors.counted} targets in a range, few: under 20"
        share = self.errors.counts / max(1, self.errors.counts.max())
        named = np.where(share > 0.5, "many", np.where(share < 0.1, "few", "medium"))
        return named, (
            f"many: over half as many {self.errors.counted} targets as the fullest range, few: under a tenth"
        )

    @cached_property
    def shots(self) -> pd.DataFrame:
        return self.errors.shots(self.shot_names[0])

    @cached_property
    def overall(self) -> pd.DataFrame:
        return self.errors.overall()

    def differences(self, a: str, b: str) -> pd.DataFrame:
        """``a`` minus ``b`` per range (MAE), with intervals; ranges without test targets left out."""
        table = self.errors.difference(a, b)
        return table[table["test"] > 0].reset_index(drop=True)

    @cached_property
    def verdict(self) -> str:
        """The least error against each other model, never more certain than its interval."""
        if len(self.models) == 1:
            row = self.overall.iloc[0]
            return (
                f"{row['model']} is off by {row['mae']:.3g} on average "
                f"[{row['mae_low']:.3g}, {row['mae_high']:.3g}]; give a second column to compare."
            )
        best = str(self.overall.set_index("model")["mae"].idxmin())
        return " ".join(self._against(best, other) for other in self.models if other != best)

    def _against(self, best: str, other: str) -> str:
        found = self.errors.overall_difference(best, other)
        interval = f"[{found['low']:.3g}, {found['high']:.3g}]"
        table = self.differences(best, other)
        better, worse = (table["diff_high"] < 0).sum(), (table["diff_low"] > 0).sum()
        where = f"of {len(table)} ranges, {best} is clearly better in {better} and clearly worse in {worse}"
        by = f"the MAE of {best} minus that of {other} is {found['difference']:.3g} {interval}"
        clear = found["high"] < 0
        verdict = f"{best} errs less than" if clear else f"No clear difference between {best} and"
        return f"{verdict} {other}: {by}; {where}."

    @cached_property
    def density(self) -> pd.DataFrame:
        """How often each prediction goes with each truth: model, true, predicted (cells' low ends
        and ``*_end``), count; empty cells left out."""
        y, parts = self.arrays.y, []
        low = min(y.min(), *(p.min() for p in self.arrays.predictions.values()))
        high = max(y.max(), *(p.max() for p in self.arrays.predictions.values()))
        cut = np.linspace(low, high, CELLS + 1)
        for model, predicted in self.arrays.predictions.items():
            count = np.histogram2d(y, predicted, (cut, cut))[0]
            at = np.nonzero(count)
            parts.append(
                pd.DataFrame(
                    {
                        "model": model,
                        "true": cut[at[0]],
                        "true_end": cut[at[0] + 1],
                        "predicted": cut[at[1]],
                        "predicted_end": cut[at[1] + 1],
                        "count": count[at],
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def bands(self) -> pd.DataFrame:
        """Per model and range the 10 %, 50 % and 90 % quantiles of the residual (prediction −
        truth): model, low, high, middle, q10, q50, q90."""
        which = np.clip(
            np.searchsorted(self.edges, self.arrays.y, side="right") - 1, 0, len(self.edges) - 2
        )
        rows = []
        for model, predicted in self.arrays.predictions.items():
            grouped = pd.Series(predicted - self.arrays.y).groupby(which)
            table = grouped.quantile(BANDS).unstack()
            table.columns = ["q10", "q50", "q90"]
            at = table.index.to_numpy()
            table.insert(0, "high", self.edges[at + 1])
            table.insert(0, "low", self.edges[at])
            table["middle"] = (table["low"] + table["high"]) / 2
            rows.append(table.assign(model=model))
        return pd.concat(rows, ignore_index=True)

    @cached_property
    def worst(self) -> pd.DataFrame:
        """The rows with the largest error of any model, the worst first."""
        every = np.stack(list(self.arrays.predictions.values()))
        size = np.abs(every - self.arrays.y).max(axis=0)
        take = np.argpartition(-size, min(WORST, len(size) - 1))[:WORST]
        take = take[np.argsort(-size[take], kind="stable")]
        table = pd.DataFrame({"row": self.arrays.rows[take], "true": self.arrays.y[take]})
        for model, predicted in self.arrays.predictions.items():
            table[model] = predicted[take]
        table["largest error"] = size[take]
        if self.arrays.category is not None:
            table["category"] = self.arrays.category[take]
        return table

    @cached_property
    def segments(self) -> pd.DataFrame:
        """MAE and bias with intervals for each of the most frequent categories."""
        if self.arrays.category is None:
            return pd.DataFrame()
        names, counts = np.unique(self.arrays.category, return_counts=True)
        rows = []
        for name in names[np.argsort(-counts, kind="stable")][:SEGMENTS]:
            mask = self.arrays.category == name
            one = ErrorReport.from_predictions(
                self.arrays.y[mask],
                {m: p[mask] for m, p in self.arrays.predictions.items()},
                self.edges[[0, -1]],
                clusters=None if self.arrays.group is None else self.arrays.group[mask],
            )
            table = one.table()
            table.insert(0, "segment", name)
            rows.append(table.drop(columns=["low", "high", "train"]))
        return pd.concat(rows, ignore_index=True)
