"""Grids of 1D experiments: from a description in TOML to one configuration a model.

A *cell* of a grid is a setting that reg, its control and reg+cls share; each cell is trained on
every function and data seed. A model's configuration has one canonical JSON text, whose SHA-256 is
its key in the store: what two cells or two grids share is trained once.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

from regcls.lab.settings import CHOICES, OWN, SCENARIO_DEFAULTS
from regcls.study.spec import (
    PAPER,
    ROLES,
    VERSION,
    Cell,
    Entry,
    GridError,
    Model,
    Protocol,
    Run,
    runs,
)
from regcls.synthetic import data as synthetic_data
from regcls.utils.text import nearest


@dataclass(frozen=True)
class Grid:
    """A grid: the product of its axes (tuples), with ``data_seeds`` data sets a function and
    ``repeats`` initialisations a data set. Raises ``GridError`` naming the key that is wrong."""

    name: str
    title: str = ""
    scenario: tuple[str, ...] = ("clean",)
    sampling: tuple[str, ...] = ("severe",)
    functions: tuple[int, ...] = tuple(range(1, len(synthetic_data.FUNCTIONS) + 1))
    data_seeds: int = 5
    repeats: int = 1
    roles: tuple[str, ...] = ROLES
    classes: tuple[int, ...] = (4,)
    weight: tuple[float | str, ...] = (PAPER,)
    loss_scale: tuple[float, ...] = (1.0,)
    bins: tuple[str, ...] = ("equal-width",)
    hidden: tuple[tuple[int, ...], ...] = ((6, 15),)
    activation: tuple[str, ...] = ("relu",)
    optimiser: tuple[str, ...] = ("adam",)
    lr: tuple[float | str, ...] = (PAPER,)
    weight_decay: tuple[float, ...] = (1e-3,)
    reg_loss: tuple[str, ...] = ("mse",)
    class_loss: tuple[str, ...] = ("hard",)
    protocol: Protocol = field(default_factory=Protocol)

    def __post_init__(self):
        _check(self)

    @property
    def hash(self) -> str:
        """SHA-256 of all that the grid asks for; its name and title do not count."""
        asked = {k: v for k, v in asdict(self).items() if k not in ("name", "title")}
        text = json.dumps({"version": VERSION, **asked}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every setting, scenarios and samplings first."""
        names = [f.name for f in fields(Cell)]
        product = itertools.product(*(getattr(self, name) for name in names))
        cells = (_cell(dict(zip(names, values, strict=True))) for values in product)
        return tuple(dict.fromkeys(cells))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Data sets and initialisations, all with seeds of their own."""
        return tuple(runs(self.functions, range(self.data_seeds), self.repeats))

    def models_of(
        self, cell: Cell, known: Mapping[str, float] | None = None
    ) -> dict[str, list[Model]]:
        """The models that play each role in a cell, one a run, in the order of ``runs``.

        ``known`` (validation MSE of finished models, by key) matters where a search decides.
        """
        return {
            role: [cell.model(role, run, self.protocol) for run in self.runs] for role in self.roles
        }

    @cached_property
    def _roster(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for cell in self.cells:
            for role, models in self.models_of(cell).items():
                for model in models:
                    found.setdefault(model.key, Entry(model, role))
        return found

    def roster(self, known: Mapping[str, float] | None = None) -> dict[str, Entry]:
        """The models to train by key, each once and with the first role that it plays."""
        return self._roster

    def models(self, known: Mapping[str, float] | None = None) -> list[Model]:
        """The models to train, each once."""
        return [entry.model for entry in self.roster(known).values()]

    def to_come(self, known: Mapping[str, float] | None = None) -> list[Model]:
        """Stand-ins for models that only a search can name: none here."""
        return []


def _cell(values: dict[str, Any]) -> Cell:
    default = SCENARIO_DEFAULTS[values["scenario"]]
    for name in ("weight", "lr"):
        if values[name] == PAPER:
            values[name] = default[name]
    return Cell(**values)


def _check(grid: Grid) -> None:
    for f in fields(Grid):
        value = getattr(grid, f.name)
        if f.name in ("data_seeds", "repeats"):
            _whole(f.name, value, 99)
        elif isinstance(f.default, tuple):
            object.__setattr__(grid, f.name, _axis(f.name, value, f.default[0]))
    for f in fields(Protocol):
        value = getattr(grid.protocol, f.name)
        if isinstance(value, bool) or not isinstance(
            value, int if f.name != "noise" else int | float
        ):
            raise GridError(f"{f.name} must be one number, not {value!r}")
    for name, allowed in (("roles", ROLES), *CHOICES.items()):
        for value in getattr(grid, name):
            if value not in allowed or value == OWN:
                raise GridError(f"{name} has an unknown value {value!r}{nearest(value, allowed)}")
    if not all(1 <= k <= len(synthetic_data.FUNCTIONS) for k in grid.functions):
        raise GridError(f"functions must be numbers from 1 to {len(synthetic_data.FUNCTIONS)}")
    for cell in grid.cells:
        try:
            cell.lab_settings(grid.runs[0], grid.protocol)
        except ValueError as error:
            raise GridError(str(error)) from error


def _axis(name: str, value, example) -> tuple:
    """``value`` as a tuple without repetitions, its numbers of the example's type."""
    if not isinstance(value, tuple) or not value:
        raise GridError(f"{name} must be a list with one value or more, not {value!r}")
    kinds = (str,) if isinstance(example, str) else (int,) if isinstance(example, int) else ()
    kinds = kinds or ((int, float) if isinstance(example, float) else (tuple,))
    if name in ("weight", "lr"):
        kinds = (str, int, float)
    for item in value:
        if isinstance(item, bool) or not isinstance(item, kinds):
            raise GridError(f"{name} has a value of the wrong kind: {item!r}")
        if name in ("weight", "lr") and isinstance(item, str) and item != PAPER:
            raise GridError(f"{name} must be numbers or {PAPER!r}, not {item!r}")
    if float in kinds:
        value = tuple(v if isinstance(v, str) else float(v) for v in value)
    return tuple(dict.fromkeys(value))


def _whole(name: str, value, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise GridError(f"{name} must be a whole number from 1 to {most}, not {value!r}")
