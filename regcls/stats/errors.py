"""Errors per target range: point values, bootstrap intervals, paired differences, calibration.

Intervals are percentile bootstraps over resampling *units*. A unit is a sample (or a cluster of
samples, such as a video). Where a range holds more than ``MAX_UNITS`` samples, they are first put
at random into that many groups and the groups are resampled: a mean of exchangeable groups has the
variance of the mean of its samples, so the interval is the same but for a relative error of about
1/sqrt(2·MAX_UNITS) = 3 % of its width, at a cost that no longer grows with N.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from regcls.stats.bootstrap import Means, resample
from regcls.stats.validation import checked_edges, vector

METRICS = ("mae", "rmse", "bias")
_TINY = 1e-9  # floor of an absolute error inside a logarithm
_COLUMNS = ("absolute", "squared", "signed", "log", "relevant")


class ErrorReport:
    """Errors of one or more models on the same samples; see ``from_predictions``."""

    def __init__(
        self, edges, names, train_counts, which, columns, clusters, resamples, level, seed
    ):
        self.edges: np.ndarray = edges
        self.names: tuple[str, ...] = names
        self.train_counts: np.ndarray | None = train_counts
        self.level: float = level
        self._which, self._columns, self._clusters = which, columns, clusters
        self._resamples, self._seed = resamples, seed
        self._per_range = self._means(which, len(edges) - 1)
        self._whole: Means | None = None

    @classmethod
    def from_predictions(
        cls,
        y_true: np.ndarray,
        predictions: Mapping[str, np.ndarray],
        edges: np.ndarray,
        y_train: np.ndarray | None = None,
        train_counts: np.ndarray | None = None,
        resamples: int = 1000,
        level: float = 0.95,
        seed: int = 0,
        clusters: np.ndarray | None = None,
    ) -> ErrorReport:
        """Report from arrays: ``y_true`` (N,), per model a prediction (N,), ``edges`` (K+1,).

        ``y_train`` (any length) or ``train_counts`` (K,) say how much training data each range
        had. ``clusters`` (N,) marks samples that belong together and are resampled together.
        Raises ``ValueError`` naming the argument that is wrong.

        >>> report = ErrorReport.from_predictions([1, 2, 9], {"reg": [1, 3, 7]}, [0, 5, 10])
        >>> report.table()["mae"].tolist()
        [0.5, 2.0]
        """
        y_true = vector("y_true", y_true)
        edges = checked_edges(edges)
        if y_true.min() < edges[0] or y_true.max() > edges[-1]:
            raise ValueError(f"y_true has values outside the ranges {edges[0]:g} to {edges[-1]:g}")
        if not predictions:
            raise ValueError("predictions is empty: give at least one model's predictions")
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, not {level}")
        if resamples < 1:
            raise ValueError(f"resamples must be at least 1, not {resamples}")
        if y_train is not None:
            train_counts = np.histogram(vector("y_train", y_train), edges)[0]
        if train_counts is not None:
            train_counts = np.asarray(train_counts)
            if train_counts.shape != (len(edges) - 1,):
                raise ValueError(f"train_counts must hold {len(edges) - 1} numbers, one a range")
        which = np.clip(np.searchsorted(edges, y_true, side="right") - 1, 0, len(edges) - 2)
        if clusters is not None:
            clusters = np.unique(np.asarray(clusters), return_inverse=True)[1]
            if clusters.shape != y_true.shape:
                raise ValueError("clusters must be as long as y_true")
        relevance = _relevance(which, train_counts, edges)
        columns = [
            _error_columns(y_true, vector(f"predictions[{name!r}]", p, len(y_true)), relevance)
            for name, p in predictions.items()
        ]
        return cls(
            edges, tuple(predictions), train_counts, which, np.concatenate(columns, axis=1),
            clusters, resamples, level, seed,
        )  # fmt: skip

    @property
    def counted(self) -> str:
        """Whose targets ``counts`` counts: "training", or "test" where those are not known."""
        return "test" if self.train_counts is None else "training"

    @property
    def counts(self) -> np.ndarray:
        """(K,) training targets per range, or test targets where those are not known."""
        return self.test_counts if self.train_counts is None else self.train_counts

    @property
    def test_counts(self) -> np.ndarray:
        """Test samples per range, (K,)."""
        return self._per_range.counts

    def table(self) -> pd.DataFrame:
        """One row a (model, range): mae, rmse, bias with ``_low``/``_high``; NaN where no test sample.

        A range with a single test sample has a value, but no interval.
        """
        parts = []
        for name in self.names:
            part = self._range_frame()
            part.insert(0, "model", name)
            for metric in METRICS:
                value, low, high = self._interval(self._per_range, _metric(self._at(name), metric))
                part[metric], part[f"{metric}_low"], part[f"{metric}_high"] = value, low, high
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def difference(self, a: str, b: str, metric: str = "mae") -> pd.DataFrame:
        """Per range, ``a`` minus ``b`` on the same resamples; negative means ``a`` errs less."""
        frame = self._range_frame()
        value, low, high = self._interval(self._per_range, self._minus(a, b, metric))
        frame["difference"], frame["diff_low"], frame["diff_high"] = value, low, high
        return frame

    def overall(self) -> pd.DataFrame:
        """One row a model: mae, rmse, bias, balanced_mae, gm and sera, each with its interval.

        balanced_mae is the mean over non-empty ranges; gm the geometric mean of absolute errors;
        sera = Σ φ(y)·(error)², the integral of the squared error over relevance thresholds
        (Ribeiro & Moniz, Machine Learning 109, 2020), with relevance φ = 1 - density/max density
        of the training targets, and NaN where these are not known.
        """
        rows = []
        for name in self.names:
            row: dict[str, object] = {"model": name}
            for metric in (*METRICS, "balanced_mae", "gm", "sera"):
                value, low, high = self._overall(name, metric)
                row |= {metric: value, f"{metric}_low": low, f"{metric}_high": high}
            rows.append(row)
        return pd.DataFrame(rows)

    def overall_difference(self, a: str, b: str, metric: str = "mae") -> dict[str, float]:
        """``a`` minus ``b`` over all samples: difference, low, high."""
        value, low, high = self._interval(self._all(), self._minus(a, b, metric))
        return {"difference": float(value[0]), "low": float(low[0]), "high": float(high[0])}

    def shots(self, labels: np.ndarray) -> pd.DataFrame:
        """Ranges pooled by their shot (K,) labels: a row a (model, shot) with test, mae and rmse."""
        labels = np.asarray(labels)
        if labels.shape != (len(self.edges) - 1,):
            raise ValueError(f"labels must hold {len(self.edges) - 1} names, one a range")
        order = [s for s in ("many", "medium", "few") if s in labels]
        order += sorted(set(labels.tolist()) - set(order))
        index = np.array([order.index(label) for label in labels])
        means = self._means(index[self._which], len(order))
        parts = []
        for name in self.names:
            part = pd.DataFrame({"model": name, "shot": order, "test": means.counts})
            for metric in ("mae", "rmse"):
                value, low, high = self._interval(means, _metric(self._at(name), metric))
                part[metric], part[f"{metric}_low"], part[f"{metric}_high"] = value, low, high
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    def _range_frame(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "low": self.edges[:-1],
                "high": self.edges[1:],
                "train": np.nan if self.train_counts is None else self.train_counts,
                "test": self.test_counts,
            }
        )

    def _at(self, name: str) -> int:
        if name not in self.names:
            raise ValueError(f"no model is called {name!r}; there are {', '.join(self.names)}")
        return len(_COLUMNS) * self.names.index(name)

    def _minus(self, a: str, b: str, metric: str) -> Callable:
        first, second = _metric(self._at(a), metric), _metric(self._at(b), metric)
        return lambda means: first(means) - second(means)

    def _means(self, which: np.ndarray, groups: int) -> Means:
        rng = np.random.default_rng(self._seed)
        return resample(which, groups, self._columns, self._clusters, self._resamples, rng)

    def _all(self) -> Means:
        if self._whole is None:
            self._whole = self._means(np.zeros_like(self._which), 1)
        return self._whole

    def _overall(self, name: str, metric: str) -> tuple[float, float, float]:
        at = self._at(name)
        if metric == "balanced_mae":
            full = self.test_counts > 0
            point, draws = self._per_range.point[full, at], self._per_range.draws[full, :, at]
            draws = np.where(np.isnan(draws), point[:, None], draws)  # ranges of one unit
            return float(point.mean()), *map(float, self._quantiles(draws.mean(axis=0)))
        if metric == "sera" and (self.train_counts is None or not self.train_counts.any()):
            return (np.nan,) * 3
        means = self._all()
        if metric == "gm":
            pick: Callable = lambda m: np.exp(m[..., at + 3])
        elif metric == "sera":
            pick = lambda m: len(self._which) * m[..., at + 4]
        else:
            pick = _metric(at, metric)
        value, low, high = self._interval(means, pick)
        return float(value[0]), float(low[0]), float(high[0])

    def _interval(self, means: Means, pick: Callable) -> tuple[np.ndarray, ...]:
        return (pick(means.point), *self._quantiles(pick(means.draws).T))

    def _quantiles(self, draws: np.ndarray) -> np.ndarray:
        tail = (1 - self.level) / 2
        return np.quantile(draws, [tail, 1 - tail], axis=0)


def _relevance(which: np.ndarray, train_counts: np.ndarray | None, edges: np.ndarray) -> np.ndarray:
    if train_counts is None or not np.any(train_counts):
        return np.zeros(len(which))
    density = train_counts / np.diff(edges)
    return (1 - density / density.max())[which]


def _error_columns(y_true: np.ndarray, y_pred: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    error = y_pred - y_true
    size = np.abs(error)
    log = np.log(np.maximum(size, _TINY))
    return np.stack([size, error**2, error, log, relevance * error**2], axis=1)


def _metric(at: int, metric: str) -> Callable:
    if metric == "mae":
        return lambda m: m[..., at]
    if metric == "rmse":
        return lambda m: np.sqrt(m[..., at + 1])
    if metric == "bias":
        return lambda m: m[..., at + 2]
    raise ValueError(f"metric must be one of {METRICS}, not {metric!r}")
