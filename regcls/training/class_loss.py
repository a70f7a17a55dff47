"""The classification loss of the image tasks: cross-entropy on the classes of continuous targets."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from regcls.stats import bins

IGNORED = -100  # label of a target without a class


@dataclass(frozen=True)
class ClassLoss:
    """Cross-entropy on the classes of targets.

    With equalized classes, labels of frequent classes are dropped at random so that all classes
    are seen equally often.

    Attributes
    ----------
    edges : tuple of float
        Class edges, shape (C + 1,).
    targets : ndarray, shape (M,)
        Training targets, for the class frequencies.
    kind : str
        "equal-width" or "equalized".
    """

    edges: tuple[float, ...]
    targets: np.ndarray
    kind: str = "equal-width"

    def __call__(
        self, logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Compute the loss.

        Parameters
        ----------
        logits : Tensor, shape (N, C, ...)
            Class logits.
        targets : Tensor, shape (N, ...)
            Targets.
        known : Tensor of bool, shape (N, ...), optional
            Which targets are known.

        Returns
        -------
        Tensor
            Mean cross-entropy over the targets with a label.
        """
        labels = torch.bucketize(targets, torch.tensor(self.edges[1:-1]), right=True)
        if known is not None:
            labels[~known] = IGNORED
        if self.kind == "equalized":
            keep = self._keep[labels.clamp(min=0)]
            labels[torch.rand(labels.shape) > keep] = IGNORED
        return F.cross_entropy(logits, labels, ignore_index=IGNORED)

    @cached_property
    def _keep(self) -> torch.Tensor:
        """Probability of keeping a label, by class."""
        labels = np.searchsorted(self.edges[1:-1], self.targets, side="right")
        return torch.from_numpy(bins.keep_probability(labels, len(self.edges) - 1)).float()
