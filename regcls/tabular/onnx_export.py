"""ONNX export of a comparison's models, with the preprocessing inside the graph.

Input ``table``: float32 (N, p), one column per table column in the order of the metadata. A category
is given as the number of its level there (any other number: unknown level); missing values are NaN.
Output ``value``: float32 (N,), in units of the target. Methods that read a class head also have the output
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
from regcls.stats.readouts import Monotone, log_prior
from regcls.tabular import onnx_trees
from regcls.tabular.answers import (
    Answer,
    Average,
    ClassHead,
    Layers,
    Recalibrated,
    Trees,
    ValueHead,
)
from regcls.tabular.columns import NUMBER, Column, Problem
from regcls.tabular.methods import KINDS
from regcls.tabular.models import FittedModel
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
    trees = isinstance(model.answer, Trees)
    opsets = {onnx_trees.DOMAIN: onnx_trees.OPSET} if trees else None
    graph = GraphBuilder("regcls-table", opsets)
    table = graph.input("table", ["N", len(problem.columns)])
    x = _preprocess(graph, model, problem.columns, table)
    column = _answer(graph, model.answer, x)
    graph.squeeze(column, 1, "last", out=graph.output("value", ["N"]))
    return graph.serialise({KEY: json.dumps(_metadata(model, problem))})


def _metadata(model: FittedModel, problem: Problem) -> dict[str, Any]:
    head = _class_head(model.answer)
    return {
        "schema": 2,
        "kind": model.kind,
        "target": problem.target,
        "input": "table: float32 (N, columns); numbers as they are, categories as level numbers, "
        "NaN where missing; the preprocessing is part of the graph",
        "columns": [
            {"name": c.name, "kind": c.kind, **({"levels": list(c.levels)} if c.levels else {})}
            for c in problem.columns
        ],
        "setting": model.setting.used(model.kind),
        "class_edges": None if head is None else [float(e) for e in head.edges],
    }


def _class_head(answer: Answer) -> ClassHead | None:
    """Return the class head that an answer reads, if it does."""
    if isinstance(answer, Average):
        return next(filter(None, map(_class_head, answer.parts)), None)
    return answer if isinstance(answer, ClassHead) else None


def _answer(graph: GraphBuilder, answer: Answer, x: str, name: str = "") -> str:
    """Add an answer; return its prediction (N, 1). Logits become an output of the graph."""
    if isinstance(answer, ValueHead):
        h = _hidden(graph, answer.hidden, x, name)
        return graph.dense(h, answer.weight[:, None], np.array([answer.bias]), f"{name}target")
    if isinstance(answer, ClassHead):
        return _class_answer(graph, answer, _hidden(graph, answer.hidden, x, name))
    if isinstance(answer, Average):
        parts = [
            graph.node("Mul", _answer(graph, part, x, f"part{i}_"), graph.constant(w, f"share{i}"))
            for i, (part, w) in enumerate(zip(answer.parts, answer.weights, strict=True))
        ]
        return graph.node("Sum", *parts)
    if isinstance(answer, Recalibrated):
        return _mapped(graph, answer.map, _answer(graph, answer.answer, x, name))
    assert isinstance(answer, Trees)
    attributes = onnx_trees.attributes(answer.model)
    return graph.node("TreeEnsembleRegressor", x, domain=onnx_trees.DOMAIN, **attributes)


def _hidden(graph: GraphBuilder, hidden: Layers, x: str, name: str) -> str:
    for i, (weight, bias) in enumerate(hidden):
        x = graph.node("Relu", graph.dense(x, weight, bias, f"{name}hidden{i}"))
    return x


def _class_answer(graph: GraphBuilder, head: ClassHead, h: str) -> str:
    """Add a class head with its logits as an output; return its mean or median (N, 1)."""
    logits = graph.output("logits", ["N", len(head.bias)])
    graph.dense(h, head.weight, head.bias, "classes", out=logits)
    shift = graph.constant(head.tau * log_prior(head.prior)[None], "log_prior")
    share = graph.node("Softmax", graph.node("Sub", logits, shift), axis=1)
    if head.statistic == "mean":
        centres = (head.edges[1:] + head.edges[:-1]) / 2
        return graph.node("MatMul", share, graph.constant(centres[:, None], "centres"))
    return _median(graph, head, share)


def _median(graph: GraphBuilder, head: ClassHead, share: str) -> str:
    """Return the median of the density that is uniform in each class.

    Each class adds its width times the part of it that lies below half of the probability.
    """
    upper = graph.constant(np.triu(np.ones((len(head.prior),) * 2)), "sum_up_to")
    before = graph.node("Sub", graph.node("MatMul", share, upper), share)
    missing = graph.node("Sub", graph.constant(0.5, "half"), before)
    part = graph.node("Div", missing, graph.node("Max", share, graph.constant(1e-30, "least")))
    clipped = graph.node("Clip", part, graph.constant(0, "zero"), graph.constant(1, "one"))
    above = graph.node("MatMul", clipped, graph.constant(np.diff(head.edges)[:, None], "widths"))
    return graph.node("Add", above, graph.constant(head.edges[0], "lowest"))


def _mapped(graph: GraphBuilder, fitted: Monotone, column: str) -> str:
    """Add a piecewise linear map: the sum of what is covered of each piece times its slope."""
    if len(fitted.x) < 2:
        flat = graph.node("Mul", column, graph.constant(0, "none"))
        return graph.node("Add", flat, graph.constant(fitted.y[0], "constant"))
    pieces = np.diff(fitted.x)
    along = graph.node("Sub", column, graph.constant(fitted.x[None, :-1], "knots"))
    covered = graph.node("Max", along, graph.constant(0, "before"))
    covered = graph.node("Min", covered, graph.constant(pieces[None], "pieces"))
    slopes = graph.constant((np.diff(fitted.y) / pieces)[:, None], "slopes")
    return graph.node(
        "Add", graph.node("MatMul", covered, slopes), graph.constant(fitted.y[0], "first")
    )


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
