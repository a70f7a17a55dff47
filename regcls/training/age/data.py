"""Data sets of faces with ages: UTKFace (zip or folder), IMDB-WIKI-DIR and AgeDB-DIR."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from regcls.exceptions import UserError
from regcls.training.sources import SPLITS, Reader, check_columns, open_source

_UTK_NAME = re.compile(r"^(\d{1,3})_\d_\d_\d+.*\.(jpg|jpeg|png)$", re.IGNORECASE)


@dataclass(frozen=True)
class Faces:
    """One split of a data set.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, side, side, 3)
        RGB photos.
    ages : ndarray of float32, shape (N,)
        Ages in years.
    """

    images: np.ndarray
    ages: np.ndarray

    def __len__(self) -> int:
        return len(self.ages)

    def __getitem__(self, take: np.ndarray) -> Faces:
        return Faces(self.images[take], self.ages[take])


def load_faces(
    source: str | Path, side: int = 128, csv: str | Path | None = None, seed: int = 0
) -> dict[str, Faces]:
    """Read a data set of faces.

    The index is ``csv`` if given, else ``index.csv`` in the source. Without an index, ages are read
    from names as in UTKFace (``age_gender_race_date.jpg``), and the files are split 80/10/10.

    Parameters
    ----------
    source : path-like
        Zip file or folder.
    side : int, default 128
        Side that the photos are resized to, in pixels.
    csv : path-like, optional
        Index with the columns age, split and file (or path), as of IMDB-WIKI-DIR and AgeDB-DIR.
    seed : int, default 0
        Seed of the random split.

    Returns
    -------
    dict of str to Faces
        Splits train, val and test.

    Raises
    ------
    UserError
        If the source cannot be read or the index is not valid.
    """
    source = Path(source)
    read, names = open_source(source, "face photos")
    index = _read_index(source, read, names, csv, seed)
    unknown = sorted(set(index["split"]) - set(SPLITS))
    if unknown:
        raise UserError(
            f"split must be one of {', '.join(SPLITS)}; the index also has {', '.join(unknown[:3])}"
        )
    return {name: _decode(index[index["split"] == name], read, side) for name in SPLITS}


def _read_index(
    source: Path, read: Reader, names: list[str], csv: str | Path | None, seed: int
) -> pd.DataFrame:
    if csv is not None:
        return _checked(pd.read_csv(csv))
    if "index.csv" in names:
        table = _checked(pd.read_csv(io.BytesIO(read("index.csv"))))
        if "img/" + table["file"].iloc[0] in names:
            table["file"] = "img/" + table["file"]
        return table
    named = [(n, int(m[1])) for n in names if (m := _UTK_NAME.match(Path(n).name))]
    if not named:
        raise UserError(
            f"{source} has no index.csv and no file named age_gender_race_date.jpg as in UTKFace"
        )
    split = np.random.default_rng(seed).choice(SPLITS, size=len(named), p=[0.8, 0.1, 0.1])
    return pd.DataFrame(
        {"file": [n for n, _ in named], "age": [a for _, a in named], "split": split}
    )


def _checked(table: pd.DataFrame) -> pd.DataFrame:
    table = table.rename(columns={"path": "file"})
    check_columns(table, "age", "split", "file")
    return table.astype({"file": str, "age": "float32", "split": str})


def _decode(table: pd.DataFrame, read: Reader, side: int) -> Faces:
    images = np.empty((len(table), side, side, 3), np.uint8)
    for i, name in enumerate(table["file"]):
        with Image.open(io.BytesIO(read(name))) as photo:
            small = photo.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        images[i] = np.asarray(small)
    return Faces(images, table["age"].to_numpy(np.float32))
