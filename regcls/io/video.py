"""Videos in, safely: a file from anyone → frames evenly over its length, or one sentence why not."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.io.images import MediaError

if TYPE_CHECKING:
    import av

MAX_BYTES = 500_000_000  # as stored
MAX_PIXELS = 36_000_000  # of a frame: 8K is 33 million
LARGE_PIXELS = 9_000_000  # above this (4K is 8.3), frames are decoded one at a time: they are big
MAX_FRAMES = 3_000_000  # 14 hours at 60 frames a second
MIN_SIDE = 16  # pixels
SUFFIXES = ("mp4", "m4v", "mov", "avi", "webm", "mkv", "gif")
FORMATS_IN_WORDS = "MP4, MOV, AVI, WebM, MKV or GIF"

_THREADS = 2  # that decode one video: several people may read at once
_WORTH_A_SEEK = 12  # frames that would be decoded for nothing
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")  # an MP4 or MOV begins so


class VideoError(MediaError):
    """A video that cannot be used; the message is one sentence for the person who gave it."""


@dataclass(frozen=True)
class Index:
    """When each frame is shown and where decoding may begin, in ticks of ``base`` seconds.

    ``ticks`` (n,) int64 ascending; ``keys`` (m,) those of keyframes. ``timed``: whether frames
    carry their ticks; without, they are counted, and there is no jumping ahead.
    """

    ticks: np.ndarray
    keys: np.ndarray
    base: Fraction
    timed: bool

    def seconds(self, ticks: np.ndarray | int) -> np.ndarray:
        """Since the first frame."""
        return (np.asarray(ticks) - self.ticks[0]) * float(self.base)


@dataclass(frozen=True)
class Video:
    """A file that can be read: ``width`` × ``height`` pixels upright, ``frames`` over ``seconds``.

    ``seconds`` runs to the end of the last frame, as found in the file and not as its header says;
    ``fps`` is the mean; ``notes`` are sentences about what is odd.
    """

    name: str
    source: bytes | Path = field(repr=False)
    width: int
    height: int
    seconds: float
    frames: int
    fps: float
    notes: tuple[str, ...] = ()
    kind: str = field(default="", repr=False)
    index: Index = field(default=None, repr=False)


@dataclass(frozen=True)
class Batch:
    """``frames`` uint8 (n, h, w, 3) RGB shown at ``seconds`` (n,) since the first; ``done``: share
    of the wanted frames so far; ``note``: a sentence, or ""."""

    frames: np.ndarray
    seconds: np.ndarray
    done: float
    note: str = ""


def open_video(source: bytes | Path | str, name: str) -> Video:
    """Look through a video without decoding it. Raises ``VideoError`` beginning with ``name``."""
    source = source if isinstance(source, bytes) else Path(source)
    kind = _kind(source, name)
    with _reading(source, kind, name) as (container, stream):
        width, height = stream.codec_context.width, stream.codec_context.height
        _demand_size(width, height, name)
        index, damaged = _indexed(container, stream, name)
        promised = container.duration / 1e6 if container.duration else 0.0
        rate = float(stream.average_rate or 0)
    last = float(index.seconds(index.ticks[-1]))
    count = len(index.ticks)
    fps = (count - 1) / last if last > 0 else rate or 1.0
    seconds = last + 1 / fps
    notes = _notes(name, count, seconds, promised, damaged, width * height)
    turned = _upright(_first(source, kind, name), name)
    if turned % 2:
        width, height = height, width
    return Video(name, source, width, height, seconds, count, fps, notes, kind, index)


def sampled(
    video: Video,
    budget: int,
    size: tuple[int, int],
    batch: int = 32,
    stop: Callable[[], bool] | None = None,
) -> Iterator[Batch]:
    """At most ``budget`` frames, evenly over the video, squeezed to ``size`` (h, w).

    Only what is needed is decoded: where a later keyframe comes before the next frame that is
    wanted, reading jumps there. Ends early where ``stop()`` is true. Frames that are damaged are
    left out, and the last batch says so. Raises ``VideoError`` for a file that cannot be opened.
    """
    if budget < 1 or batch < 1:
        raise ValueError("budget and batch must be at least 1")
    wanted = np.unique(np.linspace(0, video.frames - 1, min(budget, video.frames)).round())
    resize = _Resizer(size)
    frames, seconds, found, position = [], [], 0, 0
    for position, second, frame in _frames(video, wanted.astype(int), stop):
        frames.append(resize(frame))
        seconds.append(second)
        found += 1
        if len(frames) == batch and position < len(wanted):
            yield Batch(np.stack(frames), np.array(seconds), position / len(wanted))
            frames, seconds = [], []
    lost = len(wanted) - found
    note = ""
    if lost and not (stop and stop()):
        note = f"{lost} of {len(wanted)} frames of {video.name} are damaged and were left out."
    stacked = np.stack(frames) if frames else np.empty((0, *size, 3), np.uint8)
    if frames or note:
        yield Batch(stacked, np.array(seconds, np.float64), 1.0, note)


def overlapped(batches: Iterable[Any], ahead: int = 2) -> Iterator[Any]:
    """The same items, up to ``ahead`` of them made in a thread while the last is being used.

    An exception in the making is raised here. Whoever stops iterating ends the thread.
    """
    ready: queue.Queue = queue.Queue(maxsize=max(1, ahead))
    left = threading.Event()

    def put(item: tuple[str, Any]) -> bool:
        while not left.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            for item in batches:
                if not put(("item", item)):
                    break
            put(("end", None))
        except BaseException as error:  # handed over: it belongs to whoever iterates
            put(("error", error))
        finally:
            if hasattr(batches, "close"):
                batches.close()

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            what, item = ready.get()
            if what == "end":
                return
            if what == "error":
                raise item
            yield item
    finally:
        left.set()
        thread.join()


def frame_at(video: Video, seconds: float, longest: int = 640) -> np.ndarray:
    """The frame shown at a moment, uint8 (h, w, 3) RGB, its longer side at most ``longest``.

    Raises ``VideoError`` where nothing can be decoded from there on.
    """
    times = video.index.seconds(video.index.ticks)
    number = int(np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, video.frames - 1))
    for _, _, frame in _frames(video, np.array([number])):
        return _Resizer(fitting(video, longest))(frame)
    raise VideoError(f"{video.name} cannot be read at {seconds:.1f} s: it is damaged there.")


def fitting(video: Video, longest: int) -> tuple[int, int]:
    """Height and width of a video's frames, both even, the longer at most ``longest``."""
    scale = min(1.0, longest / max(video.width, video.height))
    return tuple(max(2, 2 * round(side * scale / 2)) for side in (video.height, video.width))


