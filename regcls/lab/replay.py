"""Replay: reg, the control and reg+cls learning one function, recorded frame by frame.

``python -m regcls.lab.replay`` trains the models with the Lab and writes the recording anew. This
module reads it without NumPy, so that a page opens at once.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regcls.lab.settings import MODELS, LabSettings
from regcls.synthetic.data import SAMPLINGS

if TYPE_CHECKING:
    import numpy as np

    from regcls.lab.run import Lab

FILE = Path(__file__).with_name("replay.json")
TITLE = "Three models learn one function"
# Not all of the paper's functions can show imbalance: these networks learn some badly even if the
# targets are sampled uniformly, and some well in any case. Everything else is the Lab's default.
SETTINGS = LabSettings(function=3)
FRAMES = 36
POINTS = 161  # inputs at which the models predict, evenly from −1 to 1
DIGITS = 3  # decimals of predictions, as whole numbers of 16 bits
RANGES = 16  # equal target ranges of the histogram of training targets
MARGIN = 0.12  # of the function's span, above and below it, on the y-axis


@dataclass(frozen=True)
class Replay:
    """Recording of one training run of each model.

    Attributes
    ----------
    settings : LabSettings
        Settings of the run in the Lab, whose first run has been recorded.
    limits : tuple of float
        Lowest and highest value of the function.
    function : tuple of int
        Values of the function at the inputs, times 10 ** `DIGITS`.
    epochs : tuple of float
        Epochs trained at each frame, F of them; the first is before training.
    frames : str
        Predictions of shape (F, 3, `POINTS`), times 10 ** `DIGITS`, as little-endian integers of
        16 bits in base64.
    test_mse : tuple of tuple of float
        Test MSE of each model at each frame, shape (F, 3).
    medians : tuple of float
        Median test MSE of each model over all runs at the end.
    runs : int
        Number of these runs.
    targets : tuple of float
        Share of the training targets in each of the `RANGES` target ranges.
    """

    settings: LabSettings
    limits: tuple[float, float]
    function: tuple[int, ...]
    epochs: tuple[float, ...]
    frames: str
    test_mse: tuple[tuple[float, ...], ...]
    medians: tuple[float, ...]
    runs: int
    targets: tuple[float, ...]

    @property
    def axis(self) -> tuple[float, float]:
        """Ends of the y-axis."""
        low, high = self.limits
        room = MARGIN * (high - low)
        return round(low - room, 3), round(high + room, 3)

    @property
    def caption(self) -> str:
        """What the last frame shows, in one sentence."""
        return (
            "Predictions of the grey function, with the distribution of the training targets at the "
            f"right. Test MSE under uniform targets after {self.epochs[-1]:.0f} epochs: "
            f"{_listed(self.test_mse[-1])}."
        )

    @property
    def choice(self) -> str:
        """Which of the runs is shown, as a sentence."""
        return (
            f"Of {self.runs} training runs, the one nearest to their median test MSE "
            f"({_listed(self.medians)}) is shown."
        )

    def predictions(self) -> np.ndarray:
        """Return the predictions of the models, in the order of `regcls.lab.settings.MODELS`.

        Returns
        -------
        ndarray of shape (F, 3, M)
            Predictions at ``numpy.linspace(-1, 1, M)``.
        """
        import numpy as np

        values = np.frombuffer(base64.b64decode(self.frames), "<i2")
        return values.reshape(len(self.epochs), -1, len(self.function)) / 10**DIGITS


def _listed(errors: Sequence[float]) -> str:
    """Return each model with its error."""
    return ", ".join(f"{model} {error:.3f}" for model, error in zip(MODELS, errors, strict=True))


def load(sampling: str) -> Replay:
    """Read the shipped recording of a sampling.

    Parameters
    ----------
    sampling : {"uniform", "mild", "moderate", "severe"}
        Sampling of the training targets.

    Returns
    -------
    Replay

    Examples
    --------
    >>> severe = load("severe")
    >>> severe.settings.sampling, severe.epochs[0], severe.epochs[-1]
    ('severe', 0.0, 80.0)
    """
    return read(FILE)[sampling]


@lru_cache(maxsize=4)
def read(path: Path) -> dict[str, Replay]:
    """Read the recordings in a file, by sampling.

    Parameters
    ----------
    path : Path
        File written by `write`.

    Returns
    -------
    dict of str to Replay
    """
    record = json.loads(path.read_text(encoding="utf-8"))
    return {sampling: _replay(values) for sampling, values in record.items()}


def _replay(record: dict[str, Any]) -> Replay:
    settings, messages = LabSettings.from_query(record["settings"])
    if messages:
        raise ValueError(f"the recording does not fit the Lab: {' '.join(messages)}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
    values |= {"settings": settings, "test_mse": tuple(map(tuple, record["test_mse"]))}
    return Replay(**values)


# Recording


def record(settings: LabSettings, frames: int = FRAMES) -> dict[str, Any]:
    """Train the models and record the run that is nearest to the median of all runs.

    Frames are denser at the start, where the models change most.

    Parameters
    ----------
    settings : LabSettings
        Settings of the runs.
    frames : int
        Number of frames.

    Returns
    -------
    dict
        Fields of `Replay` as values for JSON.
    """
    import numpy as np

    from regcls.lab.run import Lab

    lab = Lab(settings)
    steps = sorted({round(lab.total_steps * (k / (frames - 1)) ** 2) for k in range(frames)})
    x = np.linspace(-1, 1, POINTS)
    predicted, errors = [], []
    for step in steps:
        if step > lab.step:
            lab.advance(step - lab.step)
        predicted.append(lab.predict(x))
        errors.append(_test_mse(lab))
    run = nearest_run(errors[-1])
    per_epoch = settings.steps_per_epoch
    shown = replace(settings, seed=settings.seed + run)
    return {
        "settings": shown.to_query(),
        "limits": [round(float(limit), 6) for limit in lab.data.limits],
        "function": _whole(settings.target_function(x)).tolist(),
        "epochs": [round(step / per_epoch, 2) for step in steps],
        "frames": base64.b64encode(
            _whole(np.stack(predicted)[:, :, run]).astype("<i2").tobytes()
        ).decode(),
        "test_mse": np.stack(errors)[:, :, run].round(4).tolist(),
        "medians": np.median(errors[-1], axis=1).round(4).tolist(),
        "runs": settings.repeats,
        "targets": target_shares(lab, run),
    }


def _test_mse(lab: Lab) -> np.ndarray:
    """Return the test MSE of each model and run, shape (3, R)."""
    difference = lab.predict(lab.data.test_x) - lab.data.test_y
    return (difference**2).mean(axis=-1)


def _whole(values: np.ndarray) -> np.ndarray:
    """Return values as whole numbers of 16 bits, in units of the last decimal kept."""
    import numpy as np

    limit = np.iinfo(np.int16).max
    return np.clip(np.rint(values * 10**DIGITS), -limit, limit).astype(np.int16)


def nearest_run(test_mse: np.ndarray) -> int:
    """Return the run whose errors are nearest to the medians of all runs, as ratios.

    Parameters
    ----------
    test_mse : ndarray of shape (3, R)
        Test MSE of each model and run.

    Returns
    -------
    int
        Index of the run.

    Examples
    --------
    >>> import numpy as np
    >>> nearest_run(np.array([[1.0, 2.0, 9.0], [1.0, 2.0, 3.0]]))
    1
    """
    import numpy as np

    distance = np.abs(np.log(test_mse) - np.median(np.log(test_mse), axis=1, keepdims=True))
    return int(distance.sum(axis=0).argmin())


def target_shares(lab: Lab, run: int) -> list[float]:
    """Return the share of a run's training targets in each target range, from the lowest range.

    Parameters
    ----------
    lab : Lab
        The runs.
    run : int
        Index of the run.

    Returns
    -------
    list of float
    """
    import numpy as np

    edges = np.linspace(*lab.data.limits, RANGES + 1)
    inside = np.clip(lab.data.y[run], edges[0], edges[-1])
    return (np.histogram(inside, edges)[0] / len(inside)).round(5).tolist()


def write(
    path: Path = FILE,
    settings: LabSettings = SETTINGS,
    samplings: Sequence[str] = SAMPLINGS,
    frames: int = FRAMES,
    on_done: Callable[[str], None] | None = None,
) -> Path:
    """Record all samplings and write them to a file.

    Parameters
    ----------
    path : Path
        File to write.
    settings : LabSettings
        Settings of the runs, except for the sampling.
    samplings : sequence of str
        Samplings to record.
    frames : int
        Number of frames.
    on_done : callable, optional
        Called with each sampling when its recording is finished.

    Returns
    -------
    Path
        The file.
    """
    found = {}
    for sampling in samplings:
        found[sampling] = record(replace(settings, sampling=sampling), frames)
        if on_done:
            on_done(sampling)
    path.write_text(json.dumps(found, separators=(",", ":")) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write(on_done=lambda sampling: print(sampling, file=sys.stderr)))
