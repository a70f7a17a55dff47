"""Error report for user-supplied predictions: per-range metrics, intervals, text summary."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from regcls.predictions.columns import Arrays
from regcls.stats import bins
from regcls.stats.errors import ErrorReport

WORST = 20  # rows with the largest errors
SEGMENTS = 12  # categories
CELLS = 60  # of the density, along each axis
BANDS = {"q10": 0.1, "q50": 0.5, "q90": 0.9}  # quantiles of the residuals in a range


class Report:
    """Error report for one set of predictions; figures are computed on first use and cached.

    Parameters
    ----------
    found : Arrays
        Targets, predictions and, if known, training targets, categories and groups. Groups are
        the units of the bootstrap.
    edges : ndarray of shape (K + 1,)
        Edges of the target ranges; they cover all targets.

    Attributes
    ----------
    arrays : Arrays
        The arrays given.
    edges : ndarray of shape (K + 1,)
        The edges given.
    errors : ErrorReport
        Errors per target range with bootstrap intervals.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 2.0, 10.0])
    >>> found = Arrays(y, {"reg": y + 1, "reg+cls": y}, np.arange(1, 5))
    >>> report = Report(found, np.array([0.0, 5.0, 10.0]))
    >>> report.errors.table()["mae"].tolist()
    [1.0, 1.0, 0.0, 0.0]
    >>> report.verdict
    'reg+cls has a lower MAE than reg: the difference is -1 [-1, -1]; of 2 ranges, reg+cls is
    significantly better in 1 and significantly worse in 0.'
    """

    def __init__(self, found: Arrays, edges: np.ndarray) -> None:
        self.arrays, self.edges = found, edges
        train = found.train
        if train is not None:
            train = train[(train >= edges[0]) & (train <= edges[-1])]
        self.errors = ErrorReport.from_predictions(
            found.y, found.predictions, edges, y_train=train, clusters=found.group
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return self.errors.names

    @property
    def imbalance(self) -> str:
        """How unevenly the targets are distributed over the ranges, as a sentence."""
        counts = np.sort(self.errors.counts)[::-1]
        total, ranges = counts.sum(), len(counts)
        needed = int(np.searchsorted(np.cumsum(counts), 0.8 * total)) + 1
        filled = counts[counts > 0]
        text = (
            f"{needed} of {ranges} ranges contain 80 % of the {total:,} {self.errors.counted} "
            f"targets; the ratio of the largest to the smallest is {filled[0] / filled[-1]:,.0f}"
        )
        empty = ranges - len(filled)
        return text + (f", and {empty} {'is' if empty == 1 else 'are'} empty." if empty else ".")

    @cached_property
    def shot_names(self) -> tuple[np.ndarray, str]:
        """Shots (K,) of the ranges, and the thresholds that separate them, in words."""
        kind = self.errors.counted
        labels = bins.shots(self.errors.counts)
        if len(set(labels)) > 1:
            return labels, f"many: more than 100 {kind} targets in a range, few: fewer than 20"
        share = self.errors.counts / max(1, self.errors.counts.max())
        labels = np.where(share > 0.5, "many", np.where(share < 0.1, "few", "medium"))
        return labels, (
            f"many: more than half as many {kind} targets as the largest range, "
            "few: less than a tenth"
        )

    @cached_property
    def shots(self) -> pd.DataFrame:
        """Errors of the ranges with many, medium and few targets; see `ErrorReport.shots`."""
        return self.errors.shots(self.shot_names[0])

    @cached_property
    def overall(self) -> pd.DataFrame:
        """Errors over all rows, one row per model; see `ErrorReport.overall`."""
        return self.errors.overall()

    def differences(self, a: str, b: str) -> pd.DataFrame:
        """Return the difference in MAE between two models per range.

        Parameters
        ----------
        a, b : str
            Names of the models.

        Returns
        -------
        DataFrame
            The rows of `ErrorReport.difference` (``a`` minus ``b``) with test targets.
        """
        table = self.errors.difference(a, b)
        return table[table["test"] > 0].reset_index(drop=True)

    @cached_property
    def verdict(self) -> str:
        """The model with the lowest MAE compared with each other model, in sentences."""
        if len(self.models) == 1:
            row = self.overall.iloc[0]
            return (
                f"{row['model']} has an MAE of {row['mae']:.3g} "
                f"[{row['mae_low']:.3g}, {row['mae_high']:.3g}]; "
                "select a second column of predictions to compare models."
            )
        best = str(self.overall.set_index("model")["mae"].idxmin())
        return " ".join(self._compared(best, other) for other in self.models if other != best)

    def _compared(self, best: str, other: str) -> str:
        found = self.errors.overall_difference(best, other)
        table = self.differences(best, other)
        better, worse = (table["diff_high"] < 0).sum(), (table["diff_low"] > 0).sum()
        if found["high"] < 0:
            text = f"{best} has a lower MAE than {other}"
        else:
            text = f"No significant difference in MAE between {best} and {other}"
        return (
            f"{text}: the difference is {found['difference']:.3g} "
            f"[{found['low']:.3g}, {found['high']:.3g}]; of {len(table)} ranges, {best} is "
            f"significantly better in {better} and significantly worse in {worse}."
        )

    @cached_property
    def density(self) -> pd.DataFrame:
        """Two-dimensional histogram of true and predicted values, without its empty cells.

        Columns ``model``, ``true``, ``true_end``, ``predicted``, ``predicted_end`` (the ends of a
        cell, in target units) and ``count`` (rows).
        """
        y, predictions = self.arrays.y, self.arrays.predictions
        low = min(y.min(), *(p.min() for p in predictions.values()))
        high = max(y.max(), *(p.max() for p in predictions.values()))
        cut = np.linspace(low, high, CELLS + 1)
        parts = []
        for model, predicted in predictions.items():
            count = np.histogram2d(y, predicted, (cut, cut))[0]
            row, column = np.nonzero(count)
            cells = {
                "model": model,
                "true": cut[row],
                "true_end": cut[row + 1],
                "predicted": cut[column],
                "predicted_end": cut[column + 1],
                "count": count[row, column],
            }
            parts.append(pd.DataFrame(cells))
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def bands(self) -> pd.DataFrame:
        """Quantiles of the residuals (prediction − truth), one row per model and range.

        Columns ``low``, ``high`` and ``middle`` of the range, ``q10``, ``q50``, ``q90`` and
        ``model``, in target units.
        """
        which = self.errors.range_of_sample
        parts = []
        for model, predicted in self.arrays.predictions.items():
            grouped = pd.Series(predicted - self.arrays.y).groupby(which)
            table = grouped.quantile(np.array(list(BANDS.values()))).unstack()
            table.columns = pd.Index(list(BANDS))
            filled = table.index.to_numpy()
            table.insert(0, "high", self.edges[filled + 1])
            table.insert(0, "low", self.edges[filled])
            table["middle"] = (table["low"] + table["high"]) / 2
            parts.append(table.assign(model=model))
        return pd.concat(parts, ignore_index=True)

    @cached_property
    def worst(self) -> pd.DataFrame:
        """The rows with the largest absolute error of any model, in descending order."""
        predictions = np.stack(list(self.arrays.predictions.values()))
        error = np.abs(predictions - self.arrays.y).max(axis=0)
        rows = np.argpartition(-error, min(WORST, len(error) - 1))[:WORST]
        rows = rows[np.argsort(-error[rows], kind="stable")]
        table = pd.DataFrame({"row": self.arrays.rows[rows], "true": self.arrays.y[rows]})
        for model, predicted in self.arrays.predictions.items():
            table[model] = predicted[rows]
        table["largest error"] = error[rows]
        if self.arrays.category is not None:
            table["category"] = self.arrays.category[rows]
        return table

    @cached_property
    def segments(self) -> pd.DataFrame:
        """MAE, RMSE and bias with intervals, one row per model and frequent category."""
        category = self.arrays.category
        if category is None:
            return pd.DataFrame()
        names, counts = np.unique(category, return_counts=True)
        parts = []
        for name in names[np.argsort(-counts, kind="stable")][:SEGMENTS]:
            table = self._segment(category == name).table()
            table.insert(0, "segment", name)
            parts.append(table.drop(columns=["low", "high", "train"]))
        return pd.concat(parts, ignore_index=True)

    def _segment(self, rows: np.ndarray) -> ErrorReport:
        """Errors of some rows in one range that covers all targets."""
        group = self.arrays.group
        return ErrorReport.from_predictions(
            self.arrays.y[rows],
            {model: predicted[rows] for model, predicted in self.arrays.predictions.items()},
            self.edges[[0, -1]],
            clusters=None if group is None else group[rows],
        )
