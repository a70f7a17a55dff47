"""Gap terms that imbalance adds to the regression and the classification loss, on the 1D data.

Let p(y) be the training density relative to uniform targets, with the same p(x|y) for both. Then

    −log p_imb(y|x) = −log p_bal(y|x) + gap,   gap = log ∫ p_bal(y'|x) p(y') dy' − log p(y).

The gap is zero if p is flat, and large for rare targets. Solved for the other conditional,

    p_bal(y|x) ∝ p_imb(y|x) / p(y),   gap = −log ∫ p_imb(y'|x) / p(y') dy' − log p(y).

The loss of a classifier depends on the training density p̃ of the samples that keep their label. Its
gap is computed relative to two references:

- flat priors over its classes, with the targets within each class distributed as in training;
- uniform targets y, the reference of the regression loss.

Equalized bins have flat priors, so the first gap is zero. The second is not: these classes differ in
width, and training targets are not uniform within them.

References
----------
Ren, Zhang, Yu, Liu: "Balanced MSE for Imbalanced Visual Regression", CVPR 2022, eq. 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from regcls.exceptions import UserError
from regcls.stats import bins
from regcls.synthetic.data import Function
from regcls.theory.density import (
    Density,
    expected_level,
    log_gaussian,
    log_masses,
    make_data,
    training_density,
    uniform_test_points,
)

RANGES = 12  # equal target ranges of a table
WIDTHS = (1.0, 0.5, 0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.03, 0.02)  # half widths s; 1 is uniform
GROUPS = ("rare, near the peak", "rare, far from the peak", "frequent")
NOISE = (0.2, 0.1, 0.05, 0.02, 0.01)  # σ of the ideal model, in target units, from large to small
NOISE_POINTS = 2000  # targets at which the gap is averaged for each σ
MODELS = ("ideal", "reg", "control", "reg+cls")
UNIFORM, FLAT = "uniform y", "flat priors"  # what a gap is relative to
ESTIMAND = (
    "mean loss and gap, in nats, over targets uniform in each range, for one function, data seed "
    "and model (one training run if trained)"
)
# The conditional density that a model is taken as, by the data whose loss it minimises.
ROLES = {
    "balanced": "The ideal model is p_bal, a Gaussian around the true target; p_imb is derived "
    "from it.",
    "imbalanced": "Trained with MSE on imbalanced data, the model estimates the imbalanced "
    "conditional: it is taken as p_imb, and p_bal ∝ p_imb / p is derived from it.",
}


@dataclass(frozen=True)
class Terms:
    """The three terms of a loss at each test point, in nats.

    Attributes
    ----------
    balanced : ndarray of shape (n,)
        Loss of the model under the reference: uniform targets for regression, flat class priors
        for classification.
    imbalanced : ndarray of shape (n,)
        Loss of the model under imbalanced targets.
    gap : ndarray of shape (n,)
        What imbalance adds, relative to the reference.
    classes : int
        Number of classes; 0 for regression.
    uniform : Terms or None
        The terms of a classification loss relative to uniform targets.
    """

    balanced: np.ndarray
    imbalanced: np.ndarray
    gap: np.ndarray
    classes: int = 0
    uniform: Terms | None = None

    @property
    def residual(self) -> float:
        """Largest |imbalanced − (balanced + gap)|, zero up to rounding and integration errors."""
        return float(np.abs(self.imbalanced - self.balanced - self.gap).max())


@dataclass(frozen=True)
class Case:
    """Predictions of a model at test points, and its training targets.

    The model predicts a Gaussian, truncated to the limits of the target.

    Attributes
    ----------
    mean : ndarray of shape (n,)
        Mean of each predicted Gaussian.
    sigma : float
        Standard deviation of all predicted Gaussians, in target units.
    y : ndarray of shape (n,)
        True targets.
    density : Density
        Density of the training targets.
    train : ndarray of shape (N,)
        Training targets, a sample from this density.
    fits : {"balanced", "imbalanced"}
        The conditional density that the Gaussian is; the other one is derived from it.
    """

    mean: np.ndarray
    sigma: float
    y: np.ndarray
    density: Density
    train: np.ndarray
    fits: str = "balanced"

    @property
    def role(self) -> str:
        """The conditional density that the model is taken as, and why, as a sentence."""
        return ROLES[self.fits]


def ideal_case(function: Function, seed: int, width: float, sigma: float) -> Case:
    """Return the case of a model that knows the function, up to Gaussian noise.

    Parameters
    ----------
    function : Function
        Target function.
    seed : int
        Data seed.
    width : float
        Half width s of the training peak, as a share of the range of the target; 1 is uniform.
    sigma : float
        Standard deviation of the noise, in target units.

    Returns
    -------
    Case

    Raises
    ------
    UserError
        If ``sigma`` is not positive.
    """
    if not sigma > 0:
        raise UserError(f"sigma must be above 0, not {sigma}")
    test = uniform_test_points(function, seed)
    train = make_data(function, seed, width).train.y
    return Case(test.y, sigma, test.y, training_density(function, seed, width), train)


def regression(case: Case) -> Terms:
    """Compute the three terms of a regressor at each test point, relative to uniform targets.

    The expectation in the gap is a Gauss-Legendre quadrature; the derived conditional density is
    normalised with closed-form Gaussian masses. That the terms add up thus checks the numerical
    integration. It does not check whether the model is Gaussian, or estimates what `Case.fits`
    states.

    Parameters
    ----------
    case : Case
        Predictions and training density.

    Returns
    -------
    Terms

    References
    ----------
    Ren, Zhang, Yu, Liu: "Balanced MSE for Imbalanced Visual Regression", CVPR 2022, eq. 3.
    """
    edges, at_y = case.density.edges, case.density.at(case.y)
    balanced = case.fits == "balanced"
    levels, weight = case.density.relative, at_y
    if not balanced:
        levels, weight = 1 / levels, 1 / at_y
    log_density = log_gaussian(case.y, case.mean, case.sigma)
    log_parts = log_masses(case.mean, case.sigma, edges)
    fitted = logsumexp(log_parts, axis=1) - log_density
    derived = logsumexp(log_parts + np.log(levels), axis=1) - log_density - np.log(weight)
    change = np.log(expected_level(case.mean, case.sigma, edges, levels)) - np.log(weight)
    return Terms(fitted, derived, change) if balanced else Terms(derived, fitted, -change)


def classification(case: Case, edges: np.ndarray, priors: np.ndarray) -> Terms:
    """Compute the three terms of a classifier at each test point, relative to both references.

    The classifier knows p_bal(y|x) of the case. With p̃ the training density, scaled within each
    class to the class's prior π, and E the expectation under p_bal,

        p_imb(c|x)  = ∫_c p_bal(y|x) p̃(y) dy / E[p̃]
        p_flat(c|x) ∝ p_imb(c|x) / π_c,    gap = log Σ_k p_flat(k|x) π_k − log π_c
        p_unif(c|x) = ∫_c p_bal(y|x) dy,   gap = log E[p̃] − log E[p̃ | y in c].

    The first gap is that of Ren et al. for class priors; the second is that of the regression loss,
    averaged over the class. The prior of a class without training data is that of a thousandth of
    a sample, so that its loss is finite.

    Parameters
    ----------
    case : Case
        Predictions and training targets.
    edges : ndarray of shape (C + 1,)
        Class edges, in target units.
    priors : ndarray of shape (C,)
        Training priors of the classes.

    Returns
    -------
    Terms
        Relative to flat priors over the classes; in ``uniform``, relative to uniform targets.

    References
    ----------
    Ren, Zhang, Yu, Liu: "Balanced MSE for Imbalanced Visual Regression", CVPR 2022, eq. 3.
    """
    priors = np.maximum(priors, 1e-3 / len(case.train))
    priors = priors / priors.sum()
    log_uniform, log_trained = _log_class_masses(case, edges, priors)
    label = bins.range_index(case.y, edges)
    at = np.arange(len(label)), label
    flat, imbalanced = _normalised(log_trained - np.log(priors)), _loss(log_trained, at)
    gap = np.log(np.exp(flat) @ priors) - np.log(priors[label])
    log_mean = logsumexp(log_trained, axis=1) - logsumexp(log_uniform, axis=1)
    gap_uniform = log_mean - (log_trained - log_uniform)[at]
    uniform = Terms(_loss(log_uniform, at), imbalanced, gap_uniform, len(priors))
    return Terms(_loss(flat, at), imbalanced, gap, len(priors), uniform)


def _normalised(log: np.ndarray) -> np.ndarray:
    return log - logsumexp(log, axis=1, keepdims=True)


def _loss(log: np.ndarray, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return 0.0 - _normalised(log)[at]  # unlike a minus sign alone, without −0


def _log_class_masses(
    case: Case, edges: np.ndarray, priors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return log ∫_c p_bal(y|x) dy and log ∫_c p_bal(y|x) p̃(y) dy, (n, C), up to a constant."""
    parts = np.union1d(edges, case.density.edges)
    middle = (parts[:-1] + parts[1:]) / 2
    label, log_level = bins.range_index(middle, edges), np.log(case.density.at(middle))
    log_balanced = log_masses(case.mean, case.sigma, parts)
    if case.fits == "imbalanced":
        log_balanced = log_balanced - log_level
    kept = np.log(priors) - np.log(case.density.mass(edges))
    starts = np.searchsorted(label, np.arange(len(priors)))
    both = log_balanced, log_balanced + log_level + kept[label]
    uniform, trained = (np.logaddexp.reduceat(log, starts, axis=1) for log in both)
    return uniform, trained


