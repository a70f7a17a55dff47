"""How far a grid is and which processes work on it."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path

from regcls.study.grid import Grid
from regcls.study.processes import AtWork, at_work
from regcls.study.spec import Model
from regcls.study.store import Runner, Store
from regcls.utils.cpu import cores


def missing_of(models: list[Model], known: Container[str]) -> list[Model]:
    """Those that are not stored yet."""
    return [model for model in models if model.key not in known]


@dataclass(frozen=True)
class Standing:
    """``done`` of ``models`` are stored; ``left`` of the grid's ``total`` cost, in core seconds."""

    models: int
    done: int
    left: float
    total: float

    @property
    def share(self) -> float:
        return 1 - self.left / self.total


def standing(grid: Grid, known: Mapping[str, float]) -> Standing:
    """How far a grid is, given the validation MSE of the finished models by key."""
    models, to_come = grid.models(known), grid.to_come(known)
    missing = missing_of(models, known) + to_come
    count = len(models) + len(to_come)
    left, total = (
        sum(model.core_seconds for model in some) for some in (missing, models + to_come)
    )
    return Standing(count, count - len(missing), left, total)


@dataclass(frozen=True)
class Status:
    """``done`` of ``models`` are stored; ``share`` and ``seconds_left`` weigh models by their cost.
    ``runners``: who is at work in this store, be it on this grid or another; ``elsewhere``: what
    goes on in other stores on this machine."""

    grid: str
    models: int
    done: int
    share: float
    seconds_left: float
    runners: tuple[Runner, ...]
    elsewhere: tuple[AtWork, ...] = ()

    @property
    def running(self) -> bool:
        """Whether anybody is at work on this grid."""
        return any(runner.grid == self.grid for runner in self.runners)


def read_status(grid: Grid, store: Path) -> Status:
    """From the store, or from nothing where there is no store yet. Raises ``StoreError``."""
    known: dict[str, float] = {}
    runners: list[Runner] = []
    lately: set[str] = set()
    if store.exists():
        with Store(store) as kept:
            known, runners = kept.known(), kept.runners()
            mine = [runner for runner in runners if runner.grid == grid.name]
            if mine:
                lately = kept.written_since(min(runner.started for runner in mine))
    now = standing(grid, known)
    rate = _rate([m for m in grid.models(known) if m.key in lately], runners, grid)
    left, others = now.left / rate, tuple(at_work(besides=store))
    return Status(grid.name, now.models, now.done, now.share, left, tuple(runners), others)


def _rate(models: list[Model], runners: list[Runner], grid: Grid) -> float:
    """Cost per second since the runners of this grid started; without any, this machine's."""
    started = [runner.started for runner in runners if runner.grid == grid.name]
    if not models or not started:
        return float(cores())
    trained = sum(model.core_seconds for model in models)
    return trained / max(time.time() - min(started), 1.0)
