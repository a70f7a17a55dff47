"""Model cards as tables, measured speed, and records of model files."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls.exceptions import UserError
from regcls.inference import contract, graph
from regcls.inference.contract import Card, ContractError
from regcls.inference.session import Session

# Groups of per-range metrics in a card, and what is added to a range's name in the table.
SHOTS = {
    "shots": "",
    "shots_nyud2_dir": ", NYUD2-DIR's lists",
    "segments": ", random sub-segments",
}
METRICS = ("mae", "rmse", "abs_rel", "log10", "delta1", "delta2", "delta3")
BATCHES = (1, 8, 32)
REPEATS = 5


def facts(session: Session) -> dict[str, str]:
    """Return what a model's card and file state, as labelled lines of text.

    Parameters
    ----------
    session : Session
        The model.

    Returns
    -------
    dict
        Text by label.
    """
    card, data = session.card, session.content()
    opset = next(iter(graph.opsets_of(contract.parse(data))))
    target, size = card.target, card.input
    classes = f"{card.class_count} {card.classes['kind']}" if card.classes else "none"
    return {
        "task and variant": f"{card.task}, {card.variant}",
        "target": f"{target['name']} ({target['unit']}), {target['low']:g} to {target['high']:g}",
        "input": f"{size['height']} × {size['width']} pixels, RGB, uint8",
        "classes": classes,
        "trained on": _trained_on(card),
        "file": f"{session.name}, {len(data) / 1e6:.2f} MB, opset {opset}",
        "licence": card.licence,
        "citation": card.citation,
    }


def _trained_on(card: Card) -> str:
    splits = card.training.get("splits", {})
    sizes = ", ".join(f"{name} {size:,}" for name, size in splits.items())
    return str(card.training.get("data_set", "not stated")) + (f"; {sizes}" if sizes else "")


def metrics(cards: Mapping[str, Card]) -> pd.DataFrame:
    """Return the held-out metrics of several models.

    Parameters
    ----------
    cards : mapping of str to Card
        Cards by the models' names.

    Returns
    -------
    pandas.DataFrame
        One row per model and subset (overall, then each group of ranges); one column per metric
        that any card has.
    """
    rows = []
    for model, card in cards.items():
        if overall := card.metrics.get("overall"):
            rows.append(_metrics_row(model, "overall", overall))
        for group, suffix in SHOTS.items():
            for shot, values in (card.metrics.get(group) or {}).items():
                if isinstance(values, dict):
                    rows.append(_metrics_row(model, shot + suffix, values))
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def _metrics_row(model: str, subset: str, values: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: values.get(name) for name in METRICS}
    return {"model": model, "subset": subset} | known


def histogram(card: Card, most: int = 60) -> pd.DataFrame:
    """Return the training histogram of a model, coarsened for drawing.

    Parameters
    ----------
    card : Card
        The model's card.
    most : int
        Maximum number of ranges; neighbouring ranges are merged to get there.

    Returns
    -------
    pandas.DataFrame
        Columns ``low``, ``high`` (target units) and ``train`` (samples), one row per range.
    """
    edges = np.asarray(card.training_histogram["edges"], np.float64)
    counts = np.asarray(card.training_histogram["counts"], np.float64)
    step = -(-len(counts) // most)
    starts = np.arange(0, len(counts), step)
    ends = np.append(edges[starts[1:]], edges[-1])
    train = np.add.reduceat(counts, starts)
    return pd.DataFrame({"low": edges[starts], "high": ends, "train": train})


def measure_speed(session: Session, repeats: int = REPEATS) -> Iterator[dict[str, float]]:
    """Measure the throughput of a model on random images.

    Parameters
    ----------
    session : Session
        The model.
    repeats : int
        Runs per batch size.

    Yields
    ------
    dict
        One row per batch size: the median, lowest and highest images per second.

    Raises
    ------
    ContractError
        If the model fails.
    """
    size = (session.card.input["height"], session.card.input["width"], 3)
    rng = np.random.default_rng(0)
    session.run(rng.integers(0, 256, (1, *size), np.uint8))  # the first run creates the engine
    for batch in BATCHES:
        images = rng.integers(0, 256, (batch, *size), np.uint8)
        seconds = [_seconds(session, images) for _ in range(repeats)]
        rates = batch / np.array(seconds)
        yield {
            "batch size": batch,
            "images per second": round(float(np.median(rates)), 1),
            "slowest": round(float(rates.min()), 1),
            "fastest": round(float(rates.max()), 1),
        }


def _seconds(session: Session, images: np.ndarray) -> float:
    started = time.perf_counter()
    session.run(images, batch=len(images))
    return time.perf_counter() - started


def list_models(folder: Path) -> list[dict[str, Any]]:
    """Return one record per ONNX file in a folder and its subfolders.

    Parameters
    ----------
    folder : Path
        The folder, such as the shipped ``models/``.

    Returns
    -------
    list of dict
        Path, task, variant, size and held-out error of each file.

    Raises
    ------
    UserError
        If there is no such folder.
    ContractError
        If a file has no valid card.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    return [_record(path, contract.read(path)) for path in sorted(folder.rglob("*.onnx"))]


def check_model(path: Path) -> dict[str, Any]:
    """Check a model file against the contract and run it in a separate process.

    Parameters
    ----------
    path : Path
        The ONNX file.

    Returns
    -------
    dict
        The record as in ``list_models``, with ``outputs`` and ``milliseconds`` of the trial run.

    Raises
    ------
    ContractError
        If there is no such file, it violates the contract or cannot be run.
    """
    from regcls.inference.custom import inspect

    card = contract.check(path)
    found = inspect.examine(path.read_bytes(), path.name)
    if found.trial is None:
        raise ContractError(found.problem)
    outputs = {name: asdict(output) for name, output in found.trial.outputs.items()}
    milliseconds = round(1000 * found.trial.seconds_per_image, 2)
    return _record(path, card) | {"outputs": outputs, "milliseconds": milliseconds}


def _record(path: Path, card: Card) -> dict[str, Any]:
    overall = card.metrics.get("overall", {})
    return {
        "file": str(path),
        "task": card.task,
        "variant": card.variant,
        "unit": card.target["unit"],
        "classes": card.class_count,
        "megabytes": round(path.stat().st_size / 1e6, 2),
        "mae": overall.get("mae"),
        "licence": card.licence,
    }
