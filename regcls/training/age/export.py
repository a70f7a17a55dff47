"""From finished age runs to the shipped pair: ONNX files, predictions, cards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from regcls.inference import contract
from regcls.stats import bins
from regcls.stats.errors import ErrorReport
from regcls.training import shipping
from regcls.training.age.data import Faces, load_faces
from regcls.training.age.recipe import OLDEST, SIDE, load_run
from regcls.training.onnx_export import answers_alike, shippable, to_onnx
from regcls.training.predict import predict
from regcls.training.search import VARIANTS, record

LEVEL = 0.9  # of the conformal interval
YEARS = np.arange(0.0, OLDEST + 1)  # the shots are counted per year of age
CALIBRATION_EDGES = np.array([0.0, 10, 20, 30, 40, 50, 60, 70, OLDEST])  # over predictions
LICENCE = (
    "Non-commercial research use only, as the training data UTKFace demands; "
    + shipping.BACKBONE
    + "."
)
CITATION = (
    "Data: Zhang, Song, Qi: Age progression/regression by conditional adversarial autoencoder "
    "(UTKFace), CVPR 2017. " + shipping.METHOD
)
LIMITS = (
    "- An estimate of apparent age on photos like the training data's; errors grow where training "
    "samples are few (table above) and for photos unlike them.\n"
    "- The data's labels and its mix of people are uneven, so errors differ between groups. Do not "
    "decide anything about a person by it: no access, no price, no hiring, no policing, no age "
    "verification.\n"
    "- It exists to study when a classification loss helps regression, and to be tried on photos "
    "whose owners agree."
)


def export(data: Path, runs: Path, out: Path, csv: Path | None = None) -> dict[str, contract.Card]:
    """Write the pair, its predictions on val and test, and CARD.md into ``out``; return the cards.

    Each variant ships the seed that is the median on val. Raises ``ValueError`` when a run is
    missing or a file does not answer as torch does.
    """
    faces = load_faces(data, SIDE, csv)
    out.mkdir(parents=True, exist_ok=True)
    models = {
        v: {s: shippable(load_run(v, s, runs)) for s in record(v, runs)["seeds"]} for v in VARIANTS
    }
    tables = {split: _predictions(models, faces[split]) for split in ("val", "test")}
    cards = {}
    for variant, seed in shipping.choose(tables).items():
        cards[variant] = _card(variant, seed, record(variant, runs), faces, tables)
        path = to_onnx(models[variant][seed], out / f"{variant}.onnx", cards[variant])
        answers_alike(models[variant][seed], path, faces["test"].images)
    shipping.write_tables(tables, cards, out, LIMITS)
    return cards


def _predictions(models: dict, faces: Faces) -> pd.DataFrame:
    table = pd.DataFrame({"y_true": faces.ages})
    for variant, runs in models.items():
        for seed, model in runs.items():
            table[f"{variant}_seed{seed}"] = predict(model, faces.images, SIDE)[0]
    return table


def _card(
    variant: str, seed: int, run: dict, faces: dict[str, Faces], tables: dict
) -> contract.Card:
    recipe = run["seeds"][seed]["recipe"]
    counts = np.histogram(faces["train"].ages, YEARS)[0]
    total = sum(map(len, faces.values()))
    return contract.Card(
        task="age",
        variant="reg+cls" if variant == "regcls" else "reg",
        target={"name": "age", "unit": "years", "low": 0.0, "high": OLDEST},
        input={"height": SIDE, "width": SIDE},
        classes=shipping.classes(recipe),
        training_histogram={"edges": YEARS, "counts": counts},
        metrics=_metrics(variant, tables["test"], counts),
        training=shipping.training_record(
            run,
            seed,
            f"UTKFace ({total} aligned and cropped photos, naturally imbalanced)",
            {name: len(split) for name, split in faces.items()},
            "L1",
            shipping.seed_errors(variant, tables["val"]),
        ),
        calibration=shipping.calibration(tables["val"], variant, CALIBRATION_EDGES, LEVEL),
        licence=LICENCE,
        citation=CITATION,
    )


def _metrics(variant: str, test: pd.DataFrame, counts: np.ndarray) -> dict:
    """Overall and per shot on test, the constant baseline, and the spread over seeds."""
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
