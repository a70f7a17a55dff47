"""Recipe of the depth pair: loss, settings and schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from regcls.training.augment import random_rooms
from regcls.training.class_loss import ClassLoss
from regcls.training.depth.data import MM, Rooms, load_rooms
from regcls.training.depth.network import DepthNet
from regcls.training.fit import Recipe
from regcls.training.predict import predict_batches
from regcls.training.readouts import halves
from regcls.training.search import Plan, Setting

HEIGHT, WIDTH = 240, 320  # pixels; input of the shipped networks
FARTHEST = 10.0  # metres; the range of the sensor
SEEDS = (0, 1)
SEARCH = Recipe(sides=(96,) * 4, batch=16, lr=2e-3, frozen=3)
# One size throughout: the apparent size of an object determines its distance, so that a network
# trained at one size and used at another is off by their ratio.
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
    """Rooms as a `regcls.training.fit.Problem`: L1 loss on metres, cross-entropy per pixel.

    Attributes
    ----------
    rooms : Rooms
        Training photos.
    edges : tuple of float
        Class edges; empty for reg.
    kind : str
        Kind of the classes.
    """

    rooms: Rooms
    edges: tuple[float, ...] = ()
    kind: str = "equal-width"

    def __len__(self) -> int:
        return len(self.rooms)

    def network(self, recipe: Recipe) -> DepthNet:
        """Return a new network."""
        known = sampled(self.rooms)
        return DepthNet(recipe.classes, float(known.mean()), float(known.std()))

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return augmented photos and their depth in metres."""
        rooms = self.rooms[take.numpy()]
        metres = torch.from_numpy(rooms.depth.astype(np.float32) / MM)
        return random_rooms(torch.from_numpy(rooms.images), metres, side, rng)

    def losses(
        self, outputs: tuple[torch.Tensor, ...], targets: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the L1 loss and, for reg+cls, the cross-entropy, over the known pixels."""
        value, *logits = outputs
        known = targets > 0
        loss = F.l1_loss(value[known], targets[known])
        return (loss, *(self._class_loss(part, targets, known) for part in logits))

    @cached_property
    def _class_loss(self) -> ClassLoss:
        return ClassLoss(self.edges, sampled(self.rooms), self.kind)


def plan(data: Path) -> Plan:
    """Return the training of the depth pair, for `regcls.training.search.train`.

    Parameters
    ----------
    data : Path
        Data set for `load_rooms`.

    Returns
    -------
    Plan
        The training.

    Raises
    ------
    UserError
        If the data set cannot be read.
    """
    rooms = load_rooms(data)
    return Plan(
        problem=lambda split, recipe: Depths(split, recipe.edges, recipe.kind),
        errors=errors,
        metric="rmse",
        splits=rooms | {"val": rooms["val"][choosing(rooms["val"])]},
        targets=sampled(rooms["train"]),
        limits=(0.0, FARTHEST),
        search=SEARCH,
        final=FINAL,
        grid=GRID,
        seeds=SEEDS,
    )


def choosing(val: Rooms) -> np.ndarray:
    """Return which validation photos choose; the others calibrate.

    Parameters
    ----------
    val : Rooms
        The validation split, N photos.

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    mean = np.array([depth[depth > 0].mean() for depth in val.depth])
    return halves(mean, np.arange(len(val)))


def network(recipe: Recipe) -> DepthNet:
    """Return the network of a run, without trained weights.

    Parameters
    ----------
    recipe : Recipe
        Hyperparameters of the run.

    Returns
    -------
    DepthNet
        The network, which works at the size it was trained at.
    """
    model = DepthNet(recipe.classes, pretrained=False)
    height = recipe.sides[-1]
    model.size = (height, height * WIDTH // HEIGHT)
    return model


def sampled(rooms: Rooms) -> np.ndarray:
    """Return the known depths of every eighth row and column.

    Parameters
    ----------
    rooms : Rooms
        The photos.

    Returns
    -------
    ndarray, shape (n,)
        Depths in metres.
    """
    metres = rooms.depth[:, ::8, ::8].ravel() / MM
    return metres[metres > 0]


def errors(model: torch.nn.Module, rooms: Rooms, height: int) -> dict[str, float]:
    """Compute errors over all known pixels at the size of the true depth.

    Parameters
    ----------
    model : Module
        The network.
    rooms : Rooms
        The photos.
    height : int
        Height of the network's input.

    Returns
    -------
    dict of str to float
        RMSE and MAE in metres, and δ1.
    """
    sums, count = np.zeros(3), 0
    for predicted, truth in _known_pixels(model, rooms, height, np.float32):
        error, ratio = predicted - truth, predicted / truth
        close = np.maximum(ratio, 1 / ratio) < 1.25
        sums += [(error.astype(np.float64) ** 2).sum(), np.abs(error).sum(), close.sum()]
        count += len(truth)
    mse, mae, delta1 = sums / count
    return {"rmse": float(np.sqrt(mse)), "mae": float(mae), "delta1": float(delta1)}


def fit_line(model: torch.nn.Module, rooms: Rooms, height: int) -> tuple[float, float]:
    """Fit the least-squares line from predictions to true depths, over all known pixels.

    An L1 loss teaches medians, and depths are skewed: without the line, large depths are
    underestimated.

    Parameters
    ----------
    model : Module
        The network.
    rooms : Rooms
        The photos.
    height : int
        Height of the network's input.

    Returns
    -------
    tuple of float
        Slope, and intercept in metres.
    """
    sums = np.zeros(5)
    for predicted, y in _known_pixels(model, rooms, height, np.float64):
        x = predicted.astype(np.float64)
        sums += [len(x), x.sum(), y.sum(), (x * x).sum(), (x * y).sum()]
    n, sum_x, sum_y, xx, xy = sums
    slope = (n * xy - sum_x * sum_y) / (n * xx - sum_x * sum_x)
    return float(slope), float((sum_y - slope * sum_x) / n)


def enlarged(value: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Resize depth maps, bilinear.

    Parameters
    ----------
    value : ndarray, shape (N, h, w)
        Depth maps.
    size : tuple of int
        New height and width.

    Returns
    -------
    ndarray, shape (N, *size)
        The resized maps.
    """
    x = torch.from_numpy(value).unsqueeze(1)
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False).squeeze(1).numpy()


def _known_pixels(
    model: torch.nn.Module, rooms: Rooms, height: int, dtype: type[np.floating]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield predicted and true depths of the known pixels, batch by batch."""
    start = 0
    for value, *_ in predict_batches(model, rooms.images, height, batch=16):
        truth = rooms.depth[start : start + len(value)].astype(dtype) / MM
        start += len(value)
        known = truth > 0
        yield enlarged(value, truth.shape[1:])[known], truth[known]