def every(
    video: Video, size: tuple[int, int], step: int = 1, stop: Callable[[], bool] | None = None
) -> Iterator[tuple[float, np.ndarray]]:
    """Every ``step``-th frame as (seconds, uint8 (h, w, 3)) at ``size`` (h, w)."""
    resize = _Resizer(size)
    for _, second, frame in _frames(video, np.arange(0, video.frames, step), stop):
        yield second, resize(frame)


class _Resizer:
    """Frames → uint8 arrays at one size, upright. One for all frames: it keeps its tables."""

    def __init__(self, size: tuple[int, int]):
        from av.video.reformatter import VideoReformatter

        self._size, self._reformat = size, VideoReformatter().reformat

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        turned = _upright(frame, "")
        height, width = self._size[::-1] if turned % 2 else self._size
        pixels = self._reformat(
            frame, width=width, height=height, format="rgb24", interpolation="AREA"
        ).to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, turned)) if turned else pixels


def _upright(frame: av.VideoFrame | None, name: str) -> int:
    """By how many quarter turns (as in ``np.rot90``) a frame must be turned to stand upright."""
    if frame is None:
        raise VideoError(f"{name} has no frame that can be read: it is damaged or cut short.")
    return round(frame.rotation / 90) % 4


def _frames(
    video: Video, wanted: np.ndarray, stop: Callable[[], bool] | None = None
) -> Iterator[tuple[int, float, av.VideoFrame]]:
    """The wanted frames (ascending numbers), each with how many of them are behind us, and when it
    is shown. One that is damaged gives way to the next that can be read, once."""
    index = video.index
    ticks = index.ticks[wanted]
    at, last = 0, index.ticks[0] - 1
    with _reading(video.source, video.kind, video.name) as (container, stream):
        decoded = _decoded(container, stream, index)
        while at < len(ticks) and not (stop and stop()):
            if (start := _jump(index, last, ticks[at])) is not None:
                container.seek(int(start), stream=stream)
                decoded = _decoded(container, stream, index)
                last = start - 1
            tick, frame = next(decoded, (None, None))
            if frame is None:
                return
            last = max(last, tick)
            if tick >= ticks[at]:
                at = int(np.searchsorted(ticks, tick, side="right"))
                yield at, float(index.seconds(tick)), frame


def _jump(index: Index, last: int, wanted: int) -> int | None:
    """The keyframe to begin at, if that saves decoding many frames on the way to ``wanted``."""
    if not index.timed:
        return None
    key = index.keys[max(0, np.searchsorted(index.keys, wanted, side="right") - 1)]
    between = np.searchsorted(index.ticks, key) - np.searchsorted(index.ticks, last, side="right")
    return int(key) if between > _WORTH_A_SEEK else None


