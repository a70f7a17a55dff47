"""Predictions for faces as records and tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from regcls.io import images
from regcls.tasks.age.predict import FaceAges, load, look
from regcls.tasks.pairs import MODELS


def row(name: str, number: int, face: FaceAges, found: bool, truth: float | None) -> dict:
    """One face as a flat, JSON-able record; what is not known is None."""
    record: dict = {"photo": name, "face": number if found else "centre crop"}
    for model, answer in face.estimates.items():
        record |= {f"{model} age": _rounded(answer.age)}
        record |= {f"{model} low": _rounded(answer.low), f"{model} high": _rounded(answer.high)}
    record["true age"] = truth
    for model, answer in face.estimates.items():
        error = None if truth is None else _rounded(answer.age - truth)
        record[f"{model} error"] = error
    return record


def table(rows: list[dict]) -> pd.DataFrame:
    """Records of ``row`` as a table whose columns stay when there are none."""
    columns = ["photo", "face"] + [f"{m} {part}" for m in MODELS for part in ("age", "low", "high")]
    columns += ["true age", *(f"{m} error" for m in MODELS)]
    more = dict.fromkeys(name for row in rows for name in row)  # of models that somebody brought
    frame = pd.DataFrame(rows, columns=list(dict.fromkeys([*columns, *more])))
    return frame.astype({"face": str})  # a number, or words where there is none


def predict_files(paths: Iterable[str | Path]) -> list[dict]:
    """For the command line: a record a face, or one with ``problem`` for a file that is no photo.

    Raises ``ContractError`` when there is no pair to ask.
    """
    pair = load()
    records: list[dict] = []
    for path in map(Path, paths):
        try:
            photo = look(images.read_file(path), path.name, pair)
        except images.MediaError as error:
            records.append({"photo": str(path), "problem": str(error)})
        else:
            records += [
                row(str(path), number, face, photo.found, None)
                for number, face in enumerate(photo.faces, start=1)
            ]
    return records


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 2)
