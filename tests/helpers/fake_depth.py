"""A tiny valid depth pair: brighter pixels are farther away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from regcls.inference import contract
from tests.helpers import fake_pair

HEIGHT, WIDTH = 48, 64
EDGES = list(np.linspace(0.0, 10.0, 11))


def graph(variant: str) -> onnx.ModelProto:
    """Return value = brightness · 10/255 at half the size (reg+cls: + 0.5); logits = −|value − c|."""
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["x"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["small"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("ReduceMean", ["small", "axes"], ["grey"], keepdims=0),
        helper.make_node("Mul", ["grey", "scale"], ["metres"]),
        helper.make_node("Add", ["metres", "more"], ["value"]),
    ]
    weights = [
        numpy_helper.from_array(np.array([1], np.int64), "axes"),
        numpy_helper.from_array(np.array(10 / 255, np.float32), "scale"),
        numpy_helper.from_array(np.array(0.5 * (variant == "reg+cls"), np.float32), "more"),
    ]
    shape = ["N", HEIGHT // 2, WIDTH // 2]
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, shape)]
    if variant == "reg+cls":
        centres = (np.arange(10, dtype=np.float32) + 0.5)[None, :, None, None]
        nodes += [
            helper.make_node("Unsqueeze", ["value", "axes"], ["column"]),
            helper.make_node("Sub", ["column", "centres"], ["off"]),
            helper.make_node("Abs", ["off"], ["far"]),
            helper.make_node("Neg", ["far"], ["logits"]),
        ]
        weights.append(numpy_helper.from_array(centres, "centres"))
        shape = ["N", 10, HEIGHT // 2, WIDTH // 2]
        outputs.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape))
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", HEIGHT, WIDTH, 3])
    return helper.make_model(
        helper.make_graph(nodes, "fake depth", [image], outputs, weights),
        opset_imports=[helper.make_opsetid("", contract.OPSET)],
        ir_version=9,
    )


def make_pair(root: Path) -> Path:
    """Write both models, predictions and a card to ``root/depth``; return that folder."""
    folder = root / "depth"
    folder.mkdir(parents=True)
    counts = [10, 200, 300, 200, 100, 50, 20, 10, 5, 1]
    for variant, name in (("reg", "reg"), ("reg+cls", "regcls")):
        onnx.save(graph(variant), folder / f"{name}.onnx")
        card = replace(
            fake_pair.card(variant),
            task="depth",
            target={"name": "depth", "unit": "metres", "low": 0.0, "high": 10.0},
            input={"height": HEIGHT, "width": WIDTH},
            training_histogram={"edges": EDGES, "counts": counts},
            classes={"edges": EDGES, "kind": "equal-width"} if variant == "reg+cls" else None,
            calibration=None,
        )
        contract.write(folder / f"{name}.onnx", card)
    rng = np.random.default_rng(0)
    y = rng.uniform(0.5, 9.5, 400)
    table = pd.DataFrame({"y_true": y, "frame": np.repeat(np.arange(20), 20)})
    for name in ("reg", "regcls"):
        table[name] = y + rng.normal(0, 0.5, len(y))
    for split in ("test", "val"):
        table.to_parquet(folder / f"{split}_predictions.parquet")
    (folder / "CARD.md").write_text("# A test's pair\n", encoding="utf-8")
    return folder
