"""Losses of many models at once, one row per model, with autograd."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from regcls.nn.tabular_model import INTERPOLATION, LEAST_VARIANCE

TINY = 1e-8  # added to squared distances


def weighted_mse(value: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Compute the weighted mean squared error.

    Parameters
    ----------
    value, y : Tensor of shape (R, B)
        Predictions and targets.
    weight : Tensor of shape (R, B) or ()
        Sample weights.

    Returns
    -------
    Tensor of shape (R,)
        Mean over the batch of weight · (value − y)².
    """
    return (weight * (value - y).square()).mean(dim=1)


def balanced_mse(value: Tensor, y: Tensor, variance: Tensor) -> Tensor:
    """Compute Balanced MSE with batch-based Monte Carlo (BMC).

    The loss classifies, for each prediction, which target of the batch is its own, under Gaussian
    noise. It is multiplied by 2 · variance, as in the authors' code, to have the scale of a squared
    error.

    Parameters
    ----------
    value, y : Tensor of shape (R, B)
        Predictions and targets.
    variance : Tensor of shape (R,)
        Noise variance.

    Returns
    -------
    Tensor of shape (R,)
        Losses.

    References
    ----------
    Ren et al., "Balanced MSE for Imbalanced Visual Regression", CVPR 2022, eq. 3.10.
    """
    twice = 2 * variance[:, None]
    logits = -(value[:, :, None] - y[:, None, :]).square() / twice[:, :, None]
    own = -(value - y).square() / twice
    return ((torch.logsumexp(logits, dim=2) - own) * twice).mean(dim=1)


def soft_labels(edges: Tensor, y: Tensor, sigma: Tensor) -> Tensor:
    """Compute soft labels (HL-Gauss): the probability of each class under N(y, σ²).

    The Gaussian is truncated to the range of the classes. A target beyond that range counts as its
    nearest end.

    Parameters
    ----------
    edges : Tensor of shape (R, C + 1)
        Class edges, padded with infinity for models with fewer classes.
    y : Tensor of shape (R, B)
        Targets.
    sigma : Tensor of shape (R,)
        Standard deviations.

    Returns
    -------
    Tensor of shape (R, B, C)
        Probabilities.

    References
    ----------
    Imani & White, "Improving Regression Performance with Distributional Losses", ICML 2018, §3.
    """
    last = edges.masked_fill(edges.isinf(), -torch.inf).amax(dim=1, keepdim=True)
    y = torch.minimum(torch.maximum(y, edges[:, :1]), last)
    at = torch.minimum(edges, last)[:, None, :] - y[:, :, None]
    share = torch.special.ndtr(at / sigma[:, None, None]).diff(dim=2).clamp(min=0)
    return share / share.sum(dim=2, keepdim=True)


def soft_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the mean cross-entropy with soft labels.

    Parameters
    ----------
    logits, labels : Tensor of shape (R, B, C)
        Logits and target probabilities.

    Returns
    -------
    Tensor of shape (R,)
        Losses.
    """
    return -(labels * torch.log_softmax(logits, dim=2)).sum(dim=2).mean(dim=1)


def hard_cross_entropy(logits: Tensor, labels: Tensor, kept: Tensor) -> Tensor:
    """Compute the mean cross-entropy over the samples whose label is kept.

    Parameters
    ----------
    logits : Tensor of shape (R, B, C)
        Logits.
    labels : Tensor of shape (R, B), int64
        Classes.
    kept : Tensor of shape (R, B)
        1 where a label is kept, else 0.

    Returns
    -------
    Tensor of shape (R,)
        Losses; 0 where no label is kept.
    """
    chosen = torch.log_softmax(logits, dim=2).gather(2, labels[:, :, None])[:, :, 0]
    return -(chosen * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)


def beta_nll(value: Tensor, raw: Tensor, y: Tensor, beta: float = 0.5) -> Tensor:
    """Compute β-NLL, the Gaussian log-likelihood weighted by a power of its own variance.

    Parameters
    ----------
    value : Tensor of shape (R, B)
        Predicted means.
    raw : Tensor of shape (R, B)
        Predicted variances before softplus.
    y : Tensor of shape (R, B)
        Targets.
    beta : float, default 0.5
        Power of the variance by which the loss of each sample is weighted; the weight has no
        gradient. 0 is the log-likelihood, 1 fits the means as the squared error does.

    Returns
    -------
    Tensor of shape (R,)
        Losses.

    References
    ----------
    Seitzer et al., "On the Pitfalls of Heteroscedastic Uncertainty Estimation with Probabilistic
    Neural Networks", ICLR 2022, eq. 5; β = 0.5 is the authors' recommendation.
    """
    variance = torch.nn.functional.softplus(raw) + LEAST_VARIANCE
    nll = 0.5 * (variance.log() + (value - y).square() / variance)
    return (variance.detach() ** beta * nll).mean(dim=1)


class _Ranks(torch.autograd.Function):
    """Normalised ranks, 1/k for the largest, with the gradient of a black-box combinatorial solver.

    Vlastelica et al., "Differentiation of Blackbox Combinatorial Solvers", ICLR 2020.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        ranks = normalised_ranks(scores)
        ctx.save_for_backward(scores, ranks)
        return ranks

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        scores, ranks = ctx.saved_tensors
        moved = normalised_ranks(scores + INTERPOLATION * gradient)
        return (moved - ranks) / INTERPOLATION


