"""Face data sets with ages → arrays: the UTKFace zip, a UTKFace folder, IMDB-WIKI-DIR and AgeDB-DIR CSVs."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

SPLITS = ("train", "val", "test")
_UTK_NAME = re.compile(r"^(\d{1,3})_\d_\d_\d+.*\.(jpg|jpeg|png)$", re.IGNORECASE)


@dataclass(frozen=True)
class Faces:
    """One split: ``images`` uint8 (N, side, side, 3) RGB and ``ages`` float32 (N,) in years."""

    images: np.ndarray
    ages: np.ndarray

    def __len__(self) -> int:
        return len(self.ages)


def load_faces(
    source: str | Path, side: int = 128, csv: str | Path | None = None, seed: int = 0
) -> dict[str, Faces]:
    """Read a face data set into one ``Faces`` per split.

    ``source`` is a zip or a folder. With an ``index.csv`` inside (columns file, age, split), or a
    ``csv`` given (IMDB-WIKI-DIR and AgeDB-DIR: columns age, path, split), that table rules; else
    the files are named as UTKFace names them (``age_gender_race_date.jpg``) and split 80/10/10
    at random from ``seed``. Raises ``ValueError`` for a source that is none of these.
    """
    source = Path(source)
    read, names = open_source(source, "face photos")
    table = _table(source, read, names, csv, seed)
    unknown = sorted(set(table["split"]) - set(SPLITS))
    if unknown:
        raise ValueError(f"split must be one of {SPLITS}, but the index also says {unknown[:3]}")
    return {name: _decode(table[table["split"] == name], read, side) for name in SPLITS}


def open_source(source: Path, what: str) -> tuple[Callable[[str], bytes], list[str]]:
    """A function that reads a file of a folder or a zip, and the names of all of them."""
    if source.is_dir():
        names = [str(p.relative_to(source)) for p in source.rglob("*") if p.is_file()]
        return (lambda name: (source / name).read_bytes()), sorted(names)
    if source.is_file() and zipfile.is_zipfile(source):
        archive = zipfile.ZipFile(source)
        return archive.read, sorted(archive.namelist())
    raise ValueError(f"{source} is neither a folder nor a zip file of {what}")


def _table(source: Path, read, names: list[str], csv, seed: int) -> pd.DataFrame:
    if csv is not None:
        return _checked(pd.read_csv(csv))
    if "index.csv" in names:
        table = _checked(pd.read_csv(io.BytesIO(read("index.csv"))))
        if "img/" + table["file"].iloc[0] in names:
            table["file"] = "img/" + table["file"]
        return table
    named = [(n, int(m[1])) for n in names if (m := _UTK_NAME.match(Path(n).name))]
    if not named:
        raise ValueError(
            f"{source} has no index.csv and no file named like UTKFace's age_gender_race_date.jpg"
        )
    split = np.random.default_rng(seed).choice(SPLITS, size=len(named), p=[0.8, 0.1, 0.1])
    return pd.DataFrame(
        {"file": [n for n, _ in named], "age": [a for _, a in named], "split": split}
    )


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    table = table.rename(columns={"path": "file"})
    missing = [c for c in ("file", "age", "split") if c not in table]
    if missing:
        raise ValueError(
            f"the index lacks the column {missing[0]!r}; it needs age, split and file (or path)"
        )
    return table.astype({"file": str, "age": "float32", "split": str})


def _decode(table: pd.DataFrame, read, side: int) -> Faces:
    images = np.empty((len(table), side, side, 3), np.uint8)
    for i, name in enumerate(table["file"]):
        with Image.open(io.BytesIO(read(name))) as photo:
            images[i] = photo.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    return Faces(images, table["age"].to_numpy(np.float32))
