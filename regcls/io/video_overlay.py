"""Write videos with one bar per model below the picture, as MP4."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from regcls.io import video
from regcls.io.video import Video
from regcls.io.video_container import VideoError

MAX_SIDE = 640  # pixels of the picture's longer side
MAX_FRAMES = 20_000  # written; of a longer video, every second, third, … frame
MIN_WIDTH = 320  # pixels; a narrower picture gets margins so that the bars stay readable
TRUTH, _TRUTH_COLOUR = "true", "#DDDDDD"

_ROW, _MARGIN, _LABEL, _NUMBER = 20, 6, 64, 46  # pixels
_BACKGROUND, _TRACK, _INK = (24, 24, 24), (64, 64, 64), (235, 235, 235)
_TIME_BASE = Fraction(1, 90_000)  # seconds; MPEG's, fine enough for any frame rate

Colour = tuple[int, int, int]


def with_bars(
    source: Video,
    out: Path,
    seconds: np.ndarray,
    bars: Mapping[str, np.ndarray],
    colours: Mapping[str, str],
    truth: np.ndarray | None = None,
    report: Callable[[float], None] | None = None,
    stop: Callable[[], bool] | None = None,
    longest: int = MAX_SIDE,
) -> Path:
    """Write a video (H.264, no sound) with one bar per model below the picture.

    Parameters
    ----------
    source : Video
        The video.
    out : Path
        The file to write.
    seconds : ndarray of float, shape (n,)
        Times of the predictions.
    bars : mapping of str to ndarray, shape (n,)
        Predictions from 0 to 1 by model, interpolated linearly between the times.
    colours : mapping of str to str
        Colours of the models, ``"#RRGGBB"``.
    truth : ndarray of float, shape (n,), optional
        True values, drawn as one more bar.
    report : callable, optional
        Called with the share that is done.
    stop : callable, optional
        Writing ends early when it returns True.
    longest : int
        Maximum of the picture's longer side in pixels.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    VideoError
        If no frame can be decoded.
    """
    import av

    rows = dict(bars) if truth is None else {**bars, TRUTH: truth}
    paints = {name: _rgb(colours.get(name, _TRUTH_COLOUR)) for name in rows}
    size = video.fitted_size(source, longest)
    step = -(-source.frames // MAX_FRAMES)
    end, written = max(source.seconds, 1e-9), 0
    with av.open(str(out), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = _add_stream(container, size, len(rows), source.fps / step)
        for moment, pixels in video.every_nth(source, size, step, stop):
            shares = {name: float(np.interp(moment, seconds, row)) for name, row in rows.items()}
            frame = av.VideoFrame.from_ndarray(_draw(pixels, shares, paints), format="rgb24")
            frame.pts, frame.time_base = round(moment / _TIME_BASE), _TIME_BASE
            container.mux(stream.encode(frame))
            written += 1
            if report is not None:
                report(moment / end)
        container.mux(stream.encode())
    if not written and not (stop and stop()):
        raise VideoError(f"{source.name} has no frame that can be decoded")
    return out


def _add_stream(container: Any, size: tuple[int, int], rows: int, fps: float) -> Any:
    stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
    stream.height, stream.width = size[0] + _bars_height(rows), max(size[1], MIN_WIDTH)
    stream.pix_fmt = "yuv420p"
    stream.options = {"preset": "veryfast", "crf": "22"}
    stream.codec_context.thread_count = 2
    stream.codec_context.time_base = _TIME_BASE
    return stream


def _bars_height(rows: int) -> int:
    return rows * _ROW + 2 * _MARGIN


def _draw(
    pixels: np.ndarray, shares: Mapping[str, float], paints: Mapping[str, Colour]
) -> np.ndarray:
    import cv2

    height, width = pixels.shape[:2]
    shape = (height + _bars_height(len(shares)), max(width, MIN_WIDTH), 3)
    canvas = np.full(shape, _BACKGROUND, np.uint8)
    left = (canvas.shape[1] - width) // 2
    canvas[:height, left : left + width] = pixels
    start, stop = _MARGIN + _LABEL, canvas.shape[1] - _MARGIN - _NUMBER
    for number, (name, share) in enumerate(shares.items()):
        top = height + _MARGIN + number * _ROW
        full = start + round((stop - start) * float(np.clip(share, 0, 1)))
        canvas[top + 3 : top + _ROW - 3, start:stop] = _TRACK
        canvas[top + 3 : top + _ROW - 3, start:full] = paints[name]
        for text, x in ((name, _MARGIN), (f"{share:.0%}", stop + _MARGIN)):
            at = (x, top + _ROW - 6)
            cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
    return canvas


def _rgb(colour: str) -> Colour:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
