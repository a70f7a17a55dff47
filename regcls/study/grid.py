"""Grids of 1D experiments: axes of settings, their cells and the models to train.

A cell is one setting, shared by reg, its control and reg+cls, and is trained on every function and
data seed. The key of a model in the store is the SHA-256 of its configuration, so a model that two
cells or two grids share is trained once.
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
    DATA_VERSION,
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
from regcls.utils.text import suggestion

MOST_SEEDS = 99  # data seeds of a function, and repeats


@dataclass(frozen=True)
class Grid:
    """A grid of experiments: the product of its axes.

    Attributes
    ----------
    name, title : str
        Name of the grid and what it compares.
    scenario, sampling, classes, weight, loss_scale, bins, hidden, activation, optimiser, lr, \
weight_decay, reg_loss, class_loss : tuple
        Axes: the values of each setting of a `Cell`. "paper" as a ``weight`` or ``lr`` stands for
        the paper's value for the scenario.
    functions : tuple of int
        Numbers of the target functions, from 1.
    data_seeds : int
        Number of data sets per function.
    repeats : int
        Number of initialisations per data set.
    roles : tuple of str
        Models to train in each cell: "reg", "control" and "reg+cls".
    protocol : Protocol
        Settings that all models share.

    Raises
    ------
    GridError
        If a value is invalid; the message names the key.

    Examples
    --------
    >>> grid = Grid("demo", classes=(4, 16), data_seeds=2)
    >>> len(grid.cells), len(grid.runs), len(grid.models())
    (2, 20, 80)
    """

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

    def __post_init__(self) -> None:
        _check(self)

    @property
    def trainable(self) -> bool:
        """Whether the grid's data sets can still be generated."""
        return self.protocol.data_version == DATA_VERSION

    @property
    def hash(self) -> str:
        """SHA-256 of the grid's settings; name and title do not count."""
        text = json.dumps({"version": VERSION, **self._settings()}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def _settings(self) -> dict[str, Any]:
        settings = {k: v for k, v in asdict(self).items() if k not in ("name", "title")}
        if self.protocol.data_version == 1:  # the hash of grids that were stored with it
            del settings["protocol"]["overlap"], settings["protocol"]["data_version"]
        return settings

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All settings of the grid, scenario and sampling varying slowest."""
        product = itertools.product(*(getattr(self, name) for name in AXES))
        cells = (_cell(dict(zip(AXES, values, strict=True))) for values in product)
        return tuple(dict.fromkeys(cells))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Data sets and initialisations on which each cell is trained."""
        return tuple(runs(self.functions, range(self.data_seeds), self.repeats))

    def models_of(
        self, cell: Cell, known: Mapping[str, float] | None = None
    ) -> dict[str, list[Model]]:
        """Return the models of a cell by role.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        known : mapping of str to float, optional
            Validation MSE of trained models by key; used by grids that tune their settings.

        Returns
        -------
        dict of str to list of Model
            For each role, one model per run, in the order of ``runs``.
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
        """Return the models to train, each once, with the first role it has.

        Parameters
        ----------
        known : mapping of str to float, optional
            Validation MSE of trained models by key; used by grids that tune their settings.

        Returns
        -------
        dict of str to Entry
            Entries by model key.
        """
        return self._roster

    def models(self, known: Mapping[str, float] | None = None) -> list[Model]:
        """Return the models to train, each once.

        Parameters
        ----------
        known : mapping of str to float, optional
            Validation MSE of trained models by key; used by grids that tune their settings.

        Returns
        -------
        list of Model
        """
        return [entry.model for entry in self.roster(known).values()]

    def placeholders(self, known: Mapping[str, float] | None = None) -> list[Model]:
        """Return stand-ins for the models that a search has yet to choose.

        Parameters
        ----------
        known : mapping of str to float, optional
            Validation MSE of trained models by key.

        Returns
        -------
        list of Model
            Models of about the same cost; empty for a grid without a search.
        """
        return []


def find_cell(grid: Grid, **setting: Any) -> Cell:
    """Return the only cell of a grid with the given values.

    Parameters
    ----------
    grid : Grid
        The grid.
    **setting
        Values by the names of a cell's settings, such as ``classes=4``.

    Returns
    -------
    Cell

    Raises
    ------
    GridError
        If no cell or several cells have these values.
    """
    found = [c for c in grid.cells if all(getattr(c, k) == v for k, v in setting.items())]
    if len(found) != 1:
        raise GridError(f"{len(found)} cells of {grid.name} have the setting {setting}, not one")
    return found[0]


# Names of a cell's settings, in the order in which a grid lists its axes.
AXES = tuple(f.name for f in fields(Grid) if f.name in {f.name for f in fields(Cell)})


def _cell(values: dict[str, Any]) -> Cell:
    """Replace "paper" by the paper's value for the scenario."""
    default = SCENARIO_DEFAULTS[values["scenario"]]
    for name in ("weight", "lr"):
        if values[name] == PAPER:
            values[name] = default[name]
    return Cell(**values)


def _check(grid: Grid) -> None:
    """Raise `GridError` for the first invalid value; turn the numbers of each axis into one type."""
    for f in fields(Grid):
        value = getattr(grid, f.name)
        if f.name in ("data_seeds", "repeats"):
            _check_count(f.name, value, MOST_SEEDS)
        elif isinstance(f.default, tuple):
            object.__setattr__(grid, f.name, _axis(f.name, value, f.default[0]))
    for f in fields(Protocol):
        value = getattr(grid.protocol, f.name)
        if isinstance(value, bool) or not isinstance(
            value, int | float if isinstance(f.default, float) else int
        ):
            raise GridError(f"{f.name} must be one number, not {value!r}")
    if not 1 <= grid.protocol.data_version <= DATA_VERSION:
        raise GridError(
            f"data_version must be from 1 to {DATA_VERSION}, not {grid.protocol.data_version}"
        )
    for name, allowed in (("roles", ROLES), *CHOICES.items()):
        for value in getattr(grid, name):
            if value not in allowed or value == OWN:
                raise GridError(
                    f"{name} has an unknown value {value!r}{suggestion(value, allowed)}"
                )
    if not all(1 <= k <= len(synthetic_data.FUNCTIONS) for k in grid.functions):
        raise GridError(f"functions must be numbers from 1 to {len(synthetic_data.FUNCTIONS)}")
    for cell in grid.cells:
        try:
            cell.lab_settings(grid.runs[0], grid.protocol)
        except ValueError as error:
            raise GridError(str(error)) from error


def _axis(name: str, value: object, example: object) -> tuple:
    """Return an axis without repeated values, its numbers of the type of ``example``."""
    if not isinstance(value, tuple) or not value:
        raise GridError(f"{name} must be a list of at least one value, not {value!r}")
    kinds = _kinds(name, example)
    for item in value:
        if isinstance(item, bool) or not isinstance(item, kinds):
            raise GridError(f"{name} has a value of the wrong type: {item!r}")
        if name in ("weight", "lr") and isinstance(item, str) and item != PAPER:
            raise GridError(f"{name} must be numbers or {PAPER!r}, not {item!r}")
    if float in kinds:
        value = tuple(v if isinstance(v, str) else float(v) for v in value)
    return tuple(dict.fromkeys(value))


def _kinds(name: str, example: object) -> tuple[type, ...]:
    """Return the types that a value of an axis may have."""
    if name in ("weight", "lr"):
        return str, int, float
    if isinstance(example, float):
        return int, float
    return (type(example),)


def _check_count(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise GridError(f"{name} must be a whole number from 1 to {most}, not {value!r}")
