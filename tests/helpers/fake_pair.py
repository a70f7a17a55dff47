"""A tiny pair that satisfies the contract: its value is the image's brightness, in years."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from regcls.inference import contract
from regcls.inference.contract import Card

SIDE = 96
EDGES = list(np.linspace(0.0, 120.0, 13))


def card(variant: str = "reg", side: int = SIDE) -> Card:
    counts = [300, 200, 150, 120, 90, 70, 50, 30, 20, 10, 4, 1]
    shot = {"mae": 6.0, "n": 100}
    return Card(
        task="age",
        variant=variant,
        target={"name": "age", "unit": "years", "low": 0.0, "high": 120.0},
        input={"height": side, "width": side},
        training_histogram={"edges": EDGES, "counts": counts},
        metrics={
            "overall": {"mae": 6.5, "rmse": 8.9},
            "shots": {"many": shot, "medium": shot, "few": shot},
            "seeds": {"mae_mean": 6.6, "mae_std": 0.1, "n": 3},
        },
        training={"dataset": "none: a model for tests", "seed": 0},
        licence="for tests",
        citation="none",
        classes={"edges": EDGES, "kind": "equal-width"} if variant == "reg+cls" else None,
        calibration={
            "value": {"edges": EDGES, "radius": [9.0] * 12, "level": 0.9, "counts": counts}
        },
    )


def graph(variant: str = "reg", side: int = SIDE, classes: int = 12) -> onnx.ModelProto:
    """value = mean brightness · 100/255; logits = −|value − class centre| / 5."""
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["value"]),
    ]
    weights = [
        numpy_helper.from_array(np.array([1, 2, 3], np.int64), "axes"),
        numpy_helper.from_array(np.array(100 / 255, np.float32), "scale"),
    ]
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["N"])]
    if variant == "reg+cls":
        nodes += [
            helper.make_node("Unsqueeze", ["value", "one"], ["column"]),
            helper.make_node("Sub", ["column", "centres"], ["off"]),
            helper.make_node("Abs", ["off"], ["far"]),
            helper.make_node("Mul", ["far", "fifth"], ["logits"]),
        ]
        centres = (np.arange(classes, dtype=np.float32)[None] + 0.5) * (120.0 / classes)
        weights += [
            numpy_helper.from_array(np.array([1], np.int64), "one"),
            numpy_helper.from_array(centres.astype(np.float32), "centres"),
            numpy_helper.from_array(np.array(-0.2, np.float32), "fifth"),
        ]
        outputs.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes]))
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", side, side, 3])
    return helper.make_model(
        helper.make_graph(nodes, "fake", [image], outputs, weights),
        opset_imports=[helper.make_opsetid("", contract.OPSET)],
        ir_version=9,
    )


def make_model(path: Path, variant: str = "reg", side: int = SIDE, **changes) -> Path:
    """Write one model with its card; ``changes`` are fields of the card."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(graph(variant, side), path)
    contract.write(path, replace(card(variant, side), **changes))
    return path


def make_pair(root: Path, task: str = "age", side: int = SIDE, n: int = 200) -> Path:
    """Write both models, predictions and a card to ``root/task``; return that folder."""
    folder = root / task
    make_model(folder / "reg.onnx", "reg", side, task=task)
    make_model(folder / "regcls.onnx", "reg+cls", side, task=task)
    rng = np.random.default_rng(0)
    y = rng.uniform(0.0, 100.0, n)
    columns = {"y_true": y}
    for name in ("reg", "regcls"):
        columns[name] = y + rng.normal(0.0, 7.0, n)
        for seed in range(3):
            columns[f"{name}_seed{seed}"] = y + rng.normal(0.0, 7.0, n)
    for split in ("test", "val"):
        pd.DataFrame(columns).to_parquet(folder / f"{split}_predictions.parquet")
    (folder / "CARD.md").write_text("# A pair for tests\n", encoding="utf-8")
    return folder
