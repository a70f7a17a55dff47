"""Depth from a photo of a room: metres a pixel from both models, and how far off they are."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from regcls.inference import session
from regcls.inference.contract import Card
from regcls.io import images
from regcls.stats.errors import ErrorReport
from regcls.tasks import pairs
from regcls.tasks.depth import ground_truth
from regcls.tasks.pairs import SAMPLES

TASK = "depth"
EDGES = np.arange(0.0, 11.0)  # metres; the ranges that errors are shown in
FIELD_OF_VIEW = 63.0  # degrees across, of the camera that took the training photos
PREVIEW = 640  # pixels; the longer side of what is kept of a photo
TILE = 12  # pixels a side of the tiles that are resampled: neighbours err alike

# NYUD2-DIR's shots over 0.1 m buckets (Yang et al., ICML 2021); all others are few.
_MANY = {*range(9, 46), 47, 49}
_MEDIUM = {7, 8, 46, 48, *range(50, 57), 58, 60, 61, 63}
BUCKET = 0.1  # metres
# Their limits for shots, as shares of all training pixels (26 and 10 million of 878 million).
MANY_SHARE, FEW_SHARE = 2.6e7 / 8.78e8, 1.0e7 / 8.78e8


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


def load() -> session.Pair:
    """The depth pair. Raises ``ContractError`` with what to do."""
    return pairs.load(TASK)


def pair_report(pair: session.Pair) -> ErrorReport:
    """Errors of the shipped pair per metre of depth, on pixels drawn from its test photos."""
    return pairs.held_out(pair, EDGES, clusters="frame")


def look(data: bytes, name: str, pair: session.Pair) -> PhotoDepth:
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


def metrics(truth: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    """RMSE, MAE (metres), AbsRel, log10 and δ1 to δ3 of depths in metres, all above 0.

    As Eigen, Puhrsch, Fergus (NIPS 2014) define them. Raises ``ValueError`` where none is known.
    """
    if not len(truth):
        raise ValueError("there is no known depth to compare with")
    sums = metric_columns(truth, answer).mean(axis=1)
    return dict(zip(METRICS, [np.sqrt(sums[0]), *sums[1:]], strict=True))


METRICS = ("rmse", "mae", "abs_rel", "log10", "delta1", "delta2", "delta3")


def metric_columns(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """(7, n): what each pixel adds to the means behind ``METRICS``; the first is squared."""
    truth, answer = (np.asarray(a, np.float64) for a in (truth, answer))
    error = np.abs(answer - truth)
    ratio = np.maximum(answer / truth, truth / answer)
    close = [ratio < 1.25**power for power in (1, 2, 3)]
    return np.stack([error**2, error, error / truth, np.abs(np.log10(answer / truth)), *close])


def nyud2_dir_shots(metres: np.ndarray) -> np.ndarray:
    """ "many", "medium" or "few" for each depth, by the bucket lists of NYUD2-DIR."""
    bucket = np.minimum((np.asarray(metres) / BUCKET).astype(int), 99)
    names = np.array(
        ["many" if b in _MANY else "medium" if b in _MEDIUM else "few" for b in range(100)]
    )
    return names[bucket]


def own_shots(counts: np.ndarray) -> np.ndarray:
    """Shots of our own buckets (K,) by their training pixels, with NYUD2-DIR's shares as limits."""
    share = np.asarray(counts) / np.sum(counts)
    return np.where(share > MANY_SHARE, "many", np.where(share < FEW_SHARE, "few", "medium"))


def shares(photo: PhotoDepth, card: Card) -> pd.DataFrame:
    """Share of pixels per range: columns low, high, model, share; "training" is a model as well."""
    counts = {m: np.histogram(np.clip(d, 0, 10), EDGES)[0] for m, d in photo.depth.items()}
    counts["training"] = pairs.train_counts(card, EDGES)
    rows = [
        {"low": low, "high": high, "model": model, "share": share}
        for model, count in counts.items()
        for low, high, share in zip(EDGES[:-1], EDGES[1:], count / max(count.sum(), 1), strict=True)
    ]
    return pd.DataFrame(rows)


def cloud(photo: PhotoDepth, model: str, field_of_view: float, most: int = 20_000) -> pd.DataFrame:
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


@dataclass
class Entry:
    """A photo of an album, and its true depth (h, w) in metres, 0 where unknown, if it is known."""

    photo: PhotoDepth
    truth: np.ndarray | None = None
    truth_notes: tuple[str, ...] = ()


