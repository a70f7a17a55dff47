"""Measured depth of a photo: read it at the size of the maps, and depth files to download."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from regcls.io.images import MediaError
from regcls.tasks.depth import formats, units
from regcls.tasks.depth.formats import StoredDepth
from regcls.tasks.depth.predict import PhotoDepth
from regcls.tasks.depth.units import AUTO, Comparison, Reading
from regcls.tasks.pairs import MODELS

MM = 1000.0  # millimetres per metre
FARTHEST = 10.0  # metres; the largest depth in the training data of the shipped models
_ASPECT_TOLERANCE = 0.03  # relative difference between the aspect ratios of photo and depth
# If a ratio differs from that of its set by more than this factor, the unit may differ as well.
_UNLIKE_SET = 2.5


@dataclass(frozen=True)
class TrueDepth:
    """The measured depth of a photo, in a unit that can be changed.

    Attributes
    ----------
    stored : StoredDepth
        The file's values at the size of the maps.
    comparison : Comparison
        The values held against the prediction.
    unit : str
        What the user chose: a key of `units.UNITS`, or "auto".
    reading : Reading or None
        The unit it is read in; None if that could not be guessed.
    problem : str
        Why there is no reading, as a sentence.
    set_key : str
        Which files share one decision about the unit; "" if this file has its own.
    """

    stored: StoredDepth
    comparison: Comparison
    unit: str = AUTO
    reading: Reading | None = None
    problem: str = ""
    set_key: str = ""

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.stored.name

    @property
    def metres(self) -> np.ndarray | None:
        """Depth in metres, 0 where unknown; None without a reading."""
        return None if self.reading is None else units.metres(self.stored.values, self.reading.unit)

    @property
    def median(self) -> float | None:
        """Median depth of the whole file in metres; None without a reading."""
        if self.reading is None:
            return None
        return float(units.metres(np.array([self.stored.median]), self.reading.unit)[0])

    @property
    def notes(self) -> tuple[str, ...]:
        """What is unusual about the file, as sentences."""
        return (*self.stored.notes, *self._unlike_set(), *_far(self.metres, self.name))

    def _unlike_set(self) -> tuple[str, ...]:
        if self.reading is None or self.reading.files == 1:
            return ()
        own = float(np.exp(self.comparison.distance(self.reading.unit)))
        if 1 / _UNLIKE_SET <= own / self.reading.ratio <= _UNLIKE_SET:
            return ()
        return (
            f"{self.name} may have another unit than the other files: its own median ratio to "
            f"the prediction is {own:.3g}.",
        )


def read(data: bytes, name: str, photo: PhotoDepth) -> TrueDepth:
    """Read the true depth of a photo; `decided` finds its unit.

    Parameters
    ----------
    data : bytes
        Content of a file for `formats.read`.
    name : str
        Name of the file, for messages.
    photo : PhotoDepth
        Predictions for the photo. The depth may have another size than the photo, but not another
        aspect ratio.

    Returns
    -------
    TrueDepth
        The file's values at the size of the maps, without a reading.

    Raises
    ------
    MediaError
        If the file cannot be used.
    """
    stored = formats.read(data, name)
    shape, size = stored.values.shape, photo.pixels.shape[:2]
    _check_aspect(shape, size, name)
    small = resized(stored.values, photo.shape)
    if not small.any():
        raise MediaError(
            f"{name} has too few pixels with a known depth: none is left at the size of the maps; "
            "use a denser one"
        )
    notes = stored.notes
    if shape != size:
        notes += (f"{name} has another size than the photo; the nearest pixels are compared.",)
    prediction = np.mean([photo.depth[model] for model in MODELS], axis=0)
    return TrueDepth(replace(stored, values=small, notes=notes), units.compare(small, prediction))


def decided(files: Sequence[TrueDepth], unit: str = AUTO) -> list[TrueDepth]:
    """Decide the unit of files, once for all files of the same format.

    Parameters
    ----------
    files : sequence of TrueDepth
        The files.
    unit : str, default "auto"
        A key of `units.UNITS`, or "auto" to guess it.

    Returns
    -------
    list of TrueDepth
        The same files with a reading, or with a problem if the unit cannot be guessed.
    """
    by_kind: dict[str, list[Comparison]] = {}
    for file in files:
        by_kind.setdefault(file.stored.kind, []).append(file.comparison)
    found: dict[str, Reading | str] = {}
    for kind, comparisons in by_kind.items():
        try:
            found[kind] = units.read_as(comparisons, kind, unit)
        except MediaError as error:
            found[kind] = error.sentence
    return [_with(file, unit, found[file.stored.kind]) for file in files]


def _with(file: TrueDepth, unit: str, found: Reading | str) -> TrueDepth:
    if isinstance(found, str):
        return replace(file, unit=unit, reading=None, problem=found)
    return replace(file, unit=unit, reading=found, problem="")


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


def _far(metres: np.ndarray | None, name: str) -> tuple[str, ...]:
    if metres is None or not metres.any():
        return ()
    far = float((metres > FARTHEST).sum() / (metres > 0).sum())
    if far <= 0.001:
        return ()
    return (
        f"{far:.0%} of {name} is beyond {FARTHEST:.0f} m, farther than the training data; the errors "
        "per range leave it out.",
    )


def _check_aspect(shape: tuple[int, ...], size: tuple[int, ...], name: str) -> None:
    ratio = (shape[1] / shape[0]) / (size[1] / size[0])
    if abs(ratio - 1) > _ASPECT_TOLERANCE:
        raise MediaError(
            f"{name} has {shape[1]} × {shape[0]} pixels, another aspect ratio than the photo: "
            "it belongs to another photo, or one of the two was cropped or rotated"
        )
