"""Grids of 1D experiments: from a description in TOML to one configuration a model.

A *cell* of a grid is a setting that reg, its control and reg+cls share; each cell is trained on
every function and data seed. A model's configuration has one canonical JSON text, whose SHA-256 is
its key in the store: what two cells or two grids share is trained once.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from regcls.lab import run as lab_run
from regcls.synthetic import data as synthetic_data

GRIDS = Path(__file__).parent / "grids"
VERSION = 1  # of the description of a grid and of a model; part of every key
ROLES = ("reg", "control", "reg+cls")
PAPER = "paper"  # a λ or learning rate of this name is the paper's for the scenario
SEEDS_APART = 100  # data seeds of a function: 100·(function − 1), and up
REPEATS_APART = 1000  # a repeat has the same data and another initialisation


class GridError(ValueError):
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

    def lab_settings(self, run: Run, protocol: Protocol) -> lab_run.LabSettings:
        """The same comparison in the Lab, where one seed serves data and initialisation: exact for
        a data set's first initialisation. Raises ``ValueError`` for what cannot be trained."""
        values = vars(self) | vars(protocol)
        return lab_run.LabSettings(**values, function=run.function, seed=run.data_seed, repeats=1)


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
    protocol: Protocol = Protocol()

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


def runs(functions: Iterable[int], seeds: Iterable[int], repeats: int) -> Iterator[Run]:
    """Every function's data sets, ``repeats`` initialisations each.

    No two data sets share a seed, so that no initialisation is shared either: what differs between
    initialisations averages out over the runs instead of moving all functions together.
    """
    for function, s, repeat in itertools.product(functions, list(seeds), range(repeats)):
        seed = SEEDS_APART * (function - 1) + s
        yield Run(function, seed, seed + REPEATS_APART * repeat)


def _cell(values: dict[str, Any]) -> Cell:
    default = lab_run.SCENARIO_DEFAULTS[values["scenario"]]
    for name in ("weight", "lr"):
        if values[name] == PAPER:
            values[name] = default[name]
    return Cell(**values)


def names() -> list[str]:
    """The grids that ship, the paper's first."""
    found = sorted(path.stem for path in GRIDS.glob("*.toml"))
    return sorted(found, key=lambda name: (name != PAPER, name))


def load(name: str) -> Grid:
    """A grid that ships, by name, or any ``.toml`` file, by path. Raises ``GridError``."""
    path = Path(name) if name.endswith(".toml") else GRIDS / f"{name}.toml"
    if path.suffix != ".toml" or not path.is_file():
        if name.endswith(".toml"):
            raise GridError(f"there is no file {name}")
        raise GridError(f"no grid is called {name!r}{nearest(name, names())}")
    try:
        described = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GridError(f"{path.name} is not a TOML file: {error}") from error
    return from_dict(path.stem, described)


def from_dict(name: str, described: dict[str, Any]) -> Grid:
    """A grid from its keys. Raises ``GridError`` with the nearest valid key for an unknown one."""
    values = dict(described)
    version = values.pop("version", None)
    if version != VERSION:
        raise GridError(f"the grid {name} must say version = {VERSION}, not {version!r}")
    shared = {f.name for f in fields(Protocol)}
    known = {f.name for f in fields(Grid)} - {"name", "protocol"} | shared | {"search"}
    for key in values:
        if key not in known:
            raise GridError(f"the grid {name} has an unknown key {key!r}{nearest(key, known)}")
    protocol = Protocol(**{key: values.pop(key) for key in shared & set(values)})
    values = {key: _frozen(value) for key, value in values.items()}
    if "search" not in values:
        return Grid(name=name, protocol=protocol, **values)
    from regcls.study.tuning import tuned_grid

    return tuned_grid(name, protocol, values)


def _frozen(value):
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, or all."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, 1, 0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; there are: {', '.join(known)}"


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
    for name, allowed in (("roles", ROLES), *lab_run.CHOICES.items()):
        for value in getattr(grid, name):
            if value not in allowed or value == lab_run.OWN:
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
