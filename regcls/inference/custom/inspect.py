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
