"""Depth from photos of rooms: depth maps of all models, and their errors."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from regcls.inference.contract import Card
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.tasks import samples as stored_samples
from regcls.tasks.pairs import SAMPLES, Pair

TASK = "depth"
EDGES = np.arange(0.0, 11.0)  # metres; the ranges in which errors are shown
FIELD_OF_VIEW = 63.0  # horizontal, in degrees, of the camera that took the training photos
PREVIEW = 640  # pixels; the longer side of the copy of a photo that is kept

Box = tuple[int, int, int, int]  # top, left, height, width


@dataclass(frozen=True)
class Sample:
    """A photo that is shipped as an example.

    Attributes
    ----------
    key : str
        Name in addresses.
    title : str
        Name that is shown.
    file : str
        Name of the file.
    """

    key: str
    title: str
    file: str

    def read(self) -> bytes:
        """Return the content of the file."""
        return (SAMPLES / self.file).read_bytes()


SHIPPED_SAMPLES = (
    Sample("lobby", "A lobby", "lobby.jpg"),
    Sample("laboratory", "A laboratory", "machine_hall.jpg"),
    Sample("hall", "A hall", "hall.jpg"),
)
FIRST_SAMPLE = SHIPPED_SAMPLES[0]  # the page opens with it
_STORED_STEPS = 5000  # per metre, of stored maps


@dataclass(frozen=True)
class PhotoDepth:
    """All predictions for one photo.

    Attributes
    ----------
    name : str
        Name of the photo.
    pixels : ndarray of uint8, shape (H, W, 3)
        A copy of the photo of at most `PREVIEW` pixels per side.
    depth : mapping of str to ndarray of float32, shape (h, w)
        Depth map in metres, by model. It has the aspect ratio of the photo.
    focal : float
        Focal length in pixels of the map, for the camera of the training photos.
    notes : tuple of str
        What was changed when the photo was read, as sentences.
    milliseconds : mapping of str to float
        Inference time, by model.
    """

    name: str
    pixels: np.ndarray
    depth: Mapping[str, np.ndarray]
    focal: float
    notes: tuple[str, ...]
    milliseconds: Mapping[str, float]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the maps, in pixels."""
        height, width = self.depth["reg"].shape
        return height, width


def load() -> Pair:
    """Load the depth pair; see `regcls.tasks.pairs.load`."""
    return pairs.load(TASK)


def pair_report(pair: Pair) -> ErrorReport:
    """Return the test errors of a pair per metre of depth, on pixels drawn from the test photos.

    Parameters
    ----------
    pair : Pair
        The pair.

    Returns
    -------
    ErrorReport
        Errors in metres; intervals resample photos.
    """
    return reports.held_out(pair, EDGES, clusters="frame")


def readout_table(pair: Pair) -> pd.DataFrame:
    """Return the test errors of all read-outs of a pair.

    Parameters
    ----------
    pair : Pair
        The pair.

    Returns
    -------
    DataFrame
        See `regcls.tasks.reports.held_out_readouts`; errors in metres.
    """
    return reports.held_out_readouts(pair, EDGES, clusters="frame")


def predict_photo(data: bytes, name: str, pair: Pair) -> PhotoDepth:
    """Predict the depth map of a photo with all models.

    Parameters
    ----------
    data : bytes
        Content of the file.
    name : str
        Name of the photo.
    pair : Pair
        The models.

    Returns
    -------
    PhotoDepth
        The predictions.

    Raises
    ------
    MediaError
        If the file is not a photo that can be read.
    """
    picture = images.read_image(data, name)
    size = pair.input_size
    canvas, box = on_canvas(picture.pixels, size)
    outputs = pairs.predict(pair, canvas[None])
    _, height, width = outputs["reg"][0].shape
    shape = (height, width)
    maps = {
        m: cut_back(_resized(value[0], shape), box, size)
        for m, value in pairs.best(pair, outputs).items()
    }
    milliseconds = {m: 1000 * s.seconds_per_image for m, s in pairs.sessions(pair).items()}
    preview = _preview(picture.pixels)
    return PhotoDepth(name, preview, maps, _focal(width), picture.notes, milliseconds)


def _focal(width: int) -> float:
    """Return the focal length of the training camera for a map of this width, in pixels."""
    return float(width / 2 / np.tan(np.radians(FIELD_OF_VIEW / 2)))


def first_sample(pair: Pair) -> PhotoDepth | None:
    """Return the predictions for `FIRST_SAMPLE` that are stored with the app.

    Parameters
    ----------
    pair : Pair
        The models.

    Returns
    -------
    PhotoDepth or None
        The predictions, without inference times; None if they are not those of these models.
    """
    data = FIRST_SAMPLE.read()
    kept = stored_samples.stored(TASK, data, pair)
    if kept is None:
        return None
    picture = images.read_image(data, FIRST_SAMPLE.title)
    maps = {m: (kept[key] / np.float32(_STORED_STEPS)) for m, key in pairs.KEYS.items()}
    times = dict.fromkeys(maps, np.nan)
    focal = float(kept["focal"])
    pixels = _preview(picture.pixels)
    return PhotoDepth(FIRST_SAMPLE.title, pixels, maps, focal, picture.notes, times)


