"""Predictions for rooms as records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from regcls.io import images
from regcls.tasks.depth.predict import PhotoDepth, load, look


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
