"""ONNX graphs of small networks."""

from __future__ import annotations

import json
import math

import numpy as np

from regcls.lab.settings import LabSettings

OPSET = 17


def onnx_bytes(layers, settings: LabSettings, has_classes: bool, note: dict) -> bytes:
    """``layers``: (W (out, in), b (out,)) of the hidden layers, the value head, the class head."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, weights = [], []

    def dense(x: str, index: int, out: str) -> str:
        for kind, array in zip("Wb", layers[index], strict=True):
            weights.append(numpy_helper.from_array(np.float32(array), f"{kind}{index}"))
        nodes.append(helper.make_node("Gemm", [x, f"W{index}", f"b{index}"], [out], transB=1))
        return out

    x = "x"
    for i in range(len(settings.hidden)):
        x = activate(nodes, weights, settings.activation, dense(x, i, f"z{i}"), f"h{i}")
    depth = len(settings.hidden)
    dense(x, depth, "column")
    weights.append(numpy_helper.from_array(np.array([1], np.int64), "axis"))
    nodes.append(helper.make_node("Squeeze", ["column", "axis"], ["value"]))
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["N"])]
    if has_classes:
        dense(x, depth + 1, "logits")
        shape = ["N", len(layers[depth + 1][1])]
        outputs.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1])]
    graph = helper.make_graph(nodes, "regcls-lab", inputs, outputs, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8  # the one of this opset, so that older runtimes read the file
    helper.set_model_props(model, {"regcls_lab": json.dumps(note)})
    checker.check_model(model)
    return model.SerializeToString()


def activate(nodes: list, weights: list, activation: str, x: str, out: str) -> str:
    from onnx import helper, numpy_helper

    if activation in ("relu", "tanh"):
        nodes.append(helper.make_node(activation.capitalize(), [x], [out]))
        return out
    # GELU came into ONNX after this opset: x/2 · (1 + erf(x/√2)).
    for name, value in {"root": math.sqrt(0.5), "one": 1.0, "half": 0.5}.items():
        weights.append(numpy_helper.from_array(np.float32(value), f"{out}_{name}"))
    for operator, inputs, result in (
        ("Mul", [x, f"{out}_root"], f"{out}_a"),
        ("Erf", [f"{out}_a"], f"{out}_b"),
        ("Add", [f"{out}_b", f"{out}_one"], f"{out}_c"),
        ("Mul", [x, f"{out}_c"], f"{out}_d"),
        ("Mul", [f"{out}_d", f"{out}_half"], out),
    ):
        nodes.append(helper.make_node(operator, inputs, [result]))
    return out
