"""ONNX export of a comparison's models, with the preprocessing inside the graph.

Input ``table``: float32 (N, p), one column per table column in the order of the metadata. A category
is given as the number of its level there (any other number: unknown level); missing values are NaN.
Output ``value``: float32 (N,), in units of the target. Networks with classes also have the output
``logits``, float32 (N, C). The metadata entry ``regcls_table`` is a JSON object with the columns, the
levels, the setting and the class edges. Boosted trees are one operator of the domain ``ai.onnx.ml``.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from regcls.nn.onnx_graph import GraphBuilder
from regcls.tabular import onnx_trees
from regcls.tabular.columns import NUMBER, Column, Problem
from regcls.tabular.models import FittedModel
from regcls.tabular.plan import HIDDEN, KINDS, TREES
from regcls.tabular.preprocessing import CLIP

KEY = "regcls_table"


def onnx_zip(models: Mapping[str, FittedModel], problem: Problem) -> bytes:
    """Return all models as ONNX files in a zip archive.

    Parameters
    ----------
    models : mapping of str to FittedModel
        Models by kind.
    problem : Problem
        The table that they were fitted on.

    Returns
    -------
    bytes
        Zip archive with one file per kind.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind in KINDS:
            archive.writestr(f"{kind.replace('+', '')}.onnx", onnx_bytes(models[kind], problem))
    return packed.getvalue()


def onnx_bytes(model: FittedModel, problem: Problem) -> bytes:
    """Return one model with its preprocessing as an ONNX file.

    Parameters
    ----------
    model : FittedModel
        The model.
    problem : Problem
        The table that it was fitted on, p columns.

    Returns
    -------
    bytes
        ONNX file; see the module's description for its inputs and outputs.
    """
    opsets = {onnx_trees.DOMAIN: onnx_trees.OPSET} if model.kind == TREES else None
    graph = GraphBuilder("regcls-table", opsets)
    table = graph.input("table", ["N", len(problem.columns)])
    x = _preprocess(graph, model, problem.columns, table)
    column = _trees(graph, model, x) if model.kind == TREES else _network(graph, model, x)
    graph.squeeze(column, 1, "last", out=graph.output("value", ["N"]))
    return graph.serialise({KEY: json.dumps(_metadata(model, problem))})


def _metadata(model: FittedModel, problem: Problem) -> dict[str, Any]:
    s = model.setting
    if model.kind == TREES:
        setting = {"rate": s.rate, "leaves": s.leaves, "l2": s.l2}
    else:
        setting = {"lr": s.lr, "weight": s.weight, "decay": s.weight_decay}
    return {
        "schema": 1,
        "kind": model.kind,
        "target": problem.target,
        "input": "table: float32 (N, columns); numbers as they are, categories as level numbers, "
        "NaN where missing; the preprocessing is part of the graph",
        "columns": [
            {"name": c.name, "kind": c.kind, **({"levels": list(c.levels)} if c.levels else {})}
            for c in problem.columns
        ],
        "setting": setting,
        "class_edges": None if model.edges is None else [float(e) for e in model.edges],
    }


def _network(graph: GraphBuilder, model: FittedModel, x: str) -> str:
    """Add the network; return its prediction (N, 1). Logits become an output of the graph."""
    for i, (weight, bias) in enumerate(model.layers[: len(HIDDEN)]):
        x = graph.node("Relu", graph.dense(x, weight, bias, f"hidden{i}"))
    if model.class_head is not None:
        weight, bias = model.class_head
        logits = graph.output("logits", ["N", len(bias)])
        graph.dense(x, weight, bias, "classes", out=logits)
        if model.kind == "hl-gauss":
            probability = graph.node("Softmax", logits, axis=1)
            centres = graph.constant(model.centres[:, None], "centres")
            return graph.node("MatMul", probability, centres)
    weight, bias = model.layers[len(HIDDEN)]
    return graph.dense(x, weight * model.std, bias * model.std + model.mean, "target")


