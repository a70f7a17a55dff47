"""Grids that tune reg and reg+cls with the same search budget.

Both variants try the same settings: the i-th has one learning rate, one weight decay and one weight
(the loss scale of reg, λ of reg+cls); reg+cls has a number of classes as well. For each variant,
the setting with the lowest mean validation MSE is trained again on data sets and initialisations
that were not part of the search, and these final models are tested.

The setting that a search chooses depends on the settings drawn and on its data sets. A grid
therefore repeats the search: each one has settings, functions, data sets and final models of its
own, so that intervals can include the variability of searching.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

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
    searches : int
        Number of independent searches. With one, intervals leave out the variability of searching.

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
    searches: int = 3

    def __post_init__(self) -> None:
        for name in ("budget", "data_seeds", "searches"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 999:
                raise GridError(f"search.{name} must be a whole number from 1 up, not {value!r}")
        for name in TUNED_FOR_REG:
            ends = getattr(self, name)
            if not (isinstance(ends, tuple) and len(ends) == 2 and 0 < ends[0] <= ends[1]):
                raise GridError(f"search.{name} must be [lowest, highest], both above 0")

    def settings(self, search: int = 1) -> tuple[Setting, ...]:
        """Draw the settings that a search tries, rounded to three significant digits.

        Parameters
        ----------
        search : int
            Number of the search, from 1.

        Returns
        -------
        tuple of Setting
            Settings in the order of the draws.
        """
        rng = self._rng(search)
        low, high = np.log([getattr(self, name) for name in TUNED_FOR_REG]).T
        drawn = np.exp(rng.uniform(low, high, (self.budget, 3)))
        classes = [self.classes[i % len(self.classes)] for i in rng.permutation(self.budget)]
        rounded = [[float(f"{value:.3g}") for value in row] for row in drawn.tolist()]
        return tuple(
            Setting(lr, weight, weight_decay, c)
            for (lr, weight, weight_decay), c in zip(rounded, classes, strict=True)
        )

    def draw_functions(self, search: int, others: tuple[int, ...]) -> tuple[int, ...]:
        """Return the functions on which a search compares its settings.

        Parameters
        ----------
        search : int
            Number of the search, from 1. The first uses ``functions``, each other one as many
            drawn at random.
        others : tuple of int
            Functions that can be drawn, in addition to ``functions``.

        Returns
        -------
        tuple of int
        """
        if search == 1:
            return self.functions
        pool = sorted({*self.functions, *others})
        drawn = self._rng(search, 1).choice(pool, len(self.functions), replace=False)
        return tuple(sorted(drawn.tolist()))

    def _rng(self, search: int, *purpose: int) -> np.random.Generator:
        """Return the generator of a search; the first has the seed alone, as in stored results."""
        seed = self.seed if search == 1 else [self.seed, search, *purpose]
        return np.random.default_rng(seed)


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
        if len(self.searches) * self._seeds_per_search > MOST_SEEDS:
            raise GridError(
                "data_seeds of the grid and of its search, times searches, must be less than 100"
            )
        protocol, run = self.protocol, self.search_runs(1)[0]
        for setting in itertools.chain.from_iterable(map(self.search.settings, self.searches)):
            try:
                self.with_setting(self.cells[0], setting).lab_settings(run, protocol)
            except ValueError as error:
                raise GridError(f"the search draws an invalid setting: {error}") from error

    def _settings(self) -> dict[str, Any]:
        settings = super()._settings()
        if len(self.searches) == 1:  # the hash of grids that were stored before searches repeated
            del settings["search"]["searches"]
        return settings

    @property
    def searches(self) -> range:
        """Numbers of the searches, from 1."""
        return range(1, self.search.searches + 1)

    @property
    def _seeds_per_search(self) -> int:
        return self.search.data_seeds + self.data_seeds

    def search_runs(self, search: int = 1) -> tuple[Run, ...]:
        """Return the data sets and initialisations of a search.

        Parameters
        ----------
        search : int
            Number of the search, from 1.

        Returns
        -------
        tuple of Run
        """
        first = (search - 1) * self._seeds_per_search
        functions = self.search.draw_functions(search, self.functions)
        return tuple(runs(functions, range(first, first + self.search.data_seeds), 1))

    def final_runs(self, search: int = 1) -> tuple[Run, ...]:
        """Return the data sets and initialisations of a search's final models.

        None of them is part of any search, or of another search's final models.

        Parameters
        ----------
        search : int
            Number of the search, from 1.

        Returns
        -------
        tuple of Run
        """
        first = (search - 1) * self._seeds_per_search + self.search.data_seeds
        return tuple(runs(self.functions, range(first, first + self.data_seeds), self.repeats))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Data sets and initialisations of the final models, those of the first search first."""
        return tuple(itertools.chain.from_iterable(map(self.final_runs, self.searches)))

    @cached_property
    def run_searches(self) -> tuple[int, ...]:
        """Number of the search of each of the ``runs``."""
        return tuple(k for k in self.searches for _ in self.final_runs(k))

    @cached_property
    def searched(self) -> dict[tuple[Cell, str, int], list[tuple[Setting, list[Model]]]]:
        """By cell, variant and search: each setting with its models, one per run of the search."""
        return {
            (cell, variant, search): [
                (setting, [self._model(cell, variant, setting, run) for run in trials])
                for setting in self.search.settings(search)
            ]
            for search, trials in ((k, self.search_runs(k)) for k in self.searches)
            for cell, variant in itertools.product(self.cells, VARIANTS)
        }

    def best(
        self, cell: Cell, variant: str, known: Mapping[str, float], search: int = 1
    ) -> Setting | None:
        """Return the setting with the lowest mean validation MSE.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        variant : str
            "reg" or "reg+cls".
        known : mapping of str to float
            Validation MSE of trained models by key.
        search : int
            Number of the search, from 1.

        Returns
        -------
        Setting or None
            None until all models of the search are trained.
        """
        errors = []
        for setting, models in self.searched[cell, variant, search]:
            values = [known[model.key] for model in models if model.key in known]
            if len(values) < len(models):
                return None
            mean = float(np.mean(values))
            errors.append((mean if math.isfinite(mean) else math.inf, setting))
        return min(errors, key=lambda error: error[0])[1]

    def finals(self, cell: Cell, variant: str, setting: Setting, search: int = 1) -> list[Model]:
        """Return the final models of a variant, given its best setting.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        variant : str
            "reg" or "reg+cls".
        setting : Setting
            The setting to train.
        search : int
            Number of the search that chose the setting, from 1.

        Returns
        -------
        list of Model
            One model per run, in the order of `final_runs`.
        """
        return [self._model(cell, variant, setting, run) for run in self.final_runs(search)]

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
            One model per run for each variant, of the searches that are complete.
        """
        found = self._finals_of(cell, known or {})
        return {v: [m for name, _, m in found if name == v] for v in VARIANTS}

    def _finals_of(self, cell: Cell, known: Mapping[str, float]) -> list[tuple[str, int, Model]]:
        """Variant, search and model of all finals that are determined so far."""
        return [
            (variant, search, model)
            for variant, search in itertools.product(VARIANTS, self.searches)
            if (setting := self.best(cell, variant, known, search)) is not None
            for model in self.finals(cell, variant, setting, search)
        ]

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
        for (_, variant, search), tried in self.searched.items():
            for model in itertools.chain.from_iterable(models for _, models in tried):
                found.setdefault(model.key, Entry(model, variant, "search", search))
        for cell in self.cells:
            for variant, search, model in self._finals_of(cell, known or {}):
                found[model.key] = Entry(model, variant, search=search)
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
        setting = replace(self.search.settings()[0], classes=median)
        return [
            model
            for cell, variant, search in self.searched
            if self.best(cell, variant, known or {}, search) is None
            for model in self.finals(cell, variant, setting, search)
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
