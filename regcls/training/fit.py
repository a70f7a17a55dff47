"""One training run of any task: AdamW, cosine schedule, averaged weights, exact resume."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from regcls.exceptions import UserError


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of a run. The two models of a pair differ in ``edges`` and ``reg_weight``.

    Attributes
    ----------
    sides : tuple of int
        Input height in pixels, one entry per epoch. Small sizes first are cheaper and as good.
    reg_weight : float
        λ of reg+cls, or the loss scale of reg.
    edges : tuple of float
        Class edges; empty for reg.
    kind : str
        Kind of the classes, "equal-width" or "equalized".
    seed : int
        Seed of the initial weights, the order and the augmentation.
    batch : int
        Samples per batch.
    lr, weight_decay : float
        Of AdamW.
    averaging : float
        Decay of the exponential moving average of the weights.
    frozen : int
        Number of blocks of the backbone that keep their ImageNet weights, together with the stem.
        The first blocks see the largest maps: freezing three saves two fifths of the time.
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
        """Number of classes; 0 for reg."""
        return max(len(self.edges) - 1, 0)


@dataclass(frozen=True)
class Progress:
    """State of a run.

    Attributes
    ----------
    epoch, epochs : int
        Index of the current epoch and number of epochs.
    done : float
        Share of the run that is done, 0 to 1, by the number of pixels.
    loss : float
        Loss of the last batch.
    seconds_left : float
        Estimated time to the end.
    """

    epoch: int
    epochs: int
    done: float
    loss: float
    seconds_left: float


class Problem(Protocol):
    """What a task provides for `fit`: samples, a network and the two losses."""

    def __len__(self) -> int:
        """Return the number of samples per epoch."""
        ...

    def network(self, recipe: Recipe) -> nn.Module:
        """Return a new network with a method ``freeze(blocks)`` that returns frozen modules."""
        ...

    def batch(
        self, take: torch.Tensor, side: int, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the augmented images and targets of samples; all randomness is from ``rng``."""
        ...

    def losses(
        self, outputs: tuple[torch.Tensor, ...], targets: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        """Return the regression loss and, for networks with logits, the classification loss."""
        ...


def fit(
    recipe: Recipe,
    train: Problem,
    checkpoint: Path | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    threads: int | None = None,
) -> nn.Module:
    """Train one model.

    Parameters
    ----------
    recipe : Recipe
        Hyperparameters.
    train : Problem
        Training samples, network and losses.
    checkpoint : Path, optional
        File that is written after every epoch. If it exists, the run resumes from it and ends with
        the same weights as a run without interruption.
    report : callable, optional
        Called with the state of the run.
    threads : int, optional
        Number of torch's threads.

    Returns
    -------
    Module
        The model with averaged weights, in eval mode.

    Raises
    ------
    UserError
        If the checkpoint belongs to another recipe.
    """
    if threads:
        torch.set_num_threads(threads)
    run = _Run(recipe, train)
    if checkpoint is not None and checkpoint.exists():
        run.restore(checkpoint)
    started, done_before = time.monotonic(), run.share_done()
    while run.epoch < len(recipe.sides):

        def report_step(done: float, loss: float) -> None:
            rate = (time.monotonic() - started) / max(done - done_before, 1e-9)
            report(Progress(run.epoch, len(recipe.sides), done, loss, rate * (1 - done)))

        run.one_epoch(report_step)
        if checkpoint is not None:
            run.save(checkpoint)
    return run.averaged.eval()


class _Run:
    """State of one training run."""

    def __init__(self, recipe: Recipe, train: Problem) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.problem = recipe, train
        network: Any = train.network(recipe)
        self.model = network.to(memory_format=torch.channels_last)
        self.averaged = deepcopy(self.model)
        self.frozen: list[nn.Module] = self.model.freeze(recipe.frozen)
        trainable = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            trainable, lr=recipe.lr, weight_decay=recipe.weight_decay
        )
        self.epoch = 0
        self.steps_per_epoch = len(train) // recipe.batch

    def share_done(self, part: float = 0.0) -> float:
        """Share of the run's pixels, after ``part`` of the current epoch."""
        cost = [s * s for s in self.recipe.sides]
        now = part * cost[self.epoch] if self.epoch < len(cost) else 0.0
        return (sum(cost[: self.epoch]) + now) / sum(cost)

    def one_epoch(self, report: Callable[[float, float], None]) -> None:
        """Train one epoch; order and augmentation depend on seed and epoch only."""
        recipe = self.recipe
        rng = torch.Generator().manual_seed(1000 * recipe.seed + self.epoch)
        torch.manual_seed(1000 * recipe.seed + self.epoch)  # for dropout and dropped labels
        order = torch.randperm(len(self.problem), generator=rng)
        self.model.train()
        for module in self.frozen:
            module.eval()  # frozen batch norm keeps its ImageNet statistics too
        for step in range(self.steps_per_epoch):
            take = order[step * recipe.batch : (step + 1) * recipe.batch]
            views, targets = self.problem.batch(take, recipe.sides[self.epoch], rng)
            loss = self._step(views, targets)
            if step % 10 == 0:
                report(self.share_done(step / self.steps_per_epoch), loss)
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
        """Linear warm-up over the first 5% of the steps, then half a cosine down to zero."""
        total = self.steps_per_epoch * len(self.recipe.sides)
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
        part.replace(path)  # a run killed while saving keeps its last complete checkpoint

    def restore(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["recipe"] != repr(asdict(self.recipe)):
            raise UserError(f"{path} belongs to another recipe; move it away or use its settings")
        self.epoch = state["epoch"]
        self.model.load_state_dict(state["model"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
