"""Photos in, safely: bytes from anyone → RGB arrays, or one plain sentence why not."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from regcls.exceptions import UserError

MAX_BYTES = 25_000_000  # of one photo, as stored
MAX_PIXELS = 50_000_000  # of one photo; checked from the header, before anything is decoded
MIN_SIDE, MAX_SIDE = 16, 30_000  # pixels
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
SUFFIXES = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff")
FORMATS_IN_WORDS = "JPEG, PNG, WebP, GIF, BMP or TIFF"


class MediaError(UserError):
    """A file that cannot be used; the message is one sentence for the person who gave it."""


@dataclass(frozen=True)
class Picture:
    """``pixels`` uint8 (H, W, 3) RGB, upright, and ``notes``: what was done to get there."""

    pixels: np.ndarray
    notes: tuple[str, ...] = ()


def read_image(data: bytes, name: str = "the file") -> Picture:
    """Decode one photo. Raises ``MediaError`` with a sentence that begins with ``name``."""
    if not data:
        raise MediaError(f"{name} is empty.")
    if len(data) > MAX_BYTES:
        raise MediaError(
            f"{name} has {len(data) / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is refused below
            return _decode(data, name)
    except MediaError:
        raise
    except Image.DecompressionBombError as error:
        raise MediaError(_too_many_pixels(name)) from error
    except Image.UnidentifiedImageError as error:
        raise MediaError(_unknown_format(data, name)) from error
    except MemoryError as error:
        raise MediaError(f"{name} needs more memory than there is here.") from error
    except Exception as error:  # decoders fail on hostile bytes in more ways than they document
        raise MediaError(f"{name} is damaged or cut short, so it cannot be read.") from error


def read_file(path: Path) -> bytes:
    """A photo's bytes from disk. Raises ``MediaError`` for one that is too large or not readable."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MediaError(f"{path.name} is larger than {MAX_BYTES / 1e6:.0f} MB.")
        return path.read_bytes()
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}.") from error


def _decode(data: bytes, name: str) -> Picture:
    with Image.open(io.BytesIO(data), formats=FORMATS) as photo:
        width, height = photo.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise MediaError(_too_many_pixels(name, width, height))
        if min(width, height) < MIN_SIDE:
            raise MediaError(
                f"{name} is only {width} × {height} pixels; {MIN_SIDE} a side is the least."
            )
        notes = []
        # A camera's MPO holds a second view of the same photo: nothing to tell.
        if photo.format != "MPO" and getattr(photo, "is_animated", False):
            notes.append(f"{name} is animated or has several pages: the first one is used.")
            photo.seek(0)
        photo.load()
        upright = ImageOps.exif_transpose(photo)
        return Picture(np.array(_to_rgb(upright)), tuple(notes))


def _to_rgb(photo: Image.Image) -> Image.Image:
    """Any of Pillow's modes → RGB; what is transparent becomes white."""
    if photo.mode.startswith(("I", "F")):
        return _from_deep_grey(photo)
    if photo.has_transparency_data:
        rgba = photo.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return photo.convert("RGB")


def _from_deep_grey(photo: Image.Image) -> Image.Image:
    """16-bit grey by its full scale; 32-bit and float grey, which have none, by what occurs."""
    grey = np.asarray(photo).astype(np.float64)
    if photo.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    else:
        grey = np.nan_to_num(grey, posinf=0.0, neginf=0.0)
        low, high = float(grey.min()), float(grey.max())
    scaled = (grey - low) / max(high - low, 1e-12) * 255
    return Image.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")


def _too_many_pixels(name: str, width: int = 0, height: int = 0) -> str:
    size = f"is {width} × {height} pixels" if width else "has far too many pixels"
    return (
        f"{name} {size}; at most {MAX_PIXELS // 1_000_000} megapixels "
        f"and {MAX_SIDE} pixels a side are read."
    )


def _unknown_format(data: bytes, name: str) -> str:
    if data[4:8] == b"ftyp":
        return (
            f"{name} is a HEIC, AVIF or video file, which is not supported: "
            f"save it as {FORMATS_IN_WORDS}."
        )
    return f"{name} is not a photo that can be read here ({FORMATS_IN_WORDS})."
