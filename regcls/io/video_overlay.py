"""Videos out: a video with a bar below it for each model, as an mp4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from regcls.io import video
from regcls.io.video import Video, VideoError

LONGEST = 640  # pixels; the longer side of the picture
MOST_FRAMES = 20_000  # written; of a longer video, every second, third, … frame
NARROWEST = 320  # pixels: a narrower picture is set on a wider ground, that bars can be read
TRUTH, _TRUTH_COLOUR = "true", "#DDDDDD"

_ROW, _MARGIN, _LABEL, _NUMBER = 20, 6, 64, 46  # pixels
_GROUND, _TROUGH, _INK = (24, 24, 24), (64, 64, 64), (235, 235, 235)
_TICKS = Fraction(1, 90_000)  # seconds; the time base of MPEG, fine enough for any frame rate


def with_bars(
    source: Video,
    out: Path,
    seconds: np.ndarray,
    bars: Mapping[str, np.ndarray],
    colours: Mapping[str, str],
    truth: np.ndarray | None = None,
    report: Callable[[float], None] | None = None,
    stop: Callable[[], bool] | None = None,
    longest: int = LONGEST,
) -> Path:
    """Write ``source`` to ``out`` (H.264, no sound) with one bar per entry of ``bars`` below it.

    ``bars`` and ``truth``: shares from 0 to 1 (n,) at ``seconds`` (n,), drawn in between by a
    straight line. ``report(share)`` tells how far it is; where ``stop()`` is true, the file ends
    early. Raises ``VideoError`` where no frame can be read.
    """
    import av

    rows = dict(bars) if truth is None else {**bars, TRUTH: truth}
    paints = {name: _rgb(colours.get(name, _TRUTH_COLOUR)) for name in rows}
    size = video.fitting(source, longest)
    step = -(-source.frames // MOST_FRAMES)
    end, written = max(source.seconds, 1e-9), 0
    with av.open(str(out), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = _stream(container, size, len(rows), source.fps / step)
        for moment, pixels in video.every(source, size, step, stop):
            shares = {name: float(np.interp(moment, seconds, row)) for name, row in rows.items()}
            frame = av.VideoFrame.from_ndarray(_drawn(pixels, shares, paints), format="rgb24")
            frame.pts, frame.time_base = round(moment / _TICKS), _TICKS
            container.mux(stream.encode(frame))
            written += 1
            if report is not None:
                report(moment / end)
        container.mux(stream.encode())
    if not written and not (stop and stop()):
        raise VideoError(f"{source.name} has no frame that can be read.")
    return out


def _stream(container, size: tuple[int, int], rows: int, fps: float):
    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
    stream.height, stream.width = size[0] + _band(rows), max(size[1], NARROWEST)
    stream.pix_fmt = "yuv420p"
    stream.options = {"preset": "veryfast", "crf": "22"}
    stream.codec_context.thread_count = 2
    stream.codec_context.time_base = _TICKS
    return stream


def _band(rows: int) -> int:
    return rows * _ROW + 2 * _MARGIN


def _drawn(
    pixels: np.ndarray, shares: Mapping[str, float], paints: Mapping[str, tuple]
) -> np.ndarray:
    import cv2

    height, width = pixels.shape[:2]
    canvas = np.full((height + _band(len(shares)), max(width, NARROWEST), 3), _GROUND, np.uint8)
    left = (canvas.shape[1] - width) // 2
    canvas[:height, left : left + width] = pixels
    start, stop = _MARGIN + _LABEL, canvas.shape[1] - _MARGIN - _NUMBER
    for number, (name, share) in enumerate(shares.items()):
        top = height + _MARGIN + number * _ROW
        full = start + round((stop - start) * float(np.clip(share, 0, 1)))
        canvas[top + 3 : top + _ROW - 3, start:stop] = _TROUGH
        canvas[top + 3 : top + _ROW - 3, start:full] = paints[name]
        for text, x in ((name, _MARGIN), (f"{share:.0%}", stop + _MARGIN)):
            at = (x, top + _ROW - 6)
            cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
    return canvas


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
