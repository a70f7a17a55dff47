"""A visitor's videos: each read in a thread of its own, kept as far as it got, drawn on request."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from regcls.inference.contract import Card
from regcls.io import images, video
from regcls.stats.errors import ErrorReport
from regcls.tasks.pairs import Pair
from regcls.tasks.progress import predict, table
from regcls.tasks.progress.predict import Curve
from regcls.utils.background import DONE, BackgroundJob

MAX_BYTES = 400_000_000  # of all videos of one visitor, as they lie in memory
LONGEST = 640  # pixels; the longer side of a video with bars

Present = Callable[[], bool]


class Reading:
    """One video on its way through both models, at most ``budget`` frames of it, or as far as it got."""

    def __init__(
        self,
        source: video.Video,
        pair: Pair,
        budget: int,
        turn: threading.Lock | None = None,
        present: Present = lambda: True,
    ):
        self.source, self.budget = source, budget
        self._pair = pair
        self._parts: list[predict.Part] = []
        self._curve: tuple[int, Curve | None] = (0, None)
        self.job = BackgroundJob(self._read, turn, present)

    @property
    def curve(self) -> Curve | None:
        """What has been read so far, which is not lost by a cancel."""
        parts = list(self._parts)
        known, found = self._curve
        if known != len(parts):
            found = predict.curve(self.source, parts)
            self._curve = (len(parts), found)
        return found

    def _read(self, work: BackgroundJob) -> None:
        for part in predict.parts(self.source, self._pair, self.budget, work.stopped):
            if work.stopped():
                return
            self._parts.append(part)
            work.report(part.done)
        if not any(len(part.seconds) for part in self._parts) and not work.stopped():
            raise images.MediaError(f"{self.source.name} has no frame that can be read.")


class Film:
    """A video with both models' bars, and the true one where ``whole``, drawn in, as an mp4."""

    def __init__(
        self,
        source: video.Video,
        curve: Curve,
        whole: bool,
        colours: dict[str, str],
        present: Present,
    ):
        self.data: bytes | None = None
        self.curve, self.whole = curve, whole
        self._source, self._colours = source, colours
        self.job = BackgroundJob(self._write, present=present)

    def _write(self, work: BackgroundJob) -> None:
        from regcls.io import video_overlay

        bars = {m: values / predict.PERCENT for m, values in self.curve.progress.items()}
        truth = self.curve.truth / predict.PERCENT if self.whole else None
        with tempfile.TemporaryDirectory() as folder:
            out = video_overlay.with_bars(
                self._source,
                Path(folder) / "bars.mp4",
                self.curve.seconds,
                bars,
                self._colours,
                truth=truth,
                report=work.report,
                stop=work.stopped,
                longest=LONGEST,
            )
            if not work.stopped():
                self.data = out.read_bytes()


@dataclass
class Entry:
    """A video of an album. ``whole``: it shows the activity from start to finish. ``earlier``: the
    reading that stays until the new one has come to its end."""

    name: str
    source: video.Video
    size: int
    reading: Reading
    sample: str | None = None
    whole: bool = True
    earlier: Reading | None = None
    overlay: Film | None = None

    @property
    def shown(self) -> Reading:
        if self.earlier is None or self.reading.job.state == DONE:
            return self.reading
        return self.earlier

    @property
    def curve(self) -> Curve | None:
        return self.shown.curve

    @property
    def works(self) -> list[BackgroundJob]:
        return [self.reading.job] + ([self.overlay.job] if self.overlay else [])


@dataclass
class Gallery:
    """Videos by content, read one after another; problems by file name."""

    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    present: Present = lambda: True
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self, data: bytes, name: str, pair: Pair, budget: int, sample: str | None = None
    ) -> str | None:
        """Begin to read a video unless it is here already; its key, or None with a new problem."""
        key = hashlib.sha256(data).hexdigest()
        if key in self.entries:
            return key
        if sum(entry.size for entry in self.entries.values()) + len(data) > MAX_BYTES:
            self.problems.append(
                (
                    name,
                    f"{name} no longer fits beside your other videos "
                    f"({MAX_BYTES // 1_000_000} MB in all): remove one first.",
                )
            )
            return None
        try:
            source = video.open_video(data, name)
        except images.MediaError as error:
            self.problems.append((name, str(error)))
            return None
        reading = Reading(source, pair, budget, self._turn, self.present)
        self.entries[key] = Entry(self._free_name(name), source, len(data), reading, sample)
        return key

    def read_again(self, key: str, pair: Pair, budget: int) -> None:
        """With another budget, or from the start after a cancel; what is shown stays until then."""
        entry = self.entries[key]
        entry.earlier = entry.shown if entry.curve is not None else None
        entry.reading = Reading(entry.source, pair, budget, self._turn, self.present)

    def render_overlay(self, key: str, colours: dict[str, str]) -> None:
        """Begin to draw the bars into a video that has a curve."""
        entry = self.entries[key]
        entry.overlay = Film(entry.source, entry.curve, entry.whole, colours, self.present)

    def remove(self, key: str) -> None:
        for work in self.entries.pop(key).works:
            work.cancel()

    def drop_empty(self) -> None:
        """Videos whose reading failed before the first frame become problems."""
        for key, entry in list(self.entries.items()):
            if entry.reading.job.problem and entry.curve is None:
                self.problems.append((entry.name, entry.reading.job.problem))
                del self.entries[key]

    @property
    def active(self) -> list[tuple[Entry, BackgroundJob]]:
        """All that is going on, in order."""
        pairs = [(entry, work) for entry in self.entries.values() for work in entry.works]
        return [(entry, work) for entry, work in pairs if work.active]

    def keep_alive(self) -> None:
        """Somebody looks at the page: the threads go on."""
        for _, work in self.active:
            work.keep_alive()

    def report(self, card: Card) -> ErrorReport | None:
        """Errors over all whole videos, in the ranges of ``progress.pair_report``."""
        curves = [entry.curve for entry in self.entries.values() if entry.whole]
        return predict.own_report([curve for curve in curves if curve is not None], card)

    def records(self, smooth: bool = False) -> list[dict]:
        """A record a video that has a curve."""
        return [
            table.row(entry.name, entry.curve, entry.whole, smooth)
            for entry in self.entries.values()
            if entry.curve is not None
        ]

    def _free_name(self, name: str) -> str:
        taken = {entry.name for entry in self.entries.values()}
        options = (f"{name} ({number})" if number > 1 else name for number in count(1))
        return next(option for option in options if option not in taken)
