"""What a model says of itself, as tables; and how fast it is here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls.inference import contract
from regcls.inference import session as inference_session
from regcls.inference.contract import Card

SHOTS = {
    "shots": "",
    "shots_nyud2_dir": ", NYUD2-DIR's lists",
    "segments": ", random sub-segments",
}
METRICS = ("mae", "rmse", "abs_rel", "log10", "delta1", "delta2", "delta3")
BATCHES = (1, 8, 32)
REPEATS = 5


def facts(session: inference_session.Session) -> dict[str, str]:
    """What a card says, in words a line; the graph itself is read for its opset."""
    card, data = session.card, session.content()
    model = contract.parse(data)
    opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
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
        "cite": card.citation,
    }


def _trained_on(card: Card) -> str:
    splits = card.training.get("splits", {})
    sizes = ", ".join(f"{name} {size:,}" for name, size in splits.items())
    return str(card.training.get("data_set", "not said")) + (f" ({sizes})" if sizes else "")


def metrics(cards: dict[str, Card]) -> pd.DataFrame:
    """Held-out errors: a row a model and part (overall, then shots), a column a metric."""
    rows = []
    for model, card in cards.items():
        if overall := card.metrics.get("overall"):
            rows.append(_row(model, "overall", overall))
        for group, suffix in SHOTS.items():
            for shot, values in (card.metrics.get(group) or {}).items():
                if isinstance(values, dict):
                    rows.append(_row(model, shot + suffix, values))
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def _row(model: str, part: str, values: dict) -> dict:
    known = {name: values.get(name) for name in METRICS}
    return {"model": model, "part": part} | known


def histogram(card: Card, most: int = 60) -> pd.DataFrame:
    """Training samples per range: low, high, train; neighbours are joined to at most ``most``."""
    edges = np.asarray(card.training_histogram["edges"], np.float64)
    counts = np.asarray(card.training_histogram["counts"], np.float64)
    step = -(-len(counts) // most)
    starts = np.arange(0, len(counts), step)
    ends = np.append(edges[starts[1:]], edges[-1])
    train = np.add.reduceat(counts, starts)
    return pd.DataFrame({"low": edges[starts], "high": ends, "train": train})


def timed(session: inference_session.Session, repeats: int = REPEATS) -> Iterator[dict]:
    """Images per second on noise, a row a batch size: the median run, the slowest and the fastest."""
    size = (session.card.input["height"], session.card.input["width"], 3)
    rng = np.random.default_rng(0)
    session.run(rng.integers(0, 256, (1, *size), np.uint8))  # the engine is made at the first run
    for batch in BATCHES:
        images = rng.integers(0, 256, (batch, *size), np.uint8)
        seconds = [_seconds(session, images) for _ in range(repeats)]
        rates = batch / np.array(seconds)
        yield {
            "images at once": batch,
            "images per second": round(float(np.median(rates)), 1),
            "slowest": round(float(rates.min()), 1),
            "fastest": round(float(rates.max()), 1),
        }


def _seconds(session: inference_session.Session, images: np.ndarray) -> float:
    started = time.perf_counter()
    session.run(images, batch=len(images))
    return time.perf_counter() - started


def list_models(root: Path | None) -> list[dict[str, Any]]:
    """One record a model file below ``root`` (the shipped models by default)."""
    from regcls.inference import contract
    from regcls.utils.paths import MODELS_FOLDER

    root = MODELS_FOLDER if root is None else root
    if not root.is_dir():
        raise ValueError(f"there is no folder {root}")
    return [model_record(path, contract.read(path)) for path in sorted(root.rglob("*.onnx"))]


def check_model(path: Path) -> dict[str, Any]:
    """A file's record, if it keeps the contract and runs, tried in a process of its own. Raises
    ``ContractError`` naming what is wrong."""
    from regcls.inference import contract
    from regcls.inference.custom import inspect

    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    card = contract.check(path)
    found = inspect.examine(path.read_bytes(), path.name)
    if found.problem:
        raise contract.ContractError(found.problem)
    outputs = {name: asdict(output) for name, output in found.tried.outputs.items()}
    milliseconds = round(1000 * found.tried.seconds_per_image, 2)
    return model_record(path, card) | {"outputs": outputs, "milliseconds": milliseconds}


def model_record(path: Path, card) -> dict[str, Any]:
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
