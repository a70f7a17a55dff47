"""Errors per target range: metrics, bootstrap intervals and verdicts on paired differences."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from regcls.stats.bins import range_index
from regcls.stats.bootstrap import Interval, Means, borrow_spread, percentile_intervals, resample
from regcls.stats.differences import PairedDifferences, balanced, check_name
from regcls.stats.metrics import (
    METRICS,
    OF_MEANS,
    OVERALL_METRICS,
    Quantities,
    heavy_tailed,
    quantities,
    relevance,
)
from regcls.stats.mixture import Mixture
from regcls.stats.validation import check_options, checked_edges, vector
from regcls.stats.verdicts import MARGIN

Floats = NDArray[np.float64]


class ErrorReport:
    """Errors of one or more models on the same samples, per target range and overall.

    Use `from_predictions` to create a report from arrays.

    Attributes
    ----------
    edges : ndarray of shape (K + 1,)
        Edges of the target ranges.
    names : tuple of str
        Names of the models.
    train_counts : ndarray of shape (K,) or None
        Training targets per range, if known.
    level : float
        Coverage of the intervals of errors.
    margin : float
        Share of the lower error within which two models are practically equal.

    Notes
    -----
    Intervals of errors are percentile bootstrap intervals; see `regcls.stats.bootstrap`. Those of
    differences hold simultaneously; see `regcls.stats.differences`.

    Examples
    --------
    >>> report = ErrorReport.from_predictions([1, 2, 9], {"reg": [1, 3, 7]}, [0, 5, 10])
    >>> report.table()["mae"].tolist()
    [0.5, 2.0]
    """

    def __init__(
        self,
        edges: Floats,
        models: Mapping[str, Quantities],
        range_of_sample: NDArray[np.int64],
        train_counts: NDArray[Any] | None,
        clusters: NDArray[np.int64] | None,
        resamples: int,
        level: float,
        seed: int,
        margin: float,
    ) -> None:
        self.edges, self.train_counts, self.level, self.margin = edges, train_counts, level, margin
        self.names = tuple(models)
        self._range_of_sample, self._clusters = range_of_sample, clusters
        self._resamples, self._seed = resamples, seed
        columns = [column for model in models.values() for column in model]
        self._columns = np.stack(columns, axis=1)
        self._per_range = self._means(range_of_sample, len(edges) - 1)
        self._whole: Means | None = None
        self._paired = PairedDifferences(
            models, range_of_sample, len(edges) - 1, clusters, level, margin
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        predictions: Mapping[str, ArrayLike],
        edges: ArrayLike,
        y_train: ArrayLike | None = None,
        train_counts: ArrayLike | None = None,
        resamples: int = 1000,
        level: float = 0.95,
        seed: int = 0,
        clusters: ArrayLike | None = None,
        margin: float = MARGIN,
    ) -> ErrorReport:
        """Create a report from arrays.

        Parameters
        ----------
        y_true : array-like of shape (N,)
            True targets.
        predictions : mapping of str to array-like of shape (N,)
            Predictions by model, in target units.
        edges : array-like of shape (K + 1,)
            Ascending edges of target ranges that contain all of ``y_true``.
        y_train : array-like of shape (M,), optional
            Training targets; those beyond the edges are not counted.
        train_counts : array-like of shape (K,), optional
            Training targets per range, instead of ``y_train``.
        resamples : int
            Number of bootstrap resamples.
        level : float
            Coverage of the intervals, between 0 and 1.
        seed : int
            Seed of the bootstrap.
        clusters : array-like of shape (N,), optional
            Cluster of each sample, such as its video; clusters are resampled instead of samples.
        margin : float
            Share of the lower of two errors below which their difference does not matter.

        Returns
        -------
        ErrorReport
            The report.

        Raises
        ------
        ValueError
            If an argument is invalid; the message names it.

        Examples
        --------
        >>> report = ErrorReport.from_predictions(
        ...     [1, 2, 9], {"reg": [1, 3, 7]}, [0, 5, 10], y_train=[1, 1, 8]
        ... )
        >>> report.counts.tolist()
        [2, 1]
        """
        y_true, edges = vector("y_true", y_true), checked_edges(edges)
        if y_true.min() < edges[0] or y_true.max() > edges[-1]:
            raise ValueError(f"y_true has values outside the ranges {edges[0]:g} to {edges[-1]:g}")
        if not predictions:
            raise ValueError("predictions is empty; pass the predictions of at least one model")
        check_options(level, resamples, margin)
        if y_train is not None:
            train_counts = np.histogram(vector("y_train", y_train), edges)[0]
        counts = None if train_counts is None else np.asarray(train_counts)
        if counts is not None and counts.shape != (len(edges) - 1,):
            raise ValueError(f"train_counts must have {len(edges) - 1} numbers, one per range")
        which = range_index(y_true, edges)
        units = None
        if clusters is not None:
            units = np.unique(np.asarray(clusters), return_inverse=True)[1]
            if units.shape != y_true.shape:
                raise ValueError("clusters must have one value per value of y_true")
        rarity = relevance(which, counts, edges)
        models = {
            name: quantities(
                vector(f"predictions[{name!r}]", predicted, len(y_true)) - y_true, rarity
            )
            for name, predicted in predictions.items()
        }
        return cls(edges, models, which, counts, units, resamples, level, seed, margin)

    @property
    def counted(self) -> str:
        """Which targets ``counts`` counts: "training", or "test" if those are not known."""
        return "test" if self.train_counts is None else "training"

    @property
    def counts(self) -> NDArray[Any]:
        """Training targets per range (K,), or test targets if those are not known."""
        return self.test_counts if self.train_counts is None else self.train_counts

    @property
    def test_counts(self) -> NDArray[np.int64]:
        """Test samples per range (K,)."""
        return self._per_range.counts

    @property
    def range_of_sample(self) -> NDArray[np.int64]:
        """Target range (N,) of each test sample, from 0."""
        return self._range_of_sample

    def table(self) -> pd.DataFrame:
        """Return the errors per range, one row per model and range.

        Returns
        -------
        DataFrame
            ``model``, ``low``, ``high``, ``train`` and ``test`` (numbers of targets), and ``mae``,
            ``rmse`` and ``bias`` (mean signed error), each with ``_low`` and ``_high``. NaN
            in ranges without test samples; no interval in ranges with fewer than six units.
        """
        frame = self._range_frame()
        parts = [self._metric_frame(name, frame, self._per_range, METRICS) for name in self.names]
        return pd.concat(parts, ignore_index=True)

    def difference(self, a: str, b: str, metric: str = "mae") -> pd.DataFrame:
        """Return the difference between two models per range, with verdicts.

        Parameters
        ----------
        a, b : str
            Names of the models.
        metric : {"mae", "rmse", "bias"}
            Error metric.

        Returns
        -------
        DataFrame
            ``low``, ``high``, ``train``, ``test``, ``units`` (samples or clusters), and
            ``difference`` (``a`` minus ``b``; negative if ``a`` has the lower error) with
            ``diff_low`` and ``diff_high``, ``p`` and ``verdict`` (on ``a``). No interval in ranges
            with fewer than six units.

        Raises
        ------
        ValueError
            If a model or the metric is unknown.
        """
        found = self._paired.decisions(a, b, metric).take(slice(len(self.edges) - 1))
        return self._range_frame().assign(
            units=self._paired.units,
            difference=found.value,
            diff_low=found.low,
            diff_high=found.high,
            p=found.p,
            verdict=found.verdict,
        )

    def overall(self) -> pd.DataFrame:
        """Return the errors over all samples, one row per model.

        Returns
        -------
        DataFrame
            ``model``, and each of the metrics below with ``_low`` and ``_high``:

            - ``mae``, ``rmse``, ``bias`` (mean signed error);
            - ``balanced_mae``: mean of the MAE over non-empty ranges; one with a single
              unit has the relative spread of the others in its interval;
            - ``gm``: geometric mean of absolute errors;
            - ``sera``: squared error relevance area Σ φ(y)·(error)², the integral of the squared
              error over relevance thresholds, with relevance φ = 1 − density/max density of the
              training targets; NaN if those are not known.

        References
        ----------
        Ribeiro and Moniz, "Imbalanced regression and extreme value prediction", Machine Learning
        109, 2020.
        """
        rows = []
        for name in self.names:
            row: dict[str, object] = {"model": name}
            for metric in OVERALL_METRICS:
                found = self._overall(name, metric)
                row |= dict(zip(_columns(metric), map(float, found), strict=True))
            rows.append(row)
        return pd.DataFrame(rows)

    def overall_difference(self, a: str, b: str, metric: str = "mae") -> dict[str, Any]:
        """Return the difference between two models over all samples, with its verdict.

        Parameters
        ----------
        a, b : str
            Names of the models.
        metric : {"mae", "rmse", "bias"}
            Error metric.

        Returns
        -------
        dict
            ``difference`` (``a`` minus ``b``), the interval's ends ``low`` and ``high``, ``p`` and
            ``verdict`` (on ``a``).

        Raises
        ------
        ValueError
            If a model or the metric is unknown.
        """
        return self._paired.decisions(a, b, metric).record(-1)

    def balanced_difference(self, a: str, b: str) -> dict[str, Any]:
        """Return the difference in balanced MAE; see `overall_difference`."""
        return self._paired.decisions(a, b, "mae").record(-2)

    @cached_property
    def mixture(self) -> Mixture:
        """MAE of each model between the natural and a balanced distribution of the targets."""
        natural, even = (
            {name: float(self._overall(name, metric).value) for name in self.names}
            for metric in ("mae", "balanced_mae")
        )
        return Mixture(natural, even)

    def heavy_tailed(self, name: str) -> bool:
        """Return whether few samples dominate a model's RMSE; see `metrics.heavy_tailed`."""
        return heavy_tailed(self._of(name, self._columns).squared)

    def shots(self, labels: ArrayLike) -> pd.DataFrame:
        """Return the errors over all ranges with the same shot.

        Parameters
        ----------
        labels : array-like of shape (K,)
            Shot of each range, such as "many", "medium" or "few".

        Returns
        -------
        DataFrame
            One row per model and shot: ``model``, ``shot``, ``test``, and ``mae`` and ``rmse`` with
            ``_low`` and ``_high``.

        Raises
        ------
        ValueError
            If the number of labels is not that of the ranges.
        """
        labels = np.asarray(labels)
        if labels.shape != (len(self.edges) - 1,):
            raise ValueError(f"labels must have {len(self.edges) - 1} names, one per range")
        order = [shot for shot in ("many", "medium", "few") if shot in labels]
        order += sorted(set(labels.tolist()) - set(order))
        index = np.array([order.index(label) for label in labels])
        means = self._means(index[self._range_of_sample], len(order))
        frame = pd.DataFrame({"shot": order, "test": means.counts})
        parts = [self._metric_frame(name, frame, means, ("mae", "rmse")) for name in self.names]
        return pd.concat(parts, ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values.

        Returns
        -------
        dict
            ``overall`` and ``ranges`` (records of `overall` and `table`), and with two models or
            more ``differences``: one record per pair, the later model ``a`` minus the earlier one
            ``b``, with ``overall``, ``balanced`` and ``ranges``; ``difference`` repeats the
            overall one of the first two.
        """
        record: dict[str, Any] = {
            "overall": self.overall().to_dict("records"),
            "ranges": self.table().to_dict("records"),
        }
        record["differences"] = [
            {
                "a": a,
                "b": b,
                "overall": self.overall_difference(a, b),
                "balanced": self.balanced_difference(a, b),
                "ranges": self.difference(a, b).to_dict("records"),
            }
            for b, a in combinations(self.names, 2)
        ]
        if len(self.names) > 1:
            b, a = self.names[:2]
            record["difference"] = {"a": a, "b": b, **self.overall_difference(a, b)}
        return record

    def _range_frame(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "low": self.edges[:-1],
                "high": self.edges[1:],
                "train": np.nan if self.train_counts is None else self.train_counts,
                "test": self.test_counts,
            }
        )

    def _metric_frame(
        self, name: str, frame: pd.DataFrame, means: Means, metrics: tuple[str, ...]
    ) -> pd.DataFrame:
        """Copy of ``frame`` with the model's name before and its metrics after the columns."""
        part = frame.copy()
        part.insert(0, "model", name)
        for metric in metrics:
            found = self._interval(means, name, metric)
            for column, values in zip(_columns(metric), found, strict=True):
                part[column] = values
        return part

    def _means(self, which: NDArray[np.int64], groups: int) -> Means:
        rng = np.random.default_rng(self._seed)
        return resample(which, groups, self._columns, self._clusters, self._resamples, rng)

    def _all(self) -> Means:
        if self._whole is None:
            self._whole = self._means(np.zeros_like(self._range_of_sample), 1)
        return self._whole

    def _of(self, name: str, values: Floats) -> Quantities:
        """Quantities of a model in the last axis of the means of all columns."""
        check_name(name, self.names)
        width = len(Quantities._fields)
        first = width * self.names.index(name)
        return Quantities(*np.moveaxis(values[..., first : first + width], -1, 0))

    def _metric(self, means: Means, name: str, metric: str) -> tuple[Floats, Floats]:
        """Values (K,) of a model's metric and their resamples (K, B)."""
        compute = OF_MEANS[metric]
        return compute(self._of(name, means.point)), compute(self._of(name, means.draws))

    def _overall(self, name: str, metric: str) -> Interval:
        if metric == "balanced_mae":
            return self._balanced_mae(name)
        if metric == "sera" and (self.train_counts is None or not self.train_counts.any()):
            return Interval(*np.full(3, np.nan))
        found = self._interval(self._all(), name, metric)
        scale = len(self._range_of_sample) if metric == "sera" else 1  # a sum, not a mean
        return Interval(*(scale * values[0] for values in found))

    def _balanced_mae(self, name: str) -> Interval:
        filled = self.test_counts > 0
        point, draws = self._metric(self._per_range, name, "mae")
        draws = borrow_spread(point[filled], draws[filled], self._per_range.units[filled])
        absolute = self._of(name, self._columns).absolute
        which, groups = self._range_of_sample, len(self.edges) - 1
        units = balanced(absolute, which, groups, self._clusters).dof + 1
        low, high = percentile_intervals(draws.mean(axis=0, keepdims=True), units, self.level)
        return Interval(
            point[filled].mean(), *np.where(self._all().enough, [low[0], high[0]], np.nan)
        )

    def _interval(self, means: Means, name: str, metric: str) -> Interval:
        point, draws = self._metric(means, name, metric)
        ends = percentile_intervals(draws, means.units, self.level)
        return Interval(point, *np.where(means.enough, ends, np.nan))


def _columns(metric: str) -> tuple[str, str, str]:
    return metric, f"{metric}_low", f"{metric}_high"
