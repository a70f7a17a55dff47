"""Boosted trees as an ONNX operator: the same branch at every threshold."""

from __future__ import annotations

import numpy as np
import onnxruntime
from sklearn.ensemble import HistGradientBoostingRegressor

from regcls.nn.onnx_graph import GraphBuilder
from regcls.tabular import onnx_trees


def test_trees_split_where_scikit_learn_does():
    """At each threshold, just above and just below, for numbers that float32 cannot represent."""
    rng = np.random.default_rng(3)
    x = np.round(rng.normal(size=(600, 4)), 1).astype(np.float32)
    y = 100 + 30 * (x[:, 0] > 0.3) + x[:, 1] * x[:, 2] + rng.normal(size=600)
    trees = HistGradientBoostingRegressor(max_iter=40, random_state=0).fit(x, y)
    found = onnx_trees.attributes(trees)
    cuts = np.array(
        [v for v, m in zip(found["nodes_values"], found["nodes_modes"], strict=True) if m != "LEAF"]
    ).astype(np.float32)
    rows = np.repeat(np.concatenate([cuts, np.nextafter(cuts, 9), np.nextafter(cuts, -9)]), 4)
    rows = np.concatenate([rows.reshape(-1, 4), x])
    graph = GraphBuilder("trees", {onnx_trees.DOMAIN: onnx_trees.OPSET})
    given, out = graph.input("x", ["N", 4]), graph.output("y", ["N", 1])
    graph.node("TreeEnsembleRegressor", given, out=out, domain=onnx_trees.DOMAIN, **found)
    session = onnxruntime.InferenceSession(graph.serialise())
    got = session.run(None, {"x": rows})[0][:, 0]
    np.testing.assert_allclose(got, trees.predict(rows.astype(float)), rtol=1e-5)
