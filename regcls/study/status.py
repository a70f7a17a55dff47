"""Progress of a grid: trained models, estimated time left and active runners."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from regcls.study.grid import Grid
from regcls.study.processes import ActiveRun, active_runs
from regcls.study.rows import Runner
from regcls.study.spec import Model
from regcls.study.store import Store
from regcls.utils import pace
from regcls.utils.cpu import cores

PACE = "study"  # kind of work whose estimates earlier runs correct


def missing_models(models: Iterable[Model], known: Container[str]) -> list[Model]:
    """Return the models without a result.

    Parameters
    ----------
    models : iterable of Model
        Models of a grid.
    known : container of str
        Keys of the stored models.

    Returns
    -------
    list of Model
    """
    return [model for model in models if model.key not in known]


@dataclass(frozen=True)
class Completion:
    """How much of a grid is trained.

    Attributes
    ----------
    models, done : int
        Number of planned and of stored models.
    left, total : float
        Estimated training time of the missing and of all models, in core seconds.
    """

    models: int
    done: int
    left: float
    total: float

    @property
    def share(self) -> float:
        """Trained share of the grid, from 0 to 1, with models weighted by their cost."""
        return 1 - self.left / self.total


def completion(grid: Grid, known: Mapping[str, float]) -> Completion:
    """Return how much of a grid is trained.

    Parameters
    ----------
    grid : Grid
        The grid.
    known : mapping of str to float
        Validation MSE of trained models by key.

    Returns
    -------
    Completion
    """
    models, placeholders = grid.models(known), grid.placeholders(known)
    missing = missing_models(models, known) + placeholders
    planned = models + placeholders
    return Completion(
        models=len(planned),
        done=len(planned) - len(missing),
        left=_cost(missing),
        total=_cost(planned),
    )


def _cost(models: Iterable[Model]) -> float:
    return sum(model.core_seconds for model in models)


@dataclass(frozen=True)
class Status:
    """Progress of a grid and the processes that train.

    Attributes
    ----------
    grid : str
        Name of the grid.
    models, done : int
        Number of planned and of stored models.
    share : float
        Trained share of the grid, from 0 to 1, with models weighted by their cost.
    seconds_left : float
        Estimated time left, in seconds.
    runners : tuple of Runner
        Active runners of this store, for this or another grid.
    elsewhere : tuple of ActiveRun
        Active runs on this machine that use another store.
    """

    grid: str
    models: int
    done: int
    share: float
    seconds_left: float
    runners: tuple[Runner, ...]
    elsewhere: tuple[ActiveRun, ...] = ()

    @property
    def running(self) -> bool:
        """Whether a runner is training this grid."""
        return any(runner.grid == self.grid for runner in self.runners)


def read_status(grid: Grid, store: Path) -> Status:
    """Read the progress of a grid from the store.

    Parameters
    ----------
    grid : Grid
        The grid.
    store : Path
        File of the store; it need not exist.

    Returns
    -------
    Status

    Raises
    ------
    StoreError
        If the store cannot be used.
    """
    known: dict[str, float] = {}
    runners: list[Runner] = []
    recent: set[str] = set()
    if store.exists():
        with Store(store) as kept:
            known, runners = kept.known(), kept.runners()
            started = [runner.started for runner in runners if runner.grid == grid.name]
            if started:
                recent = kept.written_since(min(started))
    now = completion(grid, known)
    rate = _rate([m for m in grid.models(known) if m.key in recent], runners, grid)
    return Status(
        grid=grid.name,
        models=now.models,
        done=now.done,
        share=now.share,
        seconds_left=now.left / rate,
        runners=tuple(runners),
        elsewhere=tuple(active_runs(except_store=store)),
    )


def _rate(models: list[Model], runners: list[Runner], grid: Grid) -> float:
    """Return the core seconds trained per second since the runners of the grid started.

    Without runners or results, this is the number of cores of this machine, corrected by what
    earlier runs have shown.
    """
    started = [runner.started for runner in runners if runner.grid == grid.name]
    if not models or not started:
        return cores() / pace.factor(PACE)
    return _cost(models) / max(time.time() - min(started), 1.0)
