"""Progress from frame features instead of frames: the network of Pintea et al. for Breakfast."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from regcls.training.fit import Recipe
from regcls.training.progress.data import FEATURES
from regcls.training.progress.recipe import SEGMENTS, Progresses, segments

HIDDEN = (80, 40)  # an MLP 64 → 80 → 40 → 1
# Features have no resolution: the sides only count the epochs.
RECIPE = Recipe(sides=(1,) * 20, batch=64)


class FeatureRegressor(nn.Module):
    """Predicts progress, and for reg+cls also class logits, from the features of a frame.

    Parameters
    ----------
    classes : int, default 0
        Number of classes; 0 for reg.

    References
    ----------
    Pintea, Lin, Dijkstra, van Gemert: A step towards understanding why classification helps
    regression, ICCV 2023.
    """

    def __init__(self, classes: int = 0) -> None:
        super().__init__()
        sizes = (FEATURES, *HIDDEN)
        layers: list[nn.Module] = [
            part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())
        ]
        self.body = nn.Sequential(*layers)
        self.value_head = nn.Linear(HIDDEN[-1], 1)
        self.class_head = nn.Linear(HIDDEN[-1], classes) if classes else None

    def freeze(self, blocks: int) -> list[nn.Module]:
        """Return no modules: nothing is pretrained."""
        return []

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Predict for a batch of frames.

        Parameters
        ----------
        features : Tensor, shape (N, 64)
            Features.

        Returns
        -------
        tuple of Tensor
            Value, shape (N,), and for reg+cls logits, shape (N, C).
        """
        hidden = self.body(features)
        value = self.value_head(hidden).squeeze(-1)
        return (value,) if self.class_head is None else (value, self.class_head(hidden))


class FeatureProgresses(Progresses):
    """Clips of features as a `regcls.training.fit.Problem`; see `Progresses`."""

    def network(self, recipe: Recipe) -> FeatureRegressor:
        """Return a new network."""
        return FeatureRegressor(recipe.classes)

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the features of frames and their progress; nothing is augmented."""
        at = segments(self.clips, take.numpy() // SEGMENTS, rng)
        return torch.from_numpy(self.clips.frames[at]), torch.from_numpy(self.clips.progress[at])
