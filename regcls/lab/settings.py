"""Settings of a Lab run: limits, defaults, presets, and their form as URL parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from regcls.exceptions import UserError, sentence
from regcls.nn.spec import ACTIVATIONS, CLASS_LOSSES, OPTIMISERS, REG_LOSSES
from regcls.stats import bins
from regcls.synthetic import data as synthetic_data

MODELS = ("reg", "control", "reg+cls")
OWN = "own"  # the sampling whose imbalance is set by the user
# λ and learning rate of the paper's code, by scenario.
SCENARIO_DEFAULTS = {
    "clean": {"weight": 100.0, "lr": 1e-3},
    "noisy": {"weight": 1000.0, "lr": 1e-2},
    "ood": {"weight": 10000.0, "lr": 1e-4},
}
MAX_LAYERS = 4
MAX_UNITS = 256
# Minimum and maximum of each number, and choices of each word.
LIMITS: dict[str, tuple[float, float]] = {
    "function": (0, len(synthetic_data.FUNCTIONS)),
    "A": (0.0, 1.0),
    "C": (3, 60),
    "imbalance": (0.005, 1.0),
    "noise": (0.0, 1.0),
    "overlap": (0.0, 1.0),
    "samples": (900, 300_000),
    "weight": (0.01, 1e6),
    "loss_scale": (0.01, 1e6),
    "weight_decay": (0.0, 1.0),
    "lr": (1e-6, 1.0),
    "batch": (16, 4096),
    "classes": (2, 1024),
    "seed": (0, 99_999),
    "repeats": (1, 50),
    "epochs": (1, 1000),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "scenario": synthetic_data.SCENARIOS,
    "sampling": (*synthetic_data.SAMPLINGS, OWN),
    "activation": ACTIVATIONS,
    "optimiser": OPTIMISERS,
    "reg_loss": REG_LOSSES,
    "class_loss": CLASS_LOSSES,
    "bins": bins.KINDS,
}


@dataclass(frozen=True)
class LabSettings:
    """Settings of a Lab run.

    As in the authors' published code: 65 115 samples, 80 epochs, Adam with weight decay 1e-3 and
    batches of 256. The paper uses five data seeds per function.

    Attributes
    ----------
    function : int
        1 to 10 for the authors' functions, 0 for a custom one (``A``, ``C``).
    A, C : float, int
        Amplitude and frequency of the custom function; see `regcls.synthetic.data.Function`.
    scenario : {"clean", "noisy", "ood"}
        Scenario of the data.
    sampling : {"uniform", "mild", "moderate", "severe", "own"}
        Sampling of the training targets; "own" uses ``imbalance``.
    imbalance : float
        Half-width of the peak of the training targets, as a share of the target range.
    noise : float
        Standard deviation of the noise in the noisy scenario.
    overlap : float
        Overlap of the intervals of x in the ood scenario; see `regcls.synthetic.data.make`.
    samples : int
        Samples of a run, a third of them for training.
    hidden : tuple of int
        Sizes of the hidden layers.
    activation : {"relu", "tanh", "gelu"}
        Activation of the hidden layers.
    reg_loss : {"mse", "mae", "huber"}
        Regression loss.
    class_loss : {"hard", "soft"}
        Cross-entropy with hard labels or with Gaussian soft labels (HL-Gauss).
    weight : float
        λ, the weight of reg+cls's regression loss; the loss scale of the control.
    loss_scale : float
        Loss scale of reg.
    weight_decay : float
        Weight decay.
    optimiser : {"adam", "adamw", "sgd"}
        Optimiser.
    lr : float
        Learning rate.
    batch : int
        Samples per step.
    bins : {"equal-width", "equalized", "quantile"}
        Kind of class bins.
    classes : int
        Number of classes.
    seed : int
        Seed of the first run; run r uses ``seed`` + r for data and initialisation.
    repeats : int
        Runs of each model.
    epochs : int
        Epochs.

    Raises
    ------
    UserError
        If a setting is out of range, or there are too few samples for the batch or the classes.

    Examples
    --------
    >>> LabSettings(sampling="mild").to_query()
    {'sampling': 'mild'}
    """

    function: int = 1
    A: float = 0.5
    C: int = 20
    scenario: str = "clean"
    sampling: str = "severe"
    imbalance: float = 0.03
    noise: float = 0.1
    overlap: float = synthetic_data.OVERLAP
    samples: int = synthetic_data.SAMPLES
    hidden: tuple[int, ...] = (6, 15)
    activation: str = "relu"
    reg_loss: str = "mse"
    class_loss: str = "hard"
    weight: float = 100.0
    loss_scale: float = 1.0
    weight_decay: float = 1e-3
    optimiser: str = "adam"
    lr: float = 1e-3
    batch: int = 256
    bins: str = "equal-width"
    classes: int = 4
    seed: int = 0
    repeats: int = 10
    epochs: int = 80

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UserError(f"{name} must be from {low:g} to {high:g}, not {value}")
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise UserError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        sizes = self.hidden
        if not 1 <= len(sizes) <= MAX_LAYERS or not all(1 <= n <= MAX_UNITS for n in sizes):
            raise UserError(
                f"hidden must be 1 to {MAX_LAYERS} layer sizes from 1 to {MAX_UNITS}, not {sizes}"
            )
        least = max(self.batch, self.classes)
        if self.points < least:
            raise UserError(
                f"samples must be at least {3 * least:,}: a third of them are for training, which "
                f"needs a full batch ({self.batch}) and a sample per class ({self.classes})"
            )

    @property
    def points(self) -> int:
        """Training points of a run: a third of the samples."""
        return self.samples // 3

    @property
    def steps_per_epoch(self) -> int:
        """Full batches per epoch."""
        return self.points // self.batch

    @property
    def target_function(self) -> synthetic_data.Function:
        """The function to learn."""
        return (
            synthetic_data.FUNCTIONS[self.function - 1]
            if self.function
            else synthetic_data.Function(self.A, self.C)
        )

    def to_query(self) -> dict[str, str]:
        """Return the settings as URL parameters.

        Returns
        -------
        dict of str to str
            The settings that differ from the defaults of their scenario.
        """
        default = for_scenario(self.scenario)
        query = {
            f.name: _as_text(getattr(self, f.name))
            for f in fields(self)
            if getattr(self, f.name) != getattr(default, f.name)
        }
        return {"scenario": self.scenario, **query} if self.scenario != "clean" else query

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[LabSettings, list[str]]:
        """Read settings from URL parameters; invalid ones get their default.

        Parameters
        ----------
        query : mapping of str to str
            URL parameters.

        Returns
        -------
        settings : LabSettings
            Settings.
        messages : list of str
            One sentence for each parameter that could not be used.

        Examples
        --------
        >>> LabSettings.from_query({"repeats": "many"})[1]
        ['repeats = “many” in the address is not valid; the default, 10, is used.']
        """
        messages = []
        settings = cls()
        if query.get("scenario") in synthetic_data.SCENARIOS:
            settings = for_scenario(query["scenario"])
        known = {f.name for f in fields(cls)}
        values: dict[str, Any] = {}
        for name, text in query.items():
            if name not in known:
                messages.append(f"“{name}” in the address is not a setting of the Lab.")
                continue
            default = getattr(settings, name)
            try:
                value = _parse(name, default, text)
                _check_one(name, value)
                values[name] = value
            except UserError:
                messages.append(
                    f"{name} = “{text}” in the address is not valid; "
                    f"the default, {_as_text(default)}, is used."
                )
        try:
            return replace(settings, **values), messages
        except UserError as error:  # each value is valid, but not their combination
            messages.append(f"The settings in the address cannot be combined: {sentence(error)}")
            return settings, messages


def for_scenario(scenario: str) -> LabSettings:
    """Return the paper's defaults of a scenario.

    Parameters
    ----------
    scenario : {"clean", "noisy", "ood"}
        Scenario.

    Returns
    -------
    LabSettings
        Defaults with the scenario's λ and learning rate.
    """
    default = SCENARIO_DEFAULTS[scenario]
    return LabSettings(scenario=scenario, weight=default["weight"], lr=default["lr"])


def parse_hidden(text: str) -> tuple[int, ...]:
    """Parse layer sizes.

    Parameters
    ----------
    text : str
        Whole numbers separated by hyphens or commas.

    Returns
    -------
    tuple of int
        Layer sizes.

    Raises
    ------
    UserError
        If the text has another form.

    Examples
    --------
    >>> parse_hidden("6, 15")
    (6, 15)
    """
    try:
        return tuple(int(part) for part in text.replace(",", "-").split("-"))
    except ValueError as error:
        raise UserError(f"hidden must be layer sizes such as 6-15, not {text!r}") from error


def settings_from_text(preset: str | None, values: Mapping[str, str]) -> LabSettings:
    """Return the settings of a preset with changes given as text.

    Parameters
    ----------
    preset : str or None
        Name of a preset; None for the defaults of the scenario in ``values``.
    values : mapping of str to str
        Settings to change.

    Returns
    -------
    LabSettings
        Settings.

    Raises
    ------
    UserError
        If the preset or a setting is unknown, or a value is invalid.

    Examples
    --------
    >>> settings_from_text("Mild imbalance", {"hidden": "8-8"}).hidden
    (8, 8)
    """
    if preset is not None and preset not in PRESETS:
        raise UserError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    settings = PRESETS[preset][0] if preset else LabSettings()
    scenario = values.get("scenario")
    if preset is None and scenario in SCENARIO_DEFAULTS:
        settings = for_scenario(scenario)
    known = [f.name for f in fields(settings)]
    for name in values:
        if name not in known:
            raise UserError(f"{name!r} is not a setting; the settings are {', '.join(known)}")
    changes: dict[str, Any] = {
        name: _parse(name, getattr(settings, name), text) for name, text in values.items()
    }
    return replace(settings, **changes)


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _parse(name: str, default: object, text: str) -> object:
    """Convert a setting's text to the type of its default."""
    if isinstance(default, tuple):
        return parse_hidden(text)
    if isinstance(default, str):
        return text
    kind = type(default)
    try:
        value = float(text) if kind is float else int(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(
            f"{name} must be a {'number' if kind is float else 'whole number'}, not {text!r}"
        )
    return value


def _check_one(name: str, value: object) -> None:
    """Raise ``UserError`` if a value is invalid whatever the other settings are."""
    changes: dict[str, Any] = {name: value}
    if name in ("batch", "classes"):
        changes["samples"] = int(LIMITS["samples"][1])
    if name == "samples":
        changes["batch"] = int(LIMITS["batch"][0])
    replace(LabSettings(), **changes)


def _presets() -> dict[str, tuple[LabSettings, str]]:
    base = LabSettings()
    noisy = for_scenario("noisy")
    return {
        "Severe imbalance": (
            base,
            "Nearly all training targets lie within ±3% of the target range around a peak. "
            "reg+cls has a lower error than plain reg in most runs; compare with the control.",
        ),
        "Moderate imbalance": (
            replace(base, sampling="moderate"),
            "Most training targets lie within ±10% of the target range around a peak.",
        ),
        "Mild imbalance": (
            replace(base, sampling="mild"),
            "Most training targets lie within ±30% of the target range around a peak.",
        ),
        "Uniform sampling": (
            replace(base, sampling="uniform"),
            "All targets are equally frequent, so there is little imbalance to correct.",
        ),
        "Loss-scale control": (
            replace(noisy, classes=16, repeats=20),
            "Noisy targets, λ = 1000. The control gives plain reg the same loss scale: how much of "
            "the gain of reg+cls remains?",
        ),
        "Equalized bins": (
            replace(base, bins="equalized", classes=64),
            "64 classes are merged until they are about equally frequent, and labels of frequent "
            "classes are dropped at random.",
        ),
        "Too many classes": (
            replace(base, classes=1024, repeats=6, epochs=30),
            "1024 classes on 15 hidden units: most classes have very few samples.",
        ),
        "Classification does not help": (
            replace(base, loss_scale=1000.0, weight=1000.0, lr=1e-2, classes=16, repeats=20),
            "With learning rate and loss scale tuned for both models, no significant difference "
            "remains.",
        ),
    }


PRESETS = _presets()
