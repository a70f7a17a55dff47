"""Recipe of the progress pair: loss, settings and schedule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from regcls.training.augment import random_frames
from regcls.training.class_loss import ClassLoss
from regcls.training.fit import Recipe
from regcls.training.networks import ImageRegressor
from regcls.training.predict import predict
from regcls.training.progress.data import HEIGHT, Clips, load_clips
from regcls.training.readouts import halves
from regcls.training.search import Plan, draw_grid

SEGMENTS, FRAMES = 12, 4  # sub-segments per clip in an epoch, and frames per sub-segment
SPEEDS = (0.5, 8.0)  # of a sub-segment, in stored frames per frame (log-uniform)
SEEDS = (0, 1)
SEARCH = Recipe(sides=(64, 64), batch=16, frozen=3)
FINAL = Recipe(sides=(64,) * 4 + (HEIGHT,) * 4, batch=16, frozen=3)
GRID = draw_grid(
    8, (1.0, 10.0, 100.0), [(10, "equal-width"), (20, "equal-width"), (20, "equalized")]
)


@dataclass(frozen=True)
class Progresses:
    """Clips as a `regcls.training.fit.Problem`: random sub-segments at random speeds.

    Attributes
    ----------
    clips : Clips
        Training clips.
    edges : tuple of float
        Class edges; empty for reg.
    kind : str
        Kind of the classes.
    """

    clips: Clips
    edges: tuple[float, ...] = ()
    kind: str = "equal-width"

    def __len__(self) -> int:
        return SEGMENTS * len(self.clips)

    def network(self, recipe: Recipe) -> nn.Module:
        """Return a new network."""
        known = self.clips.progress
        return ImageRegressor(
            recipe.classes, float(known.mean()), float(known.std()), limits=(0, 1)
        )

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return augmented frames and their progress."""
        at = segments(self.clips, take.numpy() // SEGMENTS, rng)
        views = random_frames(torch.from_numpy(self.clips.frames[at]), side, rng)
        return views, torch.from_numpy(self.clips.progress[at])

    def losses(
        self, outputs: tuple[torch.Tensor, ...], targets: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the L1 loss and, for reg+cls, the cross-entropy."""
        value, *logits = outputs
        return F.l1_loss(value, targets), *(self._class_loss(part, targets) for part in logits)

    @cached_property
    def _class_loss(self) -> ClassLoss:
        return ClassLoss(self.edges, self.clips.progress, self.kind)


def segments(clips: Clips, which: np.ndarray, rng: torch.Generator) -> np.ndarray:
    """Draw one sub-segment of each of some clips.

    A sub-segment starts anywhere, has a speed from `SPEEDS` and is reflected at the ends of the
    clip, so that all frames are equally likely. The network does not see the position of a frame.

    Parameters
    ----------
    clips : Clips
        The clips.
    which : ndarray of int, shape (n,)
        Indices of clips.
    rng : Generator
        Source of all randomness.

    Returns
    -------
    ndarray of int, shape (n · FRAMES,)
        Indices of frames.
    """
    start, length = clips.starts[which], np.diff(clips.starts)[which]
    place, speed = torch.rand(2, len(which), generator=rng, dtype=torch.float64).numpy()
    low, high = np.log(SPEEDS)
    step = np.exp(low + (high - low) * speed)
    at = place[:, None] * length[:, None] + step[:, None] * np.arange(FRAMES)
    period = 2 * length[:, None]
    at = at % period
    at = np.where(at < length[:, None], at, period - at)
    at = np.minimum(at.astype(int), length[:, None] - 1)
    return (start[:, None] + at).ravel()


def plan(data: Path) -> Plan:
    """Return the training of the progress pair, for `regcls.training.search.train`.

    Parameters
    ----------
    data : Path
        Data set for `load_clips`.

    Returns
    -------
    Plan
        The training.

    Raises
    ------
    UserError
        If the data set cannot be read.
    """
    clips = load_clips(data)
    val = clips["val"]
    chooses = halves(val.progress, val.clip_of_frame)
    return Plan(
        problem=lambda split, recipe: Progresses(split, recipe.edges, recipe.kind),
        errors=_errors,
        metric="mae",
        splits=clips | {"val": val.subset(np.unique(val.clip_of_frame[chooses]))},
        targets=clips["train"].progress,
        limits=(0.0, 1.0),
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
    return ImageRegressor(recipe.classes, pretrained=False, limits=(0, 1))


def _errors(model: ImageRegressor, clips: Clips, height: int) -> dict[str, float]:
    """Return the MAE on every third frame of whole clips."""
    value, _ = predict(model, clips.frames[::3], height)
    return {"mae": float(np.abs(value - clips.progress[::3]).mean())}
