"""Export of the age pair: ONNX files, predictions and cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls.inference.contract import Card
from regcls.stats import bins
from regcls.stats.errors import ErrorReport
from regcls.tasks.age.predict import RANGE_YEARS
from regcls.training import shipping
from regcls.training.age.data import Faces, load_faces
from regcls.training.age.recipe import OLDEST, SIDE, network
from regcls.training.readouts import Problem, Samples
from regcls.training.shipping import Tables

YEARS = np.arange(0.0, OLDEST + 1)  # edges of the training histogram, and of the shots
CALIBRATION_EDGES = np.array([0.0, 10, 20, 30, 40, 50, 60, 70, OLDEST])  # of the predictions


def export(data: Path, runs: Path, out: Path, csv: Path | None = None) -> dict[str, Card]:
    """Write the age pair; see `regcls.training.shipping.export_seeds`.

    Parameters
    ----------
    data : Path
        Data set for `load_faces`.
    runs : Path
        Folder of the finished runs.
    out : Path
        Folder of the pair.
    csv : Path, optional
        Index of the data set.

    Returns
    -------
    dict of str to Card
        Cards by variant.

    Raises
    ------
    UserError
        If the data set cannot be read or a run is missing.
    ValueError
        If an ONNX file does not give the outputs of the torch model.
    """
    faces = load_faces(data, SIDE, csv)
    plan = shipping.SeedExport(
        task="age",
        splits=faces,
        network=network,
        table=lambda split: pd.DataFrame({"y_true": split.ages}),
        images=lambda split: split.images,
        height=SIDE,
        card=lambda variant, seed, run, tables: _card(variant, seed, run, faces, tables),
        readouts=_readouts(faces),
    )
    return shipping.export_seeds(plan, runs, out)


def readout_problem(data: Path, csv: Path | None = None) -> Problem:
    """Return what chooses the read-outs of the age pair and calibrates its intervals.

    Parameters
    ----------
    data : Path
        Data set for `load_faces`.
    csv : Path, optional
        Index of the data set.

    Returns
    -------
    Problem
        Photos are the units.

    Raises
    ------
    UserError
        If the data set cannot be read.
    """
    return _readouts(load_faces(data, SIDE, csv))


def _readouts(faces: dict[str, Faces]) -> Problem:
    samples = {
        name: Samples(faces[name].images, faces[name].ages, np.arange(len(faces[name])))
        for name in ("val", "test")
    }
    ranges = YEARS[:: int(RANGE_YEARS)]
    return Problem(samples, faces["train"].ages, CALIBRATION_EDGES, ranges, "mae", "photos")


def _card(
    variant: str, seed: int, run: dict[str, Any], faces: dict[str, Faces], tables: Tables
) -> Card:
    counts = np.histogram(faces["train"].ages, YEARS)[0]
    total = sum(map(len, faces.values()))
    return shipping.make_card(
        "age",
        variant,
        recipe=run["seeds"][seed]["recipe"],
        target={"name": "age", "unit": "years", "low": 0.0, "high": OLDEST},
        size=(SIDE, SIDE),
        histogram=(YEARS, counts),
        metrics=_metrics(variant, tables["test"], counts),
        training=shipping.training_record(
            run,
            seed,
            f"UTKFace ({total} aligned and cropped photos, naturally imbalanced)",
            {name: len(split) for name, split in faces.items()},
            shipping.seed_errors(variant, tables["val"]),
        ),
    )


def _metrics(variant: str, test: pd.DataFrame, counts: np.ndarray) -> dict[str, Any]:
    """Return test errors overall and by shot, their spread over seeds, and the baseline's error."""
    truth = test["y_true"].to_numpy()
    report = ErrorReport.from_predictions(
        truth, {variant: test[variant].to_numpy()}, YEARS, train_counts=counts
    )
    years = (YEARS[:-1] + 0.5) * (counts > 0)
    mean_age = float((years * counts).sum() / counts.sum())
    shots = report.shots(bins.shots(counts)).set_index("shot").drop(columns="model")
    return {
        "overall": report.overall().drop(columns="model").iloc[0].to_dict(),
        "shots": shots.to_dict("index"),
        "seeds": shipping.spread(shipping.seed_errors(variant, test), "mae"),
        "always_the_training_mean": {"mae": float(np.abs(truth - mean_age).mean())},
    }
