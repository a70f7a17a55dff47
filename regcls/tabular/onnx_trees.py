"""scikit-learn's histogram trees as ONNX's TreeEnsembleRegressor.

skl2onnx 1.20 does this too, but cannot build that operator beside the onnx that is pinned here (it
hands over booleans where onnx 1.23 wants integers). The nodes are read from where it reads them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DOMAIN, OPSET = "ai.onnx.ml", 3


def attributes(trees: Any) -> dict[str, Any]:
    """Of a fitted ``HistGradientBoostingRegressor`` without categorical features (ours are one-hot),
    the attributes of an operator that says the same of float32 inputs."""
    nodes = [predictor.nodes for (predictor,) in trees._predictors]
    sizes = [len(tree) for tree in nodes]
    tree = np.repeat(np.arange(len(sizes)), sizes)
    node = np.concatenate([np.arange(size) for size in sizes])
    every = np.concatenate(nodes)
    leaf = every["is_leaf"].astype(bool)
    found = {
        "n_targets": 1,
        "base_values": [float(np.ravel(trees._baseline_prediction)[0])],
        "nodes_treeids": tree,
        "nodes_nodeids": node,
        "nodes_featureids": every["feature_idx"],
        "nodes_values": np.where(leaf, 0, below(every["num_threshold"])),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ"),
        "nodes_truenodeids": every["left"],
        "nodes_falsenodeids": every["right"],
        "nodes_missing_value_tracks_true": every["missing_go_to_left"],
        "target_treeids": tree[leaf],
        "target_nodeids": node[leaf],
        "target_ids": np.zeros(leaf.sum(), int),
        "target_weights": every["value"][leaf],
    }
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in found.items()
    }


def below(thresholds: np.ndarray) -> np.ndarray:
    """The largest float32 that is no larger: ``x <= threshold`` is then the same for any float32
    ``x``, which rounding to the nearest would not give."""
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
