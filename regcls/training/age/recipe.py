"""The age pair's recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from regcls.training import search
from regcls.training.age.data import Faces, load_faces
from regcls.training.augment import random_views
from regcls.training.fit import Recipe
from regcls.training.networks import ImageRegressor
from regcls.training.predict import predict
from regcls.training.search import Plan, Report, Setting

STORED_SIDE = 128  # photos are kept at this side in memory; views are cut from them
SIDE = 96  # the shipped networks' input
OLDEST = 120.0  # years; the upper class edge
SEEDS = (0, 1, 2)
# The same budget for both variants: four settings each, three epochs at 64 pixels.
SEARCH = Recipe(sides=(64,) * 3)
FINAL = Recipe(sides=(64,) * 4 + (SIDE,) * 5, frozen=3)
GRID = {
    "reg": [Setting(weight) for weight in (0.01, 0.1, 1.0, 10.0)],
    "regcls": [Setting(weight, classes) for classes in (12, 60) for weight in (0.1, 1.0)],
}


@dataclass(frozen=True)
class Ages:
    """Faces as ``fit`` takes them: L1 on years, cross-entropy on age classes."""

    faces: Faces
    edges: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.faces)

    def network(self, recipe: Recipe) -> ImageRegressor:
        ages = self.faces.ages
        return ImageRegressor(recipe.classes, float(ages.mean()), float(ages.std(ddof=1)))

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        views = random_views(torch.from_numpy(self.faces.images)[take], side, rng)
        return views, torch.from_numpy(self.faces.ages)[take]

    def losses(
        self, outputs: tuple[torch.Tensor, ...], ages: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        value, *logits = outputs
        labels = torch.bucketize(ages, torch.tensor(self.edges[1:-1]), right=True)
        return F.l1_loss(value, ages), *(F.cross_entropy(part, labels) for part in logits)


def train(
    data: Path, runs: Path, csv: Path | None = None, report: Report | None = None, part: str = ""
) -> dict:
    """``plan.train`` for ages. Raises ``ValueError`` for data it cannot read."""
    search.check_part(part)
    return search.train(_plan(load_faces(data, STORED_SIDE, csv)), runs, report, part)


def load_run(variant: str, seed: int, runs: Path) -> ImageRegressor:
    """The stored model of one run, in eval mode. Raises ``ValueError`` when it has not been trained."""
    weights, recipe = search.weights_of(variant, seed, runs, "age")
    model = ImageRegressor(max(len(recipe["edges"]) - 1, 0), pretrained=False)
    model.load_state_dict(weights)
    return model.eval()


def _plan(faces: dict[str, Faces]) -> Plan:
    return Plan(
        problem=lambda split, recipe: Ages(split, recipe.edges),
        errors=_errors,
        metric="mae",
        splits=faces,
        targets=faces["train"].ages,
        limits=(0.0, OLDEST),
        search=SEARCH,
        final=FINAL,
        grid=GRID,
        seeds=SEEDS,
    )


def _errors(model: ImageRegressor, faces: Faces, side: int) -> dict[str, float]:
    value, _ = predict(model, faces.images, side)
    return {"mae": float(np.abs(value - faces.ages).mean())}
