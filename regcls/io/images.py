"""Read photos from untrusted files: bytes to RGB arrays, or an error that says why not."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from regcls.exceptions import UserError
from regcls.io.limits import DAMAGED, check_size

MAX_BYTES = 25_000_000  # of one photo, as stored
MAX_PIXELS = 50_000_000  # of one photo; checked from the header, before anything is decoded
MIN_SIDE, MAX_SIDE = 16, 30_000  # pixels
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
SUFFIXES = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff")
FORMATS_IN_WORDS = "JPEG, PNG, WebP, GIF, BMP or TIFF"


class MediaError(UserError):
    """An image, video or archive that cannot be used. The message starts with the file's name."""


@dataclass(frozen=True)
class Photo:
    """A decoded photo.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        RGB, upright.
    notes : tuple of str
        Sentences about what was changed or left out.
    """

    pixels: np.ndarray
    notes: tuple[str, ...] = ()


def read_image(data: bytes, name: str = "the file") -> Photo:
    """Decode a photo.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name in messages.

    Returns
    -------
    Photo
        Its pixels; of an animation, the first frame.

    Raises
    ------
    MediaError
        If the file is too large, damaged or not a supported format.
    """
    if not data:
        raise MediaError(f"{name} is empty")
    check_size(len(data), MAX_BYTES, name, MediaError)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about what is rejected below
            return _decode(data, name)
    except MediaError:
        raise
    except Image.DecompressionBombError as error:
        raise MediaError(_too_many_pixels(name)) from error
    except Image.UnidentifiedImageError as error:
        raise MediaError(_unknown_format(data, name)) from error
    except MemoryError as error:
        raise MediaError(f"{name} needs more memory than is available") from error
    except Exception as error:  # decoders fail on hostile bytes in undocumented ways
        raise MediaError(f"{name} {DAMAGED}") from error


def read_file(path: Path) -> bytes:
    """Read a photo's file from disk.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    MediaError
        If it is too large or cannot be read.
    """
    try:
        check_size(path.stat().st_size, MAX_BYTES, path.name, MediaError)
        return path.read_bytes()
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}") from error


def _decode(data: bytes, name: str) -> Photo:
    with Image.open(io.BytesIO(data), formats=FORMATS) as photo:
        width, height = photo.size
        if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
            raise MediaError(_too_many_pixels(name, width, height))
        if min(width, height) < MIN_SIDE:
            raise MediaError(
                f"{name} is only {width} × {height} pixels; each side needs at least {MIN_SIDE}"
            )
        notes = []
        # A camera's MPO holds a second view of the same photo, which needs no note.
        if photo.format != "MPO" and getattr(photo, "is_animated", False):
            notes.append(f"{name} has several frames or pages; only the first one is used.")
            photo.seek(0)
        photo.load()
        upright = ImageOps.exif_transpose(photo)
        return Photo(np.array(_to_rgb(upright)), tuple(notes))


def _to_rgb(photo: Image.Image) -> Image.Image:
    """Convert any of Pillow's modes to RGB, on a white background."""
    if photo.mode.startswith(("I", "F")):
        return _from_deep_grey(photo)
    if photo.has_transparency_data:
        rgba = photo.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return photo.convert("RGB")


def _from_deep_grey(photo: Image.Image) -> Image.Image:
    """Scale 16-bit grey by its full scale; 32-bit and float grey, which have none, by its range."""
    grey = np.asarray(photo).astype(np.float64)
    if photo.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    else:
        grey = np.nan_to_num(grey, posinf=0.0, neginf=0.0)
        low, high = float(grey.min()), float(grey.max())
    scaled = (grey - low) / max(high - low, 1e-12) * 255
    return Image.fromarray(np.rint(scaled).astype(np.uint8)).convert("RGB")


def _too_many_pixels(name: str, width: int = 0, height: int = 0) -> str:
    size = f"is {width} × {height} pixels" if width else "has too many pixels"
    return (
        f"{name} {size}; the limits are {MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE} pixels "
        "per side"
    )


def _unknown_format(data: bytes, name: str) -> str:
    if data[4:8] == b"ftyp":
        return (
            f"{name} is a HEIC, AVIF or video file, which is not supported; "
            f"save it as {FORMATS_IN_WORDS}"
        )
    return f"{name} cannot be read as a photo; expected {FORMATS_IN_WORDS}"
