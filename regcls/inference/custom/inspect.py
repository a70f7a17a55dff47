"""Models that people bring: what breaks them, what is merely missing, and a conforming file.

``examine`` looks at a file and tries it in a process of its own; ``complete`` builds the contract's
input and outputs around it, from a ``Form``. Nothing is written to disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.inference import contract
from regcls.inference.contract import Card, ContractError
from regcls.inference.custom import sandbox
from regcls.inference.custom.sandbox import Trial

if TYPE_CHECKING:
    import onnx

TASKS = ("age", "depth", "progress")
NAMES = {"reg": "own reg", "reg+cls": "own reg+cls"}  # beside the shipped "reg" and "reg+cls"
SCALINGS = {
    "0 to 255": (1.0, 0.0),
    "0 to 1": (1 / 255, 0.0),
    "-1 to 1": (2 / 255, -1.0),
    "ImageNet mean and deviation": None,
}
# Means and deviations of ImageNet's pixels, from 0 to 1, as torchvision's models expect them.
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
LAYOUTS, ORDERS = ("NHWC", "NCHW"), ("RGB", "BGR")
MIN_SIDE, MAX_SIDE = 16, 1024
_UINT8, _FLOAT32 = 2, 1  # onnx.TensorProto's numbers
_PREFIX = "own/"


# What answers may be in, and what makes them the unit of the task's page, which is the first.
UNITS = {
    "age": {"years": 1.0, "months": 1 / 12},
    "depth": {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001},
    "progress": {"share of the activity": 1.0, "percent": 0.01},
}


@dataclass(frozen=True)
class Form:
    """What a file does not say of itself. ``unit``: of its answers, one of ``UNITS``; ``low``,
    ``high`` and ``edges`` (C+1, for reg+cls) are in the unit of the task's page all the same.

    ``value`` and ``logits`` are names of outputs, ``logits`` "" for a reg model.
    """

    task: str = "age"
    name: str = "age"
    unit: str = "years"
    low: float = 0.0
    high: float = 120.0
    height: int = 96
    width: int = 96
    layout: str = "NHWC"
    order: str = "RGB"
    scaling: str = "0 to 255"
    value: str = "value"
    logits: str = ""
    edges: tuple[float, ...] = ()
    licence: str = "not said"

    @property
    def variant(self) -> str:
        return "reg+cls" if self.logits else "reg"


TARGETS = {
    "age": Form("age", "age", "years", 0.0, 120.0),
    "depth": Form("depth", "depth", "metres", 0.0, 10.0),
    "progress": Form("progress", "progress", "share of the activity", 0.0, 1.0),
}


@dataclass(frozen=True)
class Finding:
    """What is known of a file. ``problem``: a sentence if it cannot be used at all. ``card``: if it
    conforms as it is. Otherwise a ``form`` must be filled in; its guesses come from the file.

    ``free``: height and width are not fixed by the file. ``kind``: the type of its input. ``tried``:
    how it did on the first images, if it was run.
    """

    name: str
    data: bytes = field(repr=False, default=b"")
    problem: str | None = None
    card: Card | None = None
    form: Form | None = None
    free: bool = False
    kind: str = "uint8"
    outputs: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    tried: Trial | None = None

    @property
    def conforms(self) -> bool:
        return self.card is not None


def examine(data: bytes, name: str, seconds: float = sandbox.SECONDS) -> Finding:
    """Check a file, and run it for the first time if it says all that is needed for that."""
    try:
        model = contract.parse(data)
        contract.demand_safe(model)
        if any(entry.key == contract.KEY for entry in model.metadata_props):
            card = contract.check_bytes(data, name)
            return Finding(name, data, card=card, tried=_tried(data, card, seconds))
        return _unlabelled(model, data, name)
    except ContractError as error:
        text = str(error)
        text = text if text.startswith(name) else f"{name}: {text}"
        return Finding(name, problem=text + ("" if text.endswith(".") else "."))


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


# What a file says of itself


def _unlabelled(model: onnx.ModelProto, data: bytes, name: str) -> Finding:
    """A file without a card: its one image input, its one or two outputs, and guesses."""
    image = _only_input(model)
    kind = {_UINT8: "uint8", _FLOAT32: "float32"}.get(image.type.tensor_type.elem_type)
    if kind is None:
        raise ContractError(f"its input '{image.name}' must be of type uint8 or float32")
    shape = contract.shape_of(image.type.tensor_type)
    layout = _layout(shape, image.name)
    sides = shape[1:3] if layout == "NHWC" else shape[2:4]
    outputs = {
        value.name: tuple(contract.shape_of(value.type.tensor_type)) for value in model.graph.output
    }
    value, logits = _roles(outputs)
    classes = outputs[logits][1] if logits and len(outputs[logits]) > 1 else None
    task = "depth" if len(_bare(outputs[value])) == 3 else "age"
    target = TARGETS[task]
    form = replace(
        target,
        height=sides[0] or target.height,
        width=sides[1] or target.width,
        layout=layout,
        scaling="0 to 255" if kind == "uint8" else "ImageNet mean and deviation",
        value=value,
        logits=logits,
        edges=tuple(np.linspace(target.low, target.high, classes + 1)) if classes else (),
    )
    return Finding(name, data, form=form, free=None in sides, kind=kind, outputs=outputs)


def _only_input(model: onnx.ModelProto) -> Any:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise ContractError(f"it must have one input, the image, and has {len(inputs)} ({names})")
    return inputs[0]


def _layout(shape: list[int | None], name: str) -> str:
    if len(shape) != 4:
        raise ContractError(
            f"its input '{name}' must have four dimensions (images), and has {len(shape)}"
        )
    if shape[0] is not None:
        raise ContractError(
            f"its batch is fixed at {shape[0]}: export it with a free first dimension"
        )
    if shape[3] == 3:
        return "NHWC"
    if shape[1] == 3:
        return "NCHW"
    raise ContractError(
        f"its input '{name}' has no dimension of 3 colours in first or last place: only colour "
        "images can be used"
    )


def _roles(outputs: dict[str, tuple[int | None, ...]]) -> tuple[str, str]:
    """Which output is the value, and which holds the classes: the one with more of them."""
    if len(outputs) > 2:
        raise ContractError(
            f"it must have one output (value) or two (value, logits), and has {len(outputs)}"
        )
    if len(outputs) == 1:
        (value,) = outputs
        _demand_rank(value, outputs[value])
        return value, ""
    names = sorted(outputs, key=lambda name: (_classes(outputs[name]), len(outputs[name])))
    if "value" in outputs:
        names.sort(key=lambda name: name != "value")
    _demand_rank(names[0], outputs[names[0]])
    return names[0], names[1]


def _classes(shape: tuple[int | None, ...]) -> int:
    return shape[1] or 0 if len(shape) in (2, 4) else 0


def _demand_rank(name: str, shape: tuple[int | None, ...]) -> None:
    if len(_bare(shape)) not in (1, 3):
        raise ContractError(
            f"its output '{name}' has the shape {contract.shown(list(shape))}: it must be one "
            "number an image, (N,) or (N, 1), or a map, (N, h, w) or (N, 1, h, w)"
        )


def _bare(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Without a dimension of one after the batch; one that is not said may be one, and a trial
    shows whether it is."""
    one = len(shape) in (2, 4) and shape[1] in (1, None)
    return (shape[0], *shape[2:]) if one else shape


# A conforming file around it


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


def _tried(data: bytes, card: Card, seconds: float) -> Trial:
    """Run a conforming file for the first time; what comes out must be what the card promises."""
    tried = sandbox.run(data, (card.input["height"], card.input["width"], 3), "uint8", seconds)
    value = tried.outputs["value"]
    if card.task in TASKS and (len(value.shape) == 3) != (card.task == "depth"):
        raise ContractError(
            f"its output 'value' has the shape {value.shape} for two images, which does not fit "
            f"the task {card.task}"
        )
    for name, output in tried.outputs.items():
        if not output.finite:
            raise ContractError(f"its output '{name}' holds NaN or infinities")
    logits = tried.outputs.get("logits")
    if logits and logits.shape != (2, card.class_count, *value.shape[1:]):
        raise ContractError(
            f"its output 'logits' has the shape {logits.shape} for two images, and "
            f"{(2, card.class_count, *value.shape[1:])} is needed"
        )
    unit = next(iter(UNITS.get(card.task, {card.target["unit"]: 1.0})))
    if card.target["unit"] != unit:
        raise ContractError(
            f"its card says {card.target['unit']}, and answers for {card.task} are in {unit} here: "
            "let its graph convert them"
        )
    return tried
