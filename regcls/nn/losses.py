"""Losses of many models at once, one row a model: Balanced MSE, HL-Gauss, hard and soft classes."""

from __future__ import annotations

import torch
from torch import Tensor


def squared(value: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean squared error (r,) of ``value``, ``y``, ``weight`` (r, B)."""
    return (weight * (value - y).square()).mean(dim=1)


def balanced_mse(value: Tensor, y: Tensor, variance: Tensor) -> Tensor:
    """Balanced MSE (r,) by batch-based Monte Carlo, of ``value`` and ``y`` (r, B).

    Ren et al., "Balanced MSE for Imbalanced Visual Regression", CVPR 2022, eq. 3.10 (BMC): of all
    targets of the batch, a prediction must be nearest to its own, under noise of this ``variance``
    (r,); times 2·variance, as in the authors' code, so that it has the scale of a squared error.
    """
    twice = 2 * variance[:, None]
    logits = -(value[:, :, None] - y[:, None, :]).square() / twice[:, :, None]
    own = -(value - y).square() / twice
    return ((torch.logsumexp(logits, dim=2) - own) * twice).mean(dim=1)


def soft_labels(edges: Tensor, y: Tensor, sigma: Tensor) -> Tensor:
    """HL-Gauss: the share of N(y, σ²) in each class, (r, B, C).

    Imani & White, "Improving Regression Performance with Distributional Losses", ICML 2018, §3:
    the Gaussian is cut off at the end classes. ``edges`` (r, C+1), padded with inf where a model
    has fewer classes; ``y`` (r, B), taken to the nearest edge beyond the ends; ``sigma`` (r,).
    """
    last = edges.masked_fill(edges.isinf(), -torch.inf).amax(dim=1, keepdim=True)
    y = torch.minimum(torch.maximum(y, edges[:, :1]), last)
    at = torch.minimum(edges, last)[:, None, :] - y[:, :, None]
    share = torch.special.ndtr(at / sigma[:, None, None]).diff(dim=2).clamp(min=0)
    return share / share.sum(dim=2, keepdim=True)


def soft_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy (r,) of ``logits`` (r, B, C) with soft ``labels`` (r, B, C)."""
    return -(labels * torch.log_softmax(logits, dim=2)).sum(dim=2).mean(dim=1)


def hard_entropy(logits: Tensor, labels: Tensor, shown: Tensor) -> Tensor:
    """Mean cross-entropy (r,) over the samples whose label is ``shown`` (r, B), 0 or 1."""
    chosen = torch.log_softmax(logits, dim=2).gather(2, labels[:, :, None])[:, :, 0]
    return -(chosen * shown).sum(dim=1) / shown.sum(dim=1).clamp(min=1)
