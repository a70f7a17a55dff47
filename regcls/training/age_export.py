"""From finished age runs to the shipped pair: ONNX files, predictions, cards."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch

from regcls import bins, contract
from regcls.errors import ErrorReport, conformal_radius
from regcls.training.age import OLDEST, SIDE, load_run
from regcls.training.datasets import Faces, load_faces
from regcls.training.export import answers_alike, shippable, to_onnx, write_card_md
from regcls.training.plan import VARIANTS, record
from regcls.training.predict import predict

LEVEL = 0.9  # of the conformal interval
YEARS = np.arange(0.0, OLDEST + 1)  # the shots are counted per year of age
CALIBRATION_EDGES = np.array([0.0, 10, 20, 30, 40, 50, 60, 70, OLDEST])  # over predictions
LICENCE = (
    "Non-commercial research use only, as the training data UTKFace demands; backbone "
    "EfficientNet-Lite0 with ImageNet weights, Apache-2.0."
)
CITATION = (
    "Data: Zhang, Song, Qi: Age progression/regression by conditional adversarial autoencoder "
    "(UTKFace), CVPR 2017. Method: Pintea, Lin, Dijkstra, van Gemert: A step towards "
    "understanding why classification helps regression, ICCV 2023, arXiv 2308.10603. Backbone: "
    "Tan, Le: EfficientNet, ICML 2019."
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
    for variant in VARIANTS:
        seed = _median_seed(variant, tables["val"])
        for table in tables.values():
            table.insert(1 + VARIANTS.index(variant), variant, table[f"{variant}_seed{seed}"])
        cards[variant] = _card(variant, seed, runs, faces, tables)
        path = to_onnx(models[variant][seed], SIDE, out / f"{variant}.onnx", cards[variant])
        answers_alike(models[variant][seed], path, faces["test"].images)
    for split, table in tables.items():
        table.to_parquet(out / f"{split}_predictions.parquet", index=False)
    write_card_md(out / "CARD.md", cards["reg"], cards["regcls"])
    return cards


def _seed_errors(variant: str, table: pd.DataFrame) -> dict[int, float]:
    """MAE in years for each seed of a variant."""
    error = table.filter(regex=f"^{variant}_seed").sub(table["y_true"], axis=0).abs().mean()
    return {int(name.rsplit("seed", 1)[1]): float(value) for name, value in error.items()}


def _median_seed(variant: str, val: pd.DataFrame) -> int:
    errors = _seed_errors(variant, val)
    return sorted(errors, key=errors.__getitem__)[(len(errors) - 1) // 2]


def _predictions(models: dict, faces: Faces) -> pd.DataFrame:
    table = pd.DataFrame({"y_true": faces.ages})
    for variant, runs in models.items():
        for seed, model in runs.items():
            table[f"{variant}_seed{seed}"] = predict(model, faces.images, SIDE)[0]
    return table


def _card(
    variant: str, seed: int, runs: Path, faces: dict[str, Faces], tables: dict
) -> contract.Card:
    run = record(variant, runs)
    recipe = run["seeds"][seed]["recipe"]
    counts = np.histogram(faces["train"].ages, YEARS)[0]
    val = tables["val"]
    radius = conformal_radius(
        val["y_true"].to_numpy(), val[variant].to_numpy(), CALIBRATION_EDGES, LEVEL
    )
    return contract.Card(
        task="age",
        variant="reg+cls" if variant == "regcls" else "reg",
        target={"name": "age", "unit": "years", "low": 0.0, "high": OLDEST},
        input={"height": SIDE, "width": SIDE},
        classes={"edges": recipe["edges"], "kind": "equal-width"} if recipe["edges"] else None,
        training_histogram={"edges": YEARS, "counts": counts},
        metrics=_metrics(variant, tables["test"], counts),
        training=_training(run, recipe, seed, faces, _seed_errors(variant, val)),
        calibration={
            "edges": CALIBRATION_EDGES,
            "radius": radius,
            "level": LEVEL,
            "counts": np.histogram(val[variant], CALIBRATION_EDGES)[0],
        },
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
    seeds = list(_seed_errors(variant, test).values())
    shots = report.shots(bins.shots(counts)).set_index("shot").drop(columns="model")
    return {
        "overall": report.overall().drop(columns="model").iloc[0].to_dict(),
        "shots": shots.to_dict("index"),
        "seeds": {"mae_mean": np.mean(seeds), "mae_std": np.std(seeds, ddof=1), "n": len(seeds)},
        "always_the_training_mean": {"mae": float(np.abs(truth - mean_age).mean())},
    }


def _training(
    run: dict, recipe: dict, seed: int, faces: dict[str, Faces], val_errors: dict[int, float]
) -> dict:
    total = sum(map(len, faces.values()))
    return {
        "data_set": f"UTKFace ({total} aligned and cropped photos, naturally imbalanced)",
        "splits": {name: len(split) for name, split in faces.items()},
        "seed": seed,
        "val_mae_per_seed": val_errors,
        "search_on_val": run["search"],
        "epochs": len(recipe["sides"]),
        "loss": "λ·L1 + cross-entropy" if recipe["edges"] else "loss scale × L1",
        "reg_weight": recipe["reg_weight"],
        "optimiser": "AdamW, cosine schedule, averaged weights",
        "recipe": {k: v for k, v in recipe.items() if k != "edges"},
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }
