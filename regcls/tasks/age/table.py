"""Predictions for faces as records and tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls.inference.readouts import LABELS
from regcls.io import images
from regcls.tasks.age import predict
from regcls.tasks.age.predict import FaceAges
from regcls.tasks.pairs import MODELS, Pair


def row(name: str, number: int, face: FaceAges, found: bool, truth: float | None) -> dict[str, Any]:
    """Return the predictions for one face as a flat record that can be written as JSON.

    Parameters
    ----------
    name : str
        Name of the photo.
    number : int
        Number of the face; 1 is the largest.
    face : FaceAges
        Its predictions.
    found : bool
        Whether the face was detected; otherwise it is the centre crop.
    truth : float or None
        True age in years.

    Returns
    -------
    dict
        Predicted age, interval and error per model; None where unknown.
    """
    record: dict[str, Any] = {"photo": name, "face": number if found else "centre crop"}
    for model, estimate in face.estimates.items():
        record[f"{model} age"] = _rounded(estimate.age)
        record[f"{model} low"] = _rounded(estimate.interval.low)
        record[f"{model} high"] = _rounded(estimate.interval.high)
        record |= _other_readouts(model, face)
    record["true age"] = truth
    for model, estimate in face.estimates.items():
        error = None if truth is None else _rounded(estimate.age - truth)
        record[f"{model} error"] = error
    return record


def table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return records as a table.

    Parameters
    ----------
    rows : list of dict
        Records of `row`.

    Returns
    -------
    DataFrame
        One row per record; the columns of the shipped models exist even without records.
    """
    columns = ["photo", "face"] + [f"{m} {part}" for m in MODELS for part in ("age", "low", "high")]
    columns += ["true age", *(f"{m} error" for m in MODELS)]
    of_own_models = dict.fromkeys(name for row in rows for name in row)
    frame = pd.DataFrame(rows, columns=list(dict.fromkeys([*columns, *of_own_models])))
    return frame.astype({"face": str})  # the column mixes numbers and words


def predict_files(paths: Iterable[str | Path], pair: Pair) -> list[dict[str, Any]]:
    """Predict the ages of all faces in photo files.

    Parameters
    ----------
    paths : iterable of path-like
        Photos.
    pair : Pair
        The models.

    Returns
    -------
    list of dict
        One record per face; a file that cannot be read gives a record with a ``problem``.
    """
    records: list[dict[str, Any]] = []
    for path in map(Path, paths):
        try:
            photo = predict.predict_photo(images.read_file(path), path.name, pair)
        except images.MediaError as error:
            records.append({"photo": str(path), "problem": error.sentence})
        else:
            records += [
                row(str(path), number, face, photo.found, None)
                for number, face in enumerate(photo.faces, start=1)
            ]
    return records


def _other_readouts(model: str, face: FaceAges) -> dict[str, float | None]:
    """Return the ages of all read-outs of a model, if there is more than one."""
    found = face.readouts[model]
    if len(found) == 1:
        return {}
    return {f"{model} age, {LABELS[name]}": _rounded(one.age) for name, one in found.items()}


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 2)
