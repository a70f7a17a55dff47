"""Inspect a user-supplied ONNX model: find violations of the contract and missing metadata.

``examine`` checks a file and, if it has a card, runs it in a separate process. For a file without a
card it returns a ``Form`` with guesses, from which ``wrap.complete`` makes a conforming file.
Nothing is written to disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from regcls.exceptions import sentence
from regcls.inference import contract, graph
from regcls.inference.contract import TASKS, Card, ContractError
from regcls.inference.custom import reproducible, sandbox
from regcls.inference.custom.sandbox import Trial
from regcls.inference.graph import Shape

if TYPE_CHECKING:
    import onnx

NAMES = {"reg": "own reg", "reg+cls": "own reg+cls"}  # beside the shipped "reg" and "reg+cls"
SCALINGS = {  # factor and offset applied to 0 to 255; None: per channel, below
    "0 to 255": (1.0, 0.0),
    "0 to 1": (1 / 255, 0.0),
    "-1 to 1": (2 / 255, -1.0),
    "ImageNet mean and standard deviation": None,
}
# Mean and standard deviation of ImageNet's pixels (0 to 1), as used by torchvision's models.
IMAGENET_MEAN, IMAGENET_STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
LAYOUTS, ORDERS = ("NHWC", "NCHW"), ("RGB", "BGR")
MIN_SIDE, MAX_SIDE = 16, 1024  # pixels

# Units of predictions, and the factor to the unit of the task's page, which comes first.
UNITS = {
    "age": {"years": 1.0, "months": 1 / 12},
    "depth": {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001},
    "progress": {"share of the activity": 1.0, "percent": 0.01},
}


@dataclass(frozen=True)
class Form:
    """What has to be known about a model but is not stored in its file.

    Attributes
    ----------
    task : str
        ``"age"``, ``"depth"`` or ``"progress"``.
    name : str
        Name of the target.
    unit : str
        Unit of the predictions, a key of ``UNITS[task]``.
    low, high : float
        Limits of the target, in the unit of the task's page.
    height, width : int
        Input size in pixels.
    layout : str
        ``"NHWC"`` or ``"NCHW"``.
    order : str
        Channel order, ``"RGB"`` or ``"BGR"``.
    scaling : str
        Pixel values that the model expects, a key of ``SCALINGS``.
    value, logits : str
        Names of the outputs; ``logits`` is "" for a reg model.
    edges : tuple of float
        Class edges (C + 1,) in the unit of the task's page; empty for a reg model.
    licence : str
        Of the model.
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
    licence: str = "not stated"

    @property
    def variant(self) -> str:
        """Variant of the model, ``"reg"`` or ``"reg+cls"``."""
        return "reg+cls" if self.logits else "reg"


TARGETS = {
    "age": Form("age", "age", "years", 0.0, 120.0),
    "depth": Form("depth", "depth", "metres", 0.0, 10.0),
    "progress": Form("progress", "progress", "share of the activity", 0.0, 1.0),
}


@dataclass(frozen=True)
class Finding:
    """What is known about a file: a problem, a card, or a form to complete.

    Attributes
    ----------
    name : str
        The file's name.
    data : bytes
        The file; empty if it cannot be used.
    problem : str or None
        Why the file cannot be used, as a sentence.
    card : Card or None
        The card of a conforming file.
    form : Form or None
        Guesses for a valid model without a card.
    free : bool
        Whether the input's height or width is dynamic.
    kind : str
        Type of the input, ``"uint8"`` or ``"float32"``.
    outputs : mapping of str to tuple
        Shapes of the outputs by name.
    trial : Trial or None
        Result of the trial run of a conforming file.
    """

    name: str
    data: bytes = field(repr=False, default=b"")
    problem: str | None = None
    card: Card | None = None
    form: Form | None = None
    free: bool = False
    kind: str = "uint8"
    outputs: Mapping[str, Shape] = field(default_factory=dict)
    trial: Trial | None = None


def examine(data: bytes, name: str, seconds: float = sandbox.SECONDS) -> Finding:
    """Check a file, and run it in a separate process if it has a card.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name in messages.
    seconds : float
        Time limit of the trial run.

    Returns
    -------
    Finding
        A problem, a card or a form.
    """
    try:
        model = contract.parse(data)
        contract.check_safe(model)
        if any(entry.key == contract.KEY for entry in model.metadata_props):
            card = contract.check_bytes(data, name)
            return Finding(name, data, card=card, trial=run_trial(data, card, seconds))
        return _without_card(model, data, name)
    except ContractError as error:
        text = str(error)
        return Finding(name, problem=sentence(text if text.startswith(name) else f"{name}: {text}"))


