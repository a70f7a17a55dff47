"""One live comparison on a 1D function: reg, its loss-scale control, and reg+cls, R runs of each.

torch is imported when a ``Lab`` is made, not before: settings and estimates cost nothing.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from regcls.stats import bins, errors
from regcls.synthetic import data as synthetic_data

MODELS = ("reg", "control", "reg+cls")
OWN = "own"  # the sampling whose imbalance is the person's own number
ACTIVATIONS = ("relu", "tanh", "gelu")
OPTIMISERS = ("adam", "adamw", "sgd")
REG_LOSSES = ("mse", "mae", "huber")
CLASS_LOSSES = ("hard", "soft")
# λ and learning rate that the paper's code uses in each scenario.
SCENARIO_DEFAULTS = {
    "clean": {"weight": 100.0, "lr": 1e-3},
    "noisy": {"weight": 1000.0, "lr": 1e-2},
    "ood": {"weight": 10000.0, "lr": 1e-4},
}
RANGES = 16  # target ranges of the error report
TEST_POINTS = 4000  # of each run's uniform test set; enough for 2 % of an MSE, cheap every epoch
BAND = (0.1, 0.9)  # the bands hold the middle 80 % of the runs
SLOW_SECONDS = 60.0
MEMORY_BUDGET = 1.5e9  # bytes
LARGEST_NETWORK = 4
WIDEST_LAYER = 256
OPSET = 17

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


@dataclass(frozen=True)
class Estimate:
    """What a whole run would cost on a machine like ours (two cores)."""

    seconds: float
    bytes: float

    @property
    def warning(self) -> str | None:
        """A sentence to show before the start, None when there is nothing to say."""
        if self.bytes > MEMORY_BUDGET:
            return (
                f"This setting needs about {self.bytes / 1e9:.1f} GB of memory, more than the "
                f"{MEMORY_BUDGET / 1e9:.1f} GB the Lab allows. Take fewer repeats or samples."
            )
        if self.seconds > SLOW_SECONDS:
            minutes = self.seconds / 60
            return (
                f"This setting takes about {minutes:.0f} minute{'s' if minutes >= 1.5 else ''} "
                "to train. Fewer repeats, epochs or classes are faster."
            )
        return None

    @property
    def fits(self) -> bool:
        return self.bytes <= MEMORY_BUDGET


# Seconds per training step, fitted to what two cores took: a fixed part for each of the two
# ensembles, and a part per run and sample for each unit, weight and class.
_STEP_SECONDS = 2.5e-4
_SECONDS_PER_UNIT = 4e-9
_SECONDS_PER_WEIGHT = 1e-10
_SECONDS_PER_CLASS = 2.5e-9


def estimate(settings: LabSettings) -> Estimate:
    """Time and memory of ``settings`` before anything is built, from a cost model (no torch)."""
    sizes = (1, *settings.hidden)
    weights = sum(a * b for a, b in itertools.pairwise(sizes)) + settings.hidden[-1]
    units = sum(settings.hidden) + 1
    a_network = units * _SECONDS_PER_UNIT + weights * _SECONDS_PER_WEIGHT
    a_sample = 3 * a_network + settings.classes * _SECONDS_PER_CLASS
    work = settings.repeats * settings.batch * a_sample
    steps = settings.epochs * max(settings.steps_per_epoch, 1)
    data = (
        settings.repeats * settings.samples * 8 * 5
    )  # as generated, and float32 for two ensembles
    activations = 4 * settings.repeats * settings.batch * (12 * units + 4 * settings.classes)
    heads = 4 * 5 * 3 * settings.repeats * (weights + settings.hidden[-1] * settings.classes)
    testing = 4 * 3 * settings.repeats * TEST_POINTS * 2 * max(settings.hidden)
    return Estimate(steps * (2 * _STEP_SECONDS + work), data + activations + heads + testing)


def function_curve(settings: LabSettings, points: int = 241) -> pd.DataFrame:
    """Columns x, y: the function that is learned."""
    x = np.linspace(-1, 1, points)
    return pd.DataFrame({"x": x, "y": settings.target_function(x)})


@dataclass(frozen=True)
class Arrays:
    """Training points ``x``, ``y`` (R, N), test points ``test_x``, ``test_y`` (R, M), peaks (R,)."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    peaks: np.ndarray
    limits: tuple[float, float]


