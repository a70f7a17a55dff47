"""Depth from a photo of a room: metres a pixel from both models, and how far off they are."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from regcls.inference.contract import Card
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs, reports
from regcls.tasks.pairs import SAMPLES, Pair

TASK = "depth"
EDGES = np.arange(0.0, 11.0)  # metres; the ranges that errors are shown in
FIELD_OF_VIEW = 63.0  # degrees across, of the camera that took the training photos
PREVIEW = 640  # pixels; the longer side of what is kept of a photo
TILE = 12  # pixels a side of the tiles that are resampled: neighbours err alike


@dataclass(frozen=True)
class Sample:
    """A photo that ships; ``key`` is its name in URLs."""

    key: str
    title: str
    file: str

    def read(self) -> bytes:
        return (SAMPLES / self.file).read_bytes()


SHIPPED_SAMPLES = (
    Sample("lobby", "A lobby", "lobby.jpg"),
    Sample("laboratory", "A laboratory", "machine_hall.jpg"),
    Sample("hall", "A hall", "hall.jpg"),
)


@dataclass(frozen=True)
class PhotoDepth:
    """What a photo gave. ``pixels`` uint8 (H, W, 3), at most ``PREVIEW`` a side; ``depth`` by
    model, float32 (h, w) in metres, of the photo's own aspect; ``focal`` in pixels of that map;
    ``milliseconds`` by model."""

    name: str
    pixels: np.ndarray
    depth: Mapping[str, np.ndarray]
    focal: float
    notes: tuple[str, ...]
    milliseconds: Mapping[str, float]


def load() -> Pair:
    """The depth pair. Raises ``ContractError`` with what to do."""
    return pairs.load(TASK)


def pair_report(pair: Pair) -> ErrorReport:
    """Errors of the shipped pair per metre of depth, on pixels drawn from its test photos."""
    return reports.held_out(pair, EDGES, clusters="frame")


def look(data: bytes, name: str, pair: Pair) -> PhotoDepth:
    """Decode and ask both models. Raises ``media.MediaError`` for what is no photo."""
    picture = images.read_image(data, name)
    size = (pair.reg.card.input["height"], pair.reg.card.input["width"])
    canvas, box = on_canvas(picture.pixels, size)
    found = pairs.answers(pair, canvas[None])
    shape = found["reg"][0].shape[1:]
    maps = {m: cut_back(_sized(value[0], shape), box, size) for m, (value, _) in found.items()}
    times = {m: 1000 * s.seconds_per_image for m, s in pairs.sessions(pair).items()}
    focal = shape[1] / 2 / np.tan(np.radians(FIELD_OF_VIEW / 2))
    return PhotoDepth(name, _preview(picture.pixels), maps, focal, picture.notes, times)


def on_canvas(
    pixels: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A photo fitted into the networks' input, uint8 (*size, 3), and its (top, left, height, width)
    there. What stays free is mirrored, so that the photo is never stretched."""
    high, wide = size
    scale = min(high / pixels.shape[0], wide / pixels.shape[1])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = np.asarray(
        Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    )
    top, left = (high - height) // 2, (wide - width) // 2
    margins = ((top, high - height - top), (left, wide - width - left), (0, 0))
    return np.pad(small, margins, mode="symmetric"), (top, left, height, width)


def cut_back(
    value: np.ndarray, box: tuple[int, int, int, int], size: tuple[int, int]
) -> np.ndarray:
    """The photo's part of an answer (h, w) for a canvas of ``size``."""
    down, across = value.shape[0] / size[0], value.shape[1] / size[1]
    top, left = round(box[0] * down), round(box[1] * across)
    height, width = max(1, round(box[2] * down)), max(1, round(box[3] * across))
    return value[top : top + height, left : left + width]


def shares(photo: PhotoDepth, card: Card) -> pd.DataFrame:
    """Share of pixels per range: columns low, high, model, share; "training" is a model as well."""
    counts = {m: np.histogram(np.clip(d, 0, 10), EDGES)[0] for m, d in photo.depth.items()}
    counts["training"] = reports.train_counts(card, EDGES)
    rows = [
        {"low": low, "high": high, "model": model, "share": share}
        for model, count in counts.items()
        for low, high, share in zip(EDGES[:-1], EDGES[1:], count / max(count.sum(), 1), strict=True)
    ]
    return pd.DataFrame(rows)


def point_cloud(photo: PhotoDepth, model: str, field_of_view: float, most: int = 20_000) -> pd.DataFrame:
    """Points in space, columns x, y, z in metres (right, up, away) and colour "rgb(r,g,b)"."""
    z = photo.depth[model]
    step = max(1, int(np.ceil(np.sqrt(z.size / most))))
    v, u = (grid[::step, ::step].ravel() for grid in np.indices(z.shape))
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
    """A model's depth at the size of ``photo.pixels``, float32 metres, bilinear."""
    return _sized(photo.depth[model], photo.pixels.shape[:2])


def _sized(metres: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Metres (h, w) at another shape, bilinear."""
    if metres.shape == tuple(shape):
        return metres
    return np.asarray(Image.fromarray(metres).resize(shape[::-1], Image.Resampling.BILINEAR))


def png(pixels: np.ndarray) -> bytes:
    """An RGB array as a PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _preview(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    image.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS)
    return np.asarray(image)
