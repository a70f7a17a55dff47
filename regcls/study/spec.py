"""Building blocks of a grid: models with their keys, cells, runs and the shared protocol."""

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
from regcls.synthetic.data import OVERLAP, SAMPLES

VERSION = 1  # of the grid descriptions; part of every grid's hash
# Version of the synthetic data sets, part of every model's key. Version 1 had 20 000 training
# points, 5 of 58.6 of them in the background, and ood intervals that did not overlap and did not
# have to reach the peak. Its stored results can still be read; it can no longer be trained.
DATA_VERSION = 2
ROLES = ("reg", "control", "reg+cls")
PAPER = "paper"  # stands for the paper's λ or learning rate of the scenario
FUNCTION_STRIDE = 100  # data seeds of a function start at 100 · (function − 1)
REPEAT_STRIDE = 1000  # between the initialisation seeds of two repeats on the same data


class GridError(UserError):
    """A grid's description is invalid; the message says what to change."""


@dataclass(frozen=True)
class Configuration:
    """Settings that a cell of a grid shares with the models trained for it.

    Attributes
    ----------
    scenario : str
        "clean", "noisy" or "ood".
    sampling : str
        "uniform", "mild", "moderate" or "severe".
    classes : int
        Number of classes C; 0 for a reg model.
    weight : float
        λ of reg+cls, or the loss scale of a reg model.
    bins : str
        Kind of bins that define the classes; empty for a reg model.
    hidden : tuple of int
        Sizes of the hidden layers.
    activation : str
        Activation function of the hidden layers.
    optimiser : str
        "adam", "adamw" or "sgd".
    lr : float
        Learning rate.
    weight_decay : float
        Weight decay; with Adam, an L2 term in the gradient.
    reg_loss : str
        "mse", "mae" or "huber".
    class_loss : str
        "hard" or "soft" labels; empty for a reg model.
    """

    scenario: str
    sampling: str
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


@dataclass(frozen=True)
class Model(Configuration):
    """Everything that determines one trained model.

    Attributes
    ----------
    function : int
        Number of the target function, from 1.
    data_seed, init_seed : int
        Seeds of the data set and of the initial weights.
    batch : int
        Batch size.
    epochs : int
        Number of training epochs.
    samples : int
        Size of the data set; one third each for training, validation and test.
    noise : float
        Standard deviation of the target noise in the noisy scenario, in target units.
    overlap : float
        Overlap of the intervals of x in the ood scenario.
    data_version : int
        Version of the synthetic data sets; see ``DATA_VERSION``.
    """

    function: int
    data_seed: int
    init_seed: int
    batch: int
    epochs: int
    samples: int
    noise: float
    overlap: float
    data_version: int

    @property
    def variant(self) -> str:
        """Variant of the model, "reg" or "reg+cls"."""
        return "reg+cls" if self.classes else "reg"

    @property
    def config(self) -> str:
        """Canonical JSON text of the model; equal models have equal texts."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        version = values.pop("data_version")
        if version == 1:
            del values["overlap"]
        return json.dumps({"version": version, **values}, sort_keys=True, separators=(",", ":"))

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
class Cell(Configuration):
    """One setting of a grid, on which reg, its control and reg+cls are compared.

    ``weight`` is λ of reg+cls and the loss scale of the control.

    Attributes
    ----------
    loss_scale : float
        Loss scale of plain reg.
    """

    loss_scale: float

    def model(self, role: str, run: Run, protocol: Protocol) -> Model:
        """Return the model of one role and run.

        Parameters
        ----------
        role : str
            "reg", "control" or "reg+cls".
        run : Run
            Data set and initialisation.
        protocol : Protocol
            Settings that all models of the grid share.

        Returns
        -------
        Model
        """
        values = vars(self) | vars(run) | vars(protocol)
        scale = values.pop("loss_scale")
        if role != "reg+cls":
            values |= {"classes": 0, "bins": "", "class_loss": ""}
        if role == "reg":
            values["weight"] = scale
        return Model(**values)

    def lab_settings(self, run: Run, protocol: Protocol) -> LabSettings:
        """Return Lab settings that train the models of this cell on the data of one run.

        The Lab uses one seed for data and initialisation, so its models equal those of the first
        initialisation of a data set.

        Parameters
        ----------
        run : Run
            Function and data seed to use.
        protocol : Protocol
            Settings that all models of the grid share.

        Returns
        -------
        LabSettings

        Raises
        ------
        UserError
            If the settings cannot be trained.
        """
        values = vars(self) | vars(protocol)
        del values["data_version"]  # the Lab draws the data of today
        return LabSettings(**values, function=run.function, seed=run.data_seed, repeats=1)


@dataclass(frozen=True)
class Run:
    """One data set and one initialisation.

    Attributes
    ----------
    function : int
        Number of the target function, from 1.
    data_seed : int
        Seed of the data set.
    init_seed : int
        Seed of the initial weights; equal to ``data_seed`` for the first initialisation.
    """

    function: int
    data_seed: int
    init_seed: int


@dataclass(frozen=True)
class Protocol:
    """Settings that all models of a grid share.

    Attributes
    ----------
    batch : int
        Batch size.
    epochs : int
        Number of training epochs.
    samples : int
        Size of each data set; one third each for training, validation and test.
    noise : float
        Standard deviation of the target noise in the noisy scenario, in target units.
    overlap : float
        Overlap of the intervals of x in the ood scenario; see `regcls.synthetic.data.make`.
    data_version : int
        Version of the synthetic data sets; see ``DATA_VERSION``.
    """

    batch: int = 256
    epochs: int = 80
    samples: int = SAMPLES
    noise: float = 0.1
    overlap: float = OVERLAP
    data_version: int = DATA_VERSION


FIRST_PROTOCOL = Protocol(samples=60_000, data_version=1)  # of results with the first data sets


@dataclass(frozen=True)
class Entry:
    """A model of a grid with its role and phase.

    Attributes
    ----------
    model : Model
        The model.
    role : str
        "reg", "control" or "reg+cls".
    phase : str
        "search" while settings are tuned, "final" for models that are reported.
    search : int
        Number of the search that the model belongs to, from 1; 1 in a grid without a search.
    """

    model: Model
    role: str
    phase: str = "final"
    search: int = 1


def runs(functions: Iterable[int], seeds: Iterable[int], repeats: int) -> Iterator[Run]:
    """Yield the runs of each function, data seed and repeat.

    All data sets and initialisations have seeds of their own. If data sets shared initialisations,
    the effect of an initialisation would shift all functions together instead of averaging out.

    Parameters
    ----------
    functions : iterable of int
        Numbers of the target functions, from 1.
    seeds : iterable of int
        Data seeds of each function, from 0 to 99.
    repeats : int
        Number of initialisations per data set.

    Yields
    ------
    Run

    Examples
    --------
    >>> list(runs([3], [0], repeats=2))
    [Run(function=3, data_seed=200, init_seed=200), Run(function=3, data_seed=200, init_seed=1200)]
    """
    for function, s, repeat in itertools.product(functions, list(seeds), range(repeats)):
        seed = FUNCTION_STRIDE * (function - 1) + s
        yield Run(function, seed, seed + REPEAT_STRIDE * repeat)