def make_arrays(settings: LabSettings) -> Arrays:
    """The data of all runs; run r has the data seed ``settings.seed + r``."""
    sampling = settings.imbalance if settings.sampling == OWN else settings.sampling
    sets = synthetic_data.make_many(
        settings.target_function,
        range(settings.seed, settings.seed + settings.repeats),
        scenario=settings.scenario,
        sampling=sampling,
        samples=settings.samples,
        noise=settings.noise,
    )
    return Arrays(
        np.stack([d.train.x for d in sets]),
        np.stack([d.train.y for d in sets]),
        np.stack([d.test.x[:TEST_POINTS] for d in sets]),
        np.stack([d.test.y[:TEST_POINTS] for d in sets]),
        np.array([np.nan if d.peak is None else d.peak for d in sets]),
        settings.target_function.limits,
    )


@dataclass(frozen=True)
class Classes:
    """Class labels of the training points; runs with fewer classes are padded with unused ones."""

    labels: np.ndarray  # (R, N)
    edges: np.ndarray  # (R, C+1)
    keep: np.ndarray | None  # (R, C), only for equalized bins


def make_classes(settings: LabSettings, y: np.ndarray) -> Classes:
    """Bins of each run's training targets ``y`` (R, N)."""
    made = [bins.make(settings.bins, row, settings.classes) for row in y]
    most = max(b.classes for b in made)
    labels = np.stack([b.label(row) for b, row in zip(made, y, strict=True)])
    edges = np.stack([_padded(b.edges, most + 1) for b in made])
    keep = None
    if settings.bins == "equalized":
        keep = np.stack([bins.keep_probability(row, most) for row in labels])
    return Classes(labels, edges, keep)


def _padded(edges: np.ndarray, length: int) -> np.ndarray:
    width = edges[-1] - edges[0]
    return np.concatenate((edges, edges[-1] + width * np.arange(1, length - len(edges) + 1)))


@dataclass(frozen=True)
class Verdict:
    """reg+cls against ``other`` over the runs' test errors, in numbers and in words."""

    other: str
    mse: float  # mean over runs
    other_mse: float
    paired: errors.PairedRuns

    @property
    def numbers(self) -> str:
        """Test MSE of both, their paired difference with its interval, and the share won."""
        p = self.paired
        interval = f" [{p.low:+.3f}, {p.high:+.3f}]" if math.isfinite(p.low) else ""
        return (
            f"Mean test MSE: reg+cls {self.mse:.3f}, {self.other} {self.other_mse:.3f}. "
            f"Paired difference {p.mean_difference:+.3f}{interval}. "
            f"reg+cls wins {p.wins:.0%} of {p.runs} run{'s' if p.runs > 1 else ''}."
        )

    @property
    def words(self) -> str:
        other = "reg" if self.other == "reg" else "the control (reg with the same loss scale)"
        if self.paired.runs < errors.MIN_RUNS:
            return (
                f"{self.paired.runs} run{'s' if self.paired.runs > 1 else ''} against {other}: "
                f"too few to tell. Take at least {errors.MIN_RUNS} repeats."
            )
        verdict = self.paired.verdict
        if verdict == "no clear difference":
            return f"No clear difference between reg+cls and {other}: the interval spans zero."
        return f"reg+cls is {verdict} than {other}."


