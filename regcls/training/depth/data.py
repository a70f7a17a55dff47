"""Data sets of rooms with depth: NYU Depth v2 with an index, and the layout of NYUD2-DIR."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from regcls.exceptions import UserError
from regcls.training.sources import Reader, check_columns, open_source

SIZE = (240, 320)  # height, width in pixels
BLOCKS, BLOCK = 6, 14  # validation split: six blocks of 14 consecutive training frames
MM = 1000.0  # millimetres per metre
# NYUD2-DIR stores training depth as uint8, 255 for 10 m, and test depth as uint16 in mm
# (Yang et al. 2021, after the code of DenseDepth).
BYTE_METRES = 10.0 / 255.0
NYUD2_DIR_LISTS = ("nyu2_train.csv", "nyu2_test.csv")


@dataclass(frozen=True)
class Rooms:
    """One split of a data set.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, 240, 320, 3)
        RGB photos.
    depth : ndarray of uint16, shape (N, 240, 320)
        Depth in millimetres, 0 where unknown.
    """

    images: np.ndarray
    depth: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, take: np.ndarray) -> Rooms:
        return Rooms(self.images[take], self.depth[take])


def load_rooms(source: str | Path) -> dict[str, Rooms]:
    """Read a data set of rooms with depth.

    With an ``index.csv`` (columns index, split), the files are ``rgb/NNNN.jpg`` and
    ``depth/NNNN.png`` (uint16 in mm). With NYUD2-DIR's ``nyu2_train.csv`` and ``nyu2_test.csv``
    (no header; photo, depth map), these lists name the files. The validation split consists of
    contiguous blocks of the training frames, since neighbouring frames show the same room.

    Parameters
    ----------
    source : path-like
        Zip file or folder.

    Returns
    -------
    dict of str to Rooms
        Splits train, val and test.

    Raises
    ------
    UserError
        If the source cannot be read or an index is not valid.
    """
    read, names = open_source(Path(source), "rooms with depth")
    if "index.csv" in names:
        files = _files_of_index(pd.read_csv(io.BytesIO(read("index.csv"))))
    elif found := [n for n in names if Path(n).name in NYUD2_DIR_LISTS]:
        files = {
            Path(n).stem.removeprefix("nyu2_"): _files_of_list(read(n), n, names) for n in found
        }
    else:
        raise UserError(f"{source} has neither index.csv nor {' and '.join(NYUD2_DIR_LISTS)}")
    rooms = {split: _decode(pairs, read) for split, pairs in files.items()}
    if set(rooms) != {"train", "test"}:
        raise UserError(f"{source} must have the splits train and test, not {sorted(rooms)}")
    val = validation(len(rooms["train"]))
    return {"train": rooms["train"][~val], "val": rooms["train"][val], "test": rooms["test"]}


def validation(n: int) -> np.ndarray:
    """Select the frames of the validation split.

    Parameters
    ----------
    n : int
        Number of training frames, in the order of recording.

    Returns
    -------
    ndarray of bool, shape (n,)
        True for validation: evenly spread contiguous blocks.
    """
    block = min(BLOCK, max(1, n // (4 * BLOCKS)))
    mask = np.zeros(n, bool)
    for start in np.linspace(0, n - block, BLOCKS + 2).astype(int)[1:-1]:
        mask[start : start + block] = True
    return mask


def _files_of_index(index: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
    check_columns(index, "index", "split")
    return {
        str(split): [(f"rgb/{i:04d}.jpg", f"depth/{i:04d}.png") for i in sorted(rows["index"])]
        for split, rows in index.groupby("split")
    }


def _files_of_list(data: bytes, name: str, names: list[str]) -> list[tuple[str, str]]:
    table = pd.read_csv(io.BytesIO(data), header=None, dtype=str)
    if table.shape[1] != 2:
        raise UserError(f"{name} must have two columns, photo and depth map")
    known = set(names)
    return [(_find(photo, known, name), _find(depth, known, name)) for photo, depth in table.values]


def _find(path: str, known: set[str], table: str) -> str:
    """Return the file of a path in a list, wherever the folder of the list is in the source."""
    parts = path.split("/")
    for start in range(len(parts)):
        if (inside := "/".join(parts[start:])) in known:
            return inside
    raise UserError(f"{table} names {path}, which is not in the data set")


def _decode(files: list[tuple[str, str]], read: Reader) -> Rooms:
    images = np.empty((len(files), *SIZE, 3), np.uint8)
    depth = np.empty((len(files), *SIZE), np.uint16)
    for i, (photo, truth) in enumerate(files):
        with Image.open(io.BytesIO(read(photo))) as image:
            small = image.convert("RGB").resize(SIZE[::-1], Image.Resampling.LANCZOS)
        images[i], depth[i] = np.asarray(small), _millimetres(read(truth))
    return Rooms(images, depth)


def _millimetres(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        stored = np.asarray(image)
        if stored.shape != SIZE:  # nearest: a mean across an edge is the depth of no surface
            stored = np.asarray(image.resize(SIZE[::-1], Image.Resampling.NEAREST))
    if stored.ndim != 2:
        raise UserError("a depth map must have one channel of 8 or 16 bits per pixel")
    if stored.dtype == np.uint8:
        return np.rint(stored * (BYTE_METRES * MM)).astype(np.uint16)
    return stored.astype(np.uint16)
