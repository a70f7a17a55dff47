"""Progress from features of frames instead of frames: the paper's second network, for Breakfast."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from regcls.training.fit import Recipe
from regcls.training.progress.data import FEATURES
from regcls.training.progress.recipe import SEGMENTS, Progresses, segments

HIDDEN = (80, 40)  # Pintea et al. 2023: an MLP 64 → 80 → 40 → 1
# A "side" is an epoch here: features have no resolution.
RECIPE = Recipe(sides=(1,) * 20, batch=64)


class FeatureRegressor(nn.Module):
    """Features of a frame (N, 64) in, progress (N,) out; with ``classes`` also logits (N, C)."""

    def __init__(self, classes: int = 0):
        super().__init__()
        sizes = (FEATURES, *HIDDEN)
        layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        self.body = nn.Sequential(*layers)
        self.value_head = nn.Linear(HIDDEN[-1], 1)
        self.class_head = nn.Linear(HIDDEN[-1], classes) if classes else None

    def freeze(self, blocks: int) -> list[nn.Module]:
        """Nothing here was learned before."""
        return []

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        hidden = self.body(features)
        value = self.value_head(hidden).squeeze(-1)
        return (value,) if self.class_head is None else (value, self.class_head(hidden))


class FeatureProgresses(Progresses):
    """Clips of features as ``fit`` takes them: sub-segments, losses and classes as for frames."""

    def network(self, recipe: Recipe) -> FeatureRegressor:
        return FeatureRegressor(recipe.classes)

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        at = segments(self.clips, take.numpy() // SEGMENTS, rng)
        return torch.from_numpy(self.clips.frames[at]), torch.from_numpy(self.clips.progress[at])
