"""Videos made for tests: neighbouring frames differ strongly in brightness, so errors show."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def grey_of(number: int) -> int:
    """Brightness of a frame, 20 to 230: 111 above or 102 below that of the one before."""
    return 20 + 3 * (37 * int(number) % 71)


def make(
    path: Path,
    frames: int = 60,
    size: tuple[int, int] = (48, 64),
    rate: int = 30,
    codec: str = "mpeg4",
    gop: int = 12,
    at: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write ``frames`` grey frames of ``size`` (h, w), at the milliseconds ``at`` or evenly."""
    with av.open(str(path), "w", options=options or {}) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.height, stream.width = size
        stream.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        if codec not in ("gif", "mjpeg"):
            stream.codec_context.gop_size = gop
        if at is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames):
            grey = np.full((*size, 3), grey_of(number), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            if at is not None:
                frame.pts, frame.time_base = int(at[number]), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def sound_only(path: Path) -> Path:
    """An MP4 file with a second of silence and no video stream."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44_100)
        for number in range(40):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 44_100, number * 1024
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def turned(data: bytes) -> bytes:
    """The same MP4 file with a rotation of a quarter turn clockwise, as phones write it."""
    at = data.index(b"tkhd") + 4
    matrix = at + (52 if data[at] == 1 else 40)
    quarter = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    return data[:matrix] + quarter + data[matrix + 36 :]


def lasting(data: bytes, seconds: int) -> bytes:
    """The same MKV file with a header that states a duration of ``seconds``."""
    at = data.index(b"\x44\x89\x88") + 3
    return data[:at] + struct.pack(">d", 1000.0 * seconds) + data[at + 8 :]
