"""The models of a comparison as ONNX files, on new rows, and their settings as PyTorch code.

ONNX: input ``table`` float32 (N, p), one column a table column in the order of the metadata, a
category as the number of its level there (any other number: unknown), NaN where missing. All
preparation is in the graph, and trees are one operator (``ai.onnx.ml``). Output ``value`` float32 (N,) in target units; with classes also
``logits`` float32 (N, C). Metadata entry ``regcls_table`` is a JSON object that says all this.
"""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pandas as pd

from regcls.tabular import onnx_trees
from regcls.tabular.columns import NUMBER, Problem, encode
from regcls.tabular.comparison import Results
from regcls.tabular.fold import Kept
from regcls.tabular.plan import HIDDEN, KINDS, TREES
from regcls.tabular.preprocessing import CLIP, inputs

OPSET = 17
KEY = "regcls_table"


def predict(kept: Kept, values: np.ndarray) -> np.ndarray:
    """Values (n,) of a kept model for coded rows (n, p)."""
    x = inputs(kept.prepared, values)
    if kept.kind == TREES:
        return kept.trees.predict(x)
    for weight, bias in kept.layers[: len(HIDDEN)]:
        x = np.maximum(x @ weight + bias, 0)
    if kept.kind == "hl-gauss":
        logits = x @ kept.layers[-1][0] + kept.layers[-1][1]
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        centres = (kept.edges[1:] + kept.edges[:-1]) / 2
        return (share / share.sum(axis=1, keepdims=True)) @ centres
    weight, bias = kept.layers[len(HIDDEN)]
    return ((x @ weight + bias)[:, 0] * kept.std + kept.mean).astype(np.float64)


def predicted_rows(kept: dict[str, Kept], problem: Problem, frame: pd.DataFrame) -> pd.DataFrame:
    """New rows with one column a kind behind them. Raises ``AdviseError`` for missing columns."""
    values = encode(frame, problem.columns)
    out = frame.copy()
    for kind, model in kept.items():
        out[f"{problem.target}, {kind}"] = predict(model, values)
    return out


