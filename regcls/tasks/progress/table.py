"""Predictions for videos as records and tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls.io import video
from regcls.io.images import MediaError
from regcls.tasks.pairs import Pair
from regcls.tasks.progress import predict
from regcls.tasks.progress.predict import BUDGET, HALF, Curve


def table(curve: Curve, whole: bool, smooth: bool = False) -> pd.DataFrame:
    """Return a curve as a table.

    Parameters
    ----------
    curve : Curve
        Predictions for a video.
    whole : bool
        Whether the video shows the whole activity, so that the true progress is known.
    smooth : bool, default False
        Whether to add the monotone fits.

    Returns
    -------
    DataFrame
        One row per frame: time in seconds and progress in percent.
    """
    columns = {"seconds": curve.seconds.round(3)}
    columns |= {f"{model} (%)": values.round(2) for model, values in curve.progress.items()}
    if smooth:
        fits = predict.monotone_fit(curve)
        columns |= {f"{model} monotone (%)": fit.round(2) for model, fit in fits.items()}
    if whole:
        columns["true (%)"] = curve.truth.round(2)
    return pd.DataFrame(columns)


def row(name: str, curve: Curve, whole: bool, smooth: bool = False) -> dict[str, Any]:
    """Return the predictions for one video as a flat record that can be written as JSON.

    Parameters
    ----------
    name : str
        Name of the video.
    curve : Curve
        Its predictions.
    whole : bool
        Whether it shows the whole activity, so that the errors are known.
    smooth : bool, default False
        Whether to add the errors of the monotone fits.

    Returns
    -------
    dict
        Final progress in percent and errors in percentage points; None where unknown.
    """
    record: dict[str, Any] = {
        "video": name,
        "seconds": round(curve.end, 2),
        "frames": len(curve.seconds),
    }
    for model, values in curve.progress.items():
        record[f"{model} at the end"] = round(float(values[-1]), 1)
    kinds = {"mean error": curve.progress}
    if smooth:
        kinds["monotone error"] = predict.monotone_fit(curve) if whole else {}
    for kind, progress in kinds.items():
        for model in curve.progress:
            error = round(curve.error(progress[model]), 2) if whole else None
            record[f"{model} {kind}"] = error
    if whole:
        record["always 50% error"] = round(curve.error(np.full(len(curve.seconds), HALF)), 2)
    return record


def predict_files(
    paths: Iterable[str | Path],
    pair: Pair,
    budget: int = BUDGET,
    whole: bool = True,
) -> list[dict[str, Any]]:
    """Predict the progress in video files.

    Parameters
    ----------
    paths : iterable of path-like
        Videos.
    pair : Pair
        The models.
    budget : int, default BUDGET
        Largest number of frames per video.
    whole : bool, default True
        Whether the videos show their whole activity.

    Returns
    -------
    list of dict
        One record per video, with its ``curve`` as columns; a file that cannot be read gives a
        record with a ``problem``.

    Raises
    ------
    ContractError
        If a model fails.
    """
    records: list[dict[str, Any]] = []
    for path in map(Path, paths):
        try:
            source = video.open_video(path, path.name)
            curve = predict.curve_from(source, list(predict.predict_frames(source, pair, budget)))
            if curve is None:
                raise MediaError(f"{path.name} has no readable frame")
        except MediaError as error:
            records.append({"video": str(path), "problem": error.sentence})
        else:
            columns = table(curve, whole).to_dict("list")
            records.append(row(str(path), curve, whole) | {"curve": columns})
    return records