def class_priors(case: Case, kind: str, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return class edges and the priors that the classification loss is trained with.

    Priors of equal-width bins are the masses of the training density. Equalized bins are merged on
    the training sample, and labels are dropped until all classes are equally frequent.

    Parameters
    ----------
    case : Case
        Training density and training targets.
    kind : str
        "equal-width" or "equalized".
    classes : int
        Number of classes before merging.

    Returns
    -------
    edges : ndarray of shape (C + 1,)
        Class edges, in target units.
    priors : ndarray of shape (C,)
        Training priors, with sum 1.
    """
    limits = case.density.limits
    made = bins.make(kind, np.clip(case.train, *limits), classes, limits)
    mass = case.density.mass(made.edges)
    if kind != "equalized":
        return made.edges, mass
    labels = made.label(case.train)
    counts = np.bincount(labels, minlength=made.classes)
    seen = counts * bins.keep_probability(labels, made.classes)
    return made.edges, seen / seen.sum()


def per_range(case: Case, terms: dict[str, Terms], ranges: int = RANGES) -> pd.DataFrame:
    """Return the mean terms per target range, relative to each reference.

    Ranges have equal widths and are split where the density jumps, so that none of them mixes rare
    and frequent targets.

    Parameters
    ----------
    case : Case
        Test points and training density.
    terms : dict of str to Terms
        Terms of each loss by its name.
    ranges : int
        Number of ranges before splitting.

    Returns
    -------
    DataFrame
        One row per loss, reference and range with test points: low, high, train (share of the
        training targets), points, model (name of the loss; of a classification loss, with the
        reference), reference, classes (None for regression), the means of balanced, imbalanced and
        gap, and gap_max, the largest gap at a test point. Losses and gaps are in nats.
    """
    edges = np.union1d(bins.ranges(*case.density.limits, ranges), case.density.edges)
    which = bins.range_index(case.y, edges)
    columns = {"low": edges[:-1], "high": edges[1:], "train": case.density.mass(edges)}
    table = pd.DataFrame(columns | {"points": np.bincount(which, minlength=len(edges) - 1)})
    table = table[table["points"] > 0]
    rows = []
    for name, reference, one in _by_reference(terms):
        values = {term: getattr(one, term) for term in ("balanced", "imbalanced", "gap")}
        grouped = pd.DataFrame(values).groupby(which)
        means = grouped.mean().assign(gap_max=grouped["gap"].max())
        classes = pd.Series([one.classes or None] * len(table), table.index, dtype=object)
        rows.append(table.assign(model=name, reference=reference, classes=classes).join(means))
    return pd.concat(rows, ignore_index=True)


def _by_reference(terms: dict[str, Terms]) -> Iterator[tuple[str, str, Terms]]:
    """Yield name, reference and terms of each loss."""
    for name, one in terms.items():
        if one.uniform is None:
            yield name, UNIFORM, one
        else:
            yield series(name, FLAT), FLAT, one
            yield series(name, UNIFORM), UNIFORM, one.uniform


def series(loss: str, reference: str) -> str:
    """Return the name of a classification loss with what its gap is relative to.

    Examples
    --------
    >>> series("equalized", UNIFORM)
    'equalized, vs uniform y'
    """
    return f"{loss}, vs {reference}"


def equalisation(table: pd.DataFrame) -> dict[str, float]:
    """Return what equalized bins leave of the classes and of the gap.

    Parameters
    ----------
    table : DataFrame
        Table from `per_range` with both kinds of bins.

    Returns
    -------
    dict
        ``asked`` and ``left``: number of classes before and after merging; ``gap_max_flat`` and
        ``gap_max_uniform``: largest gap at a test point in nats, relative to each reference.
    """
    equalized = table["model"].str.contains("equalized")
    gaps = table[equalized].groupby("reference")["gap_max"].max()
    return {
        "asked": int(table.loc[table["model"].str.contains("equal-width"), "classes"].iloc[0]),
        "left": int(table.loc[equalized, "classes"].iloc[0]),
        "gap_max_flat": float(gaps[FLAT]),
        "gap_max_uniform": float(gaps[UNIFORM]),
    }


def by_imbalance(function: Function, seed: int, sigma: float) -> pd.DataFrame:
    """Return the mean gap of the ideal model in and outside the training peak, by its width.

    Parameters
    ----------
    function : Function
        Target function.
    seed : int
        Data seed.
    sigma : float
        Standard deviation of the model's noise, in target units.

    Returns
    -------
    DataFrame
        One row per width of `WIDTHS` below 1 and group: width, group, gap in nats, and share (of
        the range of the target). Targets outside the peak are near it if they are within 2σ.

    Raises
    ------
    UserError
        If ``sigma`` is not positive.
    """
    rows = []
    for width in WIDTHS[1:]:
        case = ideal_case(function, seed, width, sigma)
        gap, common = regression(case).gap, case.density.at(case.y) > 1
        near = np.abs(case.y[:, None] - case.y[common]).min(axis=1) <= 2 * sigma
        masks = (~common & near, ~common & ~near, common)
        for group, mask in zip(GROUPS, masks, strict=True):
            if mask.any():
                rows.append((width, group, float(gap[mask].mean()), float(mask.mean())))
    return pd.DataFrame(rows, columns=["width", "group", "gap", "share"])


def by_noise(function: Function, seed: int, width: float) -> pd.DataFrame:
    """Return the gap of the ideal model at rare targets, by its noise.

    The gap at a target outside the peak tends to zero with σ. It stays large only within a few σ of
    the peak, so its mean over rare targets is about proportional to σ.

    Parameters
    ----------
    function : Function
        Target function.
    seed : int
        Data seed.
    width : float
        Half width s of the training peak, as a share of the range of the target; 1 is uniform.

    Returns
    -------
    DataFrame
        One row per σ of `NOISE`: sigma, gap (mean over targets outside the peak, in nats) and share
        (of these targets, those with a gap above 0.1 nats). Zero if no target is rare.
    """
    density = training_density(function, seed, width)
    y = (np.arange(NOISE_POINTS) + 0.5) / NOISE_POINTS * np.ptp(density.limits) + density.limits[0]
    y = y[density.at(y) < 1 - 1e-9]
    rows = []
    for sigma in NOISE:
        gap = regression(Case(y, sigma, y, density, y)).gap if len(y) else np.zeros(1)
        rows.append((sigma, float(gap.mean()), float((gap > 0.1).mean())))
    return pd.DataFrame(rows, columns=["sigma", "gap", "share"])
