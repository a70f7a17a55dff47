"""ONNX graphs written by hand: the builder's parts against NumPy and torch."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from regcls.nn.onnx_graph import IR_VERSION, OPSET, GraphBuilder
from regcls.nn.spec import ACTIVATIONS

X = np.linspace(-3, 3, 21, dtype=np.float32)[:, None]


def run(data: bytes) -> np.ndarray:
    """Return the first output for ``X``."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": X})[0]


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_equal_torch(kind):
    graph = GraphBuilder("activation")
    z = graph.activation(kind, graph.input("x", ["N", 1]), "act")
    graph.node("Identity", z, out=graph.output("y", ["N", 1]))
    expected = getattr(torch.nn.functional, kind)(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(run(graph.serialise()), expected, atol=1e-6)


def test_dense_layer_and_squeeze():
    graph = GraphBuilder("dense")
    weight, bias = np.array([[2.0, 1.0]]), np.array([1.0, 0.0])
    hidden = graph.dense(graph.input("x", ["N", 1]), weight, bias, "first")
    column = graph.dense(hidden, np.array([[1.0], [-1.0]]), np.zeros(1), "second")
    graph.squeeze(column, 1, "axis", out=graph.output("y", ["N"]))
    np.testing.assert_allclose(run(graph.serialise()), X[:, 0] + 1, atol=1e-6)


def test_model_has_the_pinned_versions_and_its_metadata():
    graph = GraphBuilder("versions", {"ai.onnx.ml": 3})
    graph.node("Identity", graph.input("x", ["N"]), out=graph.output("y", ["N"]))
    model = onnx.load_model_from_string(graph.serialise({"key": "text"}))
    assert model.ir_version == IR_VERSION
    assert {o.domain: o.version for o in model.opset_import} == {"": OPSET, "ai.onnx.ml": 3}
    assert {p.key: p.value for p in model.metadata_props} == {"key": "text"}


def test_invalid_graphs_are_refused():
    graph = GraphBuilder("open")
    graph.node("Relu", "missing", out=graph.output("y", ["N"]))
    with pytest.raises(onnx.checker.ValidationError, match="missing"):
        graph.serialise()
