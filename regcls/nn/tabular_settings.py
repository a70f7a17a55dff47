"""Settings of all models of a `regcls.nn.tabular_ensemble.TabularEnsemble` as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from regcls.nn.labels import pad_edges
from regcls.nn.tabular_model import WEIGHTED, WITH_CLASSES, Model
from regcls.stats.readouts import log_prior

_MASKED = -1e9  # logit of the classes that pad a model with fewer


@dataclass(frozen=True)
class Settings:
    """Settings by row, and for the rows with classes their classes.

    Of R rows, r have classes, C at most; of these, the first ``hard`` have hard labels.

    Attributes
    ----------
    lr, weight_decay, scale, strength : Tensor of shape (R,)
        Learning rate, L2 penalty, factor of the loss and of the second term on the features.
    variance : Tensor of shape (rows of kind "bmc",)
        Noise variance.
    sample_weights : Tensor of shape (rows with a squared error, N) or None
        Weights of the training rows; None if all are 1.
    classes, hard : int
        Largest number of classes, and number of rows with hard labels.
    mask : Tensor of shape (r, 1, C)
        Is added to the logits: 0, or a large negative number for classes that a row lacks.
    edges, centres : Tensor of shape (r, C + 1) and (r, C)
        Class edges and centres.
    labels : Tensor of shape (hard, N)
        Class of each training row.
    keep : Tensor of shape (hard, C)
        Probability of keeping a label.
    log_prior : Tensor of shape (hard, 1, C)
        Logarithm of the share of each class among the labels that are kept.
    sigma : Tensor of shape (r - hard,)
        Standard deviation of soft labels.
    """

    lr: Tensor
    weight_decay: Tensor
    scale: Tensor
    strength: Tensor
    variance: Tensor
    sample_weights: Tensor | None
    classes: int
    hard: int
    mask: Tensor
    edges: Tensor
    centres: Tensor
    labels: Tensor
    keep: Tensor
    log_prior: Tensor
    sigma: Tensor

    @classmethod
    def made(cls, laid: Sequence[Model], y: Tensor, sizes: Sequence[int]) -> Settings:
        """Make the tensors.

        Parameters
        ----------
        laid : sequence of Model
            Models in the order of the rows.
        y : Tensor of shape (G, N)
            Training targets of each fold, padded.
        sizes : sequence of G int
            Number of training rows of each fold.
        """
        folds = len(y)
        column = lambda name: torch.tensor(
            [getattr(m, name) for m in laid for _ in range(folds)], dtype=torch.float32
        )
        bmc = torch.tensor([m.kind == "bmc" for m in laid for _ in range(folds)])
        weighted = [m for m in laid if m.kind in WEIGHTED]
        weights = None
        if any(m.sample_weight is not None for m in weighted):
            ones = (np.ones(y.shape[1], np.float32),) * folds
            weights = stacked([w for m in weighted for w in m.sample_weight or ones])
        return cls(
            lr=column("lr"),
            weight_decay=column("weight_decay"),
            scale=column("weight"),
            strength=column("weight") * column("strength"),
            variance=column("variance")[bmc],
            sample_weights=weights,
            **_classes([m for m in laid if m.kind in WITH_CLASSES], y, sizes),
        )


def _classes(laid: Sequence[Model], y: Tensor, sizes: Sequence[int]) -> dict[str, Any]:
    """Return the fields that describe classes."""
    rows = [(m, f) for m in laid for f in range(len(y))]
    edges = [np.asarray(m.edges[f], np.float32) for m, f in rows if m.edges is not None]
    c = max((len(e) - 1 for e in edges), default=0)
    hard = sum(m.kind == "cls" for m, _ in rows)
    mask, centres = torch.full((len(rows), 1, c), _MASKED), torch.zeros(len(rows), c)
    keep, prior = torch.ones(hard, c), torch.zeros(hard, 1, c)
    padded, labels = torch.zeros(len(rows), c + 1), torch.zeros(hard, y.shape[1], dtype=torch.int64)
    for i, ((m, f), own) in enumerate(zip(rows, edges, strict=True)):
        count = len(own) - 1
        padded[i] = torch.from_numpy(pad_edges(own, c, infinite=True))
        mask[i, 0, :count] = 0
        centres[i, :count] = torch.from_numpy((own[1:] + own[:-1]) / 2)
        if i < hard:
            labels[i] = torch.bucketize(y[f], torch.from_numpy(own[1:-1].copy()), right=True)
            if m.keep is not None:
                keep[i, :count] = torch.as_tensor(m.keep[f], dtype=torch.float32)
            kept = labels[i, : sizes[f]].bincount(minlength=count) * keep[i, :count]
            if kept.any():
                prior[i, 0, :count] = torch.from_numpy(log_prior(kept.numpy())).float()
    sigma = torch.tensor([m.sigma[f] for m, f in rows if m.sigma is not None], dtype=torch.float32)
    return {
        "classes": c, "hard": hard, "mask": mask, "edges": padded, "centres": centres,
        "labels": labels, "keep": keep, "log_prior": prior, "sigma": sigma,
    }  # fmt: skip


def stacked(arrays: Sequence[np.ndarray]) -> Tensor:
    """Stack arrays of different sizes.

    Parameters
    ----------
    arrays : sequence of K arrays
        Arrays of one number of dimensions.

    Returns
    -------
    Tensor of shape (K, ...), float32
        The arrays, padded with zeros to the largest size in each dimension.

    Examples
    --------
    >>> stacked([np.array([1.0]), np.array([2.0, 3.0])]).tolist()
    [[1.0, 0.0], [2.0, 3.0]]
    """
    shape = np.max([a.shape for a in arrays], axis=0)
    out = torch.zeros(len(arrays), *map(int, shape))
    for i, a in enumerate(arrays):
        own = tuple(slice(size) for size in a.shape)
        out[i][own] = torch.as_tensor(np.asarray(a, np.float32))
    return out
