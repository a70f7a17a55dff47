"""Read videos: metadata, frames sampled evenly over the length, single frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regcls.io import video_container
from regcls.io.limits import check_size
from regcls.io.video_container import LARGE_PIXELS, MAX_PIXELS, Index, VideoError

if TYPE_CHECKING:
    import av

MAX_BYTES = 500_000_000  # as stored
MIN_SIDE = 16  # pixels
SUFFIXES = ("mp4", "m4v", "mov", "avi", "webm", "mkv", "gif")


@dataclass(frozen=True)
class Video:
    """A video that can be read.

    Attributes
    ----------
    name : str
        Its name in messages.
    source : bytes or Path
        The file.
    width, height : int
        Pixels of an upright frame.
    seconds : float
        Time to the end of the last frame, by its frames and not by its header.
    frames : int
        Number of frames.
    fps : float
        Mean frames per second.
    kind : str
        FFmpeg's name of the format.
    index : Index
        Times of all frames.
    notes : tuple of str
        Sentences about anything unusual.
    """

    name: str
    source: bytes | Path = field(repr=False)
    width: int
    height: int
    seconds: float
    frames: int
    fps: float
    kind: str = field(repr=False)
    index: Index = field(repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Some of the sampled frames of a video.

    Attributes
    ----------
    frames : ndarray of uint8, shape (n, h, w, 3)
        RGB, upright.
    seconds : ndarray of float, shape (n,)
        Times since the first frame.
    done : float
        Share of the wanted frames so far, 0 to 1.
    note : str
        A sentence, or "".
    """

    frames: np.ndarray
    seconds: np.ndarray
    done: float
    note: str = ""


def open_video(source: bytes | Path | str, name: str) -> Video:
    """Index a video. Only its first frame is decoded.

    Parameters
    ----------
    source : bytes or path-like
        The file.
    name : str
        Its name in messages.

    Returns
    -------
    Video
        The video.

    Raises
    ------
    VideoError
        If the file is too large, damaged or not a supported format.
    """
    source = source if isinstance(source, bytes) else Path(source)
    size, head = video_container.read_head(source, name)
    if not size:
        raise VideoError(f"{name} is empty")
    check_size(size, MAX_BYTES, name, VideoError)
    kind = video_container.format_of(head, name)
    with video_container.opened(source, kind, name) as (container, stream):
        width, height = stream.codec_context.width, stream.codec_context.height
        _check_pixels(width, height, name)
        index, damaged = video_container.index_frames(container, stream, name)
        stated = container.duration / 1e6 if container.duration else 0.0
        rate = float(stream.average_rate or 0)
    last = float(index.seconds(index.ticks[-1]))
    count = len(index.ticks)
    fps = (count - 1) / last if last > 0 else rate or 1.0
    seconds = last + 1 / fps
    notes = _notes(name, count, seconds, stated, damaged, width * height)
    if _quarter_turns(video_container.first_frame(source, kind, name)) % 2:
        width, height = height, width
    return Video(name, source, width, height, seconds, count, fps, kind, index, notes)


def sample_frames(
    video: Video,
    budget: int,
    size: tuple[int, int],
    batch: int = 32,
    stop: Callable[[], bool] | None = None,
) -> Iterator[Batch]:
    """Sample frames evenly over a video.

    Only what is needed is decoded: where a later keyframe precedes the next wanted frame, reading
    continues there. Damaged frames are left out, which the last batch notes.

    Parameters
    ----------
    video : Video
        The video.
    budget : int
        Maximum number of frames.
    size : tuple of int
        Height and width that frames are resized to, without keeping their aspect ratio.
    batch : int
        Maximum number of frames per batch.
    stop : callable, optional
        Sampling ends early when it returns True.

    Yields
    ------
    Batch
        Frames in order of time.

    Raises
    ------
    VideoError
        If the file cannot be opened.
    """
    if budget < 1 or batch < 1:
        raise ValueError("budget and batch must be at least 1")
    wanted = np.unique(np.linspace(0, video.frames - 1, min(budget, video.frames)).round())
    resize = _Resizer(size)
    frames, seconds, found = [], [], 0
    for passed, second, frame in _decoded(video, wanted.astype(int), stop):
        frames.append(resize(frame))
        seconds.append(second)
        found += 1
        if len(frames) == batch and passed < len(wanted):
            yield Batch(np.stack(frames), np.array(seconds), passed / len(wanted))
            frames, seconds = [], []
    lost = len(wanted) - found
    note = ""
    if lost and not (stop and stop()):
        note = f"{lost} of {len(wanted)} frames of {video.name} are damaged and were left out."
    stacked = np.stack(frames) if frames else np.empty((0, *size, 3), np.uint8)
    if frames or note:
        yield Batch(stacked, np.array(seconds, np.float64), 1.0, note)


