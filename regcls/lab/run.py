"""One live comparison on a 1D function: reg, its loss-scale control, and reg+cls, R runs of each.

torch is imported when a ``Lab`` is made, not before: settings and estimates cost nothing.
"""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from regcls.lab.data import make_arrays
from regcls.lab.settings import MODELS, LabSettings
from regcls.nn.labels import make_classes, soft_label_sigma
from regcls.nn.onnx_graph import mlp_onnx
from regcls.stats import bins, comparison, errors
from regcls.stats.comparison import MIN_RUNS, PairedRuns

if TYPE_CHECKING:
    from regcls.lab.settings import LabSettings

RANGES = 16  # target ranges of the error report
BAND = (0.1, 0.9)  # the bands hold the middle 80 % of the runs


@dataclass(frozen=True)
class Verdict:
    """reg+cls against ``other`` over the runs' test errors, in numbers and in words."""

    other: str
    mse: float  # mean over runs
    other_mse: float
    paired: PairedRuns

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
        if self.paired.runs < MIN_RUNS:
            return (
                f"{self.paired.runs} run{'s' if self.paired.runs > 1 else ''} against {other}: "
                f"too few to tell. Take at least {MIN_RUNS} repeats."
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
        from regcls.nn.ensemble import Ensemble
        from regcls.nn.spec import Network, Training

        self.settings = settings
        self.data = make_arrays(settings)
        self.classes = make_classes(
            self.data.y, [settings.bins] * settings.repeats, settings.classes
        )
        runs = settings.repeats
        network = Network(hidden=settings.hidden, activation=settings.activation, classes=0)
        training = Training(
            optimiser=settings.optimiser,
            reg_loss=settings.reg_loss,
            class_loss=settings.class_loss,
            sigma=soft_label_sigma(self.data.limits, settings.classes),
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
            replace(network, classes=self.classes.count),
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
                comparison.paired_runs(mse["reg+cls"], mse[other]),
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
        return mlp_onnx(
            ensemble.parameters_of(index), self.settings.activation, len(self.settings.hidden), note
        )


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


def train_comparison(
    settings: LabSettings, csv: Path | None, report: Callable[[int, int], None]
) -> dict[str, Any]:
    """Train one comparison to its end; ``report(epoch, epochs)`` after each epoch.

    ``csv``: where to write the test error of each run at each epoch, or None.
    """
    from regcls.lab import cost
    from regcls.lab import run as lab_run

    estimate = cost.estimate(settings)
    if not estimate.fits:
        raise ValueError(estimate.warning)
    trained = lab_run.Lab(settings)
    while not trained.done:
        trained.advance_epoch()
        report(trained.epoch, settings.epochs)
    if csv is not None:
        trained.history.to_csv(csv, index=False)
    median = trained.history_bands()
    last = median[median["epoch"] == median["epoch"].max()].set_index("model")["median"]
    return {
        "settings": asdict(settings),
        "test_mse": last.to_dict(),
        "verdicts": [
            {"a": "reg+cls", "b": v.other, "words": v.words, **asdict(v.paired)}
            for v in trained.verdicts()
        ],
        "errors": trained.errors().table().to_dict("records"),
    }
