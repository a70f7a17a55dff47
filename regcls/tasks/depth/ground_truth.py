"""True depth in and depth out: 16-bit PNG in millimetres, .npy in metres."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from regcls.io.images import MAX_BYTES, MAX_PIXELS, MediaError

MM = 1000.0
FARTHEST = 10.0  # metres; the shipped models never saw more
_ASPECT = 0.03  # by how much the shapes of photo and depth may differ
# No room has a median depth outside these: the file is then in the other unit.
_MEDIAN_MM, _MEDIAN_M = 60.0, 100.0


def read(data: bytes, name: str, size: tuple[int, int]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The true depth (H, W) float32 in metres, 0 where unknown, and notes on what was done.

    ``size`` is the photo's height and width: the depth may be larger or smaller, not of another
    shape. Raises ``MediaError`` with a sentence for the person who gave it.
    """
    if not data:
        raise MediaError(f"{name} is empty.")
    if len(data) > 4 * MAX_BYTES:
        raise MediaError(f"{name} has {len(data) / 1e6:.0f} MB; at most 100 MB are read.")
    is_array = data[:6] == b"\x93NUMPY"
    stored = _array(data, name) if is_array else _picture(data, name)
    if stored.ndim != 2 or not stored.size:
        raise MediaError(f"{name} must hold one depth a pixel, and has the shape {stored.shape}.")
    with np.errstate(over="ignore"):  # what no float32 can hold becomes infinite: unknown
        stored = stored.astype(np.float32)
    stored = np.where(np.isfinite(stored) & (stored > 0), stored, np.float32(0))
    _demand_shape(stored.shape, size, name)
    if not stored.any():
        raise MediaError(f"{name} holds no depth: all of its values are 0 or not numbers.")
    middle = float(np.median(stored[stored > 0]))
    if is_array and middle > _MEDIAN_M:
        raise MediaError(
            f"{name} looks like millimetres (median {middle:.0f}); a .npy file must be in metres."
        )
    if not is_array and middle < _MEDIAN_MM:
        raise MediaError(
            f"{name} looks like metres (median {middle:.0f}); a PNG must hold millimetres, 16 bits."
        )
    metres = stored if is_array else stored / np.float32(MM)
    return metres, _notes(metres, size, name)


def resized(metres: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) → ``shape``, nearest: a mean across an edge would be the depth of nothing."""
    image = Image.fromarray(np.ascontiguousarray(metres, np.float32))
    return np.asarray(image.resize(shape[::-1], Image.Resampling.NEAREST))


def as_png(metres: np.ndarray) -> bytes:
    """Depth as a 16-bit PNG in millimetres."""
    out = io.BytesIO()
    millimetres = np.clip(np.rint(metres * MM), 0, 65535).astype(np.uint16)
    Image.fromarray(millimetres).save(out, "PNG")
    return out.getvalue()


def as_npy(metres: np.ndarray) -> bytes:
    """Depth as .npy, float32 metres."""
    out = io.BytesIO()
    np.save(out, metres.astype(np.float32), allow_pickle=False)
    return out.getvalue()


def _notes(metres: np.ndarray, size: tuple[int, int], name: str) -> tuple[str, ...]:
    notes = []
    if metres.shape != tuple(size):
        notes.append(f"{name} has another size than the photo; its nearest pixels are compared.")
    far = float((metres > FARTHEST).sum() / (metres > 0).sum())
    if far > 0.001:
        notes.append(f"{far:.0%} of {name} lies beyond 10 m, which the models never saw.")
    return tuple(notes)


def _demand_shape(shape: tuple[int, ...], size: tuple[int, int], name: str) -> None:
    ratio = (shape[1] / shape[0]) / (size[1] / size[0])
    if abs(ratio - 1) > _ASPECT:
        raise MediaError(
            f"{name} is {shape[1]} × {shape[0]} pixels, another shape than the photo: "
            "it belongs to another photo, or one of the two was cropped or turned."
        )


def _array(data: bytes, name: str) -> np.ndarray:
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(stream)
        if dtype.hasobject or dtype.kind not in "fiu":
            raise MediaError(f"{name} must hold plain numbers.")
        if np.prod(shape, dtype=np.float64) > MAX_PIXELS:
            raise MediaError(f"{name} has too many pixels: at most 50 million are read.")
        return np.load(io.BytesIO(data), allow_pickle=False).squeeze().astype(np.float64)
    except MediaError:
        raise
    except Exception as error:  # a damaged header fails in many ways
        raise MediaError(f"{name} is damaged or cut short, so it cannot be read.") from error


def _picture(data: bytes, name: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.size[0] * image.size[1] > MAX_PIXELS:
                raise MediaError(f"{name} has too many pixels: at most 50 million are read.")
            if not image.mode.startswith("I"):
                raise MediaError(
                    f"{name} must be a PNG of one channel with 16 bits (millimetres); "
                    f"this one is {'8-bit' if image.mode == 'L' else image.mode}."
                )
            return np.asarray(image, dtype=np.float64)
    except MediaError:
        raise
    except Image.UnidentifiedImageError as error:
        raise MediaError(f"{name} is neither a 16-bit PNG nor a .npy file.") from error
    except Exception as error:
        raise MediaError(f"{name} is damaged or cut short, so it cannot be read.") from error
