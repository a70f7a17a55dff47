"""Losses of many models at once, one row per model, with autograd."""

from __future__ import annotations

import torch
from torch import Tensor


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
