"""Errors per target range: point values, bootstrap intervals, paired differences, calibration.

Intervals are percentile bootstraps over resampling *units*. A unit is a sample (or a cluster of
samples, such as a video). Where a range holds more than ``MAX_UNITS`` samples, they are first put
at random into that many groups and the groups are resampled: a mean of exchangeable groups has the
variance of the mean of its samples, so the interval is the same but for a relative error of about
1/sqrt(2·MAX_UNITS) = 3 % of its width, at a cost that no longer grows with N.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

MAX_UNITS = 512
METRICS = ("mae", "rmse", "bias")
_TINY = 1e-9  # floor of an absolute error inside a logarithm
_COLUMNS = ("absolute", "squared", "signed", "log", "relevant")
MIN_RUNS = 6  # with fewer, no two-sided 95 % statement about runs is possible (2 · 0.5^5 > 0.05)


@dataclass(frozen=True)
class _Means:
    """Per group: sample ``counts`` (K,), mean ``point`` (K, Q) and resampled means ``draws`` (K, B, Q)."""

    counts: np.ndarray
    point: np.ndarray
    draws: np.ndarray


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
        self._whole: _Means | None = None

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
        y_true = _vector("y_true", y_true)
        edges = _checked_edges(edges)
        if y_true.min() < edges[0] or y_true.max() > edges[-1]:
            raise ValueError(f"y_true has values outside the ranges {edges[0]:g} to {edges[-1]:g}")
        if not predictions:
            raise ValueError("predictions is empty: give at least one model's predictions")
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, not {level}")
        if resamples < 1:
            raise ValueError(f"resamples must be at least 1, not {resamples}")
        if y_train is not None:
            train_counts = np.histogram(_vector("y_train", y_train), edges)[0]
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
            _error_columns(y_true, _vector(f"predictions[{name!r}]", p, len(y_true)), relevance)
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

    def _means(self, which: np.ndarray, groups: int) -> _Means:
        rng = np.random.default_rng(self._seed)
        return _resample(which, groups, self._columns, self._clusters, self._resamples, rng)

    def _all(self) -> _Means:
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

    def _interval(self, means: _Means, pick: Callable) -> tuple[np.ndarray, ...]:
        return (pick(means.point), *self._quantiles(pick(means.draws).T))

    def _quantiles(self, draws: np.ndarray) -> np.ndarray:
        tail = (1 - self.level) / 2
        return np.quantile(draws, [tail, 1 - tail], axis=0)


@dataclass(frozen=True)
class PairedRuns:
    """Run by run, ``a`` against ``b`` (errors; lower is better). Intervals are NaN under 6 runs."""

    runs: int
    median_ratio: float
    ratio_low: float
    ratio_high: float
    mean_difference: float
    low: float
    high: float
    wins: float

    @property
    def verdict(self) -> str:
        """ "better", "worse" or "no clear difference" (the interval spans zero, or too few runs)."""
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 else "no clear difference"


def paired_runs(
    a: np.ndarray, b: np.ndarray, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> PairedRuns:
    """Compare the errors (R,) of two models over the same R runs.

    Percentile bootstrap over runs, widened for small R as Hesterberg proposes ("What teachers
    should know about the bootstrap", The American Statistician 69, 2015, §5.2). ``wins``: share of
    runs with a < b, ties counting half. Raises ``ValueError`` for NaN or unequal lengths.
    """
    a, b = _vector("a", a), _vector("b", b, len(a))
    n = len(a)
    wins = float(np.mean((a < b) + 0.5 * (a == b)))
    ratio = a / np.where(b == 0, _TINY, b)
    bounds = np.full(4, np.nan)
    if n >= MIN_RUNS:
        from scipy import stats

        reach = np.sqrt(n / (n - 1)) * stats.t.ppf((1 + level) / 2, n - 1)
        tails = stats.norm.cdf([-reach, reach])
        take = np.random.default_rng(seed).integers(n, size=(resamples, n))
        bounds[:2] = np.quantile((a - b)[take].mean(axis=1), tails)
        bounds[2:] = np.quantile(np.median(ratio[take], axis=1), tails)
    low, high, ratio_low, ratio_high = map(float, bounds)
    middle = float(np.median(ratio))
    return PairedRuns(n, middle, ratio_low, ratio_high, float((a - b).mean()), low, high, wins)


def conformal_radius(
    y_true: np.ndarray, y_pred: np.ndarray, edges: np.ndarray, level: float = 0.9
) -> np.ndarray:
    """Radius (K,) so that prediction ± radius holds the truth with probability ≥ ``level``.

    Split-conformal regression with one calibration set per *predicted* range (Mondrian; Vovk,
    Gammerman, Shafer 2005): the ⌈(n+1)·level⌉-th smallest absolute error. A range with too few
    calibration samples for that rank takes its nearest neighbours' samples as well; ``inf`` when
    even all together are too few. Predictions beyond the edges count for the end ranges.
    """
    y_true, edges = _vector("y_true", y_true), _checked_edges(edges)
    y_pred = _vector("y_pred", y_pred, len(y_true))
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
    which = np.searchsorted(edges[1:-1], y_pred, side="right")
    error = np.abs(y_true - y_pred)
    needed = int(np.ceil(level / (1 - level) - 1e-9))
    radius = np.full(len(edges) - 1, np.inf)
    for k in range(len(radius)):
        for reach in range(len(radius)):
            near = np.sort(error[np.abs(which - k) <= reach])
            if len(near) >= needed:
                radius[k] = near[int(np.ceil((len(near) + 1) * level - 1e-9)) - 1]
                break
    return radius


def _vector(name: str, values, length: int | None = None) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers only") from error
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must be a non-empty list of numbers, not of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite numbers (NaN or infinity)")
    if length is not None and len(array) != length:
        raise ValueError(f"{name} has {len(array)} values, but {length} are needed")
    return array


def _checked_edges(edges) -> np.ndarray:
    edges = _vector("edges", edges)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError("edges must be two or more ascending numbers")
    return edges


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


def _resample(
    which: np.ndarray, groups: int, columns: np.ndarray, clusters, resamples: int, rng
) -> _Means:
    """Means of ``columns`` (N, Q) per group of samples, and their bootstrap draws."""
    counts = np.bincount(which, minlength=groups)
    point = np.full((groups, columns.shape[1]), np.nan)
    draws = np.full((groups, resamples, columns.shape[1]), np.nan)
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(counts)
    for k in np.flatnonzero(counts):
        rows = order[ends[k] - counts[k] : ends[k]]
        unit = _units(len(rows), None if clusters is None else clusters[rows], rng)
        size = np.bincount(unit).astype(np.float64)
        sums = np.stack([np.bincount(unit, column) for column in columns[rows].T], axis=1)
        point[k] = sums.sum(axis=0) / size.sum()
        if len(size) > 1:  # one unit resamples to itself: no interval, rather than one of no width
            weight = _bootstrap_weights(len(size), resamples, rng)
            draws[k] = (weight @ sums) / (weight @ size)[:, None]
    return _Means(counts, point, draws)


def _units(n: int, clusters: np.ndarray | None, rng) -> np.ndarray:
    """Which resampling unit each of ``n`` samples belongs to, numbered without gaps."""
    if clusters is not None:
        return np.unique(clusters, return_inverse=True)[1]
    return np.arange(n) if n <= MAX_UNITS else rng.permutation(n) % MAX_UNITS


def _bootstrap_weights(units: int, resamples: int, rng) -> np.ndarray:
    """(B, units): how often each unit occurs in each resample."""
    take = rng.integers(units, size=(resamples, units))
    take += units * np.arange(resamples)[:, None]
    return np.bincount(take.ravel(), minlength=units * resamples).reshape(resamples, units) * 1.0
