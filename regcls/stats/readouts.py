"""Read-outs of a class head, alone or mixed with the value head, and monotone recalibration.

A reg+cls model has two heads. Its value head predicts the target. Its class head gives predictions
of its own: the mean or median of the class centres under softmax(logits − τ · log prior), with the
prior of the training set removed by the power τ. `choose` selects τ, the mixture and the monotone
map on validation data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

STATISTICS = ("mean", "median")
TAUS = tuple(float(f"{t:.1f}") for t in np.arange(0, 1.55, 0.1))  # powers that are tried
WEIGHTS = tuple(float(f"{w:.1f}") for w in np.arange(0, 1.05, 0.1))  # of the value head in mixtures
KNOTS = 64  # at most, of a stored monotone map
FOLDS = 10  # of the cross-fitting that compares read-outs
METRICS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {"mae": np.abs, "rmse": np.square}


@dataclass(frozen=True)
class ClassReadout:
    """A prediction from the class head.

    Attributes
    ----------
    tau : float
        Power of the prior that is removed; 0 leaves the logits as they are.
    statistic : {"mean", "median"}
        Statistic of the class distribution.
    weight : float
        Weight of the value head; 0 for the class head alone.
    """

    tau: float = 0.0
    statistic: str = "mean"
    weight: float = 0.0

    def __call__(
        self, value: np.ndarray, logits: np.ndarray, edges: np.ndarray, prior: np.ndarray
    ) -> np.ndarray:
        """Return predictions.

        Parameters
        ----------
        value : ndarray of shape (N, ...)
            Predictions of the value head.
        logits : ndarray of shape (N, C, ...)
            Class logits.
        edges : ndarray of shape (C + 1,)
            Class edges.
        prior : ndarray of shape (C,)
            Share of each class among the labels that the model was trained on.

        Returns
        -------
        ndarray of shape (N, ...)
        """
        classes = class_prediction(logits, edges, prior, self.tau, self.statistic)
        return self.weight * value + (1 - self.weight) * classes


def class_prediction(
    logits: np.ndarray,
    edges: np.ndarray,
    prior: np.ndarray,
    tau: float = 0.0,
    statistic: str = "mean",
) -> np.ndarray:
    """Return the prediction of a class head, with the class prior removed by a power.

    Parameters
    ----------
    logits : ndarray of shape (N, C, ...)
        Class logits.
    edges : ndarray of shape (C + 1,)
        Class edges.
    prior : ndarray of shape (C,)
        Share of each class in training. Classes without a sample count as half a sample of the
        rarest class.
    tau : float, default 0
        Power of the prior.
    statistic : {"mean", "median"}
        Mean of the class centres, or median of the distribution that is uniform in each class.

    Returns
    -------
    ndarray of shape (N, ...)
        Predictions in target units.

    Raises
    ------
    ValueError
        If the statistic is unknown.

    References
    ----------
    Menon et al., "Long-tail learning via logit adjustment", ICLR 2021. Ren et al., "Balanced MSE for
    Imbalanced Visual Regression", CVPR 2022, is the continuous counterpart.

    Examples
    --------
    >>> edges, prior = np.array([0.0, 1.0, 2.0]), np.array([0.75, 0.25])
    >>> class_prediction(np.log([[0.75, 0.25]]), edges, prior).round(3).tolist()
    [0.75]
    >>> class_prediction(np.log([[0.75, 0.25]]), edges, prior, tau=1.0).round(3).tolist()
    [1.0]
    """
    from scipy.special import softmax

    if statistic not in STATISTICS:
        raise ValueError(f"statistic must be one of {', '.join(STATISTICS)}, not {statistic!r}")
    edges, shape = np.asarray(edges, np.float64), (-1,) + (1,) * (logits.ndim - 2)
    adjusted = np.asarray(logits, np.float64) - tau * log_prior(prior).reshape(shape)
    share = softmax(adjusted, axis=1)
    if statistic == "mean":
        return np.tensordot(share, (edges[1:] + edges[:-1]) / 2, axes=(1, 0))
    return _median(share, edges)


def log_prior(prior: np.ndarray) -> np.ndarray:
    """Return the logarithm of a class prior, finite for classes without samples.

    Parameters
    ----------
    prior : ndarray of shape (C,)
        Share or count of each class, not all zero.

    Returns
    -------
    ndarray of shape (C,)
        Log shares; those of empty classes are half the smallest other one.
    """
    prior = np.asarray(prior, np.float64)
    filled = np.where(prior > 0, prior, prior[prior > 0].min() / 2)
    return np.log(filled / filled.sum())


def _median(share: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the median of densities that are uniform in each class; share is (N, C, ...)."""
    above = np.cumsum(share, axis=1)
    k = np.minimum((above < 0.5).sum(axis=1), share.shape[1] - 1)[:, None]
    inside = np.take_along_axis(share, k, axis=1)
    before = np.take_along_axis(above, k, axis=1) - inside
    part = np.clip((0.5 - before) / np.maximum(inside, 1e-300), 0, 1)
    low, width = edges[:-1][k], np.diff(edges)[k]
    return (low + part * width)[:, 0]


@dataclass(frozen=True)
class Monotone:
    """A monotone, piecewise linear map of predictions.

    Attributes
    ----------
    x, y : ndarray of shape (K,)
        Knots, ascending; constant beyond the ends.
    """

    x: np.ndarray
    y: np.ndarray

    def __call__(self, predictions: np.ndarray) -> np.ndarray:
        """Return recalibrated predictions of the same shape."""
        return np.interp(predictions, self.x, self.y)


