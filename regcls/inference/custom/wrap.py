"""Wrap a user-supplied ONNX model so that it satisfies the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.inference import contract, graph
from regcls.inference.contract import TASKS, Card, ContractError
from regcls.inference.custom import sandbox
from regcls.inference.custom.inspect import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    MAX_SIDE,
    MIN_SIDE,
    SCALINGS,
    UNITS,
    Finding,
    Form,
    class_count,
    image_input,
    run_trial,
    squeeze_shape,
)

if TYPE_CHECKING:
    import onnx

_PREFIX = "own/"  # of all names of the wrapped model


def complete(found: Finding, form: Form, seconds: float = sandbox.SECONDS) -> Finding:
    """Build a conforming file around a model without a card, and try it in a separate process.

    Parameters
    ----------
    found : Finding
        From ``inspect.examine``, with a form.
    form : Form
        The completed form.
    seconds : float
        Time limit of the trial run.

    Returns
    -------
    Finding
        The conforming file with its card and trial run.

    Raises
    ------
    ContractError
        If the form is not valid or does not fit the file, or the trial run fails.
    """
    _check_form(form, found)
    wrapped = _wrapped(contract.parse(found.data), form, found.kind)
    card = _card(form, found.name)
    data = contract.with_card(wrapped, card)
    contract.check_bytes(data, found.name)
    return Finding(found.name, data, card=card, trial=run_trial(data, card, seconds))


def _check_form(form: Form, found: Finding) -> None:
    if form.task not in TASKS:
        raise ContractError(f"task must be one of {', '.join(TASKS)}, not {form.task!r}")
    if not form.low < form.high:
        raise ContractError("the target's lower limit must be below its upper limit")
    for side in (form.height, form.width):
        if not MIN_SIDE <= side <= MAX_SIDE:
            raise ContractError(f"height and width must be from {MIN_SIDE} to {MAX_SIDE} pixels")
    if {form.value, form.logits} - {"", *found.outputs}:
        raise ContractError(
            f"value and logits must be outputs of the model: {', '.join(found.outputs)}"
        )
    if form.value == form.logits:
        raise ContractError("value and logits must be two different outputs")
    is_map = len(squeeze_shape(found.outputs[form.value])) == 3
    if is_map != (form.task == "depth"):
        predicts = "a map" if is_map else "one number"
        raise ContractError(
            f"the model predicts {predicts} per image, which does not fit the task {form.task}"
        )
    if form.unit not in UNITS[form.task]:
        raise ContractError(
            f"the unit of {form.task} must be one of {', '.join(UNITS[form.task])}, "
            f"not {form.unit!r}"
        )
    if form.logits:
        _check_edges(np.asarray(form.edges), class_count(found.outputs[form.logits]))


def _check_edges(edges: np.ndarray, classes: int) -> None:
    if len(edges) < 3 or not (np.diff(edges) > 0).all():
        raise ContractError("class edges must be three or more ascending numbers")
    if classes and len(edges) != classes + 1:
        raise ContractError(f"{classes} classes need {classes + 1} edges, not {len(edges)}")


def _wrapped(model: onnx.ModelProto, form: Form, kind: str) -> bytes:
    """Add the input "image" before the graph, and the outputs "value" and "logits" after it."""
    from onnx import TensorProto, compose, helper

    inner = compose.add_prefix(model, _PREFIX)
    body, old = inner.graph, image_input(inner)
    before, weights = _preprocessing(form, kind, old.name)
    after, more, outputs = _postprocessing(form, body)
    nodes = [*before, *body.node, *after]
    image = helper.make_tensor_value_info(
        "image", TensorProto.UINT8, ["N", form.height, form.width, 3]
    )
    inputs = [image, *(value for value in body.input if value.name != old.name)]
    whole = helper.make_graph(nodes, "own", inputs, outputs, [*body.initializer, *weights, *more])
    whole.sparse_initializer.extend(body.sparse_initializer)
    made = helper.make_model(whole, opset_imports=inner.opset_import, ir_version=inner.ir_version)
    made.functions.extend(inner.functions)
    return made.SerializeToString()


def _preprocessing(
    form: Form, kind: str, target: str
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes from "image" to the model's own input, and their weights."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[onnx.NodeProto] = []
    weights: list[onnx.TensorProto] = []
    last = "image"

    def add(operator: str, extra: list[str] | None = None, **attributes: Any) -> None:
        nonlocal last
        out = f"front/{len(nodes)}"
        nodes.append(helper.make_node(operator, [last, *(extra or [])], [out], **attributes))
        last = out

    def weight(name: str, values: np.ndarray) -> list[str]:
        weights.append(numpy_helper.from_array(values, f"front/{name}"))
        return [f"front/{name}"]

    if form.order == "BGR":
        add("Gather", weight("order", np.array([2, 1, 0], np.int64)), axis=3)
    if kind == "float32":
        add("Cast", to=TensorProto.FLOAT)
        scale, shift = _scaling(form)
        add("Mul", weight("scale", scale.astype(np.float32)))
        add("Add", weight("shift", shift.astype(np.float32)))
    if form.layout == "NCHW":
        add("Transpose", perm=[0, 3, 1, 2])
    nodes.append(helper.make_node("Identity", [last], [target]))
    return nodes, weights


def _scaling(form: Form) -> tuple[np.ndarray, np.ndarray]:
    """Factor and offset per channel, in the channel order of the model."""
    pair = SCALINGS[form.scaling]
    if pair is not None:
        return np.full(3, pair[0]), np.full(3, pair[1])
    scale, shift = 1 / 255 / IMAGENET_STD, -IMAGENET_MEAN / IMAGENET_STD
    return (scale, shift) if form.order == "RGB" else (scale[::-1], shift[::-1])


def _postprocessing(
    form: Form, body: onnx.GraphProto
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto], list[onnx.ValueInfoProto]]:
    """Nodes from the model's outputs to "value" and "logits", their weights, and the outputs."""
    from onnx import TensorProto, helper, numpy_helper

    value = _output(body, form.value)
    shape = graph.shape_of(value.type.tensor_type)
    rank = len(squeeze_shape(shape))
    raw, nodes, weights = value.name, [], []
    if len(shape) > rank:
        weights.append(numpy_helper.from_array(np.array([1], np.int64), "back/one"))
        nodes.append(helper.make_node("Squeeze", [raw, "back/one"], ["back/bare"]))
        raw = "back/bare"
    nodes.append(helper.make_node("Cast", [raw], ["back/float"], to=TensorProto.FLOAT))
    factor = np.array(UNITS[form.task][form.unit], np.float32)
    weights.append(numpy_helper.from_array(factor, "back/factor"))
    nodes.append(helper.make_node("Mul", ["back/float", "back/factor"], ["value"]))
    sizes: list[str | int] = ["N"] if rank == 1 else ["N", "h", "w"]
    outputs = [helper.make_tensor_value_info("value", TensorProto.FLOAT, sizes)]
    if form.logits:
        old = _output(body, form.logits).name
        nodes.append(helper.make_node("Cast", [old], ["logits"], to=TensorProto.FLOAT))
        sizes = [sizes[0], len(form.edges) - 1, *sizes[1:]]
        outputs.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, sizes))
    return nodes, weights, outputs


def _output(body: onnx.GraphProto, name: str) -> onnx.ValueInfoProto:
    return next(v for v in body.output if v.name in (name, _PREFIX + name))


def _card(form: Form, name: str) -> Card:
    """Make a card without training counts and metrics, which are unknown."""
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
        training={"data_set": "not stated", "file": name},
        licence=form.licence or "not stated",
        citation="not stated",
        classes={"edges": list(form.edges), "kind": "set by hand"} if form.logits else None,
    )
