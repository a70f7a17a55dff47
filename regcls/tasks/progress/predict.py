"""Progress from videos: progress curves of all models, and their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regcls.inference.contract import Card
from regcls.io import video
from regcls.io.prefetch import prefetch
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.tasks import samples as stored_samples
from regcls.tasks.pairs import SAMPLES, Pair

if TYPE_CHECKING:
    import pandas as pd

TASK = "progress"
PERCENT = 100.0  # the models predict 0 to 1; results are in percent, errors in percentage points
EDGES = np.linspace(0.0, PERCENT, 6)  # the ranges in which errors are shown
BUDGETS = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)  # numbers of frames to choose from
BUDGET = 200
HALF = PERCENT / 2  # the constant baseline


@dataclass(frozen=True)
class Sample:
    """A video that is shipped as an example; it shows its whole activity.

    Attributes
    ----------
    key : str
        Name in addresses.
    title : str
        Name that is shown.
    file : str
        Name of the file.
    face : float
        Second of the frame for the preview.
    """

    key: str
    title: str
    file: str
    face: float

    def read(self) -> bytes:
        """Return the content of the file."""
        return (SAMPLES / self.file).read_bytes()


SHIPPED_SAMPLES = (
    Sample("banana", "Banana onto plate", "robot_banana.mp4", 0.0),
    Sample("drive", "Drive onto book", "robot_flash_drive.mp4", 0.0),
    Sample("can", "Can picked up", "robot_can.mp4", 6.0),
)
FIRST_SAMPLE = SHIPPED_SAMPLES[2]  # the page opens with it


@dataclass(frozen=True)
class Chunk:
    """Predictions for consecutive frames of a video.

    Attributes
    ----------
    seconds : ndarray, shape (n,)
        Times of the frames.
    progress : mapping of str to ndarray, shape (n,)
        Progress in percent, by model.
    done : float
        Share of the wanted frames up to here.
    note : str
        What is unusual, as a sentence, or "".
    spent : mapping of str to float
        Inference time in seconds, by model.
    """

    seconds: np.ndarray
    progress: Mapping[str, np.ndarray]
    done: float
    note: str
    spent: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """Progress over the time of one video.

    Attributes
    ----------
    seconds : ndarray, shape (n,)
        Times of the frames, ascending; n ≥ 1.
    progress : mapping of str to ndarray, shape (n,)
        Progress in percent, by model.
    end : float
        Time of the video's last frame, in seconds.
    notes : tuple of str
        What is unusual about the video, as sentences.
    milliseconds : mapping of str to float
        Inference time per frame, by model.
    """

    seconds: np.ndarray
    progress: Mapping[str, np.ndarray]
    end: float
    notes: tuple[str, ...]
    milliseconds: Mapping[str, float]

    @property
    def truth(self) -> np.ndarray:
        """True progress in percent, shape (n,), if the video shows the whole activity."""
        return PERCENT * np.clip(self.seconds / self.end, 0, 1)

    def at(self, seconds: float) -> int:
        """Return the index of the frame nearest to a time.

        Parameters
        ----------
        seconds : float
            The time.

        Returns
        -------
        int
            Index into ``seconds``.
        """
        return int(np.argmin(np.abs(self.seconds - seconds)))

    def error(self, progress: np.ndarray) -> float:
        """Return the mean absolute error, if the video shows the whole activity.

        Parameters
        ----------
        progress : ndarray, shape (n,)
            Predicted progress in percent.

        Returns
        -------
        float
            The error in percentage points.
        """
        return float(np.abs(progress - self.truth).mean())


def load() -> Pair:
    """Load the progress pair; see `regcls.tasks.pairs.load`."""
    return pairs.load(TASK)


def pair_report(pair: Pair) -> ErrorReport:
    """Return the test errors of a pair per fifth of the activity.

    Parameters
    ----------
    pair : Pair
        The pair.

    Returns
    -------
    ErrorReport
        Errors in percentage points; intervals resample clips.
    """
    return reports.held_out(pair, EDGES, clusters="clip", scale=PERCENT)


def readout_table(pair: Pair) -> pd.DataFrame:
    """Return the test errors of all read-outs of a pair.

    Parameters
    ----------
    pair : Pair
        The pair.

    Returns
    -------
    DataFrame
        See `regcls.tasks.reports.held_out_readouts`; errors in percentage points.
    """
    return reports.held_out_readouts(pair, EDGES, clusters="clip", scale=PERCENT)


def own_report(curves: Sequence[Curve], card: Card) -> ErrorReport | None:
    """Return the errors on a user's own videos, in the ranges of `pair_report`.

    Parameters
    ----------
    curves : sequence of Curve
        Curves of videos that show their whole activity.
    card : Card
        Card of a shipped model, for the training counts.

    Returns
    -------
    ErrorReport or None
        Errors in percentage points; None without curves. Intervals resample videos.
    """
    if not curves:
        return None
    models = reports.common_models(curve.progress for curve in curves)
    return ErrorReport.from_predictions(
        np.concatenate([curve.truth for curve in curves]),
        {m: np.concatenate([c.progress[m] for c in curves]) for m in models},
        EDGES,
        train_counts=reports.train_counts(card, EDGES, PERCENT),
        clusters=np.repeat(np.arange(len(curves)), [len(curve.seconds) for curve in curves]),
    )


def predict_frames(
    source: video.Video,
    pair: Pair,
    budget: int,
    stop: Callable[[], bool] | None = None,
) -> Iterator[Chunk]:
    """Predict the progress at frames spread evenly over a video, with all models.

    The next frames are decoded while the models run.

    Parameters
    ----------
    source : Video
        The video.
    pair : Pair
        The models.
    budget : int
        Largest number of frames.
    stop : callable, optional
        Return true to end early.

    Yields
    ------
    Chunk
        Predictions for the next frames.

    Raises
    ------
    MediaError
        If the video cannot be read.
    ContractError
        If a shipped model fails.
    """
    for batch in prefetch(video.sample_frames(source, budget, pair.input_size, stop=stop)):
        outputs = pairs.predict(pair, batch.frames)
        yield Chunk(
            batch.seconds,
            {m: PERCENT * v.astype(np.float64) for m, v in pairs.best(pair, outputs).items()},
            batch.done,
            batch.note,
            {
                m: len(batch.frames) * session.seconds_per_image
                for m, session in pairs.sessions(pair).items()
            },
        )


def first_sample(pair: Pair) -> Chunk | None:
    """Return the predictions for `FIRST_SAMPLE` that are stored with the app.

    Parameters
    ----------
    pair : Pair
        The models.

    Returns
    -------
    Chunk or None
        The predictions at `BUDGET` frames at most, without inference times; None if they are not
        those of these models.
    """
    kept = stored_samples.stored(TASK, FIRST_SAMPLE.read(), pair)
    if kept is None:
        return None
    progress = {m: kept[key].astype(np.float64) for m, key in pairs.KEYS.items()}
    return Chunk(kept["seconds"], progress, 1.0, "", dict.fromkeys(progress, np.nan))


def store_sample(pair: Pair) -> Path:
    """Store the predictions for `FIRST_SAMPLE` with the app.

    Parameters
    ----------
    pair : Pair
        The shipped models.

    Returns
    -------
    Path
        The file.
    """
    data = FIRST_SAMPLE.read()
    source = video.open_video(data, FIRST_SAMPLE.title)
    curve = curve_from(source, list(predict_frames(source, pair, BUDGET)))
    assert curve is not None, "the sample has frames"
    arrays = {key: curve.progress[m].astype(np.float32) for m, key in pairs.KEYS.items()}
    return stored_samples.store(TASK, data, pair, arrays | {"seconds": curve.seconds})


def curve_from(source: video.Video, chunks: Sequence[Chunk]) -> Curve | None:
    """Join chunks to a curve.

    Parameters
    ----------
    source : Video
        The video.
    chunks : sequence of Chunk
        Its chunks so far, in order.

    Returns
    -------
    Curve or None
        The curve; None before the first frame.
    """
    chunks = [chunk for chunk in chunks if len(chunk.seconds)]
    if not chunks:
        return None
    seconds = np.concatenate([chunk.seconds for chunk in chunks])
    last = max(source.seconds - 1 / source.fps if source.fps else source.seconds, seconds[-1])
    notes = dict.fromkeys((*source.notes, *(chunk.note for chunk in chunks)))
    models = reports.common_models(chunk.progress for chunk in chunks)
    return Curve(
        seconds,
        {m: np.concatenate([chunk.progress[m] for chunk in chunks]) for m in models},
        float(last) or 1.0,
        tuple(note for note in notes if note),
        {m: 1000 * sum(chunk.spent[m] for chunk in chunks) / len(seconds) for m in models},
    )


def monotone_fit(curve: Curve) -> dict[str, np.ndarray]:
    """Fit each model's progress by a non-decreasing curve (isotonic regression).

    The fit uses the whole video, so it is not available in real time.

    Parameters
    ----------
    curve : Curve
        The predictions.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Fitted progress in percent, by model.

    Examples
    --------
    >>> reg = np.array([0.0, 40.0, 20.0, 90.0])
    >>> monotone_fit(Curve(np.arange(4.0), {"reg": reg}, 3.0, (), {}))["reg"].tolist()
    [0.0, 30.0, 30.0, 90.0]
    """
    from sklearn.isotonic import IsotonicRegression

    fit = IsotonicRegression(y_min=0.0, y_max=PERCENT)
    return {m: fit.fit_transform(curve.seconds, values) for m, values in curve.progress.items()}
