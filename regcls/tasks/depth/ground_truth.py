"""Files of depth maps: measured depth to compare with, and predicted depth to download."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from regcls.io.images import MAX_BYTES, MAX_PIXELS, MediaError

MM = 1000.0  # millimetres per metre
FARTHEST = 10.0  # metres; the largest depth in the training data of the shipped models
MAX_FILE_BYTES = 4 * MAX_BYTES
_ASPECT_TOLERANCE = 0.03  # relative difference between the aspect ratios of photo and depth
# No room has a median depth outside these limits: the file is then in the other unit.
_MIN_MEDIAN_MM, _MAX_MEDIAN_M = 60.0, 100.0


def read(data: bytes, name: str, size: tuple[int, int]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read the true depth of a photo.

    Parameters
    ----------
    data : bytes
        Content of a 16-bit PNG in millimetres or of an .npy file in metres. 0 and values that are
        not finite mean unknown.
    name : str
        Name of the file, for messages.
    size : tuple of int
        Height and width of the photo. The depth may have another size, but not another aspect
        ratio.

    Returns
    -------
    metres : ndarray of float32, shape (H, W)
        Depth in metres, 0 where unknown.
    notes : tuple of str
        What is unusual about the file, as sentences.

    Raises
    ------
    MediaError
        If the file cannot be used.
    """
    if not data:
        raise MediaError(f"{name} is empty")
    if len(data) > MAX_FILE_BYTES:
        raise MediaError(
            f"{name} has {len(data) / 1e6:.0f} MB; the largest size is "
            f"{MAX_FILE_BYTES / 1e6:.0f} MB"
        )
    is_array = data[:6] == b"\x93NUMPY"
    stored = _read_array(data, name) if is_array else _read_png(data, name)
    if stored.ndim != 2 or not stored.size:
        raise MediaError(f"{name} must hold one depth per pixel, not the shape {stored.shape}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite: unknown
        stored = stored.astype(np.float32)
    stored = np.where(np.isfinite(stored) & (stored > 0), stored, np.float32(0))
    _check_aspect(stored.shape, size, name)
    _check_unit(stored, is_array, name)
    metres = stored if is_array else stored / np.float32(MM)
    return metres, _notes(metres, size, name)


def resized(metres: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize a depth map by its nearest pixels: a mean across an edge is the depth of no surface.

    Parameters
    ----------
    metres : ndarray, shape (H, W)
        Depth in metres.
    shape : tuple of int
        New height and width.

    Returns
    -------
    ndarray of float32
        The resized map.

    Examples
    --------
    >>> resized(np.array([[1.0, 9.0]]), (1, 4)).tolist()
    [[1.0, 1.0, 9.0, 9.0]]
    """
    image = Image.fromarray(np.ascontiguousarray(metres, np.float32))
    return np.asarray(image.resize(shape[::-1], Image.Resampling.NEAREST))


def as_png(metres: np.ndarray) -> bytes:
    """Encode a depth map as a 16-bit PNG in millimetres.

    Parameters
    ----------
    metres : ndarray, shape (H, W)
        Depth in metres.

    Returns
    -------
    bytes
        Content of the file.
    """
    out = io.BytesIO()
    millimetres = np.clip(np.rint(metres * MM), 0, 65535).astype(np.uint16)
    Image.fromarray(millimetres).save(out, "PNG")
    return out.getvalue()


def as_npy(metres: np.ndarray) -> bytes:
    """Encode a depth map as an .npy file of float32 in metres.

    Parameters
    ----------
    metres : ndarray, shape (H, W)
        Depth in metres.

    Returns
    -------
    bytes
        Content of the file.
    """
    out = io.BytesIO()
    np.save(out, metres.astype(np.float32), allow_pickle=False)
    return out.getvalue()


def _notes(metres: np.ndarray, size: tuple[int, int], name: str) -> tuple[str, ...]:
    notes = []
    if metres.shape != tuple(size):
        notes.append(f"{name} has another size than the photo; the nearest pixels are compared.")
    far = float((metres > FARTHEST).sum() / (metres > 0).sum())
    if far > 0.001:
        notes.append(
            f"{far:.0%} of {name} is beyond {FARTHEST:.0f} m, farther than the training data."
        )
    return tuple(notes)


def _check_aspect(shape: tuple[int, ...], size: tuple[int, int], name: str) -> None:
    ratio = (shape[1] / shape[0]) / (size[1] / size[0])
    if abs(ratio - 1) > _ASPECT_TOLERANCE:
        raise MediaError(
            f"{name} has {shape[1]} × {shape[0]} pixels, another aspect ratio than the photo: "
            "it belongs to another photo, or one of the two was cropped or rotated"
        )


def _check_unit(stored: np.ndarray, is_array: bool, name: str) -> None:
    """Check that there are depths, and that their median is plausible in the file's unit."""
    if not stored.any():
        raise MediaError(f"{name} has no depth: all values are 0 or not finite")
    median = float(np.median(stored[stored > 0]))
    if is_array and median > _MAX_MEDIAN_M:
        raise MediaError(
            f"{name} seems to be in millimetres (median {median:.0f}); "
            "an .npy file must be in metres"
        )
    if not is_array and median < _MIN_MEDIAN_MM:
        raise MediaError(
            f"{name} seems to be in metres (median {median:.0f}); "
            "a PNG must be in millimetres, with 16 bits"
        )


def _check_pixels(count: float, name: str) -> None:
    if count > MAX_PIXELS:
        raise MediaError(
            f"{name} has too many pixels; the largest number is {MAX_PIXELS / 1e6:.0f} million"
        )


def _read_array(data: bytes, name: str) -> np.ndarray:
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(stream)
        if dtype.hasobject or dtype.kind not in "fiu":
            raise MediaError(f"{name} must hold real numbers")
        _check_pixels(float(np.prod(shape, dtype=np.float64)), name)
        return np.load(io.BytesIO(data), allow_pickle=False).squeeze().astype(np.float64)
    except MediaError:
        raise
    except Exception as error:  # a damaged header fails in many ways
        raise MediaError(f"{name} is damaged or incomplete") from error


def _read_png(data: bytes, name: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            _check_pixels(image.size[0] * image.size[1], name)
            if not image.mode.startswith("I"):
                mode = "8-bit" if image.mode == "L" else image.mode
                raise MediaError(
                    f"{name} must be a single-channel 16-bit PNG (millimetres), not {mode}"
                )
            return np.asarray(image, dtype=np.float64)
    except MediaError:
        raise
    except Image.UnidentifiedImageError as error:
        raise MediaError(f"{name} is neither a 16-bit PNG nor an .npy file") from error
    except Exception as error:  # a damaged file fails in many ways
        raise MediaError(f"{name} is damaged or incomplete") from error
