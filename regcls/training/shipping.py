"""What the exports of all tasks share: which seed ships, and the record of how it was made."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch

from regcls.inference.contract import Card
from regcls.stats.conformal import conformal_radius
from regcls.training.card_markdown import write_card_md
from regcls.training.search import VARIANTS

BACKBONE = "backbone EfficientNet-Lite0 with ImageNet weights, Apache-2.0"
METHOD = (
    "Method: Pintea, Lin, Dijkstra, van Gemert: A step towards understanding why classification "
    "helps regression, ICCV 2023, arXiv 2308.10603. Backbone: Tan, Le: EfficientNet, ICML 2019."
)


def seed_errors(variant: str, table: pd.DataFrame, metric: str = "mae") -> dict[int, float]:
    """MAE or RMSE in target units for each seed of a variant, from its columns of predictions."""
    errors = {}
    for name in table.filter(regex=f"^{variant}_seed"):
        gap = (table[name] - table["y_true"]).abs().to_numpy(np.float64)
        value = gap.mean() if metric == "mae" else np.sqrt((gap**2).mean())
        errors[int(name.rsplit("seed", 1)[1])] = float(value)
    return errors


def median_seed(errors: Mapping[int, float]) -> int:
    """The seed in the middle; of two, the better."""
    return sorted(errors, key=errors.__getitem__)[(len(errors) - 1) // 2]


def choose(tables: dict[str, pd.DataFrame], metric: str = "mae") -> dict[str, int]:
    """The seed of each variant that ships, its predictions copied to the columns reg and regcls."""
    seeds = {v: median_seed(seed_errors(v, tables["val"], metric)) for v in VARIANTS}
    for at, (variant, seed) in enumerate(seeds.items(), start=1):
        for table in tables.values():
            table.insert(1 + at, variant, table[f"{variant}_seed{seed}"])
    return seeds


def training_record(
    run: dict, seed: int, data_set: str, splits: dict[str, int], loss: str, val: dict[int, float]
) -> dict:
    """How a model was made, for its card; ``loss`` names the regression loss."""
    recipe = run["seeds"][seed]["recipe"]
    return {
        "data_set": data_set,
        "splits": splits,
        "seed": seed,
        "val_error_per_seed": val,
        "search_on_val": run["search"],
        "epochs": len(recipe["sides"]),
        "loss": f"λ·{loss} + cross-entropy" if recipe["edges"] else f"loss scale × {loss}",
        "reg_weight": recipe["reg_weight"],
        "optimiser": "AdamW, cosine schedule, averaged weights",
        "recipe": {k: v for k, v in recipe.items() if k != "edges"},
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }


def classes(recipe: dict) -> dict | None:
    """A recipe's class edges as a card takes them."""
    if not recipe["edges"]:
        return None
    return {"edges": recipe["edges"], "kind": recipe.get("kind", "equal-width")}


def calibration(val: pd.DataFrame, variant: str, edges: np.ndarray, level: float) -> dict:
    """Conformal radii per predicted range, from the validation split."""
    truth, answer = val["y_true"].to_numpy(), val[variant].to_numpy()
    return {
        "edges": edges,
        "radius": conformal_radius(truth, answer, edges, level),
        "level": level,
        "counts": np.histogram(answer, edges)[0],
    }


def spread(errors: Mapping[int, float], metric: str) -> dict:
    """Mean and standard deviation over seeds, named after the metric."""
    values = list(errors.values())
    deviation = np.std(values, ddof=1) if len(values) > 1 else None
    return {f"{metric}_mean": np.mean(values), f"{metric}_std": deviation, "n": len(values)}


def write_tables(
    tables: dict[str, pd.DataFrame], cards: dict[str, Card], out: Path, limits: str
) -> None:
    """Predictions on val and test, and CARD.md; ``limits`` is its list of what not to expect."""
    for split, table in tables.items():
        table.to_parquet(out / f"{split}_predictions.parquet", index=False)
    write_card_md(out / "CARD.md", cards["reg"], cards["regcls"], limits)
