"""The progress pair's recipe: one frame in, how much of the activity is done out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from regcls.stats import bins
from regcls.training import search
from regcls.training.augment import random_frames
from regcls.training.fit import Recipe
from regcls.training.networks import ImageRegressor
from regcls.training.predict import predict
from regcls.training.progress.data import HEIGHT, Clips, load_clips
from regcls.training.search import Plan, Report, Setting

SEGMENTS, FRAMES = 12, 4  # an epoch shows this many sub-segments a clip, so many frames of each
SPEEDS = (0.5, 8.0)  # of a sub-segment, in stored frames a shown frame (log-uniform)
SEEDS = (0, 1)
IGNORED = -100  # a frame whose class is not shown
SEARCH = Recipe(sides=(64, 64), batch=16, frozen=3)
FINAL = Recipe(sides=(64,) * 4 + (HEIGHT,) * 4, batch=16, frozen=3)
GRID = {
    "reg": [Setting(weight) for weight in (0.1, 1.0, 10.0, 100.0)],
    "regcls": [
        Setting(10.0, 10),
        Setting(10.0, 20),
        Setting(10.0, 20, "equalized"),
        Setting(100.0, 20, "equalized"),
    ],
}


@dataclass(frozen=True)
class Progresses:
    """Clips as ``fit`` takes them: a sample is a random sub-segment at a random speed."""

    clips: Clips
    edges: tuple[float, ...] = ()
    kind: str = "equal-width"

    def __len__(self) -> int:
        return SEGMENTS * len(self.clips)

    def network(self, recipe: Recipe) -> ImageRegressor:
        known = self.clips.progress
        return ImageRegressor(
            recipe.classes, float(known.mean()), float(known.std()), limits=(0, 1)
        )

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        at = segments(self.clips, take.numpy() // SEGMENTS, rng)
        views = random_frames(torch.from_numpy(self.clips.frames[at]), side, rng)
        return views, torch.from_numpy(self.clips.progress[at])

    def losses(
        self, outputs: tuple[torch.Tensor, ...], progress: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        value, *logits = outputs
        loss = F.l1_loss(value, progress)
        return (loss, *(self._class_loss(part, progress) for part in logits))

    def _class_loss(self, logits: torch.Tensor, progress: torch.Tensor) -> torch.Tensor:
        labels = torch.bucketize(progress, torch.tensor(self.edges[1:-1]), right=True)
        if self.kind == "equalized":
            labels[torch.rand(labels.shape) > self._keep[labels]] = IGNORED
        return F.cross_entropy(logits, labels, ignore_index=IGNORED)

    @cached_property
    def _keep(self) -> torch.Tensor:
        seen = np.searchsorted(self.edges[1:-1], self.clips.progress, side="right")
        return torch.from_numpy(bins.keep_probability(seen, len(self.edges) - 1)).float()


def segments(clips: Clips, which: np.ndarray, rng: torch.Generator) -> np.ndarray:
    """Frame numbers (len(which) · FRAMES,) of one sub-segment of each clip in ``which``.

    A segment begins anywhere, runs at a speed of ``SPEEDS``, and turns round at the clip's ends, so
    that every frame is as likely as any other. The network never sees where a frame stands.
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


def train(data: Path, runs: Path, report: Report | None = None, part: str = "") -> dict:
    """``plan.train`` for progress. Raises ``ValueError`` for data it cannot read."""
    search.check_part(part)
    return search.train(_plan(load_clips(data)), runs, report, part)


def load_run(variant: str, seed: int, runs: Path) -> ImageRegressor:
    """The stored model of one run, in eval mode. Raises ``ValueError`` when it has not been trained."""
    weights, recipe = search.weights_of(variant, seed, runs, "progress")
    classes = max(len(recipe["edges"]) - 1, 0)
    model = ImageRegressor(classes, pretrained=False, limits=(0, 1))
    model.load_state_dict(weights)
    return model.eval()


def _plan(clips: dict[str, Clips]) -> Plan:
    return Plan(
        problem=lambda split, recipe: Progresses(split, recipe.edges, recipe.kind),
        errors=_errors,
        metric="mae",
        splits=clips,
        targets=clips["train"].progress,
        limits=(0.0, 1.0),
        search=SEARCH,
        final=FINAL,
        grid=GRID,
        seeds=SEEDS,
    )


def _errors(model: ImageRegressor, clips: Clips, height: int) -> dict[str, float]:
    """MAE on whole clips, every third frame of them."""
    value, _ = predict(model, clips.frames[::3], height)
    return {"mae": float(np.abs(value - clips.progress[::3]).mean())}
