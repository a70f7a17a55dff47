"""Predictions for photos of rooms as records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from regcls.io import images
from regcls.tasks.depth import predict
from regcls.tasks.depth.predict import PhotoDepth
from regcls.tasks.pairs import Pair


def row(name: str, photo: PhotoDepth) -> dict[str, Any]:
    """Return the predictions for one photo as a flat record that can be written as JSON.

    Parameters
    ----------
    name : str
        Name of the photo.
    photo : PhotoDepth
        Its predictions.

    Returns
    -------
    dict
        Median, nearest (5 % quantile) and farthest (95 %) depth per model, and the mean absolute
        difference between the shipped models, in metres.
    """
    record: dict[str, Any] = {"photo": name}
    for model, metres in photo.depth.items():
        low, middle, high = np.quantile(metres, [0.05, 0.5, 0.95])
        record[f"{model} median"] = round(float(middle), 2)
        record[f"{model} nearest"] = round(float(low), 2)
        record[f"{model} farthest"] = round(float(high), 2)
    gap = np.abs(photo.depth["reg"] - photo.depth["reg+cls"]).mean()
    return record | {"mean difference": round(float(gap), 2)}


def predict_files(paths: Iterable[str | Path], pair: Pair) -> list[dict[str, Any]]:
    """Predict the depth maps of photo files.

    Parameters
    ----------
    paths : iterable of path-like
        Photos.
    pair : Pair
        The models.

    Returns
    -------
    list of dict
        One record per photo; a file that cannot be read gives a record with a ``problem``.
    """
    records: list[dict[str, Any]] = []
    for path in map(Path, paths):
        try:
            photo = predict.predict_photo(images.read_file(path), path.name, pair)
        except images.MediaError as error:
            records.append({"photo": str(path), "problem": error.sentence})
        else:
            records.append(row(str(path), photo))
    return records
