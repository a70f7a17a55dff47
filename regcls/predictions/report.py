"""Error report for user-supplied predictions: per-range metrics, intervals, text summary."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from regcls.formats import with_interval
from regcls.predictions.columns import Arrays
from regcls.predictions.coverage import Coverage
from regcls.stats import bins
from regcls.stats.errors import ErrorReport
from regcls.stats.metrics import heavy_text
from regcls.stats.ranges import TargetRanges, describe
from regcls.stats.verdicts import MARGIN, tally, worded

SPELLED_OUT = 3  # other models that the verdict compares one by one
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
    ranges : TargetRanges or ndarray of shape (K + 1,)
        Target ranges, or their edges; they cover all targets.
    margin : float
        Share of the lower of two errors below which their difference does not matter.

    Attributes
    ----------
    arrays : Arrays
        The arrays given.
    ranges : TargetRanges
        The target ranges, why they were chosen and how imbalanced they are.
    edges : ndarray of shape (K + 1,)
        Their edges.
    errors : ErrorReport
        Errors per target range with bootstrap intervals.

    Examples
    --------
    >>> y = np.r_[np.arange(8.0), 20.0]
    >>> found = Arrays(y, {"reg": y + 1, "reg+cls": y + 0.5}, np.arange(1, 10))
    >>> report = Report(found, np.array([0.0, 10.0, 20.0]))
    >>> report.errors.table()["mae"].tolist()
    [1.0, 1.0, 0.5, 0.5]
    >>> report.verdict
    'reg+cls has a lower MAE than reg: the difference is −0.500 [−0.500, −0.500]. Of 2 ranges, reg+cls is
    better in 1 and worse in 0; too few data in 1. Balanced over the ranges: too few rows to compare
    the MAE of reg+cls and reg: the difference is −0.500. By the estimates, reg+cls has the lowest MAE
    at every mix of targets from natural to balanced.'
    """

    def __init__(
        self, found: Arrays, ranges: TargetRanges | np.ndarray, margin: float = MARGIN
    ) -> None:
        if not isinstance(ranges, TargetRanges):
            ranges = TargetRanges.of(ranges, found.y)
        self.arrays, self.ranges, self.edges = found, ranges, ranges.edges
        edges, train = self.edges, found.train
        if train is not None:
            train = train[(train >= edges[0]) & (train <= edges[-1])]
        self.errors = ErrorReport.from_predictions(
            found.y,
            found.predictions,
            edges,
            y_train=train,
            clusters=found.group,
            margin=margin,
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models."""
        return self.errors.names

    @property
    def imbalance(self) -> str:
        """How unevenly the targets are distributed over the ranges, in sentences."""
        counts = np.sort(self.errors.counts)[::-1]
        total, ranges = counts.sum(), len(counts)
        needed = int(np.searchsorted(np.cumsum(counts), 0.8 * total)) + 1
        text = (
            f"{needed} of {ranges} ranges contain 80% of the {total:,} {self.errors.counted} "
            "targets."
        )
        single = self.ranges.single_values if self.errors.train_counts is None else ()
        return f"{text} {describe(self.edges, self.errors.counts, single)}"

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

    @cached_property
    def coverage(self) -> Coverage | None:
        """Coverage of the prediction intervals, if there are any."""
        arrays, counts = self.arrays, self.errors.train_counts
        found = Coverage(arrays.y, arrays.intervals, self.edges, arrays.group, counts)
        return found if found.names else None

    @property
    def table(self) -> pd.DataFrame:
        """All errors per range, with the coverage of the prediction intervals if there are any."""
        table = self.errors.table()
        if self.coverage is None:
            return table
        names = ["nominal", "coverage", "coverage_low", "coverage_high", "width"]
        found = self.coverage.table()
        found["range"] = found.groupby("model").cumcount()
        table["range"] = table.groupby("model").cumcount()
        merged = table.merge(found[["model", "range", *names]], "left", ["model", "range"])
        return merged.drop(columns="range")

    def differences(self, a: str, b: str) -> pd.DataFrame:
        """Return the difference in MAE between two models per range.

        Parameters
        ----------
        a, b : str
            Names of the models.

        Returns
        -------
        DataFrame
            The rows of `ErrorReport.difference` (``a`` minus ``b``) with test targets, with
            verdicts on ``a``.
        """
        table = self.errors.difference(a, b)
        return table[table["test"] > 0].reset_index(drop=True)

    @property
    def unit(self) -> str:
        """What the intervals resample: "rows" or "groups"."""
        return "rows" if self.arrays.group is None else "groups"

    @property
    def verdict(self) -> str:
        """The model with the lowest MAE compared with each other model, in sentences."""
        return " ".join(self.verdict_parts)

    @cached_property
    def verdict_parts(self) -> tuple[str, ...]:
        """The verdict: the finding first, then what adds to it."""
        if len(self.models) == 1:
            row = self.overall.iloc[0]
            error = with_interval(row["mae"], row["mae_low"], row["mae_high"])
            return (
                f"{row['model']} has an MAE of {error}; "
                "select a second column of predictions to compare models.",
            )
        first = str(self.overall.set_index("model")["mae"].idxmin())
        others = [name for name in self.models if name != first]
        if len(others) > SPELLED_OUT:
            compared = self._summarised(first, others)
        else:
            compared = [part for other in others for part in self._compared(first, other)]
        return *compared, self._balanced(first), self.errors.mixture.sentence

    def _compared(self, best: str, other: str) -> list[str]:
        ranges = tally(
            self.differences(best, other)["verdict"].tolist(), best, margin=self.errors.margin
        )
        found = self.errors.overall_difference(best, other)
        return [f"{self._worded(found, best, other)}.", ranges]

    def _summarised(self, best: str, others: list[str]) -> list[str]:
        """Compare the best of many models with the others in two sentences."""
        by_verdict: dict[str, list[str]] = {}
        ranges: list[str] = []
        for other in others:
            verdict = self.errors.overall_difference(best, other)["verdict"]
            by_verdict.setdefault(verdict, []).append(other)
            ranges += self.differences(best, other)["verdict"].tolist()
        parts = "; ".join(f"{name} ({', '.join(models)})" for name, models in by_verdict.items())
        total = tally(ranges, best, "comparisons per range", self.errors.margin)
        return [f"{best} has the lowest MAE. Compared with the others: {parts}.", total]

    def _balanced(self, first: str) -> str:
        """Compare the best model with balanced targets with the best of the others."""
        errors = self.overall.set_index("model")["balanced_mae"]
        best = str(errors.idxmin())
        other = first if first != best else str(errors.drop(best).idxmin())
        found = self.errors.balanced_difference(best, other)
        text = self._worded(found, best, other)
        lower = text if text.startswith(best) else text[0].lower() + text[1:]
        return f"Balanced over the ranges: {lower}."

    def _worded(self, found: dict[str, Any], a: str, b: str) -> str:
        return worded(found, a, b, unit=self.unit, margin=self.errors.margin)

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What limits the figures: likely missing marks, a rare end in one range, a dominated RMSE."""
        found = [mark.sentence for mark in self.arrays.marks]
        found += [self.ranges.balanced_note] if len(self.edges) > 2 else []
        heavy = [name for name in self.models if self.errors.heavy_tailed(name)]
        if heavy:
            found.append(heavy_text(heavy))
        return tuple(filter(None, found))

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
