"""Predictions for videos as records and tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from regcls.io import images, video
from regcls.tasks.pairs import Pair
from regcls.tasks.progress.predict import BUDGET, HALF, Curve, curve, monotone, parts


def table(curve: Curve, whole: bool, smooth: bool = False) -> pd.DataFrame:
    """A row a frame: seconds and percent, with the truth of a ``whole`` activity."""
    columns = {"seconds": curve.seconds.round(3)}
    columns |= {f"{model} (%)": values.round(2) for model, values in curve.progress.items()}
    if smooth:
        fits = monotone(curve)
        columns |= {f"{model} monotone (%)": fit.round(2) for model, fit in fits.items()}
    if whole:
        columns["true (%)"] = curve.truth.round(2)
    return pd.DataFrame(columns)


def row(name: str, curve: Curve, whole: bool, smooth: bool = False) -> dict:
    """One video as a flat, JSON-able record, in percent and points; what is not known is None."""
    record: dict = {"video": name, "seconds": round(curve.end, 2), "frames": len(curve.seconds)}
    for model, values in curve.progress.items():
        record[f"{model} at the end"] = round(float(values[-1]), 1)
    fits = monotone(curve) if smooth and whole else {}
    for kind, values in (("mean error", curve.progress), ("monotone error", fits)):
        for model in curve.progress if kind == "mean error" or smooth else ():
            record[f"{model} {kind}"] = round(curve.error(values[model]), 2) if whole else None
    if whole:
        record["always 50 % error"] = round(curve.error(np.full(len(curve.seconds), HALF)), 2)
    return record


def predict_files(
    paths: Iterable[str | Path],
    pair: Pair,
    budget: int = BUDGET,
    whole: bool = True,
) -> list[dict]:
    """For the command line: a record a video with its curve, or one with ``problem`` for a file
    that is none. ``whole``: whether the videos show their activities from start to finish.

    Raises ``ContractError`` for a model that fails.
    """
    records: list[dict] = []
    for path in map(Path, paths):
        try:
            source = video.open_video(path, path.name)
            found = curve(source, list(parts(source, pair, budget)))
            if found is None:
                raise images.MediaError(f"{path.name} has no frame that can be read.")
        except images.MediaError as error:
            records.append({"video": str(path), "problem": str(error)})
        else:
            columns = table(found, whole).to_dict("list")
            records.append(row(str(path), found, whole) | {"curve": columns})
    return records
