"""Settings of a Lab run: limits, defaults, presets, and their text form in an address."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from regcls.nn.spec import ACTIVATIONS, CLASS_LOSSES, OPTIMISERS, REG_LOSSES
from regcls.stats import bins
from regcls.synthetic import data as synthetic_data

MODELS = ("reg", "control", "reg+cls")
OWN = "own"  # the sampling whose imbalance is the person's own number
# λ and learning rate that the paper's code uses in each scenario.
SCENARIO_DEFAULTS = {
    "clean": {"weight": 100.0, "lr": 1e-3},
    "noisy": {"weight": 1000.0, "lr": 1e-2},
    "ood": {"weight": 10000.0, "lr": 1e-4},
}


LARGEST_NETWORK = 4
WIDEST_LAYER = 256


# Least and greatest value of each number a person can set, and the choices of each word.
LIMITS: dict[str, tuple[float, float]] = {
    "function": (0, len(synthetic_data.FUNCTIONS)),
    "A": (0.0, 1.0),
    "C": (3, 60),
    "imbalance": (0.005, 1.0),
    "noise": (0.0, 1.0),
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
    """All that a person can set. Raises ``ValueError`` naming the setting and its allowed values.

    ``function`` is 1 to 10 for the authors' ten, 0 for one's own (``A``, ``C``). ``weight`` is λ;
    ``loss_scale`` multiplies reg's loss; the control is reg with ``loss_scale`` = λ. The paper:
    60 000 samples, 80 epochs, Adam with weight decay 1e-3, batch 256, five data seeds.

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
    samples: int = 60_000
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

    def __post_init__(self):
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low:g} to {high:g}, not {value}")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                value = getattr(self, name)
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
        self._check_network()
        if self.points < max(self.batch, self.classes):
            raise ValueError(
                f"samples must be at least {3 * max(self.batch, self.classes):,}: a third of them "
                f"trains, and that must fill a batch ({self.batch}) and the {self.classes} classes"
            )

    def _check_network(self):
        sizes = self.hidden
        if not 1 <= len(sizes) <= LARGEST_NETWORK or not all(1 <= n <= WIDEST_LAYER for n in sizes):
            raise ValueError(
                f"hidden must be 1 to {LARGEST_NETWORK} layer sizes from 1 to {WIDEST_LAYER}, "
                f"not {sizes}"
            )

    @property
    def points(self) -> int:
        """Training points of one run: a third of the samples."""
        return self.samples // 3

    @property
    def steps_per_epoch(self) -> int:
        return self.points // self.batch

    @property
    def target_function(self) -> synthetic_data.Function:
        return (
            synthetic_data.FUNCTIONS[self.function - 1]
            if self.function
            else synthetic_data.Function(self.A, self.C)
        )

    def to_query(self) -> dict[str, str]:
        """The settings that differ from the defaults of this scenario, as text for a URL."""
        default = for_scenario(self.scenario)
        query = {
            f.name: _as_text(getattr(self, f.name))
            for f in fields(self)
            if getattr(self, f.name) != getattr(default, f.name)
        }
        return {"scenario": self.scenario, **query} if self.scenario != "clean" else query

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[LabSettings, list[str]]:
        """Settings from a URL, and a sentence for each part of it that could not be used."""
        messages = []
        settings = cls()
        if query.get("scenario") in synthetic_data.SCENARIOS:
            settings = for_scenario(query["scenario"])
        known = {f.name: f.name for f in fields(cls)}
        values: dict[str, object] = {}
        for name, text in query.items():
            if name not in known:
                messages.append(f"The address sets “{name}”, which the Lab does not know.")
                continue
            try:
                values[name] = _from_text(getattr(settings, name), text)
                _check_one(name, values[name])
            except ValueError:
                values.pop(name, None)
                messages.append(
                    f"The address asks for {name} = “{text}”, which is not possible; "
                    f"the default, {_as_text(getattr(settings, name))}, is used."
                )
        try:
            return replace(settings, **values), messages
        except ValueError as error:  # each value is possible, but not all of them together
            return settings, [*messages, f"The address does not work as a whole: {error}."]


