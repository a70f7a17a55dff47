"""Differences between the errors of two models, per target range, balanced and overall.

A *unit* is a sample, or a cluster of samples such as a video. Units are independent; the samples
of one may resemble each other, and it may have samples in several ranges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from regcls.stats.bootstrap import effective_units
from regcls.stats.metrics import METRICS, OF_MEANS, Quantities
from regcls.stats.validation import TINY
from regcls.stats.verdicts import Decisions, decide

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

# Weight of the overall difference against that of all ranges together: the question asked first
# must not pay for the number of ranges.
OVERALL_SHARE = 0.5
# Shares of the error rate: verdicts on the three metrics are wrong anywhere in at most all of it.
METRIC_SHARES = {"mae": 0.6, "rmse": 0.2, "bias": 0.2}


@dataclass(frozen=True)
class Estimates:
    """Means with their standard errors.

    Attributes
    ----------
    value, se : ndarray of shape (M,)
        Means and standard errors; the latter NaN with fewer than two units.
    dof : ndarray of shape (M,)
        Degrees of freedom of the standard errors.
    units : ndarray of shape (M,)
        Numbers of units.
    """

    value: Floats
    se: Floats
    dof: Floats
    units: Floats


def paired_values(a: Quantities, b: Quantities, metric: str, which: Indices, groups: int) -> Floats:
    """Return what each sample contributes to the difference of two models' errors.

    Parameters
    ----------
    a, b : Quantities
        Quantities (N,) of two models.
    metric : {"mae", "rmse", "bias"}
        Error metric.
    which : ndarray of shape (N,)
        Range of each sample.
    groups : int
        Number of ranges K.

    Returns
    -------
    ndarray of shape (N,)
        Values whose mean over a range is the difference in that range; for the RMSE up to a
        constant that vanishes, since its contributions are the linear terms of the delta method.

    Examples
    --------
    >>> from regcls.stats.metrics import quantities
    >>> a, b = (quantities(np.array(e), np.zeros(2)) for e in ([1.0, -3.0], [2.0, 2.0]))
    >>> paired_values(a, b, "mae", np.zeros(2, int), 1)
    array([-1.,  1.])
    """
    if metric == "mae":
        return a.absolute - b.absolute
    if metric == "bias":
        return a.signed - b.signed
    counts = np.maximum(np.bincount(which, minlength=groups), 1)
    parts = []
    for model in (a, b):
        mean = np.bincount(which, model.squared, groups) / counts
        root = np.sqrt(mean)
        # d√m = dm / 2√m; the shift makes the mean of a range its RMSE.
        parts.append((model.squared + mean[which]) / (2 * np.maximum(root, TINY))[which])
    return np.asarray(parts[0] - parts[1])


def per_range(
    values: Floats, which: Indices, groups: int, clusters: Indices | None = None
) -> Estimates:
    """Return the mean of values in each range, with its standard error.

    Parameters
    ----------
    values : ndarray of shape (N,)
        Values of the samples.
    which : ndarray of shape (N,)
        Range of each sample, from 0 to ``groups`` − 1.
    groups : int
        Number of ranges K.
    clusters : ndarray of shape (N,), optional
        Cluster of each sample, numbered from 0.

    Returns
    -------
    Estimates
        K means. Standard errors are cluster-robust with the leverage correction CR2 and its
        degrees of freedom for a mean of clusters of unequal size [1]_.

    References
    ----------
    .. [1] Bell and McCaffrey, "Bias reduction in standard errors for linear regression with
       multi-stage samples", Survey Methodology 28, 2002.

    Examples
    --------
    >>> found = per_range(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1]), 2)
    >>> found.value, found.se, found.units
    (array([2., 5.]), array([ 1., nan]), array([2., 1.]))
    """
    return _per_range(_influences(values, which, groups, clusters), groups)


def _per_range(parts: _Influences, groups: int) -> Estimates:
    square = np.bincount(parts.group, parts.influence**2, groups)
    units = np.bincount(parts.group, minlength=groups).astype(np.float64)
    dof = effective_units(parts.weight, parts.group, groups) - 1
    se = np.where(units > 1, np.sqrt(square), np.nan)
    return Estimates(parts.mean, se, dof, units)


def balanced(
    values: Floats, which: Indices, groups: int, clusters: Indices | None = None
) -> Estimates:
    """Return the mean over ranges of the mean of values, with its standard error.

    Parameters
    ----------
    values, which, groups, clusters
        As for `per_range`.

    Returns
    -------
    Estimates
        One mean over the ranges that have samples. A cluster with samples in several ranges
        counts once. No standard error if a range has a single unit.

    Examples
    --------
    >>> found = balanced(np.array([1.0, 3.0, 5.0, 7.0]), np.array([0, 0, 1, 1]), 2)
    >>> found.value, found.se.round(3), found.units
    (array([4.]), array([0.707]), array([4.]))
    """
    return _balanced(_influences(values, which, groups, clusters), groups)


def _balanced(parts: _Influences, groups: int) -> Estimates:
    units = np.bincount(parts.group, minlength=groups)
    filled = units > 0
    share = 1 / filled.sum()
    unit = np.unique(parts.unit, return_inverse=True)[1]
    influence = np.bincount(unit, share * parts.influence)
    weight: Floats = np.asarray(np.bincount(unit, share * parts.weight), dtype=np.float64)
    one = np.zeros(len(influence), dtype=np.int64)
    alone = bool((units == 1).any())
    return Estimates(
        np.array([parts.mean[filled].mean()]),
        np.array([np.nan if alone else np.sqrt((influence**2).sum())]),
        effective_units(weight, one, 1) - 1,
        np.array([float(len(influence))]),
    )


class PairedDifferences:
    """Decisions on all pairs of models of an error report, made on first use.

    The differences of all pairs in one metric are one family: per range, balanced over ranges, and
    overall. A report of equal models shows a difference anywhere, in any metric, in at most
    1 − ``level``; three fifths of this are the MAE's.

    Parameters
    ----------
    models : mapping of str to Quantities
        Quantities (N,) of two or more models on the same samples.
    which : ndarray of shape (N,)
        Range of each sample.
    groups : int
        Number of ranges K.
    clusters : ndarray of shape (N,) or None
        Cluster of each sample.
    level : float
        Simultaneous coverage of the intervals of all differences in all metrics.
    margin : float
        Share of the lower of two errors below which their difference does not matter.
    """

    def __init__(
        self,
        models: Mapping[str, Quantities],
        which: Indices,
        groups: int,
        clusters: Indices | None,
        level: float,
        margin: float,
    ) -> None:
        self._models, self._which, self._groups = dict(models), which, groups
        self._clusters, self._level, self._margin = clusters, level, margin
        self._decided: dict[str, dict[tuple[str, str], Decisions]] = {}

    @cached_property
    def units(self) -> Floats:
        """Number of units per range (K,)."""
        nothing = np.zeros(len(self._which))
        return per_range(nothing, self._which, self._groups, self._clusters).units

    def decisions(self, a: str, b: str, metric: str) -> Decisions:
        """Return the decisions on the differences ``a`` − ``b``.

        Parameters
        ----------
        a, b : str
            Names of two models.
        metric : {"mae", "rmse", "bias"}
            Error metric.

        Returns
        -------
        Decisions
            One decision per range, one on the mean over ranges, and a last one over all samples.

        Raises
        ------
        ValueError
            If a model or the metric is unknown, or both models are the same.
        """
        for name in (a, b):
            check_name(name, list(self._models))
        if metric not in METRICS:
            raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}")
        if a == b:
            raise ValueError(f"a and b are the same model, {a!r}")
        if metric not in self._decided:
            self._decided[metric] = self._family(metric)
        family = self._decided[metric]
        return family[a, b] if (a, b) in family else family[b, a].swapped()

    def _family(self, metric: str) -> dict[tuple[str, str], Decisions]:
        pairs = list(combinations(self._models, 2))
        parts = [self._estimates(a, b, metric) for a, b in pairs]
        value, se, dof, units, margin = map(np.concatenate, zip(*parts, strict=True))
        each = len(parts[0][0])
        weight = np.full(each, (1 - OVERALL_SHARE) / (each - 1))
        weight[-1] = OVERALL_SHARE
        weights = np.tile(weight, len(pairs))
        level = 1 - METRIC_SHARES[metric] * (1 - self._level)
        found = decide(value, se, dof, units, margin, weights, level)
        return {pair: found.take(slice(i * each, (i + 1) * each)) for i, pair in enumerate(pairs)}

    def _estimates(self, a: str, b: str, metric: str) -> tuple[Floats, ...]:
        """Differences, standard errors, degrees of freedom, units and margins of one pair."""
        which, groups, clusters = self._which, self._groups, self._clusters
        whole = np.zeros_like(which), 1
        pair = self._models[a], self._models[b]
        values = paired_values(*pair, metric, which, groups)
        parts = _influences(values, which, groups, clusters)
        found = (
            _per_range(parts, groups),
            _balanced(parts, groups),
            per_range(paired_values(*pair, metric, *whole), *whole, clusters),
        )
        columns = zip(*((e.value, e.se, e.dof, e.units) for e in found), strict=True)
        ranges, all_in_one = (
            np.stack([_errors(model, metric, *of) for model in pair])
            for of in ((which, groups), whole)
        )
        errors = np.column_stack([ranges, np.nanmean(ranges, axis=1), all_in_one])
        margin = np.nan * errors[0] if metric == "bias" else self._margin * errors.min(axis=0)
        return *map(np.concatenate, columns), margin


def check_name(name: str, names: Sequence[str]) -> None:
    """Check that a model exists.

    Parameters
    ----------
    name : str
        Name of a model.
    names : sequence of str
        Names of all models.

    Raises
    ------
    ValueError
        If it is not among them.
    """
    if name not in names:
        raise ValueError(f"no model is called {name!r}; choose from: {', '.join(names)}")


def _errors(model: Quantities, metric: str, which: Indices, groups: int) -> Floats:
    """Error of a model in each range (K,); NaN in empty ranges."""
    with np.errstate(invalid="ignore", divide="ignore"):
        counts = np.bincount(which, minlength=groups)
        means = [np.bincount(which, column, groups) / counts for column in model]
    return np.asarray(OF_MEANS[metric](Quantities(*means)))


@dataclass(frozen=True)
class _Influences:
    """Influence of each unit in each range on the range's mean, P pairs of unit and range."""

    group: Indices  # (P,)
    unit: Indices  # (P,)
    influence: Floats  # (P,), divided by √(1 − weight): CR2
    weight: Floats  # (P,), the unit's share of the samples in the range
    mean: Floats  # (K,)


def _influences(
    values: Floats, which: Indices, groups: int, clusters: Indices | None
) -> _Influences:
    counts = np.bincount(which, minlength=groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(which, values, groups) / counts
    centred = values - mean[which]
    if clusters is None:
        group, unit, sums = which, np.arange(len(which)), centred
        size: Floats = np.ones(len(which))
    else:
        width = int(clusters.max()) + 1
        pair, index = np.unique(which * width + clusters, return_inverse=True)
        group, unit = pair // width, pair % width
        sums = np.asarray(np.bincount(index, centred), dtype=np.float64)
        size = np.bincount(index).astype(np.float64)
    weight = size / counts[group]
    with np.errstate(invalid="ignore", divide="ignore"):
        influence = sums / counts[group] / np.sqrt(1 - weight)
    return _Influences(group, unit, np.where(weight < 1, influence, 0.0), weight, mean)
