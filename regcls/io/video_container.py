"""Open untrusted video files: recognise the format, index the frames, decode the wanted ones."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.io.images import MediaError
from regcls.io.limits import DAMAGED

if TYPE_CHECKING:
    import av

MAX_PIXELS = 36_000_000  # per frame; 8K has 33 million
LARGE_PIXELS = 9_000_000  # above this (4K has 8.3 million), frames are decoded one at a time
MAX_FRAMES = 3_000_000  # 14 hours at 60 frames per second
FORMATS_IN_WORDS = "MP4, MOV, AVI, WebM, MKV or GIF"

_THREADS = 2  # per video, since several people may read videos at once
_WORTH_A_SEEK = 12  # frames that would be decoded in vain
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")  # first box of a file


class VideoError(MediaError):
    """A video that cannot be used. The message starts with the file's name."""


@dataclass(frozen=True)
class Index:
    """Times of all frames, and where decoding can start.

    Attributes
    ----------
    ticks : ndarray of int64, shape (n,)
        Time of each frame in units of ``base``, ascending.
    keys : ndarray of int64, shape (m,)
        Times of keyframes.
    base : Fraction
        Seconds per tick.
    timed : bool
        Whether frames store their times. If not, they are counted, and seeking is impossible.
    """

    ticks: np.ndarray
    keys: np.ndarray
    base: Fraction
    timed: bool

    def seconds(self, ticks: np.ndarray | int) -> np.ndarray:
        """Convert ticks to seconds since the first frame.

        Parameters
        ----------
        ticks : ndarray or int
            Times in ticks.

        Returns
        -------
        ndarray
            Times in seconds.
        """
        return (np.asarray(ticks) - self.ticks[0]) * float(self.base)


def read_head(source: bytes | Path, name: str) -> tuple[int, bytes]:
    """Return the size and the first bytes of a video file.

    Parameters
    ----------
    source : bytes or Path
        The file.
    name : str
        Its name in messages.

    Returns
    -------
    size : int
        In bytes.
    head : bytes
        At most 16 bytes.

    Raises
    ------
    VideoError
        If the file cannot be opened.
    """
    if isinstance(source, bytes):
        return len(source), source[:16]
    try:
        with source.open("rb") as file:
            return source.stat().st_size, file.read(16)
    except OSError as error:
        raise VideoError(f"{name} cannot be opened: {error.strerror or error}") from error


def format_of(head: bytes, name: str) -> str:
    """Recognise the container format by the first bytes, never by the file's name.

    FFmpeg would also read lists of other files and addresses; none of these is a video.

    Parameters
    ----------
    head : bytes
        The first 16 bytes.
    name : str
        The file's name in messages.

    Returns
    -------
    str
        FFmpeg's name of the format.

    Raises
    ------
    VideoError
        If it is not a supported format.

    Examples
    --------
    >>> format_of(b"GIF89a", "clip.gif")
    'gif'
    """
    if head[4:8] in _MP4_BOXES:
        return "mp4"
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return "avi"
    if head[:4] == b"\x1aE\xdf\xa3":
        return "matroska"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    raise VideoError(f"{name} cannot be read as a video; expected {FORMATS_IN_WORDS}")


@contextmanager
def opened(source: bytes | Path, kind: str, name: str) -> Iterator[tuple[Any, Any]]:
    """Open a video file and its first video stream within a ``with`` block.

    Parameters
    ----------
    source : bytes or Path
        The file.
    kind : str
        FFmpeg's name of its format.
    name : str
        Its name in messages.

    Yields
    ------
    tuple
        PyAV's container and stream.

    Raises
    ------
    VideoError
        If the file is damaged or has no video stream that can be decoded.
    """
    import av

    file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    try:
        container = av.open(file, format=kind, metadata_errors="replace")
    except (av.FFmpegError, ValueError, OSError) as error:
        raise VideoError(f"{name} {DAMAGED}") from error
    with container:
        yield container, _video_stream(container, name)