class Lab:
    """Train ``settings.repeats`` runs of reg, control and reg+cls side by side, a bit at a time.

    All three see the same data, start from the same weights and shuffle alike. Raises
    ``ValueError`` where data and classes do not fit together.
    """

    def __init__(self, settings: LabSettings):
        from regcls.nn.ensemble import Ensemble, Network, Training

        self.settings = settings
        self.data = make_arrays(settings)
        self.classes = make_classes(settings, self.data.y)
        runs = settings.repeats
        network = Network(hidden=settings.hidden, activation=settings.activation, classes=0)
        training = Training(
            optimiser=settings.optimiser,
            reg_loss=settings.reg_loss,
            class_loss=settings.class_loss,
            sigma=self._sigma(),
            batch=settings.batch,
        )
        seeds = np.arange(settings.seed, settings.seed + runs)
        shared = {"lr": settings.lr, "weight_decay": settings.weight_decay}
        # reg and its control differ in one number, so they train as one ensemble of 2R models.
        self._plain = Ensemble(
            network,
            training,
            np.tile(self.data.x, (2, 1)),
            np.tile(self.data.y, (2, 1)),
            seeds=np.tile(seeds, 2),
            reg_weight=np.repeat([settings.loss_scale, settings.weight], runs),
            **shared,
        )
        self._cls = Ensemble(
            replace(network, classes=self.classes.edges.shape[1] - 1),
            training,
            self.data.x,
            self.data.y,
            labels=self.classes.labels,
            keep=self.classes.keep,
            edges=self.classes.edges,
            seeds=seeds,
            reg_weight=settings.weight,
            **shared,
        )
        self._errors = [self._test_errors()]  # one (3, R) an epoch, the first before training
        self._densities: dict[tuple, pd.DataFrame] = {}  # they never change, but are drawn often
        self._trained_seconds = 0.0
        self._trained_steps = 0

    def _sigma(self) -> float:
        """Width of the soft labels: 0.75 bin widths (Imani & White, ICML 2018)."""
        low, high = self.data.limits
        return 0.75 * (high - low) / self.settings.classes

    @property
    def step(self) -> int:
        return self._cls.step

    @property
    def total_steps(self) -> int:
        return self.settings.epochs * self._cls.steps_per_epoch

    @property
    def epoch(self) -> int:
        """Finished epochs."""
        return len(self._errors) - 1

    @property
    def done(self) -> bool:
        return self.step >= self.total_steps

    @property
    def seconds_left(self) -> float | None:
        """From the speed so far; None before the first step."""
        if not self._trained_steps:
            return None
        return (self.total_steps - self.step) * self._trained_seconds / self._trained_steps

    def advance(self, steps: int | None = None, *, seconds: float | None = None) -> None:
        """Train ``steps`` steps, or for about ``seconds``; stops at the last epoch.

        How the time is sliced does not change the outcome.
        """
        if (steps is None) == (seconds is None):
            raise ValueError("give either steps or seconds")
        started = time.perf_counter()
        first = self.step
        last = self.total_steps if steps is None else min(self.total_steps, first + steps)
        while self.step < last:
            self._train(min(last - self.step, self._chunk()))
            spent = time.perf_counter() - started
            if seconds is not None and spent >= seconds:
                break
        self._trained_seconds += time.perf_counter() - started
        self._trained_steps += self.step - first

    def advance_epoch(self) -> None:
        """Train to the end of the current epoch."""
        per_epoch = self._cls.steps_per_epoch
        self.advance(per_epoch - self.step % per_epoch)

    def _chunk(self) -> int:
        """Steps that take about 20 ms, not beyond the end of the epoch, where errors are taken."""
        per_epoch = self._cls.steps_per_epoch
        speed = self._trained_steps / self._trained_seconds if self._trained_seconds else 0.0
        return max(1, min(per_epoch - self.step % per_epoch, int(0.02 * speed)))

    def _train(self, steps: int) -> None:
        self._plain.advance(steps)
        self._cls.advance(steps)
        if self.step % self._cls.steps_per_epoch == 0:
            self._errors.append(self._test_errors())

    def predict(self, x: np.ndarray) -> np.ndarray:
        """(3, R, M) predictions of reg, control and reg+cls; ``x`` is (M,) or (R, M)."""
        runs = self.settings.repeats
        both = np.tile(x, (2, 1)) if np.ndim(x) == 2 else x
        plain = self._plain.predict(both)
        return np.stack([plain[:runs], plain[runs:], self._cls.predict(x)])

    def _test_errors(self) -> np.ndarray:
        off = self.predict(self.data.test_x) - self.data.test_y
        return (off**2).mean(axis=-1)

    @property
    def test_mse(self) -> np.ndarray:
        """(3, R) mean squared error on each run's uniform test points, at the last epoch's end."""
        return self._errors[-1]

    @property
    def history(self) -> pd.DataFrame:
        """Columns epoch, model, run, test_mse: one row each; epoch 0 is before training."""
        curves = np.stack(self._errors)
        epoch, model, run = np.indices(curves.shape).reshape(3, -1)
        return pd.DataFrame(
            {
                "epoch": epoch,
                "model": np.array(MODELS)[model],
                "run": run + 1,
                "test_mse": curves.ravel(),
            }
        )

    def history_bands(self, points: int = 120) -> pd.DataFrame:
        """Columns epoch, model, median, low, high over the runs, at no more than ``points`` epochs."""
        curves = np.stack(self._errors)
        keep = np.unique(np.linspace(0, len(curves) - 1, points).round().astype(int))
        return _bands(keep, np.moveaxis(curves[keep], 0, -1), "epoch")

    def prediction_bands(self, points: int = 161, run: int | None = None) -> pd.DataFrame:
        """Columns x, model, median, low, high over the runs, or of one run (from 0)."""
        x = np.linspace(-1, 1, points)
        y = self.predict(x)
        return _bands(x, y if run is None else y[:, [run]], "x")

    def errors(
        self, run: int | None = None, around_peak: bool = False, resamples: int = 300
    ) -> errors.ErrorReport:
        """Errors per target range on the uniform test points of all runs, or of one.

        Intervals resample runs, so they speak of data seeds and initialisations; for a single run
        they resample its test points. ``around_peak`` measures targets from each run's own
        training peak, which puts the frequent targets of all runs in one place.
        """
        pick = slice(None) if run is None else [run]
        shift = self.data.peaks[pick, None] if around_peak else 0.0
        test, train = self.data.test_y[pick] - shift, self.data.y[pick] - shift
        predicted = self.predict(self.data.test_x)[:, pick] - shift
        low, high = min(test.min(), train.min()), max(test.max(), train.max())
        return errors.ErrorReport.from_predictions(
            test.ravel(),
            {name: predicted[i].ravel() for i, name in enumerate(MODELS)},
            bins.ranges(float(low), float(high), RANGES),
            y_train=train.ravel(),
            resamples=resamples,
            clusters=np.repeat(np.arange(len(test)), test.shape[1]) if len(test) > 1 else None,
        )

    def verdicts(self) -> list[Verdict]:
        """reg+cls against reg, and against the control."""
        mse = dict(zip(MODELS, self.test_mse, strict=True))
        return [
            Verdict(
                other,
                float(mse["reg+cls"].mean()),
                float(mse[other].mean()),
                errors.paired_runs(mse["reg+cls"], mse[other]),
            )
            for other in ("reg", "control")
        ]

    @property
    def has_peaks(self) -> bool:
        """Whether the training targets gather around a peak (all samplings but uniform)."""
        return bool(np.isfinite(self.data.peaks).all())

    def training_density(self, run: int | None = None, cells: int = 100) -> pd.DataFrame:
        """Columns left, right, share: where on the x-axis the training points are."""
        if ("x", run, cells) not in self._densities:
            x = self.data.x if run is None else self.data.x[run]
            count, edges = np.histogram(x, np.linspace(-1, 1, cells + 1))
            frame = {"left": edges[:-1], "right": edges[1:], "share": count / count.sum()}
            self._densities["x", run, cells] = pd.DataFrame(frame)
        return self._densities["x", run, cells]

    def target_density(self, run: int | None = None) -> pd.DataFrame:
        """Columns low, high, share: how the training targets fall into the target ranges."""
        if ("y", run) not in self._densities:
            y = self.data.y if run is None else self.data.y[run]
            edges = bins.ranges(*self.data.limits, RANGES)
            count = np.bincount(bins.Bins(edges, "equal-width").label(y.ravel()), minlength=RANGES)
            frame = {"low": edges[:-1], "high": edges[1:], "share": count / count.sum()}
            self._densities["y", run] = pd.DataFrame(frame)
        return self._densities["y", run]

    def class_probabilities(
        self, columns: int = 60, rows: int = 24, run: int | None = None
    ) -> pd.DataFrame:
        """Columns left, right, low, high, probability: what the class head thinks along x.

        Bins of all runs are laid on one grid of targets, a bin's probability spread evenly over
        its width; then the mean over runs.
        """
        edges_x = np.linspace(-1, 1, columns + 1)
        probability = self._cls.class_probabilities((edges_x[:-1] + edges_x[1:]) / 2)  # (R, M, C)
        grid = bins.ranges(*self.data.limits, rows)
        runs = range(self.settings.repeats) if run is None else [run]
        mass = np.mean(
            [probability[r] @ _overlap(self.classes.edges[r], grid) for r in runs], axis=0
        )
        column, row = np.indices(mass.shape).reshape(2, -1)
        return pd.DataFrame(
            {
                "left": edges_x[column],
                "right": edges_x[column + 1],
                "low": grid[row],
                "high": grid[row + 1],
                "probability": mass.ravel(),
            }
        )

    def onnx_zip(self, run: int = 0) -> bytes:
        """The three networks of one run as ONNX files in a zip."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for model in MODELS:
                archive.writestr(f"{model.replace('+', '')}.onnx", self.export_onnx(model, run))
        return packed.getvalue()

    def save(self, path: str | Path | io.BytesIO) -> None:
        """Write all that is needed to go on exactly from here; ``load`` reads it."""
        import torch

        state = {
            "settings": json.dumps(asdict(self.settings)),
            "plain": self._plain.state_dict(),
            "cls": self._cls.state_dict(),
            "errors": torch.from_numpy(np.stack(self._errors)),
        }
        torch.save(state, path)

    @classmethod
    def load(cls, path: str | Path | io.BytesIO) -> Lab:
        """A saved Lab. Its file holds tensors and text only, so a stranger's file runs no code."""
        import torch

        state = torch.load(path, weights_only=True)
        values = json.loads(state["settings"])
        lab = cls(LabSettings(**{**values, "hidden": tuple(values["hidden"])}))
        lab._plain.load_state_dict(state["plain"])
        lab._cls.load_state_dict(state["cls"])
        lab._errors = list(state["errors"].numpy())
        return lab

    def export_onnx(self, model: str, run: int = 0) -> bytes:
        """One trained network as an ONNX file: input ``x`` float32 (N, 1), output ``value``
        float32 (N,), and for reg+cls ``logits`` float32 (N, C)."""
        if model not in MODELS:
            raise ValueError(f"model must be one of {', '.join(MODELS)}, not {model!r}")
        if not 0 <= run < self.settings.repeats:
            raise ValueError(f"run must be from 0 to {self.settings.repeats - 1}, not {run}")
        ensemble = self._cls if model == "reg+cls" else self._plain
        index = run + (self.settings.repeats if model == "control" else 0)
        note = {"model": model, "run": run + 1, "epoch": self.epoch, **asdict(self.settings)}
        if model == "reg+cls":
            note["class_edges"] = self.classes.edges[run].tolist()
        return _onnx_bytes(ensemble.parameters_of(index), self.settings, model == "reg+cls", note)