def for_scenario(scenario: str) -> LabSettings:
    """The paper's defaults of a scenario."""
    return LabSettings(scenario=scenario, **SCENARIO_DEFAULTS[scenario])


def _as_text(value) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _from_text(default, text: str):
    if isinstance(default, tuple):
        return parse_hidden(text)
    if isinstance(default, float):
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(text)
        return value
    return type(default)(text)


def parse_hidden(text: str) -> tuple[int, ...]:
    """Layer sizes from text such as "6-15" or "6, 15". Raises ``ValueError``.

    >>> parse_hidden("6, 15")
    (6, 15)
    """
    try:
        return tuple(int(part) for part in text.replace(",", "-").split("-"))
    except ValueError as error:
        raise ValueError(f"hidden must be layer sizes such as 6-15, not {text!r}") from error


def _check_one(name: str, value) -> None:
    """Raise ``ValueError`` if ``value`` is not possible whatever the other settings are."""
    generous = {"samples": int(LIMITS["samples"][1])} if name in ("batch", "classes") else {}
    if name == "samples":
        generous = {"batch": int(LIMITS["batch"][0])}
    replace(LabSettings(), **{**generous, name: value})


def _presets() -> dict[str, tuple[LabSettings, str]]:
    base = LabSettings()
    noisy = for_scenario("noisy")
    return {
        "Severe imbalance": (
            base,
            "Nearly all training targets lie within ±3 % of the range around a peak. "
            "reg+cls beats plain reg in most runs. Look at the control as well.",
        ),
        "Moderate imbalance": (
            replace(base, sampling="moderate"),
            "Most training targets lie within ±10 % of the range around a peak.",
        ),
        "Mild imbalance": (
            replace(base, sampling="mild"),
            "Most training targets lie within ±30 % of the range around a peak.",
        ),
        "Uniform sampling": (
            replace(base, sampling="uniform"),
            "All targets are equally frequent, so there is little for the classes to repair.",
        ),
        "The scale control": (
            replace(noisy, classes=16, repeats=20),
            "Noisy targets, λ = 1000. Give plain reg the same loss scale (the control) and see how "
            "much of the gain of reg+cls remains.",
        ),
        "Equalized bins": (
            replace(base, bins="equalized", classes=64),
            "64 classes are merged until they are about equally frequent, and labels of frequent "
            "classes are dropped at random.",
        ),
        "Too many classes": (
            replace(base, classes=1024, repeats=6, epochs=30),
            "1024 classes on a network of 15 hidden units: most classes see hardly any sample.",
        ),
        "Classification does not help": (
            replace(base, loss_scale=1000.0, weight=1000.0, lr=1e-2, classes=16, repeats=20),
            "Learning rate and loss scale tuned for both sides alike: what is left is no clear "
            "difference.",
        ),
    }


PRESETS = _presets()


def settings_from_text(preset: str | None, values: dict[str, str]) -> LabSettings:
    """Settings from a preset's name and ``values`` as text. Raises ``ValueError``."""
    from regcls.lab import settings as _lab_settings
    from regcls.lab.settings import PRESETS, SCENARIO_DEFAULTS

    if preset is not None and preset not in PRESETS:
        raise ValueError(f"no preset is called {preset!r}; there are: {', '.join(PRESETS)}")
    settings = PRESETS[preset][0] if preset else _lab_settings.LabSettings()
    scenario = values.get("scenario")
    if preset is None and scenario in SCENARIO_DEFAULTS:
        settings = _lab_settings.for_scenario(scenario)
    known = [f.name for f in fields(settings)]
    converted = {}
    for name, text in values.items():
        if name not in known:
            raise ValueError(f"no setting is called {name!r}; there are: {', '.join(known)}")
        converted[name] = _converted(name, getattr(settings, name), text)
    return replace(settings, **converted)


def _converted(name: str, default: object, text: str) -> object:
    from regcls.lab.settings import parse_hidden

    if isinstance(default, tuple):
        return parse_hidden(text)
    try:
        return type(default)(text)
    except ValueError as error:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise ValueError(f"{name} must be {kind}, not {text!r}") from error
