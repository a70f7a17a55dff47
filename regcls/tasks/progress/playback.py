"""Whether browsers can play a video, so that a page can show it in step with its curves."""

from __future__ import annotations

from regcls.exceptions import UserError
from regcls.io import video_container
from regcls.io.video import Video

MOST_BYTES = 60_000_000  # a larger file would be copied and hashed at each redraw of the page
# What current browsers play, by FFmpeg's name of the format.
_CODECS = {
    "mp4": {"h264", "vp9", "av1"},
    "matroska": {"vp8", "vp9", "av1"},  # as WebM; H.264 in Matroska plays in some browsers only
}
_PIXELS = {"yuv420p", "yuvj420p"}  # others, such as 10 bits, play in some browsers only


def playable(source: Video) -> bool:
    """Return whether browsers can be expected to play a video.

    Parameters
    ----------
    source : Video
        The video.

    Returns
    -------
    bool
        False also for files above `MOST_BYTES`.
    """
    if not isinstance(source.source, bytes) or len(source.source) > MOST_BYTES:
        return False
    known = next((codecs for kind, codecs in _CODECS.items() if kind in source.kind), set())
    try:
        with video_container.opened(source.source, source.kind, source.name) as (_, stream):
            context = stream.codec_context
            return context.name in known and context.pix_fmt in _PIXELS
    except UserError:
        return False
