"""Export of all tasks: selection of the seed, cards, predictions, and the files of a pair."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import torch

from regcls.inference.contract import Card
from regcls.tasks.pairs import KEYS
from regcls.training.card_markdown import write_card_md
from regcls.training.card_texts import TEXTS
from regcls.training.fit import Recipe
from regcls.training.networks import ImageRegressor
from regcls.training.onnx_export import check_outputs, shippable, to_onnx
from regcls.training.predict import predict
from regcls.training.readouts import Problem, finish, write_predictions
from regcls.training.search import VARIANTS, load_run, read_record

MODEL_OF = {key: model for model, key in KEYS.items()}  # "regcls" is the variant "reg+cls"

Tables = dict[str, pd.DataFrame]  # predictions by split


@dataclass(frozen=True)
class SeedExport:
    """What differs between the tasks of which one seed per variant is shipped.

    Attributes
    ----------
    task : str
        Name of the task.
    splits : mapping
        Data of train, val and test.
    network : callable
        From a recipe to the network, without trained weights.
    table : callable
        From a split to a table with ``y_true`` and further columns.
    images : callable
        From a split to its images, uint8 (N, H, W, 3).
    height : int
        Height of the models' input in pixels.
    card : callable
        From variant, seed, record of the runs and tables to the card.
    readouts : Problem
        What chooses the read-outs and calibrates the intervals.
    checked : int, optional
        Number of test images on which the ONNX file is compared with torch; all by default.
    """

    task: str
    splits: Mapping[str, Any]
    network: Callable[[Recipe], ImageRegressor]
    table: Callable[[Any], pd.DataFrame]
    images: Callable[[Any], np.ndarray]
    height: int
    card: Callable[[str, int, dict[str, Any], Tables], Card]
    readouts: Problem
    checked: int | None = None


def export_seeds(plan: SeedExport, runs: Path, out: Path) -> dict[str, Card]:
    """Write a pair of which each variant is the seed with the median validation error.

    Parameters
    ----------
    plan : SeedExport
        The task.
    runs : Path
        Folder of the finished runs.
    out : Path
        Folder of the pair.

    Returns
    -------
    dict of str to Card
        Cards by variant.

    Raises
    ------
    UserError
        If a run is missing.
    ValueError
        If an ONNX file does not give the outputs of the torch model.
    """
    out.mkdir(parents=True, exist_ok=True)
    records = {variant: read_record(variant, runs) for variant in VARIANTS}
    models = {
        variant: {
            seed: shippable(load_run(variant, seed, runs, plan.network))
            for seed in records[variant]["seeds"]
        }
        for variant in VARIANTS
    }
    tables = {}
    for split in ("val", "test"):
        table = plan.table(plan.splits[split])
        images = plan.images(plan.splits[split])
        for variant, by_seed in models.items():
            for seed, model in by_seed.items():
                table[f"{variant}_seed{seed}"] = predict(model, images, plan.height)[0]
        tables[split] = table
    cards = {}
    chooses = plan.readouts.samples["val"].chooses
    for variant, seed in select_seeds(tables, chooses).items():
        model = models[variant][seed]
        cards[variant] = plan.card(variant, seed, records[variant], tables)
        path = to_onnx(model, out / f"{variant}.onnx", cards[variant])
        check_outputs(model, path, plan.images(plan.splits["test"])[: plan.checked])
    return write_pair_files(plan.task, tables, plan.readouts, out)


def seed_errors(variant: str, table: pd.DataFrame) -> dict[int, float]:
    """Return the MAE of each seed of a variant.

    Parameters
    ----------
    variant : str
        Name of the variant.
    table : DataFrame
        Predictions: ``y_true`` and one column per variant and seed.

    Returns
    -------
    dict of int to float
        MAE in target units, by seed.
    """
    errors = {}
    for name in map(str, table.filter(regex=f"^{variant}_seed")):
        absolute = (table[name] - table["y_true"]).abs().to_numpy(np.float64)
        errors[int(name.rsplit("seed", 1)[1])] = float(absolute.mean())
    return errors


def median_seed(errors: Mapping[int, float]) -> int:
    """Return the seed with the median error; of two, the better one.

    Parameters
    ----------
    errors : mapping of int to float
        Errors by seed.

    Returns
    -------
    int
        The seed.

    Examples
    --------
    >>> median_seed({0: 6.5, 1: 6.4, 2: 6.6})
    0
    """
    return sorted(errors, key=errors.__getitem__)[(len(errors) - 1) // 2]


def select_seeds(tables: Tables, chooses: np.ndarray) -> dict[str, int]:
    """Select the seed of each variant and copy its predictions to the columns reg and regcls.

    Parameters
    ----------
    tables : dict of str to DataFrame
        Predictions by split; they are modified.
    chooses : ndarray of bool, shape (N,)
        Which validation samples choose.

    Returns
    -------
    dict of str to int
        Seed by variant.
    """
    val = tables["val"][chooses]
    seeds = {v: median_seed(seed_errors(v, val)) for v in VARIANTS}
    for at, (variant, seed) in enumerate(seeds.items(), start=1):
        for table in tables.values():
            table.insert(1 + at, variant, table[f"{variant}_seed{seed}"])
    return seeds


def make_card(
    task: str,
    variant: str,
    recipe: Mapping[str, Any],
    target: Mapping[str, Any],
    size: tuple[int, int],
    histogram: tuple[np.ndarray, np.ndarray],
    metrics: Mapping[str, Any],
    training: Mapping[str, Any],
) -> Card:
    """Return the card of a model.

    Parameters
    ----------
    task : str
        Name of the task.
    variant : str
        "reg" or "regcls".
    recipe : mapping
        Fields of the `Recipe`, for the classes.
    target : mapping
        Name, unit and limits of the target.
    size : tuple of int
        Height and width of the input in pixels.
    histogram : tuple of ndarray
        Edges (K + 1,) and counts (K,) of the training targets.
    metrics, training : mapping
        Parts of the card.

    Returns
    -------
    Card
        The card, without read-outs and calibration.
    """
    edges, counts = histogram
    targets: dict[str, Any] = {"edges": edges, "counts": counts}
    classes = {"edges": recipe["edges"], "kind": recipe.get("kind", "equal-width")}
    return Card(
        task=task,
        variant=MODEL_OF[variant],
        target=dict(target),
        input={"height": size[0], "width": size[1]},
        classes=classes if recipe["edges"] else None,
        training_histogram=targets,
        metrics=dict(metrics),
        training=dict(training),
        licence=TEXTS[task].licence,
        citation=TEXTS[task].citation,
    )


def training_record(
    run: Mapping[str, Any],
    seed: int,
    data_set: str,
    splits: Mapping[str, int],
    val_errors: Mapping[int, float],
) -> dict[str, Any]:
    """Return how a model was trained, for its card.

    Parameters
    ----------
    run : mapping
        Record of the variant's runs.
    seed : int
        Seed of the shipped model.
    data_set : str
        Description of the data set.
    splits : mapping of str to int
        Number of samples by split.
    val_errors : mapping of int to float
        Validation error by seed.

    Returns
    -------
    dict
        The part ``training`` of the card.
    """
    recipe = run["seeds"][seed]["recipe"]
    return {
        "data_set": data_set,
        "splits": dict(splits),
        "seed": seed,
        "val_error_per_seed": dict(val_errors),
        "search_on_val": run["search"],
        "settings_chosen_on": "half",
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


def spread(errors: Mapping[int, float], metric: str) -> dict[str, Any]:
    """Return mean and standard deviation over seeds.

    Parameters
    ----------
    errors : mapping of int to float
        Errors by seed.
    metric : str
        Name of the metric.

    Returns
    -------
    dict
        ``{metric}_mean``, ``{metric}_std`` (None for one seed) and ``n``.

    Examples
    --------
    >>> found = spread({0: 1.0, 1: 3.0}, "mae")
    >>> found["mae_mean"].item(), found["n"]
    (2.0, 2)
    """
    values = list(errors.values())
    deviation = np.std(values, ddof=1) if len(values) > 1 else None
    return {f"{metric}_mean": np.mean(values), f"{metric}_std": deviation, "n": len(values)}


def write_pair_files(task: str, tables: Tables, problem: Problem, out: Path) -> dict[str, Card]:
    """Write the predictions, choose the read-outs, calibrate, and write the model card of a pair.

    Parameters
    ----------
    task : str
        Name of the task.
    tables : dict of str to DataFrame
        Predictions by split.
    problem : Problem
        What chooses and calibrates; see `regcls.training.readouts`.
    out : Path
        Folder of the pair, with its ONNX files.

    Returns
    -------
    dict of str to Card
        Final cards by variant.
    """
    for split, table in tables.items():
        write_predictions(table, out / f"{split}_predictions.parquet")
    cards = finish(problem, out)
    write_card_md(out / "CARD.md", cards["reg"], cards["regcls"], TEXTS[task].limits)
    return cards
