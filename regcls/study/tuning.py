"""Grids that tune reg and reg+cls with the same search budget.

Both variants try the same settings: the i-th has one learning rate, one weight decay and one weight
(the loss scale of reg, λ of reg+cls); reg+cls has a number of classes as well. For each variant,
the setting with the lowest mean validation MSE is trained again on data sets and initialisations
that were not part of the search, and these final models are tested.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from regcls.study.grid import MOST_SEEDS, Grid
from regcls.study.spec import Cell, Entry, GridError, Model, Run, runs

VARIANTS = ("reg", "reg+cls")
TUNED = ("lr", "weight", "weight_decay", "classes")  # settings of a cell that a search chooses
TUNED_FOR_REG = TUNED[:3]


@dataclass(frozen=True)
class Search:
    """Random search over the settings of both variants.

    Attributes
    ----------
    budget : int
        Number of settings that each variant tries.
    lr, weight, weight_decay : tuple of float
        Lowest and highest value; settings are drawn log-uniformly.
    classes : tuple of int
        Numbers of classes, each drawn equally often.
    functions : tuple of int
        Numbers of the target functions on which settings are compared, from 1.
    data_seeds : int
        Number of data sets per function.
    seed : int
        Seed of the draws.

    Raises
    ------
    GridError
        If a value is invalid.
    """

    budget: int
    lr: tuple[float, float]
    weight: tuple[float, float]
    weight_decay: tuple[float, float]
    classes: tuple[int, ...]
    functions: tuple[int, ...]
    data_seeds: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("budget", "data_seeds"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 999:
                raise GridError(f"search.{name} must be a whole number from 1 up, not {value!r}")
        for name in TUNED_FOR_REG:
            ends = getattr(self, name)
            if not (isinstance(ends, tuple) and len(ends) == 2 and 0 < ends[0] <= ends[1]):
                raise GridError(f"search.{name} must be [lowest, highest], both above 0")

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """Settings to try, in order; numbers are rounded to three significant digits."""
        rng = np.random.default_rng(self.seed)
        low, high = np.log([getattr(self, name) for name in TUNED_FOR_REG]).T
        drawn = np.exp(rng.uniform(low, high, (self.budget, 3)))
        classes = [self.classes[i % len(self.classes)] for i in rng.permutation(self.budget)]
        rounded = [[float(f"{value:.3g}") for value in row] for row in drawn.tolist()]
        return tuple(
            Setting(lr, weight, weight_decay, c)
            for (lr, weight, weight_decay), c in zip(rounded, classes, strict=True)
        )


@dataclass(frozen=True)
class Setting:
    """One setting of a search.

    Attributes
    ----------
    lr : float
        Learning rate.
    weight : float
        Loss scale of reg, λ of reg+cls.
    weight_decay : float
        Weight decay.
    classes : int
        Number of classes of reg+cls; not used by reg.
    """

    lr: float
    weight: float
    weight_decay: float
    classes: int


@dataclass(frozen=True)
class TunedGrid(Grid):
    """A grid that tunes learning rate, weight, weight decay and number of classes in each cell.

    Attributes
    ----------
    search : Search
        What is searched, and on which data sets.

    Raises
    ------
    GridError
        If a value is invalid, or the search draws a setting that cannot be trained.
    """

    search: Search = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data_seeds + self.search.data_seeds > MOST_SEEDS:
            raise GridError("data_seeds of the grid and of its search must add up to less than 100")
        protocol, run = self.protocol, self.search_runs[0]
        for setting in self.search.settings:
            try:
                self.with_setting(self.cells[0], setting).lab_settings(run, protocol)
            except ValueError as error:
                raise GridError(f"the search draws an invalid setting: {error}") from error

    @property
    def search_runs(self) -> tuple[Run, ...]:
        """Data sets and initialisations of the search."""
        return tuple(runs(self.search.functions, range(self.search.data_seeds), 1))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Data sets and initialisations of the final models, none of them part of the search."""
        first = self.search.data_seeds
        return tuple(runs(self.functions, range(first, first + self.data_seeds), self.repeats))

    @cached_property
    def searched(self) -> dict[tuple[Cell, str], list[tuple[Setting, list[Model]]]]:
        """By cell and variant: each setting with its models, one per run of the search."""
        return {
            (cell, variant): [
                (setting, [self._model(cell, variant, setting, run) for run in self.search_runs])
                for setting in self.search.settings
            ]
            for cell, variant in itertools.product(self.cells, VARIANTS)
        }

    def best(self, cell: Cell, variant: str, known: Mapping[str, float]) -> Setting | None:
        """Return the setting with the lowest mean validation MSE.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        variant : str
            "reg" or "reg+cls".
        known : mapping of str to float
            Validation MSE of trained models by key.

        Returns
        -------
        Setting or None
            None until all models of the search are trained.
        """
        errors = []
        for setting, models in self.searched[cell, variant]:
            values = [known[model.key] for model in models if model.key in known]
            if len(values) < len(models):
                return None
            mean = float(np.mean(values))
            errors.append((mean if math.isfinite(mean) else math.inf, setting))
        return min(errors, key=lambda error: error[0])[1]

    def finals(self, cell: Cell, variant: str, setting: Setting) -> list[Model]:
        """Return the final models of a variant, given its best setting.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        variant : str
            "reg" or "reg+cls".
        setting : Setting
            The setting to train.

        Returns
        -------
        list of Model
            One model per run, in the order of ``runs``.
        """
        return [self._model(cell, variant, setting, run) for run in self.runs]

    def models_of(
        self, cell: Cell, known: Mapping[str, float] | None = None
    ) -> dict[str, list[Model]]:
        """Return the final models of a cell by variant.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        known : mapping of str to float, optional
            Validation MSE of trained models by key.

        Returns
        -------
        dict of str to list of Model
            One model per run for each variant; empty until the search of the variant is complete.
        """
        chosen = {variant: self.best(cell, variant, known or {}) for variant in VARIANTS}
        return {v: self.finals(cell, v, s) if s else [] for v, s in chosen.items()}

    def roster(self, known: Mapping[str, float] | None = None) -> dict[str, Entry]:
        """Return the models of the search, and the final models that it has determined so far.

        Parameters
        ----------
        known : mapping of str to float, optional
            Validation MSE of trained models by key.

        Returns
        -------
        dict of str to Entry
            Entries by model key.
        """
        found: dict[str, Entry] = {}
        for (_, variant), tried in self.searched.items():
            for model in itertools.chain.from_iterable(models for _, models in tried):
                found.setdefault(model.key, Entry(model, variant, "search"))
        for cell in self.cells:
            for variant, models in self.models_of(cell, known).items():
                found |= {model.key: Entry(model, variant) for model in models}
        return found

    def placeholders(self, known: Mapping[str, float] | None = None) -> list[Model]:
        """Return a stand-in of about the same cost for each final model that is not yet determined.

        Parameters
        ----------
        known : mapping of str to float, optional
            Validation MSE of trained models by key.

        Returns
        -------
        list of Model
        """
        median = sorted(self.search.classes)[len(self.search.classes) // 2]
        setting = replace(self.search.settings[0], classes=median)
        return [
            model
            for cell, variant in self.searched
            if self.best(cell, variant, known or {}) is None
            for model in self.finals(cell, variant, setting)
        ]

    def with_setting(self, cell: Cell, setting: Setting) -> Cell:
        """Return a cell whose tuned settings are those of the search.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        setting : Setting
            Values for the settings that are tuned.

        Returns
        -------
        Cell
        """
        return replace(cell, **{name: getattr(setting, name) for name in TUNED})

    def _model(self, cell: Cell, variant: str, setting: Setting, run: Run) -> Model:
        # reg with a loss scale of its own is what other grids call the control.
        role = "reg+cls" if variant == "reg+cls" else "control"
        return self.with_setting(cell, setting).model(role, run, self.protocol)