def store_sample(pair: Pair) -> Path:
    """Store the predictions for `FIRST_SAMPLE` with the app, rounded to 0.2 mm.

    Parameters
    ----------
    pair : Pair
        The shipped models.

    Returns
    -------
    Path
        The file.
    """
    data = FIRST_SAMPLE.read()
    photo = predict_photo(data, FIRST_SAMPLE.title, pair)
    maps = {
        key: np.rint(_STORED_STEPS * photo.depth[m]).astype(np.uint16)
        for m, key in pairs.KEYS.items()
    }
    return stored_samples.store(TASK, data, pair, maps | {"focal": np.array(photo.focal)})


def on_canvas(pixels: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, Box]:
    """Fit a photo into the networks' input without changing its aspect ratio.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        RGB photo.
    size : tuple of int
        Height and width of the input.

    Returns
    -------
    canvas : ndarray of uint8, shape (*size, 3)
        The photo in the middle; the margins mirror it.
    box : tuple of int
        Top, left, height and width of the photo on the canvas.

    Examples
    --------
    >>> canvas, box = on_canvas(np.zeros((100, 400, 3), np.uint8), (240, 320))
    >>> canvas.shape, box
    ((240, 320, 3), (80, 0, 80, 320))
    """
    high, wide = size
    scale = min(high / pixels.shape[0], wide / pixels.shape[1])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = np.asarray(
        Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    )
    top, left = (high - height) // 2, (wide - width) // 2
    margins = ((top, high - height - top), (left, wide - width - left), (0, 0))
    return np.pad(small, margins, mode="symmetric"), (top, left, height, width)


def cut_back(value: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Return the photo's part of a map that was predicted for a canvas.

    Parameters
    ----------
    value : ndarray, shape (h, w)
        Map for the whole canvas.
    box : tuple of int
        Top, left, height and width of the photo on the canvas.
    size : tuple of int
        Height and width of the canvas.

    Returns
    -------
    ndarray
        The part of ``value`` within the box.
    """
    down, across = value.shape[0] / size[0], value.shape[1] / size[1]
    top, left = round(box[0] * down), round(box[1] * across)
    height, width = max(1, round(box[2] * down)), max(1, round(box[3] * across))
    return value[top : top + height, left : left + width]


def pixel_shares(photo: PhotoDepth, card: Card) -> pd.DataFrame:
    """Return the share of the pixels in each depth range.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.
    card : Card
        Card of a shipped model, for the training data.

    Returns
    -------
    DataFrame
        Columns ``low``, ``high`` (metres), ``model`` and ``share``, one row per range and model;
        ``model`` is "training" for the training data.
    """
    counts = {m: np.histogram(np.clip(d, 0, 10), EDGES)[0] for m, d in photo.depth.items()}
    counts["training"] = reports.train_counts(card, EDGES)
    rows = [
        {"low": low, "high": high, "model": model, "share": share}
        for model, count in counts.items()
        for low, high, share in zip(EDGES[:-1], EDGES[1:], count / max(count.sum(), 1), strict=True)
    ]
    return pd.DataFrame(rows)


def point_cloud(
    photo: PhotoDepth, model: str, field_of_view: float, most: int = 20_000
) -> pd.DataFrame:
    """Return a depth map as points in space.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.
    model : str
        Name of the model.
    field_of_view : float
        Horizontal field of view of the camera, in degrees.
    most : int, default 20000
        Approximate largest number of points; a larger map is thinned.

    Returns
    -------
    DataFrame
        Columns ``x``, ``y``, ``z``: metres to the right, up and away from the camera; ``colour``:
        "rgb(r,g,b)".
    """
    z = photo.depth[model]
    step = max(1, int(np.ceil(np.sqrt(z.size / most))))
    v, u = np.indices(z.shape)[:, ::step, ::step].reshape(2, -1)
    focal = photo.focal * np.tan(np.radians(FIELD_OF_VIEW / 2))
    focal /= np.tan(np.radians(field_of_view / 2))
    away = z[v, u]
    colours = np.asarray(Image.fromarray(photo.pixels).resize(z.shape[::-1]))[v, u]
    return pd.DataFrame(
        {
            "x": (u + 0.5 - z.shape[1] / 2) / focal * away,
            "y": -(v + 0.5 - z.shape[0] / 2) / focal * away,
            "z": away,
            "colour": [f"rgb({r},{g},{b})" for r, g, b in colours],
        }
    )


def enlarged(photo: PhotoDepth, model: str) -> np.ndarray:
    """Return a depth map at the size of the kept photo.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.
    model : str
        Name of the model.

    Returns
    -------
    ndarray of float32, shape (H, W)
        Depth in metres, interpolated bilinearly.
    """
    height, width, _ = photo.pixels.shape
    return _resized(photo.depth[model], (height, width))


def png(pixels: np.ndarray) -> bytes:
    """Encode an image as PNG.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        RGB image.

    Returns
    -------
    bytes
        Content of the file.
    """
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def jpeg(pixels: np.ndarray, quality: int = 90) -> bytes:
    """Encode an image as JPEG, which a browser gets sooner than a PNG.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (H, W, 3)
        RGB image.
    quality : int, default 90
        Quality, 0 to 100.

    Returns
    -------
    bytes
        Content of the file.
    """
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def _resized(metres: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize a map (h, w), bilinear."""
    if metres.shape == shape:
        return metres
    return np.asarray(Image.fromarray(metres).resize(shape[::-1], Image.Resampling.BILINEAR))


def _preview(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    image.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS)
    return np.asarray(image)
