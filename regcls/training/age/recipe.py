"""Recipe of the age pair: loss, settings and schedule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from regcls.training.age.data import Faces, load_faces
from regcls.training.augment import random_views
from regcls.training.class_loss import ClassLoss
from regcls.training.fit import Recipe
from regcls.training.networks import ImageRegressor
from regcls.training.predict import predict
from regcls.training.readouts import halves
from regcls.training.search import Plan, draw_grid

STORED_SIDE = 128  # pixels; photos are kept in memory at this side, and views are cut from them
SIDE = 96  # pixels; input of the shipped networks
OLDEST = 120.0  # years; the upper class edge
SEEDS = (0, 1, 2)
# The same budget for both variants: eight settings each, three epochs at 64 pixels.
SEARCH = Recipe(sides=(64,) * 3, frozen=3)
FINAL = Recipe(sides=(64,) * 4 + (SIDE,) * 5, frozen=3)
GRID = draw_grid(
    8, (0.1, 1.0, 10.0), [(number, "equal-width") for number in (12, 30, 60, 120)], seed=1
)


@dataclass(frozen=True)
class Ages:
    """Faces as a `regcls.training.fit.Problem`: L1 loss on years, cross-entropy on age classes.

    Attributes
    ----------
    faces : Faces
        Training photos.
    edges : tuple of float
        Class edges; empty for reg.
    """

    faces: Faces
    edges: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.faces)

    def network(self, recipe: Recipe) -> ImageRegressor:
        """Return a new network."""
        ages = self.faces.ages
        return ImageRegressor(recipe.classes, float(ages.mean()), float(ages.std(ddof=1)))

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return augmented photos and their ages."""
        views = random_views(torch.from_numpy(self.faces.images)[take], side, rng)
        return views, torch.from_numpy(self.faces.ages)[take]

    def losses(
        self, outputs: tuple[torch.Tensor, ...], targets: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the L1 loss and, for reg+cls, the cross-entropy."""
        value, *logits = outputs
        return F.l1_loss(value, targets), *(self._class_loss(part, targets) for part in logits)

    @cached_property
    def _class_loss(self) -> ClassLoss:
        return ClassLoss(self.edges, self.faces.ages)


def plan(data: Path, csv: Path | None = None) -> Plan:
    """Return the training of the age pair, for `regcls.training.search.train`.

    Parameters
    ----------
    data : Path
        Data set for `load_faces`.
    csv : Path, optional
        Index of the data set.

    Returns
    -------
    Plan
        The training.

    Raises
    ------
    UserError
        If the data set cannot be read.
    """
    faces = load_faces(data, STORED_SIDE, csv)
    val = faces["val"]
    chooses = halves(val.ages, np.arange(len(val)))
    return Plan(
        problem=lambda split, recipe: Ages(split, recipe.edges),
        errors=_errors,
        metric="mae",
        splits=faces | {"val": val[chooses]},
        targets=faces["train"].ages,
        limits=(0.0, OLDEST),
        search=SEARCH,
        final=FINAL,
        grid=GRID,
        seeds=SEEDS,
    )


def network(recipe: Recipe) -> ImageRegressor:
    """Return the network of a run, without trained weights.

    Parameters
    ----------
    recipe : Recipe
        Hyperparameters of the run.

    Returns
    -------
    ImageRegressor
        The network.
    """
    return ImageRegressor(recipe.classes, pretrained=False)


def _errors(model: ImageRegressor, faces: Faces, side: int) -> dict[str, float]:
    value, _ = predict(model, faces.images, side)
    return {"mae": float(np.abs(value - faces.ages).mean())}