def frame_at(video: Video, seconds: float, longest: int = 640) -> np.ndarray:
    """Decode the frame that is shown at a given time.

    Parameters
    ----------
    video : Video
        The video.
    seconds : float
        Time since the first frame.
    longest : int
        Maximum of the frame's longer side in pixels.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
        The frame, RGB.

    Raises
    ------
    VideoError
        If no frame can be decoded from there on.
    """
    times = video.index.seconds(video.index.ticks)
    number = int(np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, video.frames - 1))
    for _, _, frame in _decoded(video, np.array([number])):
        return _Resizer(fitted_size(video, longest))(frame)
    raise VideoError(f"{video.name} is damaged at {seconds:.1f} s and cannot be read there")


def fitted_size(video: Video, longest: int) -> tuple[int, int]:
    """Return the size of a video's frames after shrinking.

    Parameters
    ----------
    video : Video
        The video.
    longest : int
        Maximum of the longer side in pixels.

    Returns
    -------
    height, width : int
        Even numbers of pixels.
    """
    scale = min(1.0, longest / max(video.width, video.height))
    height, width = (max(2, 2 * round(s * scale / 2)) for s in (video.height, video.width))
    return height, width


def every_nth(
    video: Video, size: tuple[int, int], step: int = 1, stop: Callable[[], bool] | None = None
) -> Iterator[tuple[float, np.ndarray]]:
    """Decode every n-th frame of a video.

    Parameters
    ----------
    video : Video
        The video.
    size : tuple of int
        Height and width that frames are resized to.
    step : int
        n.
    stop : callable, optional
        Decoding ends early when it returns True.

    Yields
    ------
    seconds : float
        Time since the first frame.
    frame : ndarray of uint8, shape (h, w, 3)
        RGB.
    """
    resize = _Resizer(size)
    for _, second, frame in _decoded(video, np.arange(0, video.frames, step), stop):
        yield second, resize(frame)


def _decoded(
    video: Video, wanted: np.ndarray, stop: Callable[[], bool] | None = None
) -> Iterator[tuple[int, float, av.VideoFrame]]:
    return video_container.decode_wanted(
        video.source, video.kind, video.name, video.index, wanted, stop
    )


class _Resizer:
    """Convert frames to upright uint8 arrays of one size; it caches its conversion tables."""

    def __init__(self, size: tuple[int, int]):
        from av.video.reformatter import VideoReformatter

        self._size, self._reformat = size, VideoReformatter().reformat

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        turns = _quarter_turns(frame)
        height, width = self._size[::-1] if turns % 2 else self._size
        pixels = self._reformat(
            frame, width=width, height=height, format="rgb24", interpolation="AREA"
        ).to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Quarter turns, as for ``np.rot90``, that make a frame upright."""
    return round(frame.rotation / 90) % 4


def _check_pixels(width: int, height: int, name: str) -> None:
    if min(width, height) < MIN_SIDE:
        raise VideoError(
            f"{name} is {width} × {height} pixels; each side needs at least {MIN_SIDE}"
        )
    if width * height > MAX_PIXELS:
        raise VideoError(f"{name} is {width} × {height} pixels; at most 8K is supported")


def _notes(
    name: str, count: int, seconds: float, stated: float, damaged: bool, pixels: int
) -> tuple[str, ...]:
    notes = []
    if count == 1:
        notes.append(f"{name} is a single image, so its progress is one point.")
    if stated and abs(stated - seconds) > max(1.0, 0.1 * seconds):
        notes.append(
            f"The header of {name} states {_length(stated)}, but its frames last "
            f"{_length(seconds)}. The file is incomplete or its header is wrong; the frames count."
        )
    elif damaged:
        notes.append(f"{name} is damaged in places; the readable frames are used.")
    if pixels > LARGE_PIXELS:
        notes.append(f"{name} is larger than 4K and slow to read; 1080p is sufficient.")
    return tuple(notes)


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
