"""Histogram-based gradient-boosted trees of scikit-learn as an ONNX operator.

skl2onnx 1.20 has this conversion too, but cannot build the operator with the pinned onnx 1.23: it
passes booleans where integers are required. The nodes are read from the same private attributes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DOMAIN, OPSET = "ai.onnx.ml", 3


def attributes(trees: Any) -> dict[str, Any]:
    """Return the attributes of a ``TreeEnsembleRegressor`` operator.

    Parameters
    ----------
    trees : HistGradientBoostingRegressor
        Fitted model without categorical features.

    Returns
    -------
    dict of str to list or int
        Attributes with which the operator gives the same predictions for float32 inputs.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingRegressor
    >>> x = np.arange(100.0)[:, None]
    >>> trees = HistGradientBoostingRegressor(max_iter=2).fit(x, x[:, 0])
    >>> attributes(trees)["base_values"]
    [49.5]
    """
    nodes = [predictor.nodes for (predictor,) in trees._predictors]
    sizes = [len(tree) for tree in nodes]
    tree = np.repeat(np.arange(len(sizes)), sizes)
    node = np.concatenate([np.arange(size) for size in sizes])
    merged = np.concatenate(nodes)
    leaf = merged["is_leaf"].astype(bool)
    arrays = {
        "nodes_treeids": tree,
        "nodes_nodeids": node,
        "nodes_featureids": merged["feature_idx"],
        "nodes_values": np.where(leaf, 0, round_down(merged["num_threshold"])),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ"),
        "nodes_truenodeids": merged["left"],
        "nodes_falsenodeids": merged["right"],
        "nodes_missing_value_tracks_true": merged["missing_go_to_left"],
        "target_treeids": tree[leaf],
        "target_nodeids": node[leaf],
        "target_ids": np.zeros(leaf.sum(), int),
        "target_weights": merged["value"][leaf],
    }
    base = float(np.ravel(trees._baseline_prediction)[0])
    return {"n_targets": 1, "base_values": [base]} | {k: v.tolist() for k, v in arrays.items()}


def round_down(thresholds: np.ndarray) -> np.ndarray:
    """Round thresholds down to float32.

    ``x <= threshold`` is then unchanged for every float32 ``x``; rounding to the nearest number
    would move some rows to the other branch.

    Parameters
    ----------
    thresholds : ndarray, float64
        Thresholds.

    Returns
    -------
    ndarray, float32
        The largest float32 numbers that are not greater.

    Examples
    --------
    >>> bool(round_down(np.array([0.1]))[0] <= 0.1)
    True
    """
    near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
