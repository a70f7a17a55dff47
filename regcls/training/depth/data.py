"""Rooms with depth → arrays: the NYU Depth v2 zip, and the layout of NYUD2-DIR."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from regcls.training.age.data import open_source

SIZE = (240, 320)  # height, width in pixels
BLOCKS, BLOCK = 6, 14  # validation: six runs of fourteen neighbouring frames of train
MM = 1000.0
# NYUD2-DIR stores train depth as uint8, 255 for 10 m, and test depth as uint16 in mm (Yang et al.
# 2021, and the dense-depth code that it follows).
BYTE_METRES = 10.0 / 255.0


@dataclass(frozen=True)
class Rooms:
    """One split: ``images`` uint8 (N, 240, 320, 3) RGB, ``depth`` uint16 (N, 240, 320) in mm, 0
    where unknown."""

    images: np.ndarray
    depth: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, take) -> Rooms:
        return Rooms(self.images[take], self.depth[take])


def load_rooms(source: str | Path) -> dict[str, Rooms]:
    """Read a depth data set, a zip or a folder, into train, val and test.

    With an ``index.csv`` (index, split): ``rgb/NNNN.jpg`` and ``depth/NNNN.png`` (uint16 mm). With
    NYUD2-DIR's ``nyu2_train.csv`` and ``nyu2_test.csv`` (no header; photo, depth map): those pairs.
    Val is cut from train in contiguous blocks, since neighbours show the same room. Raises
    ``ValueError`` for a source that is neither.
    """
    read, names = open_source(Path(source), "rooms with depth")
    if "index.csv" in names:
        pairs = _indexed(pd.read_csv(io.BytesIO(read("index.csv"))))
    elif found := [n for n in names if Path(n).name in ("nyu2_train.csv", "nyu2_test.csv")]:
        pairs = {Path(n).stem[5:]: _listed(read(n), n, names) for n in found}
    else:
        raise ValueError(f"{source} has neither index.csv nor nyu2_train.csv and nyu2_test.csv")
    rooms = {split: _decode(rows, read) for split, rows in pairs.items()}
    if set(rooms) != {"train", "test"}:
        raise ValueError(f"{source} must have the splits train and test, and has {sorted(rooms)}")
    val = validation(len(rooms["train"]))
    return {"train": rooms["train"][~val], "val": rooms["train"][val], "test": rooms["test"]}


def validation(n: int) -> np.ndarray:
    """Which (n,) of the training frames, in order, validate: evenly spread contiguous blocks."""
    block = min(BLOCK, max(1, n // (4 * BLOCKS)))
    mask = np.zeros(n, bool)
    for start in np.linspace(0, n - block, BLOCKS + 2).astype(int)[1:-1]:
        mask[start : start + block] = True
    return mask


def _indexed(table: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    missing = [c for c in ("index", "split") if c not in table]
    if missing:
        raise ValueError(f"the index lacks the column {missing[0]!r}; it needs index and split")
    return {
        str(split): [(f"rgb/{i:04d}.jpg", f"depth/{i:04d}.png") for i in sorted(rows["index"])]
        for split, rows in table.groupby("split")
    }


def _listed(data: bytes, name: str, names: list[str]) -> list[tuple[str, str]]:
    table = pd.read_csv(io.BytesIO(data), header=None, dtype=str)
    if table.shape[1] != 2:
        raise ValueError(f"{name} must have two columns, photo and depth map")
    # The lists say data/nyu2_train/…, wherever the folder really lies.
    known = set(names)
    return [tuple(_found(cell, known, name) for cell in row) for row in table.to_numpy()]


def _found(path: str, known: set[str], table: str) -> str:
    parts = path.split("/")
    for start in range(len(parts)):
        if (inside := "/".join(parts[start:])) in known:
            return inside
    raise ValueError(f"{table} names {path}, which is not there")


def _decode(pairs: list[tuple[str, str]], read) -> Rooms:
    images = np.empty((len(pairs), *SIZE, 3), np.uint8)
    depth = np.empty((len(pairs), *SIZE), np.uint16)
    for i, (photo, truth) in enumerate(pairs):
        with Image.open(io.BytesIO(read(photo))) as image:
            small = image.convert("RGB").resize(SIZE[::-1], Image.Resampling.LANCZOS)
        images[i], depth[i] = small, _millimetres(read(truth))
    return Rooms(images, depth)


def _millimetres(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        stored = np.asarray(image)
        if stored.shape != SIZE:  # nearest: means across an edge would be depths of nothing
            stored = np.asarray(image.resize(SIZE[::-1], Image.Resampling.NEAREST))
    if stored.ndim != 2:
        raise ValueError("a depth map must be one channel, 8 or 16 bits a pixel")
    if stored.dtype == np.uint8:
        return np.rint(stored * (BYTE_METRES * MM)).astype(np.uint16)
    return stored.astype(np.uint16)
