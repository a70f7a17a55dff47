"""What a study is made of: models, cells, runs and their keys."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import cached_property

from regcls.exceptions import UserError
from regcls.lab.settings import LabSettings
from regcls.nn.cost import network_seconds

VERSION = 1  # of the description of a grid and of a model; part of every key
ROLES = ("reg", "control", "reg+cls")
PAPER = "paper"  # a λ or learning rate of this name is the paper's for the scenario
SEEDS_APART = 100  # data seeds of a function: 100·(function − 1), and up
REPEATS_APART = 1000  # a repeat has the same data and another initialisation


class GridError(UserError):
    """A grid's description cannot be used; the message says what to change."""


@dataclass(frozen=True)
class Model:
    """All that one trained model follows from. ``classes`` 0: reg, whose ``weight`` is its loss
    scale; else reg+cls, whose ``weight`` is λ."""

    scenario: str
    sampling: str
    function: int
    data_seed: int
    init_seed: int
    classes: int
    weight: float
    bins: str
    hidden: tuple[int, ...]
    activation: str
    optimiser: str
    lr: float
    weight_decay: float
    reg_loss: str
    class_loss: str
    batch: int
    epochs: int
    samples: int
    noise: float

    @property
    def variant(self) -> str:
        return "reg+cls" if self.classes else "reg"

    @property
    def config(self) -> str:
        """Canonical JSON: the same model gives the same text."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps({"version": VERSION, **values}, sort_keys=True, separators=(",", ":"))

    @cached_property
    def key(self) -> str:
        """SHA-256 of ``config``, in hexadecimal."""
        return hashlib.sha256(self.config.encode()).hexdigest()

    @property
    def core_seconds(self) -> float:
        """Estimated training time on one core, as one network of a batch, in seconds."""
        points = self.samples // 3
        return network_seconds(self.hidden, self.classes, samples=points, epochs=self.epochs)


@dataclass(frozen=True)
class Cell:
    """One setting of a grid; ``weight`` is λ (and the control's loss scale)."""

    scenario: str
    sampling: str
    classes: int
    weight: float
    loss_scale: float
    bins: str
    hidden: tuple[int, ...]
    activation: str
    optimiser: str
    lr: float
    weight_decay: float
    reg_loss: str
    class_loss: str

    def model(self, role: str, run: Run, protocol: Protocol) -> Model:
        """The model that plays ``role`` in this cell on the data of ``run``."""
        values = vars(self) | vars(run) | vars(protocol)
        scale = values.pop("loss_scale")
        if role != "reg+cls":
            values |= {"classes": 0, "bins": "", "class_loss": ""}
        if role == "reg":
            values["weight"] = scale
        return Model(**values)

    def lab_settings(self, run: Run, protocol: Protocol) -> LabSettings:
        """The same comparison in the Lab, where one seed serves data and initialisation: exact for
        a data set's first initialisation. Raises ``ValueError`` for what cannot be trained."""
        values = vars(self) | vars(protocol)
        return LabSettings(**values, function=run.function, seed=run.data_seed, repeats=1)


@dataclass(frozen=True)
class Run:
    """One data set and one initialisation; the first of each data set is the Lab's."""

    function: int
    data_seed: int
    init_seed: int


@dataclass(frozen=True)
class Protocol:
    """What all models of a grid share."""

    batch: int = 256
    epochs: int = 80
    samples: int = 60_000
    noise: float = 0.1


@dataclass(frozen=True)
class Entry:
    """A model of a grid, the role it plays, and whether it is of a "search" or "final"."""

    model: Model
    role: str
    phase: str = "final"


def runs(functions: Iterable[int], seeds: Iterable[int], repeats: int) -> Iterator[Run]:
    """Every function's data sets, ``repeats`` initialisations each.

    No two data sets share a seed, so that no initialisation is shared either: what differs between
    initialisations averages out over the runs instead of moving all functions together.
    """
    for function, s, repeat in itertools.product(functions, list(seeds), range(repeats)):
        seed = SEEDS_APART * (function - 1) + s
        yield Run(function, seed, seed + REPEATS_APART * repeat)
