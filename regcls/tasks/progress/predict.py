"""Progress of an activity: a video in, how much of it is done at each moment out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from regcls.inference.contract import Card
from regcls.io import video
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.tasks.pairs import SAMPLES, Pair

TASK = "progress"
PERCENT = 100.0  # the models answer from 0 to 1; people read percent, and errors in points of it
EDGES = np.linspace(0.0, PERCENT, 6)  # fifths: the ranges that errors are shown in
BUDGETS = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)  # frames of a video that are read
BUDGET = 200
HALF = PERCENT / 2


@dataclass(frozen=True)
class Sample:
    """A video that ships, from the start of its activity to the end; ``key`` is its name in URLs,
    ``face`` the second that shows best what it is."""

    key: str
    title: str
    file: str
    face: float

    def read(self) -> bytes:
        return (SAMPLES / self.file).read_bytes()


SHIPPED_SAMPLES = (
    Sample("banana", "Banana onto plate", "robot_banana.mp4", 0.0),
    Sample("drive", "Drive onto book", "robot_flash_drive.mp4", 0.0),
    Sample("can", "Can picked up", "robot_can.mp4", 6.0),
)


@dataclass(frozen=True)
class Part:
    """Some frames on their way: ``seconds`` (n,), ``progress`` by model (n,) in percent, the share
    of the video ``done`` with them, a ``note`` or "", and ``spent``: seconds by model."""

    seconds: np.ndarray
    progress: Mapping[str, np.ndarray]
    done: float
    note: str
    spent: Mapping[str, float]


@dataclass(frozen=True)
class Curve:
    """Progress over time: ``seconds`` (n,) ascending from n ≥ 1 frames, ``progress`` by model (n,)
    in percent. ``end``: second of the video's last frame. ``milliseconds`` a frame by model."""

    seconds: np.ndarray
    progress: Mapping[str, np.ndarray]
    end: float
    notes: tuple[str, ...]
    milliseconds: Mapping[str, float]

    @property
    def truth(self) -> np.ndarray:
        """(n,) percent by the video's own clock: true where it shows the whole activity."""
        return PERCENT * np.clip(self.seconds / self.end, 0, 1)

    def at(self, seconds: float) -> int:
        """Number of the frame nearest to a moment."""
        return int(np.argmin(np.abs(self.seconds - seconds)))

    def error(self, progress: np.ndarray) -> float:
        """Mean absolute error (points) of a progress (n,), where the video shows the whole."""
        return float(np.abs(progress - self.truth).mean())


def load() -> Pair:
    """The progress pair. Raises ``ContractError`` with what to do."""
    return pairs.load(TASK)


def pair_report(pair: Pair) -> ErrorReport:
    """Errors of the shipped pair per fifth, in points; intervals resample whole test clips."""
    return reports.held_out(pair, EDGES, clusters="clip", scale=PERCENT)


def own_report(curves: Sequence[Curve], card: Card) -> ErrorReport | None:
    """Errors on the visitor's own videos, each a whole activity, in the ranges of ``pair_report``."""
    if not curves:
        return None
    models = reports.common(curve.progress for curve in curves)
    return ErrorReport.from_predictions(
        np.concatenate([curve.truth for curve in curves]),
        {m: np.concatenate([c.progress[m] for c in curves]) for m in models},
        EDGES,
        train_counts=reports.train_counts(card, EDGES, PERCENT),
        clusters=np.repeat(np.arange(len(curves)), [len(curve.seconds) for curve in curves]),
    )


def parts(
    source: video.Video,
    pair: Pair,
    budget: int,
    stop: Callable[[], bool] | None = None,
) -> Iterator[Part]:
    """At most ``budget`` frames, evenly over the video, through both models; the next frames are
    decoded meanwhile. Raises ``media.MediaError`` or ``ContractError``."""
    size = (pair.reg.card.input["height"], pair.reg.card.input["width"])
    for batch in video.overlapped(video.sampled(source, budget, size, stop=stop)):
        answers = pairs.answers(pair, batch.frames)
        yield Part(
            batch.seconds,
            {m: PERCENT * value.astype(np.float64) for m, (value, _) in answers.items()},
            batch.done,
            batch.note,
            {
                m: len(batch.frames) * session.seconds_per_image
                for m, session in pairs.sessions(pair).items()
            },
        )


def curve(source: video.Video, read: Sequence[Part]) -> Curve | None:
    """What some parts of a video give; None before the first frame."""
    read = [part for part in read if len(part.seconds)]
    if not read:
        return None
    seconds = np.concatenate([part.seconds for part in read])
    last = max(source.seconds - 1 / source.fps if source.fps else source.seconds, seconds[-1])
    notes = dict.fromkeys((*source.notes, *(part.note for part in read)))
    models = reports.common(part.progress for part in read)
    return Curve(
        seconds,
        {m: np.concatenate([part.progress[m] for part in read]) for m in models},
        float(last) or 1.0,
        tuple(note for note in notes if note),
        {m: 1000 * sum(part.spent[m] for part in read) / len(seconds) for m in models},
    )


def monotone(curve: Curve) -> dict[str, np.ndarray]:
    """Each model's nearest progress (n,) that never falls: least squares, over the whole video."""
    from sklearn.isotonic import IsotonicRegression

    fit = IsotonicRegression(y_min=0.0, y_max=PERCENT)
    return {m: fit.fit_transform(curve.seconds, values) for m, values in curve.progress.items()}