def onnx_zip(results: Results, kept: dict[str, Kept]) -> bytes:
    """One file a kind, in a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind in KINDS:
            name = kind.replace("+", "")
            archive.writestr(f"{name}.onnx", onnx_bytes(kept[kind], results.plan.problem))
    return packed.getvalue()


def onnx_bytes(kept: Kept, problem: Problem) -> bytes:
    """One model with its preparation as an ONNX file."""
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    x = graph.prepare(kept, problem)
    value = graph.trees(kept, x) if kept.kind == TREES else graph.network(kept, x)
    graph.add("Squeeze", value, graph.constant([1], "last", np.int64), out="value")
    given = helper.make_tensor_value_info("table", TensorProto.FLOAT, ["N", len(problem.columns)])
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["N"])]
    if len(kept.layers) > len(HIDDEN) + 1:
        shape = ["N", len(kept.layers[-1][1])]
        outputs.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape))
    made = helper.make_graph(graph.nodes, "regcls-table", [given], outputs, graph.weights)
    opsets = [helper.make_opsetid("", OPSET)]
    if kept.kind == TREES:
        opsets.append(helper.make_opsetid(onnx_trees.DOMAIN, onnx_trees.OPSET))
    model = helper.make_model(made, opset_imports=opsets)
    model.ir_version = 8  # the one of this opset, so that older runtimes read the file
    helper.set_model_props(model, {KEY: json.dumps(_note(kept, problem))})
    checker.check_model(model)
    return model.SerializeToString()


def _note(kept: Kept, problem: Problem) -> dict:
    s = kept.setting
    network = {"lr": s.lr, "weight": s.weight, "decay": s.weight_decay}
    return {
        "schema": 1,
        "kind": kept.kind,
        "target": problem.target,
        "input": "table: float32 (N, columns), raw numbers, level numbers for categories, "
        "NaN where missing; all preparation is inside",
        "columns": [
            {"name": c.name, "kind": c.kind, **({"levels": list(c.levels)} if c.levels else {})}
            for c in problem.columns
        ],
        "setting": {"rate": s.rate, "leaves": s.leaves, "l2": s.l2}
        if kept.kind == TREES
        else network,
        "class_edges": None if kept.edges is None else [float(e) for e in kept.edges],
    }


class _Graph:
    """Nodes and weights of a graph, written one after the other."""

    def __init__(self):
        self.nodes: list = []
        self.weights: list = []

    def constant(self, values, name: str, dtype=np.float32) -> str:
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def add(self, operator: str, *names: str, out: str = "", **attributes) -> str:
        from onnx import helper

        out = out or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(names), [out], **attributes))
        return out

    def dense(self, x: str, weight: np.ndarray, bias: np.ndarray, name: str) -> str:
        w, b = self.constant(weight, f"{name}_W"), self.constant(bias, f"{name}_b")
        return self.add("Gemm", x, w, b)

    def network(self, kept: Kept, x: str) -> str:
        """The target (N, 1) by a network; its logits, where it has classes, are an output."""
        for i, (weight, bias) in enumerate(kept.layers[: len(HIDDEN)]):
            x = self.add("Relu", self.dense(x, weight, bias, f"hidden{i}"))
        if len(kept.layers) > len(HIDDEN) + 1:
            logits = self.dense(x, *kept.layers[-1], "classes")
            self.add("Identity", logits, out="logits")
        if kept.kind == "hl-gauss":
            share = self.add("Softmax", logits, axis=1)
            centres = (kept.edges[1:] + kept.edges[:-1]) / 2
            return self.add("MatMul", share, self.constant(centres[:, None], "centres"))
        weight, bias = kept.layers[len(HIDDEN)]
        return self.dense(x, weight * kept.std, bias * kept.std + kept.mean, "target")

    def trees(self, kept: Kept, x: str) -> str:
        """The target (N, 1) by trees."""
        of = onnx_trees.attributes(kept.trees)
        return self.add("TreeEnsembleRegressor", x, domain=onnx_trees.DOMAIN, **of)

    def prepare(self, kept: Kept, problem: Problem) -> str:
        """The fitted pipeline, written as operators."""
        columns, kinds = kept.prepared.named_steps["columns"], problem.columns
        numbers = [i for i, c in enumerate(kinds) if c.kind == NUMBER]
        parts = []
        if numbers:
            x = self._columns("table", numbers, "numbers")
            missing = self.add("IsNaN", x)
            parts.append(self._scaled(columns.named_transformers_["numbers"], x, missing))
            at = columns.named_transformers_["missing"].features_
            if len(at):
                flags = self.add("Cast", missing, to=1)
                parts.append(self._columns(flags, at, "flags"))
        categories = [i for i, c in enumerate(kinds) if c.kind != NUMBER]
        if categories:
            encoder = columns.named_transformers_["categories"]
            parts += self._one_hot(encoder, categories, kinds)
        joined = self.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]
        kept_inputs = np.flatnonzero(kept.prepared.named_steps["varying"].get_support())
        strongest = kept.prepared.named_steps["strongest"].get_support()
        return self._columns(joined, kept_inputs[strongest], "inputs")

    def _columns(self, x: str, which, name: str) -> str:
        return self.add("Gather", x, self.constant(which, f"{name}_at", np.int64), axis=1)

    def _scaled(self, pipeline, x: str, missing: str) -> str:
        median = self.constant(pipeline.named_steps["median"].statistics_, "median")
        filled = self.add("Where", missing, median, x)
        scale = pipeline.named_steps["scale"]
        centred = self.add("Sub", filled, self.constant(scale.mean_, "mean"))
        scaled = self.add("Div", centred, self.constant(scale.scale_, "scale"))
        ends = self.constant(-CLIP, "low"), self.constant(CLIP, "high")
        return self.add("Clip", scaled, *ends)

    def _one_hot(self, encoder, categories: list[int], kinds) -> list[str]:
        """A table of each category's inputs, a row a level and a last one for what is unknown."""
        found, start = [], 0
        width = [len(n) for n in _inputs_of(encoder, len(categories))]
        for j, i in enumerate(categories):
            levels = len(kinds[i].levels)
            codes = np.zeros((levels + 1, len(categories)))
            codes[:, j] = np.arange(levels + 1)
            lookup = encoder.transform(codes)[:, start : start + width[j]]
            start += width[j]
            column = self._columns("table", [i], f"category{j}")
            flat = self.add("Squeeze", column, self.constant([1], f"axis{j}", np.int64))
            known = self.add("Not", self.add("IsNaN", flat))
            last = self.constant(levels, f"last{j}")
            safe = self.add("Where", known, flat, last)
            inside = self.add("And", self.add("GreaterOrEqual", safe, self.constant(0, f"zero{j}")),
                              self.add("LessOrEqual", safe, last))  # fmt: skip
            code = self.add("Cast", self.add("Where", inside, safe, last), to=7)
            found.append(self.add("Gather", self.constant(lookup, f"levels{j}"), code, axis=0))
        return found


def _inputs_of(encoder, count: int) -> list[list[str]]:
    """Names of the inputs of each category, in order."""
    names = [f"{j}" for j in range(count)]
    all_names = encoder.get_feature_names_out(names)
    return [[n for n in all_names if n.split("_", 1)[0] == name] for name in names]