def _trees(graph: GraphBuilder, model: FittedModel, x: str) -> str:
    """Add the boosted trees; return their prediction (N, 1)."""
    attributes = onnx_trees.attributes(model.trees)
    return graph.node("TreeEnsembleRegressor", x, domain=onnx_trees.DOMAIN, **attributes)


def _preprocess(
    graph: GraphBuilder, model: FittedModel, columns: Sequence[Column], table: str
) -> str:
    """Add the fitted preprocessing; return the model inputs (N, d)."""
    steps = model.preprocessing.named_steps
    transformers = steps["columns"].named_transformers_
    parts = []
    numbers = [i for i, c in enumerate(columns) if c.kind == NUMBER]
    if numbers:
        x = _gather(graph, table, numbers, "numbers")
        missing = graph.node("IsNaN", x)
        parts.append(_scale(graph, transformers["numbers"], x, missing))
        flagged = transformers["missing"].features_
        if len(flagged):
            flags = graph.node("Cast", missing, to=_element(np.float32))
            parts.append(_gather(graph, flags, flagged, "flags"))
    categories = [i for i, c in enumerate(columns) if c.kind != NUMBER]
    if categories:
        levels = [len(columns[i].levels) for i in categories]
        lookups = _one_hot_tables(transformers["categories"], levels)
        for i, lookup in zip(categories, lookups, strict=True):
            parts.append(_one_hot(graph, table, i, lookup))
    joined = graph.node("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
    varying = np.flatnonzero(steps["varying"].get_support())
    return _gather(graph, joined, varying[steps["strongest"].get_support()], "inputs")


def _element(dtype: type) -> int:
    from onnx import helper

    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def _gather(graph: GraphBuilder, x: str, which: Sequence[int] | np.ndarray, name: str) -> str:
    """Select columns."""
    return graph.node("Gather", x, graph.constant(which, f"{name}_at", np.int64), axis=1)


def _scale(graph: GraphBuilder, pipeline: Any, x: str, missing: str) -> str:
    """Impute, standardise and clip numbers."""
    median = graph.constant(pipeline.named_steps["median"].statistics_, "median")
    filled = graph.node("Where", missing, median, x)
    scale = pipeline.named_steps["scale"]
    centred = graph.node("Sub", filled, graph.constant(scale.mean_, "mean"))
    scaled = graph.node("Div", centred, graph.constant(scale.scale_, "scale"))
    ends = graph.constant(-CLIP, "low"), graph.constant(CLIP, "high")
    return graph.node("Clip", scaled, *ends)


def _one_hot_tables(encoder: Any, levels: Sequence[int]) -> list[np.ndarray]:
    """Return the one-hot inputs of each category, one row per level and one for unknown levels."""
    names = encoder.get_feature_names_out([f"{j}" for j in range(len(levels))])
    owner = np.array([int(name.split("_", 1)[0]) for name in names])
    tables = []
    for j, count in enumerate(levels):
        codes = np.zeros((count + 1, len(levels)))
        codes[:, j] = np.arange(count + 1)
        tables.append(encoder.transform(codes)[:, owner == j])
    return tables


def _one_hot(graph: GraphBuilder, table: str, column: int, lookup: np.ndarray) -> str:
    """Look up the inputs of one category; codes outside the levels and NaN select the last row."""
    name = f"category{column}"
    flat = graph.squeeze(_gather(graph, table, [column], name), 1, f"{name}_axis")
    unknown = graph.constant(len(lookup) - 1, f"{name}_unknown")
    known = graph.node("Not", graph.node("IsNaN", flat))
    safe = graph.node("Where", known, flat, unknown)
    inside = graph.node(
        "And",
        graph.node("GreaterOrEqual", safe, graph.constant(0, f"{name}_zero")),
        graph.node("LessOrEqual", safe, unknown),
    )
    code = graph.node("Cast", graph.node("Where", inside, safe, unknown), to=_element(np.int64))
    return graph.node("Gather", graph.constant(lookup, f"{name}_inputs"), code, axis=0)
