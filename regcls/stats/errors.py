"""Errors per target range: metrics, bootstrap intervals and paired differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from regcls.stats.bins import range_index
from regcls.stats.bootstrap import Means, resample
from regcls.stats.validation import TINY, checked_edges, vector

Floats = NDArray[np.float64]


class Quantities(NamedTuple):
    """What is averaged over samples to compute the metrics of one model.

    Attributes
    ----------
    absolute, squared, signed, log : ndarray
        The error (prediction − truth): absolute, squared, signed, and log of its absolute value.
    relevant : ndarray
        Squared error times the relevance of the target.
    """

    absolute: Floats
    squared: Floats
    signed: Floats
    log: Floats
    relevant: Floats


# Metrics as functions of mean quantities, elementwise.
_METRICS: dict[str, Callable[[Quantities], Floats]] = {
    "mae": lambda mean: mean.absolute,
    "rmse": lambda mean: np.sqrt(mean.squared),
    "bias": lambda mean: mean.signed,
    "gm": lambda mean: np.exp(mean.log),
    "sera": lambda mean: mean.relevant,
}
METRICS = ("mae", "rmse", "bias")  # those reported per range
OVERALL_METRICS = (*METRICS, "balanced_mae", "gm", "sera")


class Interval(NamedTuple):
    """Values with the ends of their bootstrap intervals, of equal shape."""

    value: Floats
    low: Floats
    high: Floats


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
        Coverage of the intervals.

    Notes
    -----
    Intervals are percentile bootstrap intervals; see `regcls.stats.bootstrap`.

    Examples
    --------
    >>> report = ErrorReport.from_predictions([1, 2, 9], {"reg": [1, 3, 7]}, [0, 5, 10])
    >>> report.table()["mae"].tolist()
    [0.5, 2.0]
    """

    def __init__(
        self,
        edges: Floats,
        quantities: Mapping[str, Quantities],
        range_of_sample: NDArray[np.int64],
        train_counts: NDArray[Any] | None,
        clusters: NDArray[np.int64] | None,
        resamples: int,
        level: float,
        seed: int,
    ) -> None:
        self.edges, self.train_counts, self.level = edges, train_counts, level
        self.names = tuple(quantities)
        self._range_of_sample, self._clusters = range_of_sample, clusters
        self._resamples, self._seed = resamples, seed
        columns = [column for model in quantities.values() for column in model]
        self._columns = np.stack(columns, axis=1)
        self._per_range = self._means(range_of_sample, len(edges) - 1)
        self._whole: Means | None = None

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
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1, not {level}")
        if resamples < 1:
            raise ValueError(f"resamples must be at least 1, not {resamples}")
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
        relevance = _relevance(which, counts, edges)
        quantities = {
            name: _quantities(
                vector(f"predictions[{name!r}]", predicted, len(y_true)) - y_true, relevance
            )
            for name, predicted in predictions.items()
        }
        return cls(edges, quantities, which, counts, units, resamples, level, seed)

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
            in ranges without test samples; no interval in ranges with a single one.
        """
        frame = self._range_frame()
        parts = [self._metric_frame(name, frame, self._per_range, METRICS) for name in self.names]
        return pd.concat(parts, ignore_index=True)

    def difference(self, a: str, b: str, metric: str = "mae") -> pd.DataFrame:
        """Return the difference between two models per range, on the same resamples.

        Parameters
        ----------
        a, b : str
            Names of the models.
        metric : {"mae", "rmse", "bias"}
            Error metric.

        Returns
        -------
        DataFrame
            ``low``, ``high``, ``train``, ``test``, and ``difference`` (``a`` minus ``b``; negative
            if ``a`` has the lower error) with ``diff_low`` and ``diff_high``.

        Raises
        ------
        ValueError
            If a model or the metric is unknown.
        """
        found = self._difference(self._per_range, a, b, metric)
        return self._range_frame().assign(
            difference=found.value, diff_low=found.low, diff_high=found.high
        )

    def overall(self) -> pd.DataFrame:
        """Return the errors over all samples, one row per model.

        Returns
        -------
        DataFrame
            ``model``, and each of the metrics below with ``_low`` and ``_high``:

            - ``mae``, ``rmse``, ``bias`` (mean signed error);
            - ``balanced_mae``: mean of the MAE over non-empty ranges;
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

    def overall_difference(self, a: str, b: str, metric: str = "mae") -> dict[str, float]:
        """Return the difference between two models over all samples.

        Parameters
        ----------
        a, b : str
            Names of the models.
        metric : {"mae", "rmse", "bias"}
            Error metric.

        Returns
        -------
        dict
            ``difference`` (``a`` minus ``b``) and the interval's ends ``low`` and ``high``.

        Raises
        ------
        ValueError
            If a model or the metric is unknown.
        """
        value, low, high = self._difference(self._all(), a, b, metric)
        return {"difference": float(value[0]), "low": float(low[0]), "high": float(high[0])}

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
            more ``difference``: the second model ``a`` minus the first ``b``, over all samples.
        """
        record: dict[str, Any] = {
            "overall": self.overall().to_dict("records"),
            "ranges": self.table().to_dict("records"),
        }
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
            found = self._interval(*self._metric(means, name, metric))
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
        if name not in self.names:
            raise ValueError(f"no model is called {name!r}; choose from: {', '.join(self.names)}")
        width = len(Quantities._fields)
        first = width * self.names.index(name)
        return Quantities(*np.moveaxis(values[..., first : first + width], -1, 0))

    def _metric(self, means: Means, name: str, metric: str) -> tuple[Floats, Floats]:
        """Values (K,) of a model's metric and their resamples (K, B)."""
        compute = _METRICS[metric]
        return compute(self._of(name, means.point)), compute(self._of(name, means.draws))

    def _difference(self, means: Means, a: str, b: str, metric: str) -> Interval:
        if metric not in METRICS:
            raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}")
        point_a, draws_a = self._metric(means, a, metric)
        point_b, draws_b = self._metric(means, b, metric)
        return self._interval(point_a - point_b, draws_a - draws_b)

    def _overall(self, name: str, metric: str) -> Interval:
        if metric == "balanced_mae":
            return self._balanced_mae(name)
        if metric == "sera" and (self.train_counts is None or not self.train_counts.any()):
            return Interval(*np.full(3, np.nan))
        point, draws = self._metric(self._all(), name, metric)
        if metric == "sera":  # a sum, not a mean
            samples = len(self._range_of_sample)
            point, draws = samples * point, samples * draws
        return Interval(*(values[0] for values in self._interval(point, draws)))

    def _balanced_mae(self, name: str) -> Interval:
        filled = self.test_counts > 0
        point, draws = self._metric(self._per_range, name, "mae")
        point, draws = point[filled], draws[filled]
        draws = np.where(np.isnan(draws), point[:, None], draws)  # ranges with a single unit
        return Interval(point.mean(), *self._quantiles(draws.mean(axis=0)))

    def _interval(self, point: Floats, draws: Floats) -> Interval:
        return Interval(point, *self._quantiles(draws.T))

    def _quantiles(self, draws: Floats) -> Floats:
        tail = (1 - self.level) / 2
        return np.quantile(draws, [tail, 1 - tail], axis=0)


def _columns(metric: str) -> tuple[str, str, str]:
    return metric, f"{metric}_low", f"{metric}_high"


def _relevance(
    which: NDArray[np.int64], train_counts: NDArray[Any] | None, edges: Floats
) -> Floats:
    if train_counts is None or not np.any(train_counts):
        return np.zeros(len(which))
    density = train_counts / np.diff(edges)
    return (1 - density / density.max())[which]


def _quantities(error: Floats, relevance: Floats) -> Quantities:
    size, squared = np.abs(error), error**2
    return Quantities(size, squared, error, np.log(np.maximum(size, TINY)), relevance * squared)
