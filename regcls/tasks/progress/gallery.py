"""The videos of one session: processed in background threads, with progress and cancellation."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regcls.exceptions import UserError
from regcls.inference.contract import Card
from regcls.io import video
from regcls.io.images import MediaError
from regcls.stats.errors import ErrorReport
from regcls.tasks import gallery
from regcls.tasks.pairs import Pair
from regcls.tasks.progress import predict, table
from regcls.tasks.progress.playback import playable
from regcls.tasks.progress.predict import Curve
from regcls.utils.background import DONE, BackgroundJob

MAX_BYTES = 400_000_000  # of all videos of one session, which are kept in memory

Present = Callable[[], bool]


class Reading:
    """Predictions for one video, made in a background job; a cancelled job keeps what it has.

    Parameters
    ----------
    source : Video
        The video.
    pair : Pair
        The models.
    budget : int
        Largest number of frames.
    turn : Lock, optional
        Readings that share a lock run one after another.
    present : callable, optional
        Whether the user's page is still open.
    known : Chunk, optional
        Predictions for the whole video, which is then not read.
    """

    def __init__(
        self,
        source: video.Video,
        pair: Pair,
        budget: int,
        turn: threading.Lock | None = None,
        present: Present = lambda: True,
        known: predict.Chunk | None = None,
    ) -> None:
        self.source, self.budget = source, budget
        self._pair, self._known = pair, known
        self._chunks: list[predict.Chunk] = []
        self._curve: tuple[int, Curve | None] = (0, None)  # with the number of its chunks
        self.job = BackgroundJob(self._read, turn, present)

    @property
    def curve(self) -> Curve | None:
        """Predictions so far; None before the first frame."""
        chunks = list(self._chunks)
        count, curve = self._curve
        if count != len(chunks):
            curve = predict.curve_from(self.source, chunks)
            self._curve = (len(chunks), curve)
        return curve

    def _read(self, job: BackgroundJob) -> None:
        if self._known is not None:
            self._chunks.append(self._known)
            return
        for chunk in predict.predict_frames(self.source, self._pair, self.budget, job.stopped):
            if job.stopped():
                return
            self._chunks.append(chunk)
            job.report(chunk.done)
        if not any(len(chunk.seconds) for chunk in self._chunks) and not job.stopped():
            raise MediaError(f"{self.source.name} has no readable frame")


class Overlay:
    """A copy of a video with one progress bar per model, written in a background job.

    Parameters
    ----------
    source : Video
        The video.
    curve : Curve
        Its predictions.
    whole : bool
        Whether to draw the true progress.
    colours : mapping of str to str
        Colours of the bars, by model.
    present : callable
        Whether the user's page is still open.
    """

    def __init__(
        self,
        source: video.Video,
        curve: Curve,
        whole: bool,
        colours: Mapping[str, str],
        present: Present,
    ) -> None:
        self.data: bytes | None = None  # the MP4 file
        self.curve, self.whole = curve, whole
        self._source, self._colours = source, colours
        self.job = BackgroundJob(self._write, present=present)

    def _write(self, job: BackgroundJob) -> None:
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
                report=job.report,
                stop=job.stopped,
            )
            if not job.stopped():
                self.data = out.read_bytes()


@dataclass
class Entry:
    """A video of a gallery.

    Attributes
    ----------
    name : str
        Name that is shown.
    source : Video
        The video.
    size : int
        Size of the file in bytes.
    reading : Reading
        The latest predictions.
    sample : str or None
        Key of the shipped sample that this is.
    whole : bool
        Whether the video shows the activity from start to finish, so that its true progress is
        known. Only assumed of the shipped samples.
    earlier : Reading or None
        Predictions that are shown until the latest ones are complete.
    overlay : Overlay or None
        The video with bars.
    playable : bool
        Whether browsers can be expected to play the file.
    """

    name: str
    source: video.Video
    size: int
    reading: Reading
    sample: str | None = None
    whole: bool = False
    earlier: Reading | None = None
    overlay: Overlay | None = None
    playable: bool = False

    @property
    def shown(self) -> Reading:
        """The reading to show: the latest one, or an earlier one until that is complete."""
        if self.earlier is None or self.reading.job.state == DONE:
            return self.reading
        return self.earlier

    @property
    def curve(self) -> Curve | None:
        """Predictions to show; None before the first frame."""
        return self.shown.curve

    @property
    def jobs(self) -> list[BackgroundJob]:
        """Jobs of this video, active or not."""
        return [self.reading.job] + ([self.overlay.job] if self.overlay else [])


class Gallery(gallery.Gallery[Entry]):
    """The videos of one session, read one after another; see `regcls.tasks.gallery.Gallery`.

    Parameters
    ----------
    present : callable, optional
        Whether the user's page is still open.
    """

    def __init__(self, present: Present = lambda: True) -> None:
        super().__init__()
        self.present = present
        self._turn = threading.Lock()

    def add(
        self, data: bytes, name: str, pair: Pair, budget: int, sample: str | None = None
    ) -> str | None:
        """Start to read a video, unless its content is already in the gallery.

        Parameters
        ----------
        data : bytes
            Content of the file.
        name : str
            Name of the file.
        pair : Pair
            The models.
        budget : int
            Largest number of frames.
        sample : str, optional
            Key of the shipped sample that this is.

        Returns
        -------
        str or None
            Key of the entry; None if the video cannot be opened, which is added to ``problems``.
        """
        key = self.key_of(data)
        if key in self.entries:
            return key
        try:
            self._check_space(len(data), name)
            source = video.open_video(data, name)
        except UserError as error:
            self.refuse(name, error)
            return None
        stored = sample == predict.FIRST_SAMPLE.key and budget == predict.BUDGET
        known = predict.first_sample(pair) if stored else None
        reading = Reading(source, pair, budget, self._turn, self.present, known)
        if known is not None:
            reading.job.wait(1)
        self.entries[key] = Entry(
            self.free_name(name),
            source,
            len(data),
            reading,
            sample,
            whole=sample is not None,
            playable=playable(source),
        )
        return key

    def read_again(self, key: str, pair: Pair, budget: int) -> None:
        """Start to read a video again; the earlier predictions are shown until that is complete.

        Parameters
        ----------
        key : str
            Key of the entry.
        pair : Pair
            The models.
        budget : int
            Largest number of frames.
        """
        entry = self.entries[key]
        entry.earlier = entry.shown if entry.curve is not None else None
        entry.reading = Reading(entry.source, pair, budget, self._turn, self.present)

    def render_overlay(self, key: str, colours: Mapping[str, str]) -> None:
        """Start to write the video with bars of an entry that has a curve.

        Parameters
        ----------
        key : str
            Key of the entry.
        colours : mapping of str to str
            Colours of the bars, by model.
        """
        entry = self.entries[key]
        assert entry.curve is not None, "the video has no curve yet"
        entry.overlay = Overlay(entry.source, entry.curve, entry.whole, colours, self.present)

    def remove(self, key: str) -> None:
        """Remove a video, cancel its jobs and forget the problems of earlier files.

        Parameters
        ----------
        key : str
            Key of the entry.
        """
        for job in self.entries[key].jobs:
            job.cancel()
        super().remove(key)

    def drop_empty(self) -> None:
        """Move videos that failed before the first frame to ``problems``."""
        for key, entry in list(self.entries.items()):
            if entry.reading.job.problem and entry.curve is None:
                self.problems.append((entry.name, entry.reading.job.problem))
                del self.entries[key]

    @property
    def active(self) -> list[tuple[Entry, BackgroundJob]]:
        """All active jobs with their entries, in order."""
        pairs = [(entry, job) for entry in self.entries.values() for job in entry.jobs]
        return [(entry, job) for entry, job in pairs if job.active]

    def keep_alive(self) -> None:
        """Record that the user still waits for the active jobs."""
        for _, job in self.active:
            job.keep_alive()

    def report(self, card: Card) -> ErrorReport | None:
        """Return the errors over all videos that show their whole activity.

        Parameters
        ----------
        card : Card
            Card of a shipped model, for the training counts.

        Returns
        -------
        ErrorReport or None
            Errors in percentage points; None without such a video.
        """
        curves = [entry.curve for entry in self.entries.values() if entry.whole]
        return predict.own_report([curve for curve in curves if curve is not None], card)

    def records(self, smooth: bool = False) -> list[dict[str, Any]]:
        """Return one record per video that has a curve.

        Parameters
        ----------
        smooth : bool, default False
            Whether to add the errors of the monotone fits.

        Returns
        -------
        list of dict
            Records of `table.row`.
        """
        return [
            table.row(entry.name, entry.curve, entry.whole, smooth)
            for entry in self.entries.values()
            if entry.curve is not None
        ]

    def _check_space(self, size: int, name: str) -> None:
        if sum(entry.size for entry in self.entries.values()) + size > MAX_BYTES:
            raise MediaError(
                f"{name} does not fit beside your other videos (at most "
                f"{MAX_BYTES // 1_000_000} MB in all): remove a video first"
            )
