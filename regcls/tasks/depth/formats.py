"""Depth maps from untrusted files: PNG, TIFF, PFM, .npy and .npz as stored, in no unit yet."""

from __future__ import annotations

import io
import math
import re
import warnings
from dataclasses import dataclass

import numpy as np
from PIL import Image

from regcls.io.images import MAX_BYTES, MediaError
from regcls.io.limits import DAMAGED, check_size
from regcls.tasks.depth import arrays, marks
from regcls.tasks.depth.arrays import check_pixels

MAX_FILE_BYTES = 4 * MAX_BYTES
SUFFIXES = ("png", "npy", "npz", "pfm", "tif", "tiff")
IN_WORDS = "16-bit PNG, 16-bit or float TIFF, PFM, .npy or .npz"
_PFM = re.compile(rb"(P[Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+.\deE]{1,30})(?:\r\n|\s)")
_PFM_HEAD = 200  # bytes; a header has about 20


@dataclass(frozen=True)
class StoredDepth:
    """A depth map as stored in a file, before its unit is known.

    Attributes
    ----------
    name : str
        Name of the file.
    kind : str
        Format, such as "16-bit PNG".
    values : ndarray of float32, shape (H, W)
        Stored values, all finite; 0 where the depth is unknown.
    median : float
        Median of the file's known values, as stored.
    notes : tuple of str
        What was left out, as sentences.
    """

    name: str
    kind: str
    values: np.ndarray
    median: float
    notes: tuple[str, ...] = ()


def read(data: bytes, name: str) -> StoredDepth:
    """Read a depth map.

    Parameters
    ----------
    data : bytes
        Content of the file. 0, negative numbers and values that are not finite mean unknown.
    name : str
        Name of the file, for messages.

    Returns
    -------
    StoredDepth
        The values as stored, without marks for unknown depth.

    Raises
    ------
    MediaError
        If the file cannot be used.
    """
    if not data:
        raise MediaError(f"{name} is empty")
    check_size(len(data), MAX_FILE_BYTES, name, MediaError)
    try:
        kind, stored = _decoded(data, name)
    except MemoryError as error:
        raise MediaError(f"{name} needs more memory than is available") from error
    if stored.ndim != 2 or not stored.size:
        raise MediaError(f"{name} must hold one depth per pixel, not the shape {stored.shape}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite: unknown
        values, notes = marks.removed(stored.astype(np.float32), name)
    if not values.any():
        raise MediaError(
            f"{name} has no depth: all values are 0, negative, not finite or a mark for unknown"
        )
    return StoredDepth(name, kind, values, float(np.median(values[values > 0])), notes)


def is_depth(data: bytes) -> bool:
    r"""Return whether a file holds a depth map rather than a photo, from its first bytes.

    Parameters
    ----------
    data : bytes
        Content of the file.

    Returns
    -------
    bool
        True for .npy, .npz and PFM, and for grey images of more than 8 bits.

    Examples
    --------
    >>> is_depth(b"Pf\n64 48\n-1.0\n"), is_depth(b"words")
    (True, False)
    """
    if data.startswith((arrays.NPY_MAGIC, arrays.NPZ_MAGIC)) or _PFM.match(data[:_PFM_HEAD]):
        return True
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=("PNG", "TIFF")) as i:
            return i.mode.startswith(("I", "F"))
    except Exception:  # neither, or damaged: the reader of photos explains it
        return False


def _decoded(data: bytes, name: str) -> tuple[str, np.ndarray]:
    """Return the format in words and the values."""
    if data.startswith(arrays.NPY_MAGIC):
        return ".npy", arrays.read_npy(data, name)
    if data.startswith(arrays.NPZ_MAGIC):
        return ".npz", arrays.read_npz(data, name)
    if data[:2] in (b"Pf", b"PF") and data[2:3].isspace():
        return "PFM", _read_pfm(data, name)
    return _read_image(data, name)


def _read_pfm(data: bytes, name: str) -> np.ndarray:
    """Read a portable float map, whose rows are stored from the bottom to the top."""
    header = _PFM.match(data[:_PFM_HEAD])
    scale = _number(header[4]) if header else 0.0
    if header is None or not math.isfinite(scale) or not scale:
        raise MediaError(f"{name} {DAMAGED}")
    channels = 3 if header[1] == b"PF" else 1
    width, height = int(header[2]), int(header[3])
    check_pixels(width * height, name)
    count = width * height * channels
    if len(data) - header.end() < 4 * count:
        raise MediaError(f"{name} {DAMAGED}")
    # The sign of the scale is the byte order. Its size has no agreed use, and readers ignore it.
    order = "<f4" if scale < 0 else ">f4"
    stored = np.frombuffer(data, order, count, header.end()).reshape(height, width, channels)
    if channels == 3 and not np.array_equal(stored[..., 0], stored[..., 2], equal_nan=True):
        raise MediaError(
            f"{name} is a PFM with three channels that differ; expected one channel (Pf)"
        )
    return stored[::-1, :, 0]


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _read_image(data: bytes, name: str) -> tuple[str, np.ndarray]:
    """Read a PNG or TIFF with one channel of more than 8 bits."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about what is rejected below
            with Image.open(io.BytesIO(data), formats=("PNG", "TIFF")) as image:
                check_pixels(image.size[0] * image.size[1], name)
                kind = _kind(image, name)
                return kind, np.asarray(image)
    except (MediaError, MemoryError):
        raise
    except Image.UnidentifiedImageError as error:
        # A PNG or TIFF whose header is cut off is not recognised either.
        known = data.startswith((b"\x89PNG", b"II*\0", b"MM\0*"))
        text = DAMAGED if known else f"cannot be read as a depth map; expected {IN_WORDS}"
        raise MediaError(f"{name} {text}") from error
    except Image.DecompressionBombError:
        check_pixels(math.inf, name)
        raise
    except Exception as error:  # a damaged file fails in many ways
        raise MediaError(f"{name} {DAMAGED}") from error


def _kind(image: Image.Image, name: str) -> str:
    if image.mode.startswith("I;16"):
        return f"16-bit {image.format}"
    if image.mode in ("I", "F"):
        return f"{'float' if image.mode == 'F' else '32-bit'} {image.format}"
    found = "8 bits per pixel" if image.mode in ("L", "P", "1") else f"the channels {image.mode}"
    raise MediaError(
        f"{name} has {found}; a depth map must be a single-channel {IN_WORDS}, since 8 bits are "
        "too few and colours are not depth"
    )