def normalised_ranks(scores: Tensor) -> Tensor:
    """Return descending ranks along the last dimension, divided by their number.

    Parameters
    ----------
    scores : Tensor of shape (..., k)
        Scores.

    Returns
    -------
    Tensor of shape (..., k)
        1/k for the largest score, 1 for the smallest.

    Examples
    --------
    >>> normalised_ranks(torch.tensor([0.1, 0.9, 0.5, 0.2])).tolist()
    [1.0, 0.25, 0.5, 0.75]
    """
    order = scores.argsort(dim=-1, descending=True, stable=True)
    places = torch.arange(1, scores.shape[-1] + 1, dtype=scores.dtype).expand_as(scores)
    return torch.zeros_like(scores).scatter(-1, order, places) / scores.shape[-1]


def ranksim(features: Tensor, y: Tensor) -> Tensor:
    """Compute RankSim: neighbours in the target should be neighbours in the features.

    Each sample ranks all others by the similarity of their targets and by the cosine similarity of
    their features; the ranks should agree. The authors add up the samples' losses and weight them;
    this is the mean, so that a weight does not depend on the number of samples.

    Parameters
    ----------
    features : Tensor of shape (R, B, d)
        Features of R models.
    y : Tensor of shape (R, B)
        Targets, different from each other.

    Returns
    -------
    Tensor of shape (R,)
        Mean squared differences of the normalised ranks.

    References
    ----------
    Gong et al., "RankSim: Ranking Similarity Regularization for Deep Imbalanced Regression", ICML
    2022, eq. 5, with the authors' interpolation strength 2.
    """
    unit = torch.nn.functional.normalize(features, dim=2)
    by_features = _Ranks.apply(unit @ unit.transpose(1, 2))
    by_target = normalised_ranks(-(y[:, :, None] - y[:, None, :]).abs())
    return (by_features - by_target).square().mean(dim=(1, 2))


def ordinal_entropy(features: Tensor, y: Tensor) -> Tensor:
    """Compute the ordinal entropy loss: features spread as far apart as their targets.

    Parameters
    ----------
    features : Tensor of shape (R, B, d)
        Features of R models.
    y : Tensor of shape (R, B)
        Targets; the features of equal ones are drawn to their mean.

    Returns
    -------
    Tensor of shape (R,)
        Mean distance of the features from the mean of their target, less the mean distance between
        these means, weighted by the distance of the targets (from 0 to 1).

    References
    ----------
    Zhang et al., "Improving Deep Regression with Ordinal Entropy", ICLR 2023, eq. 4 to 6, normalised
    as in the authors' code.
    """
    unit = torch.nn.functional.normalize(features, dim=2)
    same = (y[:, :, None] == y[:, None, :]).to(unit.dtype)
    # Each target once: by the first sample that has it.
    first = (same.cumsum(dim=2).diagonal(dim1=1, dim2=2) == 1).to(unit.dtype)
    means = torch.nn.functional.normalize(same @ unit / same.sum(dim=2, keepdim=True), dim=2)
    upper = torch.triu(first[:, :, None] * first[:, None, :], diagonal=1)
    apart = (y[:, :, None] - y[:, None, :]).abs()
    most = apart.amax(dim=(1, 2), keepdim=True)
    least = torch.where(upper > 0, apart, most).amin(dim=(1, 2), keepdim=True)
    weight = upper * (apart - least) / most.clamp(min=TINY)
    spread = (weight * _distance(means)).sum(dim=(1, 2)) / upper.sum(dim=(1, 2)).clamp(min=1)
    inside = (unit - means).square().sum(dim=2)
    several = (same.sum(dim=2) > 1).to(unit.dtype)
    tight = (several * (inside + TINY).sqrt()).sum(dim=1) / several.sum(dim=1).clamp(min=1)
    return tight - spread


def _distance(points: Tensor) -> Tensor:
    """Euclidean distances (R, B, B) between unit vectors (R, B, d), with finite gradients at zero."""
    return (2 - 2 * points @ points.transpose(1, 2)).clamp(min=TINY).sqrt()
