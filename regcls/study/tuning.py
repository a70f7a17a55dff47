"""Fair tuning: the same search budget for reg and reg+cls on validation, then fresh data on test.

The i-th setting of both variants has the same learning rate, weight (reg's loss scale, reg+cls's λ)
and weight decay; reg+cls's has a number of classes besides. Of each variant the setting with the
least mean validation error goes on to data sets and initialisations that the search has not seen.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from regcls.study.grid import Grid
from regcls.study.spec import Cell, Entry, GridError, Model, Run, runs

VARIANTS = ("reg", "reg+cls")
_TUNED = ("lr", "weight", "weight_decay", "classes")


@dataclass(frozen=True)
class Search:
    """Random search: ``budget`` settings a variant, drawn log-uniformly between the ends of ``lr``,
    ``weight`` and ``weight_decay``, and evenly from ``classes``."""

    budget: int
    lr: tuple[float, float]
    weight: tuple[float, float]
    weight_decay: tuple[float, float]
    classes: tuple[int, ...]
    functions: tuple[int, ...]
    data_seeds: int = 1
    seed: int = 0

    def __post_init__(self):
        for name in ("budget", "data_seeds"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 999:
                raise GridError(f"search.{name} must be a whole number from 1 up, not {value!r}")
        for name in _TUNED[:3]:
            ends = getattr(self, name)
            if not (isinstance(ends, tuple) and len(ends) == 2 and 0 < ends[0] <= ends[1]):
                raise GridError(f"search.{name} must be [least, greatest], both above 0")

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The settings to try, in order; their numbers have three digits."""
        rng = np.random.default_rng(self.seed)
        low, high = np.log([getattr(self, name) for name in _TUNED[:3]]).T
        drawn = np.exp(rng.uniform(low, high, (self.budget, 3)))
        classes = [self.classes[i % len(self.classes)] for i in rng.permutation(self.budget)]
        return tuple(
            Setting(*(float(f"{v:.3g}") for v in row), c)
            for row, c in zip(drawn.tolist(), classes, strict=True)
        )


@dataclass(frozen=True)
class Setting:
    """What the search chooses; reg ignores ``classes``."""

    lr: float
    weight: float
    weight_decay: float
    classes: int


@dataclass(frozen=True)
class TunedGrid(Grid):
    """A grid whose learning rate, weight, weight decay and classes are searched for."""

    search: Search | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.data_seeds + self.search.data_seeds > 99:
            raise GridError("data_seeds of the grid and of its search must be below 100 together")
        protocol, run = self.protocol, self.search_runs[0]
        for setting in self.search.settings:
            try:
                self.with_setting(self.cells[0], setting).lab_settings(run, protocol)
            except ValueError as error:
                raise GridError(f"the search draws an impossible setting: {error}") from error

    @property
    def search_runs(self) -> tuple[Run, ...]:
        return tuple(runs(self.search.functions, range(self.search.data_seeds), 1))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """The final data sets, with seeds that the search does not use."""
        first = self.search.data_seeds
        return tuple(runs(self.functions, range(first, first + self.data_seeds), self.repeats))

    @cached_property
    def searched(self) -> dict[tuple[Cell, str], list[tuple[Setting, list[Model]]]]:
        """By cell and variant: each setting with the models that try it, one a data set."""
        return {
            (cell, variant): [
                (setting, [self._model(cell, variant, setting, run) for run in self.search_runs])
                for setting in self.search.settings
            ]
            for cell, variant in itertools.product(self.cells, VARIANTS)
        }

    def best(self, cell: Cell, variant: str, known: Mapping[str, float]) -> Setting | None:
        """The setting of least mean validation error; None until all are tried."""
        errors = []
        for setting, models in self.searched[cell, variant]:
            values = [known.get(model.key) for model in models]
            if None in values:
                return None
            mean = float(np.mean(values))
            errors.append((mean if math.isfinite(mean) else math.inf, setting))
        return min(errors, key=lambda error: error[0])[1]

    def finals(self, cell: Cell, variant: str, setting: Setting) -> list[Model]:
        """The models of the final runs, in their order."""
        return [self._model(cell, variant, setting, run) for run in self.runs]

    def models_of(
        self, cell: Cell, known: Mapping[str, float] | None = None
    ) -> dict[str, list[Model]]:
        """The final models of each variant; none before its search is complete."""
        chosen = {variant: self.best(cell, variant, known or {}) for variant in VARIANTS}
        return {v: self.finals(cell, v, s) if s else [] for v, s in chosen.items()}

    def roster(self, known: Mapping[str, float] | None = None) -> dict[str, Entry]:
        """The models of the search, and the final ones of each variant whose search is complete."""
        found: dict[str, Entry] = {}
        for (_, variant), tried in self.searched.items():
            for model in itertools.chain.from_iterable(models for _, models in tried):
                found.setdefault(model.key, Entry(model, variant, "search"))
        for cell in self.cells:
            for variant, models in self.models_of(cell, known).items():
                found |= {model.key: Entry(model, variant) for model in models}
        return found

    def to_come(self, known: Mapping[str, float] | None = None) -> list[Model]:
        """For each final model that cannot be named yet, one that costs about as much."""
        middle = sorted(self.search.classes)[len(self.search.classes) // 2]
        setting = replace(self.search.settings[0], classes=middle)
        return [
            model
            for cell, variant in self.searched
            if self.best(cell, variant, known or {}) is None
            for model in self.finals(cell, variant, setting)
        ]

    def with_setting(self, cell: Cell, setting: Setting) -> Cell:
        """The cell with a setting of the search in place of what is searched for."""
        return replace(cell, **{name: getattr(setting, name) for name in _TUNED})

    def _model(self, cell: Cell, variant: str, setting: Setting, run: Run) -> Model:
        # reg with its loss scale is what a fixed grid calls the control.
        role = "reg+cls" if variant == "reg+cls" else "control"
        return self.with_setting(cell, setting).model(role, run, self.protocol)
