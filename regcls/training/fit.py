"""One training run of any task: AdamW, cosine schedule, averaged weights, resumable to the bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn


@dataclass(frozen=True)
class Recipe:
    """All that defines a run. Both members of a pair share everything but ``edges`` and ``reg_weight``.

    ``sides``: input height in pixels, one entry an epoch (small first: cheaper, as good); the
    task knows its width.
    ``reg_weight``: λ of reg+cls, or the loss scale of reg. ``edges``: class edges, empty for reg.
    ``frozen``: how many of the backbone's first blocks (and the stem) keep their ImageNet weights;
    they see the largest maps, so freezing three of them saves two fifths of the time.
    """

    sides: tuple[int, ...]
    reg_weight: float = 1.0
    edges: tuple[float, ...] = ()
    kind: str = "equal-width"
    seed: int = 0
    batch: int = 64
    lr: float = 1e-3
    weight_decay: float = 1e-2
    averaging: float = 0.99
    frozen: int = 0

    @property
    def classes(self) -> int:
        return max(len(self.edges) - 1, 0)


@dataclass(frozen=True)
class Progress:
    """Where a run stands: ``seconds_left`` is estimated from the pixels trained so far."""

    epoch: int
    epochs: int
    done: float
    loss: float
    seconds_left: float


class Problem(Protocol):
    """What a task brings to ``fit``: samples, a network, and the two losses."""

    def __len__(self) -> int: ...

    def network(self, recipe: Recipe) -> nn.Module:
        """A fresh one, with ``freeze(blocks) -> list of frozen modules``."""

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Augmented images and their targets; all randomness from ``rng``."""

    def losses(
        self, outputs: tuple[torch.Tensor, ...], targets: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """The regression loss and, where there are logits, the classification loss."""


def fit(
    recipe: Recipe,
    train: Problem,
    checkpoint: Path | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    threads: int | None = None,
) -> nn.Module:
    """Train one model and return it with averaged weights, in eval mode.

    ``checkpoint`` is written after every epoch; a run that finds one of the same recipe goes on
    from there and ends with the same weights as a run that was never stopped. Raises
    ``ValueError`` when the checkpoint belongs to another recipe.
    """
    if threads:
        torch.set_num_threads(threads)
    run = _Run(recipe, train)
    if checkpoint is not None and checkpoint.exists():
        run.restore(checkpoint)
    started, done_before = time.monotonic(), run.pixels_done()
    while run.epoch < len(recipe.sides):

        def tell(done: float, loss: float) -> None:
            rate = (time.monotonic() - started) / max(done - done_before, 1e-9)
            report(Progress(run.epoch, len(recipe.sides), done, loss, rate * (1 - done)))

        run.one_epoch(tell)
        if checkpoint is not None:
            run.save(checkpoint)
    return run.averaged.eval()


class _Run:
    def __init__(self, recipe: Recipe, train: Problem):
        torch.manual_seed(recipe.seed)
        self.recipe, self.problem = recipe, train
        self.model = train.network(recipe).to(memory_format=torch.channels_last)
        self.averaged = deepcopy(self.model)
        self.still = self.model.freeze(recipe.frozen)
        live = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(live, lr=recipe.lr, weight_decay=recipe.weight_decay)
        self.epoch = 0
        self.steps_an_epoch = len(train) // recipe.batch

    def pixels_done(self, part: float = 0.0) -> float:
        cost = [s * s for s in self.recipe.sides]
        now = part * cost[self.epoch] if self.epoch < len(cost) else 0.0
        return (sum(cost[: self.epoch]) + now) / sum(cost)

    def one_epoch(self, tell: Callable[[float, float], None]) -> None:
        """Order and augmentation come from (seed, epoch) alone: alike for both members of a pair."""
        recipe = self.recipe
        rng = torch.Generator().manual_seed(1000 * recipe.seed + self.epoch)
        torch.manual_seed(1000 * recipe.seed + self.epoch)  # dropout, labels that are kept
        order = torch.randperm(len(self.problem), generator=rng)
        self.model.train()
        for module in self.still:
            module.eval()  # frozen batch norm keeps its ImageNet statistics too
        for step in range(self.steps_an_epoch):
            take = order[step * recipe.batch : (step + 1) * recipe.batch]
            views, targets = self.problem.batch(take, recipe.sides[self.epoch], rng)
            loss = self._step(views, targets)
            if step % 10 == 0:
                tell(self.pixels_done(step / self.steps_an_epoch), loss)
        self.epoch += 1

    def _step(self, views: torch.Tensor, targets: torch.Tensor) -> float:
        self._set_learning_rate()
        regression, *classification = self.problem.losses(self.model(views), targets)
        loss = sum(classification, self.recipe.reg_weight * regression)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self._average()
        return loss.item()

    def _set_learning_rate(self) -> None:
        """Linear warm-up over the first 5 % of steps, then half a cosine down to zero."""
        total = self.steps_an_epoch * len(self.recipe.sides)
        done = self._steps_done() / total
        factor = min(done / 0.05, 0.5 * (1 + math.cos(math.pi * done)))
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.lr * max(factor, 1e-3)

    def _steps_done(self) -> int:
        state = self.optimiser.state
        return int(next(iter(state.values()))["step"]) if state else 0

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.recipe.averaging, self._steps_done() / (self._steps_done() + 10))
        live = self.model.state_dict()
        for name, mean in self.averaged.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(live[name], 1 - keep)
            else:
                mean.copy_(live[name])

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "recipe": repr(asdict(self.recipe)),
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)  # a run killed while saving keeps its last good checkpoint

    def restore(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["recipe"] != repr(asdict(self.recipe)):
            raise ValueError(f"{path} belongs to another recipe; move it away or use its settings")
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