def fit_monotone(
    predicted: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None
) -> Monotone:
    """Fit the monotone map from predictions to targets with the least squared error.

    Parameters
    ----------
    predicted, truth : ndarray of shape (N,)
        Predictions and targets.
    weights : ndarray of shape (N,), optional
        Weights of the squared errors.

    Returns
    -------
    Monotone
        Isotonic regression; of more than ``KNOTS`` knots, evenly spaced ones are kept.

    Examples
    --------
    >>> fit_monotone(np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 4.0]))(np.array([1.5, 3.0]))
    array([1.5, 4. ])
    """
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(out_of_bounds="clip").fit(predicted, truth, weights)
    x, y = fitted.X_thresholds_, fitted.y_thresholds_
    if len(x) > KNOTS:
        keep = np.unique(np.linspace(0, len(x) - 1, KNOTS).round().astype(int))
        x, y = x[keep], y[keep]
    return Monotone(np.asarray(x, np.float64), np.asarray(y, np.float64))


@dataclass(frozen=True)
class Validation:
    """Outputs of a model on validation data.

    Attributes
    ----------
    y, value : ndarray of shape (N,)
        Targets, and predictions of the value head.
    units : ndarray of shape (N,)
        Unit of each sample, such as its photo or clip; a unit is in one fold.
    logits : ndarray of shape (N, C), optional
        Class logits of a reg+cls model.
    edges : ndarray of shape (C + 1,)
        Its class edges.
    prior : ndarray of shape (C,)
        Its class prior.
    """

    y: np.ndarray
    value: np.ndarray
    units: np.ndarray
    logits: np.ndarray | None = None
    edges: np.ndarray = field(default_factory=lambda: np.empty(0))
    prior: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Chosen:
    """Read-outs chosen on validation data.

    Attributes
    ----------
    recalibrated : Monotone
        Recalibration of the value head.
    classes, mixed : ClassReadout or None
        Read-outs of the class head, alone and mixed with the value head; None for reg.
    metric : {"mae", "rmse"}
        Error by which they were chosen.
    errors : mapping of str to float
        Cross-fitted validation error of each read-out: its parameters were fitted on the other
        folds.
    """

    recalibrated: Monotone
    classes: ClassReadout | None
    mixed: ClassReadout | None
    metric: str
    errors: Mapping[str, float]

    @property
    def best(self) -> str:
        """Read-out with the lowest cross-fitted error; of equal ones, the simplest."""
        return min(self.errors, key=lambda name: self.errors[name])


def choose(data: Validation, metric: str) -> Chosen:
    """Choose the parameters of all read-outs on validation data.

    Read-outs are compared by cross-fitting, so that one with many parameters has no advantage.

    Parameters
    ----------
    data : Validation
        Outputs of the model.
    metric : {"mae", "rmse"}
        Error to minimise.

    Returns
    -------
    Chosen
        Parameters fitted on all validation data, and cross-fitted errors.
    """
    loss = METRICS[metric]
    fold = _folds(data.units)
    errors = {"value": loss(data.value - data.y).mean()}
    fits: dict[str, Any] = {"class": None, "mixed": None}
    if data.logits is not None:
        losses = _class_losses(data, loss, fold)
        for name, tried in losses.items():
            errors[name] = _cross_fitted(tried) / len(data.y)
            fits[name] = min(tried, key=lambda readout: tried[readout].sum())
    errors["recalibrated"] = np.mean(
        np.concatenate(
            [
                loss(_without(data, fold == k)(data.value[fold == k]) - data.y[fold == k])
                for k in np.unique(fold)
            ]
        )
    )
    root = np.sqrt if metric == "rmse" else float
    return Chosen(
        fit_monotone(data.value, data.y),
        fits["class"],
        fits["mixed"],
        metric,
        {name: float(root(error)) for name, error in errors.items()},
    )


def _folds(units: np.ndarray) -> np.ndarray:
    """Return the fold of each sample; units are dealt out at random."""
    number = np.unique(units, return_inverse=True)[1]
    count = number.max() + 1
    return np.random.default_rng(0).permutation(count)[number] % min(FOLDS, count)


def _without(data: Validation, left_out: np.ndarray) -> Monotone:
    return fit_monotone(data.value[~left_out], data.y[~left_out])


Sums = dict[ClassReadout, np.ndarray]  # summed loss per fold, by read-out


def _class_losses(data: Validation, loss: Callable, fold: np.ndarray) -> dict[str, Sums]:
    """Return the summed losses of all settings of the class head, alone and mixed."""
    assert data.logits is not None
    sums: dict[str, Sums] = {"class": {}, "mixed": {}}
    for statistic in STATISTICS:
        for tau in TAUS:
            answer = class_prediction(data.logits, data.edges, data.prior, tau, statistic)
            for weight in WEIGHTS[:-1]:  # the last is the value head alone
                error = weight * data.value + (1 - weight) * answer - data.y
                total = np.bincount(fold, loss(error))
                readout = ClassReadout(tau, statistic, weight)
                sums["mixed"][readout] = total
                if weight == 0:
                    sums["class"][readout] = total
    return sums


def _cross_fitted(tried: Sums) -> float:
    """Return the summed loss when each fold uses the setting that is best on the others."""
    total = np.stack(list(tried.values()))
    others = total.sum(axis=1, keepdims=True) - total
    return float(total[others.argmin(axis=0), np.arange(total.shape[1])].sum())