def _decoded(container: Any, stream: Any, index: Index) -> Iterator[tuple[int, av.VideoFrame]]:
    """All frames from here on with their ticks; packets that cannot be decoded are left out."""
    import av

    number = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except av.error.EOFError:
            return
        except (av.FFmpegError, ValueError):
            if packet is None or packet.dts is None:  # the end, which a damaged file reaches too
                return
            continue
        for frame in frames:
            if index.timed and frame.pts is not None:
                yield frame.pts, frame
            elif not index.timed and number < len(index.ticks):
                yield int(index.ticks[number]), frame
            number += 1


def _first(source: bytes | Path, kind: str, name: str) -> av.VideoFrame | None:
    with _reading(source, kind, name) as (container, stream):
        untimed = Index(np.zeros(1, np.int64), np.zeros(1, np.int64), Fraction(1), False)
        return next((frame for _, frame in _decoded(container, stream, untimed)), None)


def _indexed(container: Any, stream: Any, name: str) -> tuple[Index, bool]:
    """Read through all packets: headers may lie. Whether the file breaks off as well."""
    import av

    shown, order, keys, damaged = [], [], [], False
    try:
        for packet in container.demux(stream):
            if not packet.size or packet.is_discard:
                continue
            shown.append(packet.pts)
            order.append(packet.dts)
            damaged |= packet.is_corrupt
            if packet.is_keyframe:
                keys.append(packet.pts)
            if len(shown) > MAX_FRAMES:
                raise VideoError(f"{name} has over {MAX_FRAMES:,} frames; upload a part of it.")
    except av.FFmpegError:
        damaged = True
    if not shown:
        raise VideoError(f"{name} has no frames: it is empty, damaged or cut short.")
    timed = None not in shown and None not in keys and bool(keys)
    ticks = shown if timed else [n if tick is None else tick for n, tick in enumerate(order)]
    base = stream.time_base
    if not timed and None in order:
        ticks, base = list(range(len(order))), 1 / (stream.average_rate or Fraction(25))
    sorted_keys = np.sort(np.array(keys if timed else ticks[:1], np.int64))
    return Index(np.unique(np.array(ticks, np.int64)), sorted_keys, base, timed), damaged


@contextmanager
def _reading(source: bytes | Path, kind: str, name: str) -> Iterator[tuple[Any, Any]]:
    """The open file and its first real video stream. Raises ``VideoError``."""
    import av

    file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    try:
        container = av.open(file, format=kind, metadata_errors="replace")
    except (av.FFmpegError, ValueError, OSError) as error:
        raise VideoError(f"{name} is damaged or cut short, so it cannot be read.") from error
    with container:
        yield container, _picked(container, name)


def _picked(container: Any, name: str) -> Any:
    import av

    cover = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not streams:
        raise VideoError(f"{name} has no video stream: it holds sound or nothing at all.")
    stream = streams[0]
    context = stream.codec_context
    if context is None:
        raise VideoError(f"{name} is coded in a way that cannot be read here; save it as H.264.")
    large = context.width * context.height > LARGE_PIXELS
    context.thread_type = av.codec.context.ThreadType.SLICE if large else "AUTO"
    context.thread_count = _THREADS
    context.options = {"max_pixels": str(MAX_PIXELS)}  # a frame may be larger than its header says
    return stream


def _kind(source: bytes | Path, name: str) -> str:
    """The container's format, by its first bytes and never by its name: FFmpeg also reads lists of
    other files and addresses, and none of those is a video."""
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        head = source[:16] if isinstance(source, bytes) else _head(source)
    except OSError as error:
        raise VideoError(f"{name} cannot be opened: {error.strerror or error}.") from error
    if not size:
        raise VideoError(f"{name} is empty.")
    if size > MAX_BYTES:
        raise VideoError(
            f"{name} has {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read. "
            "Upload a shorter or smaller video."
        )
    if head[4:8] in _BOXES:
        return "mp4"
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return "avi"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    raise VideoError(f"{name} is no video that can be read: it must be {FORMATS_IN_WORDS}.")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _demand_size(width: int, height: int, name: str) -> None:
    if min(width, height) < MIN_SIDE:
        raise VideoError(
            f"{name} is {width} × {height} pixels; at least {MIN_SIDE} a side are needed."
        )
    if width * height > MAX_PIXELS:
        raise VideoError(f"{name} is {width} × {height} pixels; at most 8K is read.")


def _notes(
    name: str, count: int, seconds: float, promised: float, damaged: bool, pixels: int
) -> tuple[str, ...]:
    notes = []
    if count == 1:
        notes.append(f"{name} is a single picture, so its progress is one point.")
    if promised and abs(promised - seconds) > max(1.0, 0.1 * seconds):
        notes.append(
            f"The header of {name} says {_length(promised)}, but its frames last "
            f"{_length(seconds)}: it is cut short or its header is wrong. The frames count."
        )
    elif damaged:
        notes.append(f"{name} is damaged in places; what can be read is shown.")
    if pixels > LARGE_PIXELS:
        notes.append(f"{name} is larger than 4K, so it takes long to read; 1080p would do as well.")
    return tuple(notes)


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