@dataclass
class Album:
    """A visitor's photos, each looked at once and told apart by content; problems by file name."""

    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def add(self, data: bytes, name: str, pair: session.Pair) -> str | None:
        """Look at a photo unless it is here already; its key, or None with a new problem."""
        key = hashlib.sha256(data).hexdigest()
        if key not in self.entries:
            try:
                self.entries[key] = Entry(look(data, name, pair))
            except images.MediaError as error:
                self.problems.append((name, str(error)))
                return None
        return key

    def look_again(self, pair: session.Pair) -> None:
        """Ask all of a pair's models where other ones have answered, on the copies that are kept."""
        for entry in self.entries.values():
            photo = entry.photo
            if set(photo.depth) != set(pairs.sessions(pair)):
                again = look(png(photo.pixels), photo.name, pair)
                entry.photo = replace(again, notes=photo.notes, pixels=photo.pixels)

    def add_truth(self, key: str, data: bytes, name: str) -> bool:
        """Give a photo its true depth; whether it could be used (else there is a new problem)."""
        entry = self.entries[key]
        try:
            truth, notes = ground_truth.read(data, name, entry.photo.pixels.shape[:2])
            truth = ground_truth.resized(truth, next(iter(entry.photo.depth.values())).shape)
            if not truth.any():
                raise images.MediaError(
                    f"{name} knows the depth of too few pixels: none is left at the size of the "
                    "maps. Give a denser one."
                )
        except images.MediaError as error:
            self.problems.append((name, str(error)))
            return False
        self.entries[key] = replace(entry, truth=truth, truth_notes=notes)
        return True

    def report(self, card: Card) -> ErrorReport | None:
        """Errors over all photos whose true depth is known, in the ranges of ``pair_report``."""
        known = [entry for entry in self.entries.values() if entry.truth is not None]
        return own_report(known, card) if known else None


def own_report(entries: Iterable[Entry], card: Card) -> ErrorReport:
    """Errors of photos with true depth. Intervals resample tiles, since neighbours err alike."""
    entries = list(entries)
    models = pairs.common(entry.photo.depth for entry in entries)
    truths, clusters, answers, start = [], [], {model: [] for model in models}, 0
    for entry in entries:
        known = entry.truth > 0
        truths.append(entry.truth[known])
        v, u = np.nonzero(known)
        across = -(-known.shape[1] // TILE)
        clusters.append(start + v // TILE * across + u // TILE)
        start = clusters[-1].max() + 1
        for model in models:
            answers[model].append(entry.photo.depth[model][known])
    return ErrorReport.from_predictions(
        np.concatenate(truths),
        {model: np.concatenate(parts) for model, parts in answers.items()},
        EDGES,
        train_counts=pairs.train_counts(card, EDGES),
        clusters=np.concatenate(clusters),
    )


def own_metrics(entry: Entry) -> pd.DataFrame:
    """A row a model with ``metrics`` of a photo whose true depth is known."""
    known = entry.truth > 0
    truth = entry.truth[known]
    rows = [{"model": m} | metrics(truth, d[known]) for m, d in entry.photo.depth.items()]
    return pd.DataFrame(rows).round(3)


def row(name: str, photo: PhotoDepth) -> dict:
    """One photo as a flat, JSON-able record; depths in metres."""
    record: dict = {"photo": name}
    for model, metres in photo.depth.items():
        low, middle, high = np.quantile(metres, [0.05, 0.5, 0.95])
        record |= {f"{model} median": round(float(middle), 2)}
        record |= {
            f"{model} nearest": round(float(low), 2),
            f"{model} farthest": round(float(high), 2),
        }
    gap = np.abs(photo.depth["reg"] - photo.depth["reg+cls"]).mean()
    return record | {"mean difference": round(float(gap), 2)}


def predict_files(paths: Iterable[str | Path]) -> list[dict]:
    """For the command line: a record a photo, or one with ``problem`` for a file that is none.

    Raises ``ContractError`` when there is no pair to ask.
    """
    pair, records = load(), []
    for path in map(Path, paths):
        try:
            records.append(row(str(path), look(images.read_file(path), path.name, pair)))
        except images.MediaError as error:
            records.append({"photo": str(path), "problem": str(error)})
    return records


def png(pixels: np.ndarray) -> bytes:
    """An RGB array as a PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _preview(pixels: np.ndarray) -> np.ndarray:
    image = Image.fromarray(pixels)
    image.thumbnail((PREVIEW, PREVIEW), Image.Resampling.LANCZOS)
    return np.asarray(image)
