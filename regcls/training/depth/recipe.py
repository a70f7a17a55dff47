"""The depth pair's recipe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from regcls.stats import bins
from regcls.training import search
from regcls.training.augment import random_rooms
from regcls.training.depth.data import MM, Rooms, load_rooms
from regcls.training.depth.network import DepthNet
from regcls.training.fit import Recipe
from regcls.training.predict import answers
from regcls.training.search import Plan, Report, Setting

HEIGHT, WIDTH = 240, 320  # of the shipped networks' input, pixels
FARTHEST = 10.0  # metres; the sensor's reach
IGNORED = -100  # a pixel whose class is not shown
SEEDS = (0, 1)
SEARCH = Recipe(sides=(96,) * 4, batch=16, lr=2e-3, frozen=3)
# One size throughout: how large a thing looks tells how far it is, so a network taught at one size
# and asked at another is off by their ratio.
SIDE = 192
FINAL = Recipe(sides=(SIDE,) * 40, batch=8, lr=1e-3, frozen=3)
GRID = {
    "reg": [Setting(weight) for weight in (0.1, 1.0, 10.0, 100.0)],
    "regcls": [
        Setting(1.0, 16),
        Setting(10.0, 16),
        Setting(10.0, 16, "equalized"),
        Setting(10.0, 64),
    ],
}


@dataclass(frozen=True)
class Depths:
    """Rooms as ``fit`` takes them: L1 on metres, cross-entropy a pixel on depth classes."""

    rooms: Rooms
    edges: tuple[float, ...] = ()
    kind: str = "equal-width"

    def __len__(self) -> int:
        return len(self.rooms)

    def network(self, recipe: Recipe) -> DepthNet:
        known = sampled(self.rooms)
        return DepthNet(recipe.classes, float(known.mean()), float(known.std()))

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rooms = self.rooms[take.numpy()]
        metres = torch.from_numpy(rooms.depth.astype(np.float32) / MM)
        return random_rooms(torch.from_numpy(rooms.images), metres, side, rng)

    def losses(
        self, outputs: tuple[torch.Tensor, ...], metres: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        value, *logits = outputs
        known = metres > 0
        loss = F.l1_loss(value[known], metres[known])
        return (loss, *(self._class_loss(part, metres) for part in logits))

    def _class_loss(self, logits: torch.Tensor, metres: torch.Tensor) -> torch.Tensor:
        labels = torch.bucketize(metres, torch.tensor(self.edges[1:-1]), right=True)
        labels[metres <= 0] = IGNORED
        if self.kind == "equalized":
            keep = self._keep[labels.clamp(min=0)]
            labels[torch.rand(labels.shape) > keep] = IGNORED
        return F.cross_entropy(logits, labels, ignore_index=IGNORED)

    @cached_property
    def _keep(self) -> torch.Tensor:
        labels = np.searchsorted(self.edges[1:-1], sampled(self.rooms), side="right")
        return torch.from_numpy(bins.keep_probability(labels, len(self.edges) - 1)).float()


def train(data: Path, runs: Path, report: Report | None = None, part: str = "") -> dict:
    """``plan.train`` for depth. Raises ``ValueError`` for data it cannot read."""
    search.check_part(part)
    return search.train(_plan(load_rooms(data)), runs, report, part)


def load_run(variant: str, seed: int, runs: Path) -> DepthNet:
    """The stored model of one run, in eval mode. Raises ``ValueError`` when it has not been trained."""
    weights, recipe = search.weights_of(variant, seed, runs, "depth")
    model = DepthNet(max(len(recipe["edges"]) - 1, 0), pretrained=False)
    model.load_state_dict(weights)
    height = recipe["sides"][-1]
    model.size = (height, height * WIDTH // HEIGHT)  # asked at the size it was taught
    return model.eval()


def _plan(rooms: dict[str, Rooms]) -> Plan:
    return Plan(
        problem=lambda split, recipe: Depths(split, recipe.edges, recipe.kind),
        errors=errors,
        metric="rmse",
        splits=rooms,
        targets=sampled(rooms["train"]),
        limits=(0.0, FARTHEST),
        search=SEARCH,
        final=FINAL,
        grid=GRID,
        seeds=SEEDS,
    )


def sampled(rooms: Rooms) -> np.ndarray:
    """Known depths of every eighth row and column, in metres."""
    metres = rooms.depth[:, ::8, ::8].ravel() / MM
    return metres[metres > 0]


def errors(model: DepthNet, rooms: Rooms, height: int) -> dict[str, float]:
    """RMSE and MAE in metres and δ1 over all known pixels, the answer enlarged to the truth's size."""
    sums, count, start = np.zeros(3), 0, 0
    for value, *_ in answers(model, rooms.images, height, batch=16):
        truth = rooms.depth[start : start + len(value)].astype(np.float32) / MM
        start += len(value)
        full = enlarged(value, truth.shape[1:])
        known = truth > 0
        error, ratio = (full - truth)[known], (full[known] / truth[known])
        close = np.maximum(ratio, 1 / ratio) < 1.25
        sums += [(error.astype(np.float64) ** 2).sum(), np.abs(error).sum(), close.sum()]
        count += known.sum()
    mse, mae, delta1 = sums / count
    return {"rmse": float(np.sqrt(mse)), "mae": float(mae), "delta1": float(delta1)}


def straight_line(model: torch.nn.Module, rooms: Rooms, height: int) -> tuple[float, float]:
    """Slope and metres of the least-squares line from answers to true depths, over all known pixels.

    An L1 loss teaches medians, and depths are skewed: without it, far depths come out too near.
    """
    sums, start = np.zeros(5), 0
    for value, *_ in answers(model, rooms.images, height, batch=16):
        truth = rooms.depth[start : start + len(value)].astype(np.float64) / MM
        start += len(value)
        known = truth > 0
        x, y = enlarged(value, truth.shape[1:])[known].astype(np.float64), truth[known]
        sums += [len(x), x.sum(), y.sum(), (x * x).sum(), (x * y).sum()]
    n, x, y, xx, xy = sums
    slope = (n * xy - x * y) / (n * xx - x * x)
    return float(slope), float((y - slope * x) / n)


def enlarged(value: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(N, h, w) → (N, *size), bilinear."""
    x = torch.from_numpy(value).unsqueeze(1)
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False).squeeze(1).numpy()