def index_frames(container: Any, stream: Any, name: str) -> tuple[Index, bool]:
    """Read through all packets without decoding, since headers can be wrong.

    Parameters
    ----------
    container, stream
        From ``opened``.
    name : str
        The file's name in messages.

    Returns
    -------
    index : Index
        Times of all frames.
    damaged : bool
        Whether the file has corrupt packets or ends early.

    Raises
    ------
    VideoError
        If there are no frames or too many.
    """
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
                raise VideoError(f"{name} has over {MAX_FRAMES:,} frames; upload a part of it")
    except av.FFmpegError:
        damaged = True
    if not shown:
        raise VideoError(f"{name} has no frames; it is empty, damaged or incomplete")
    timed = None not in shown and None not in keys and bool(keys)
    ticks = shown if timed else [n if tick is None else tick for n, tick in enumerate(order)]
    base = stream.time_base
    if not timed and None in order:
        ticks, base = list(range(len(order))), 1 / (stream.average_rate or Fraction(25))
    sorted_keys = np.sort(np.array(keys if timed else ticks[:1], np.int64))
    return Index(np.unique(np.array(ticks, np.int64)), sorted_keys, base, timed), damaged


def first_frame(source: bytes | Path, kind: str, name: str) -> av.VideoFrame:
    """Decode the first frame of a video file.

    Parameters
    ----------
    source, kind, name
        As for ``opened``.

    Returns
    -------
    av.VideoFrame
        The frame.

    Raises
    ------
    VideoError
        If no frame can be decoded.
    """
    untimed = Index(np.zeros(1, np.int64), np.zeros(1, np.int64), Fraction(1), False)
    with opened(source, kind, name) as (container, stream):
        for _, frame in decode(container, stream, untimed):
            return frame
    raise VideoError(f"{name} has no frame that can be decoded; it is damaged or incomplete")


def decode_wanted(
    source: bytes | Path,
    kind: str,
    name: str,
    index: Index,
    wanted: np.ndarray,
    stop: Callable[[], bool] | None = None,
) -> Iterator[tuple[int, float, av.VideoFrame]]:
    """Decode some frames of a video, seeking to keyframes where that saves time.

    A damaged frame is replaced by the next one that can be decoded, once.

    Parameters
    ----------
    source, kind, name
        As for ``opened``.
    index : Index
        Times of all frames.
    wanted : ndarray of int
        Frame numbers, ascending.
    stop : callable, optional
        Decoding ends when it returns True.

    Yields
    ------
    passed : int
        Number of wanted frames up to this one.
    seconds : float
        Time of the frame since the first.
    frame : av.VideoFrame
        The frame.

    Raises
    ------
    VideoError
        If the file cannot be opened.
    """
    ticks = index.ticks[wanted]
    passed, last = 0, index.ticks[0] - 1
    with opened(source, kind, name) as (container, stream):
        frames = decode(container, stream, index)
        while passed < len(ticks) and not (stop and stop()):
            if (start := _seek_target(index, last, ticks[passed])) is not None:
                container.seek(start, stream=stream)
                frames = decode(container, stream, index)
                last = start - 1
            found = next(frames, None)
            if found is None:
                return
            tick, frame = found
            last = max(last, tick)
            if tick >= ticks[passed]:
                passed = int(np.searchsorted(ticks, tick, side="right"))
                yield passed, float(index.seconds(tick)), frame


def decode(container: Any, stream: Any, index: Index) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decode all frames from the current position; undecodable packets are skipped.

    Parameters
    ----------
    container, stream
        From ``opened``.
    index : Index
        Times of all frames.

    Yields
    ------
    tick : int
        Time of the frame in ticks.
    frame : av.VideoFrame
        The frame.
    """
    import av

    number = 0
    packets = container.demux(stream)
    while True:
        packet = None
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


def _seek_target(index: Index, last: int, wanted: int) -> int | None:
    """Keyframe to seek to, if that saves decoding many frames on the way to ``wanted``."""
    if not index.timed:
        return None
    key = index.keys[max(0, int(np.searchsorted(index.keys, wanted, side="right")) - 1)]
    between = np.searchsorted(index.ticks, key) - np.searchsorted(index.ticks, last, side="right")
    return int(key) if between > _WORTH_A_SEEK else None


def _video_stream(container: Any, name: str) -> Any:
    import av

    cover = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & cover]
    if not streams:
        raise VideoError(f"{name} has no video stream")
    stream = streams[0]
    context = stream.codec_context
    if context is None:
        raise VideoError(f"{name} uses a codec that is not supported; convert it to H.264")
    large = context.width * context.height > LARGE_PIXELS
    context.thread_type = av.codec.context.ThreadType.SLICE if large else "AUTO"
    context.thread_count = _THREADS
    context.options = {"max_pixels": str(MAX_PIXELS)}  # frames can be larger than the header says
    return stream
