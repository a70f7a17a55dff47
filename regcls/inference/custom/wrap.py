"""Wrap a user's ONNX model so that it satisfies the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.inference import contract
from regcls.inference.contract import Card, ContractError
from regcls.inference.custom import sandbox
from regcls.inference.custom.inspect import (
    _DEVIATION,
    _MEAN,
    _PREFIX,
    MAX_SIDE,
    MIN_SIDE,
    SCALINGS,
    TASKS,
    UNITS,
    Finding,
    Form,
    _bare,
    _classes,
    _only_input,
    _tried,
)

if TYPE_CHECKING:
    import onnx


def complete(found: Finding, form: Form, seconds: float = sandbox.SECONDS) -> Finding:
    """A conforming file, in ``data``: the contract's input and outputs around the file's own, and a card.

    It is tried in a process of its own before it is returned. Raises ``ContractError`` for a form
    that is not sound or does not fit the file.
    """
    _demand_form(form, found)
    wrapped = _wrapped(contract.parse(found.data), form, found.kind)
    card = _card(form, found.name)
    data = contract.written(wrapped, card)
    contract.check_bytes(data, found.name)
    return Finding(found.name, data, card=card, tried=_tried(data, card, seconds))


def _demand_form(form: Form, found: Finding) -> None:
    if form.task not in TASKS:
        raise ContractError(f"the task must be one of {', '.join(TASKS)}, not {form.task!r}")
    if not form.low < form.high:
        raise ContractError("the target's lower limit must be below its upper limit")
    for side in (form.height, form.width):
        if not MIN_SIDE <= side <= MAX_SIDE:
            raise ContractError(f"height and width must be from {MIN_SIDE} to {MAX_SIDE} pixels")
    if {form.value, form.logits} - {"", *found.outputs}:
        raise ContractError(
            f"value and logits must be among its outputs: {', '.join(found.outputs)}"
        )
    if form.value == form.logits:
        raise ContractError("value and logits must be two different outputs")
    ranks = len(_bare(found.outputs[form.value]))
    if (ranks == 3) != (form.task == "depth"):
        answers = "a map" if ranks == 3 else "one number an image"
        raise ContractError(f"it answers with {answers}, which does not fit the task {form.task}")
    if form.unit not in UNITS[form.task]:
        raise ContractError(
            f"{form.task} is answered in {', '.join(UNITS[form.task])}, not in {form.unit!r}"
        )
    if form.logits:
        edges, classes = np.asarray(form.edges), _classes(found.outputs[form.logits])
        if len(edges) < 3 or not (np.diff(edges) > 0).all():
            raise ContractError("the class edges must be three or more ascending numbers")
        if classes and len(edges) != classes + 1:
            raise ContractError(f"{classes} classes have {classes + 1} edges, not {len(edges)}")


def _wrapped(model: onnx.ModelProto, form: Form, kind: str) -> bytes:
    """The graph with "image" in front and "value" and "logits" behind."""
    from onnx import TensorProto, compose, helper

    inner = compose.add_prefix(model, _PREFIX)
    graph, old = inner.graph, _only_input(inner)
    before, weights = _front(form, kind, old.name)
    rank = len(_bare(contract.shape_of(_output(graph, form.value).type.tensor_type)))
    after, more, outputs = _back(form, rank, graph)
    nodes = [*before, *graph.node, *after]
    image = helper.make_tensor_value_info(
        "image", TensorProto.UINT8, ["N", form.height, form.width, 3]
    )
    inputs = [image, *(value for value in graph.input if value.name != old.name)]
    whole = helper.make_graph(nodes, "own", inputs, outputs, [*graph.initializer, *weights, *more])
    whole.sparse_initializer.extend(graph.sparse_initializer)
    made = helper.make_model(whole, opset_imports=inner.opset_import, ir_version=inner.ir_version)
    made.functions.extend(inner.functions)
    return made.SerializeToString()


def _front(form: Form, kind: str, target: str) -> tuple[list, list]:
    """Nodes from "image" to the file's own input, and their weights."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, at = [], [], "image"

    def then(operator: str, extra: list[str] | None = None, **attributes) -> None:
        nonlocal at
        out = f"front/{len(nodes)}"
        nodes.append(helper.make_node(operator, [at, *(extra or [])], [out], **attributes))
        at = out

    def weight(name: str, values: np.ndarray) -> list[str]:
        weights.append(numpy_helper.from_array(values, f"front/{name}"))
        return [f"front/{name}"]

    if form.order == "BGR":
        then("Gather", weight("order", np.array([2, 1, 0], np.int64)), axis=3)
    if kind == "float32":
        then("Cast", to=TensorProto.FLOAT)
        scale, shift = _scaling(form)
        then("Mul", weight("scale", scale.astype(np.float32)))
        then("Add", weight("shift", shift.astype(np.float32)))
    if form.layout == "NCHW":
        then("Transpose", perm=[0, 3, 1, 2])
    nodes.append(helper.make_node("Identity", [at], [target]))
    return nodes, weights


def _scaling(form: Form) -> tuple[np.ndarray, np.ndarray]:
    """What each colour is multiplied with and what is added, in the order that the file expects."""
    pair = SCALINGS[form.scaling]
    if pair is not None:
        return np.full(3, pair[0]), np.full(3, pair[1])
    scale, shift = 1 / 255 / _DEVIATION, -_MEAN / _DEVIATION
    return (scale, shift) if form.order == "RGB" else (scale[::-1], shift[::-1])


def _back(form: Form, rank: int, graph: onnx.GraphProto) -> tuple[list, list, list]:
    """Nodes from the file's outputs to "value" and "logits", their weights, and the outputs."""
    from onnx import TensorProto, helper, numpy_helper

    value = _output(graph, form.value)
    raw, nodes, weights = value.name, [], []
    if len(value.type.tensor_type.shape.dim) > rank:
        weights.append(numpy_helper.from_array(np.array([1], np.int64), "back/one"))
        nodes.append(helper.make_node("Squeeze", [raw, "back/one"], ["back/bare"]))
        raw = "back/bare"
    nodes.append(helper.make_node("Cast", [raw], ["back/float"], to=TensorProto.FLOAT))
    factor = np.array(UNITS[form.task][form.unit], np.float32)
    weights.append(numpy_helper.from_array(factor, "back/factor"))
    nodes.append(helper.make_node("Mul", ["back/float", "back/factor"], ["value"]))
    sizes = ["N"] if rank == 1 else ["N", "h", "w"]
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, sizes)]
    if form.logits:
        old = _output(graph, form.logits).name
        nodes.append(helper.make_node("Cast", [old], ["logits"], to=TensorProto.FLOAT))
        sizes = [sizes[0], len(form.edges) - 1, *sizes[1:]]
        outputs.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, sizes))
    return nodes, weights, outputs


def _output(graph: onnx.GraphProto, name: str) -> Any:
    return next(v for v in graph.output if v.name in (name, _PREFIX + name))


def _card(form: Form, name: str) -> Card:
    """What is not known is said so: no training counts, no metrics."""
    return Card(
        task=form.task,
        variant=form.variant,
        target={
            "name": form.name,
            "unit": next(iter(UNITS[form.task])),
            "low": form.low,
            "high": form.high,
        },
        input={"height": form.height, "width": form.width},
        training_histogram={"edges": [form.low, form.high], "counts": [0]},
        metrics={"overall": {}, "shots": {}, "seeds": {}},
        training={"data_set": "not said", "file": name},
        licence=form.licence or "not said",
        citation="not said",
        classes={"edges": list(form.edges), "kind": "given by hand"} if form.logits else None,
    )