def _bands(at: np.ndarray, values: np.ndarray, name: str) -> pd.DataFrame:
    """Median and band over runs of ``values`` (3, R, M) at the places ``at`` (M,)."""
    low, middle, high = np.quantile(values, [BAND[0], 0.5, BAND[1]], axis=1)
    return pd.DataFrame(
        {
            name: np.tile(at, len(MODELS)),
            "model": np.repeat(MODELS, len(at)),
            "median": middle.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
        }
    )


def _overlap(edges: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """(C, K): the share of each bin's width that lies in each cell of ``grid`` (K+1,)."""
    low = np.maximum(edges[:-1, None], grid[None, :-1])
    high = np.minimum(edges[1:, None], grid[None, 1:])
    return np.clip(high - low, 0, None) / np.diff(edges)[:, None]


def _onnx_bytes(layers, settings: LabSettings, has_classes: bool, note: dict) -> bytes:
    """``layers``: (W (out, in), b (out,)) of the hidden layers, the value head, the class head."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, weights = [], []

    def dense(x: str, index: int, out: str) -> str:
        for kind, array in zip("Wb", layers[index], strict=True):
            weights.append(numpy_helper.from_array(np.float32(array), f"{kind}{index}"))
        nodes.append(helper.make_node("Gemm", [x, f"W{index}", f"b{index}"], [out], transB=1))
        return out

    x = "x"
    for i in range(len(settings.hidden)):
        x = _activate(nodes, weights, settings.activation, dense(x, i, f"z{i}"), f"h{i}")
    depth = len(settings.hidden)
    dense(x, depth, "column")
    weights.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    nodes.append(helper.make_node("Squeeze", ["column", "axis"], ["value"]))
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["N"])]
    if has_classes:
        dense(x, depth + 1, "logits")
        shape = ["N", len(layers[depth + 1][1])]
        outputs.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1])]
    graph = helper.make_graph(nodes, "regcls-lab", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8  # the one of this opset, so that older runtimes read the file
    helper.set_model_props(model, {"regcls_lab": json.dumps(note)})
    checker.check_model(model)
    return model.SerializeToString()


def _activate(nodes: list, weights: list, activation: str, x: str, out: str) -> str:
    from onnx import helper, numpy_helper

    if activation in ("relu", "tanh"):
        nodes.append(helper.make_node(activation.capitalize(), [x], [out]))
        return out
    # GELU came into ONNX after this opset: x/2 · (1 + erf(x/√2)).
    for name, value in {"root": math.sqrt(0.5), "one": 1.0, "half": 0.5}.items():
        weights.append(numpy_helper.from_array(np.float32(value), f"{out}_{name}"))
    for operator, inputs, result in (
        ("Mul", [x, f"{out}_root"], f"{out}_a"),
        ("Erf", [f"{out}_a"], f"{out}_b"),
        ("Add", [f"{out}_b", f"{out}_one"], f"{out}_c"),
        ("Mul", [x, f"{out}_c"], f"{out}_d"),
        ("Mul", [f"{out}_d", f"{out}_half"], out),
    ):
        nodes.append(helper.make_node(operator, inputs, [result]))
    return out
