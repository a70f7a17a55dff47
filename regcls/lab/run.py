"""Lab run: train reg, its loss-scale control and reg+cls side by side, step by step.

torch is imported when a `Lab` is created, so that settings and estimates do not need it.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd

from regcls.lab import frames
from regcls.lab.data import RANGES, make_arrays
from regcls.lab.settings import MODELS, LabSettings
from regcls.lab.verdict import Verdict, verdicts
from regcls.nn.labels import make_classes, soft_label_sigma
from regcls.nn.onnx_graph import mlp_onnx
from regcls.stats import bins
from regcls.stats.errors import ErrorReport

CHUNK_SECONDS = 0.02  # training between two looks at the clock


class Lab:
    """Several runs of reg, control and reg+cls, trained a few steps at a time.

    In each run, the three models see the same data, start from the same weights and visit the
    samples in the same order. The control is reg with the loss scale λ.

    Parameters
    ----------
    settings : LabSettings
        Settings of the runs.

    Attributes
    ----------
    settings : LabSettings
        Settings of the runs.
    data : Arrays
        Training and test data.
    classes : Classes
        Class labels of the training targets.

    Raises
    ------
    ValueError
        If the training targets cannot be cut into classes.

    Examples
    --------
    >>> lab = Lab(LabSettings(samples=3000, repeats=2, epochs=1))
    >>> lab.advance_epoch()
    >>> lab.done, lab.test_mse.shape
    (True, (3, 2))
    """

    def __init__(self, settings: LabSettings):
        from regcls.nn.ensemble import Ensemble
        from regcls.nn.spec import Network, Training

        self.settings = settings
        self.data = make_arrays(settings)
        runs = settings.repeats
        self.classes = make_classes(list(self.data.y), [settings.bins] * runs, settings.classes)
        network = Network(hidden=settings.hidden, activation=settings.activation, classes=0)
        training = Training(
            optimiser=settings.optimiser,
            reg_loss=settings.reg_loss,
            class_loss=settings.class_loss,
            sigma=soft_label_sigma(self.data.limits, settings.classes),
            batch=settings.batch,
        )
        seeds = np.arange(settings.seed, settings.seed + runs)
        # reg and its control differ in one number, so they train as one ensemble of 2R networks.
        self._reg = Ensemble(
            network,
            training,
            np.tile(self.data.x, (2, 1)),
            np.tile(self.data.y, (2, 1)),
            seeds=np.tile(seeds, 2),
            reg_weight=np.repeat([settings.loss_scale, settings.weight], runs),
            lr=settings.lr,
            weight_decay=settings.weight_decay,
        )
        self._regcls = Ensemble(
            replace(network, classes=self.classes.count),
            training,
            self.data.x,
            self.data.y,
            labels=self.classes.labels,
            keep=self.classes.keep,
            edges=self.classes.edges,
            seeds=seeds,
            reg_weight=settings.weight,
            lr=settings.lr,
            weight_decay=settings.weight_decay,
        )
        self._errors = [self._test_errors()]  # (3, R) per epoch, the first before training
        self._trained_seconds = 0.0
        self._trained_steps = 0

    @property
    def step(self) -> int:
        """Number of steps trained so far."""
        return self._regcls.step

    @property
    def total_steps(self) -> int:
        """Number of steps of the whole run."""
        return self.settings.epochs * self._regcls.steps_per_epoch

    @property
    def epoch(self) -> int:
        """Number of completed epochs."""
        return len(self._errors) - 1

    @property
    def done(self) -> bool:
        """Whether the last epoch is complete."""
        return self.step >= self.total_steps

    @property
    def diverged(self) -> bool:
        """Whether a test error of the last epoch is not finite; such a run never recovers."""
        return not bool(np.isfinite(self.test_mse).all())

    @property
    def seconds_left(self) -> float | None:
        """Remaining training time at the speed so far; None before the first step."""
        if not self._trained_steps:
            return None
        return (self.total_steps - self.step) * self._trained_seconds / self._trained_steps

    def advance(self, steps: int | None = None, *, seconds: float | None = None) -> None:
        """Train for some steps or for some time, at most to the end of the last epoch.

        How training is sliced does not change the outcome.

        Parameters
        ----------
        steps : int, optional
            Number of steps.
        seconds : float, optional
            Approximate time, instead of ``steps``.

        Raises
        ------
        ValueError
            Unless exactly one of the two is given.
        """
        if (steps is None) == (seconds is None):
            raise ValueError("give either steps or seconds")
        started = time.perf_counter()
        first = self.step
        last = self.total_steps if steps is None else min(self.total_steps, first + steps)
        while self.step < last:
            self._train(min(last - self.step, self._chunk()))
            if seconds is not None and time.perf_counter() - started >= seconds:
                break
        self._trained_seconds += time.perf_counter() - started
        self._trained_steps += self.step - first

    def advance_epoch(self) -> None:
        """Train to the end of the current epoch."""
        per_epoch = self._regcls.steps_per_epoch
        self.advance(per_epoch - self.step % per_epoch)

    def _chunk(self) -> int:
        """Return the steps that take about ``CHUNK_SECONDS``, within the current epoch."""
        per_epoch = self._regcls.steps_per_epoch
        speed = self._trained_steps / self._trained_seconds if self._trained_seconds else 0.0
        return max(1, min(per_epoch - self.step % per_epoch, int(CHUNK_SECONDS * speed)))

    def _train(self, steps: int) -> None:
        self._reg.advance(steps)
        self._regcls.advance(steps)
        if self.step % self._regcls.steps_per_epoch == 0:
            self._errors.append(self._test_errors())

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the predictions of all models.

        Parameters
        ----------
        x : ndarray of shape (M,) or (R, M)
            Inputs, for all runs or for each.

        Returns
        -------
        ndarray of shape (3, R, M)
            Predictions of reg, control and reg+cls.
        """
        runs = self.settings.repeats
        reg = self._reg.predict(np.tile(x, (2, 1)) if np.ndim(x) == 2 else x)
        return np.stack([reg[:runs], reg[runs:], self._regcls.predict(x)])

    def _test_errors(self) -> np.ndarray:
        difference = self.predict(self.data.test_x) - self.data.test_y
        return (difference**2).mean(axis=-1)

    @property
    def test_mse(self) -> np.ndarray:
        """Test MSE (3, R) of each model and run at the end of the last epoch."""
        return self._errors[-1]

    @property
    def test_errors(self) -> np.ndarray:
        """Test MSE (E + 1, 3, R) after each of E epochs; the first is before training."""
        return np.stack(self._errors)

    @property
    def history(self) -> pd.DataFrame:
        """Test MSE of each epoch, model and run: columns epoch, model, run and test_mse."""
        curves = self.test_errors
        epoch, model, run = np.indices(curves.shape).reshape(3, -1)
        return pd.DataFrame(
            {
                "epoch": epoch,
                "model": np.array(MODELS)[model],
                "run": run + 1,
                "test_mse": curves.ravel(),
            }
        )

    def history_bands(self, points: int = 120, run: int | None = None) -> pd.DataFrame:
        """Return the median and the band over runs of the test MSE.

        Parameters
        ----------
        points : int, default 120
            Most epochs to include.
        run : int, optional
            Index of one run, from 0; all runs by default.

        Returns
        -------
        DataFrame
            Columns epoch, model, median, low and high; epoch 0 is before training.
        """
        curves = self.test_errors[:, :, slice(None) if run is None else [run]]
        epochs = np.unique(np.linspace(0, len(curves) - 1, points).round().astype(int))
        return frames.bands(epochs, np.moveaxis(curves[epochs], 0, -1), "epoch")

    def prediction_bands(self, points: int = 161, run: int | None = None) -> pd.DataFrame:
        """Return the median and the band over runs of the predictions.

        Parameters
        ----------
        points : int, default 161
            Inputs to predict at.
        run : int, optional
            Index of one run, from 0; all runs by default.

        Returns
        -------
        DataFrame
            Columns x, model, median, low and high.
        """
        x = np.linspace(-1, 1, points)
        y = self.predict(x)
        return frames.bands(x, y if run is None else y[:, [run]], "x")

    def errors(
        self, run: int | None = None, around_peak: bool = False, resamples: int = 300
    ) -> ErrorReport:
        """Return the errors per target range on the uniform test points.

        Parameters
        ----------
        run : int, optional
            Index of one run, from 0. By default, all runs: the intervals then resample runs, which
            differ in data seed and initialisation. For one run, they resample its test points.
        around_peak : bool, default False
            Whether to measure targets from each run's training peak, so that the frequent targets
            of all runs coincide.
        resamples : int, default 300
            Bootstrap resamples.

        Returns
        -------
        ErrorReport
            Errors of reg, control and reg+cls.
        """
        pick = slice(None) if run is None else [run]
        shift = self.data.peaks[pick, None] if around_peak else 0.0
        test, train = self.data.test_y[pick] - shift, self.data.y[pick] - shift
        predicted = self.predict(self.data.test_x)[:, pick] - shift
        low, high = min(test.min(), train.min()), max(test.max(), train.max())
        return ErrorReport.from_predictions(
            test.ravel(),
            {name: predicted[i].ravel() for i, name in enumerate(MODELS)},
            bins.ranges(float(low), float(high), RANGES),
            y_train=train.ravel(),
            resamples=resamples,
            clusters=np.repeat(np.arange(len(test)), test.shape[1]) if len(test) > 1 else None,
        )

    def verdicts(self) -> list[Verdict]:
        """Compare the current test errors of reg+cls with those of reg and of the control.

        Until the run is done, the verdicts are worded as provisional.

        Returns
        -------
        list of Verdict
            The comparison with reg, then the one with the control.
        """
        return verdicts(dict(zip(MODELS, self.test_mse, strict=True)), final=self.done)

    @property
    def has_peaks(self) -> bool:
        """Whether the training targets have a peak, as in all samplings but uniform."""
        return bool(np.isfinite(self.data.peaks).all())

    def class_probabilities(
        self, columns: int = 60, rows: int = 24, run: int | None = None
    ) -> pd.DataFrame:
        """Return the class head's probabilities on a grid of inputs and targets.

        Parameters
        ----------
        columns, rows : int
            Size of the grid.
        run : int, optional
            Index of one run, from 0; the mean over runs by default.

        Returns
        -------
        DataFrame
            Columns left, right, low, high and probability.
        """
        x = np.linspace(-1, 1, columns + 1)
        probability = self._regcls.class_probabilities((x[:-1] + x[1:]) / 2)
        picked = slice(None) if run is None else slice(run, run + 1)
        grid = bins.ranges(*self.data.limits, rows)
        return frames.probability_grid(probability[picked], self.classes.edges[picked], x, grid)

    def onnx_zip(self, run: int = 0) -> bytes:
        """Export the three networks of one run.

        Parameters
        ----------
        run : int, default 0
            Index of the run, from 0.

        Returns
        -------
        bytes
            Zip archive of three ONNX files.
        """
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for model in MODELS:
                archive.writestr(f"{model.replace('+', '')}.onnx", self.export_onnx(model, run))
        return packed.getvalue()

    def export_onnx(self, model: str, run: int = 0) -> bytes:
        """Export one network as an ONNX file.

        Input: ``x``, float32 (N, 1). Outputs: ``value``, float32 (N,), and for reg+cls ``logits``,
        float32 (N, C).

        Parameters
        ----------
        model : {"reg", "control", "reg+cls"}
            Model.
        run : int, default 0
            Index of the run, from 0.

        Returns
        -------
        bytes
            Content of the file.

        Raises
        ------
        ValueError
            If there is no such model or run.
        """
        if model not in MODELS:
            raise ValueError(f"model must be one of {', '.join(MODELS)}, not {model!r}")
        if not 0 <= run < self.settings.repeats:
            raise ValueError(f"run must be from 0 to {self.settings.repeats - 1}, not {run}")
        ensemble = self._regcls if model == "reg+cls" else self._reg
        index = run + (self.settings.repeats if model == "control" else 0)
        metadata = {"model": model, "run": run + 1, "epoch": self.epoch, **asdict(self.settings)}
        if model == "reg+cls":
            metadata["class_edges"] = self.classes.edges[run].tolist()
        layers = ensemble.parameters_of(index)
        return mlp_onnx(layers, self.settings.activation, len(self.settings.hidden), metadata)

    def save(self, path: str | Path | io.BytesIO) -> None:
        """Write the state from which `load` can resume exactly.

        Parameters
        ----------
        path : str, Path or BytesIO
            File to write.
        """
        import torch

        state = {
            "settings": json.dumps(asdict(self.settings)),
            "plain": self._reg.state_dict(),
            "cls": self._regcls.state_dict(),
            "errors": torch.from_numpy(np.stack(self._errors)),
        }
        torch.save(state, path)

    @classmethod
    def load(cls, path: str | Path | io.BytesIO) -> Lab:
        """Read a saved run. The file contains only tensors and text; loading runs no code from it.

        Parameters
        ----------
        path : str, Path or BytesIO
            File written by `save`.

        Returns
        -------
        Lab
            The run, in the state in which it was saved.
        """
        import torch

        state = torch.load(path, weights_only=True)
        values = json.loads(state["settings"])
        lab = cls(LabSettings(**{**values, "hidden": tuple(values["hidden"])}))
        lab._reg.load_state_dict(state["plain"])
        lab._regcls.load_state_dict(state["cls"])
        lab._errors = list(state["errors"].numpy())
        return lab