def run_trial(data: bytes, card: Card, seconds: float) -> Trial:
    """Run a conforming file in a separate process and check its outputs against its card.

    Parameters
    ----------
    data : bytes
        The file.
    card : Card
        Its card.
    seconds : float
        Time limit.

    Returns
    -------
    Trial
        Shapes, ranges and speed of the outputs.

    Raises
    ------
    ContractError
        If the model fails, its outputs contradict the card, or they are not the same in every run.
    """
    trial = sandbox.run(data, (card.input["height"], card.input["width"], 3), "uint8", seconds)
    value = trial.outputs["value"]
    if card.task in TASKS and (len(value.shape) == 3) != (card.task == "depth"):
        raise ContractError(
            f"output 'value' has the shape {value.shape} for two images, which does not fit "
            f"the task {card.task}"
        )
    for name, output in trial.outputs.items():
        if not output.finite:
            raise ContractError(f"output '{name}' has NaN or infinite values")
    reproducible.check(trial, data)
    logits = trial.outputs.get("logits")
    expected = (2, card.class_count, *value.shape[1:])
    if logits and logits.shape != expected:
        raise ContractError(
            f"output 'logits' must have the shape {expected} for two images, not {logits.shape}"
        )
    unit = next(iter(UNITS.get(card.task, {card.target["unit"]: 1.0})))
    if card.target["unit"] != unit:
        raise ContractError(
            f"the card gives the unit {card.target['unit']}, but predictions of {card.task} must "
            f"be in {unit}; convert them in the model's graph"
        )
    return trial


def image_input(model: onnx.ModelProto) -> onnx.ValueInfoProto:
    """Return the only input of a model.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.

    Returns
    -------
    onnx.ValueInfoProto
        The input.

    Raises
    ------
    ContractError
        If there is not exactly one.
    """
    inputs = graph.inputs_of(model)
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise ContractError(
            f"the model must have one input, the image, not {len(inputs)} ({names})"
        )
    return inputs[0]


def class_count(shape: Shape) -> int:
    """Return the number of classes of an output, 0 if it is dynamic or there is no class axis.

    Parameters
    ----------
    shape : tuple of int or None
        (N, C) or (N, C, h, w).

    Returns
    -------
    int
        C.

    Examples
    --------
    >>> class_count((None, 12))
    12
    """
    return shape[1] or 0 if len(shape) in (2, 4) else 0


def squeeze_shape(shape: Shape) -> Shape:
    """Drop a singleton axis after the batch axis.

    A dynamic size is assumed to be 1; the trial run verifies it.

    Parameters
    ----------
    shape : tuple of int or None
        (N,), (N, 1), (N, h, w) or (N, 1, h, w).

    Returns
    -------
    tuple of int or None
        (N,) or (N, h, w).

    Examples
    --------
    >>> squeeze_shape((None, 1, 24, 32))
    (None, 24, 32)
    """
    singleton = len(shape) in (2, 4) and shape[1] in (1, None)
    return (shape[0], *shape[2:]) if singleton else shape


def _without_card(model: onnx.ModelProto, data: bytes, name: str) -> Finding:
    """Guess the form of a model with one image input and one or two outputs."""
    image = image_input(model)
    kind = {graph.UINT8: "uint8", graph.FLOAT32: "float32"}.get(image.type.tensor_type.elem_type)
    if kind is None:
        raise ContractError(f"input '{image.name}' must be of type uint8 or float32")
    shape = graph.shape_of(image.type.tensor_type)
    layout = _layout(shape, image.name)
    sides = shape[1:3] if layout == "NHWC" else shape[2:4]
    outputs = {v.name: graph.shape_of(v.type.tensor_type) for v in model.graph.output}
    value, logits = _roles(outputs)
    classes = outputs[logits][1] if logits and len(outputs[logits]) > 1 else None
    target = TARGETS["depth" if len(squeeze_shape(outputs[value])) == 3 else "age"]
    form = replace(
        target,
        height=sides[0] or target.height,
        width=sides[1] or target.width,
        layout=layout,
        scaling="0 to 255" if kind == "uint8" else "ImageNet mean and standard deviation",
        value=value,
        logits=logits,
        edges=tuple(np.linspace(target.low, target.high, classes + 1)) if classes else (),
    )
    return Finding(name, data, form=form, free=None in sides, kind=kind, outputs=outputs)


def _layout(shape: Shape, name: str) -> str:
    if len(shape) != 4:
        raise ContractError(
            f"input '{name}' must have four dimensions (a batch of images), not {len(shape)}"
        )
    if shape[0] is not None:
        raise ContractError(
            f"the batch size is fixed at {shape[0]}; export the model with a dynamic first dimension"
        )
    if shape[3] == 3:
        return "NHWC"
    if shape[1] == 3:
        return "NCHW"
    raise ContractError(
        f"input '{name}' has no dimension of 3 channels in second or last place; only models for "
        "colour images are supported"
    )


def _roles(outputs: Mapping[str, Shape]) -> tuple[str, str]:
    """Names of the value and of the logits, the output with more classes; "" for none."""
    if len(outputs) > 2:
        raise ContractError(
            f"the model must have one output (value) or two (value, logits), not {len(outputs)}"
        )
    if len(outputs) == 1:
        (value,) = outputs
        _check_rank(value, outputs[value])
        return value, ""
    names = sorted(outputs, key=lambda name: (class_count(outputs[name]), len(outputs[name])))
    if "value" in outputs:
        names.sort(key=lambda name: name != "value")
    _check_rank(names[0], outputs[names[0]])
    return names[0], names[1]


def _check_rank(name: str, shape: Shape) -> None:
    if len(squeeze_shape(shape)) not in (1, 3):
        raise ContractError(
            f"output '{name}' has the shape {graph.format_shape(shape)}; it must be one number per "
            "image, (N,) or (N, 1), or a map, (N, h, w) or (N, 1, h, w)"
        )
