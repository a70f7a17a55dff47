"""What an ONNX model of this project must be, and the card it carries: write, read, check."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.exceptions import UserError

if TYPE_CHECKING:
    import onnx

KEY = "regcls"
SCHEMA = 1
OPSET = 18
MAX_BYTES = 16_000_000
VARIANTS = ("reg", "reg+cls")

# What each part of a card must hold; the part itself may hold more.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "target": ("name", "unit", "low", "high"),
    "input": ("height", "width"),
    "training_histogram": ("edges", "counts"),
    "metrics": ("overall", "shots", "seeds"),
    "training": (),
}
_UINT8, _FLOAT32 = 2, 1  # onnx.TensorProto's numbers


class ContractError(UserError):
    """A model file that breaks the contract; the message is one sentence that says how."""


@dataclass(frozen=True)
class Card:
    """All the app says about a model; stored as JSON in the ONNX file's metadata.

    ``target``: name, unit, low, high. ``input``: height, width (pixels). ``classes``: edges (C+1)
    and kind, None for reg. ``training_histogram``: edges (K+1), counts (K). ``metrics``: overall,
    shots, seeds. ``training``: data set, splits, seed, recipe, versions. ``calibration``: edges
    (K+1) over predictions, radius (K) in target units, level, counts (K), or None.
    """

    task: str
    variant: str
    target: dict[str, Any]
    input: dict[str, int]
    training_histogram: dict[str, list]
    metrics: dict[str, Any]
    training: dict[str, Any]
    licence: str
    citation: str
    classes: dict[str, Any] | None = None
    calibration: dict[str, Any] | None = None
    schema: int = field(default=SCHEMA)

    @property
    def class_count(self) -> int:
        """C, or 0 for reg."""
        return len(self.classes["edges"]) - 1 if self.classes else 0

    def to_json(self) -> str:
        """JSON without NaN: a figure that does not exist is null."""
        return json.dumps(_plain(asdict(self)), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Parse and check a card. Raises ``ContractError`` naming all that is missing."""
        try:
            data = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:  # the latter: nested too deep
            raise ContractError(f"its metadata '{KEY}' is not valid JSON ({error})") from error
        if not isinstance(data, dict):
            raise ContractError(f"its metadata '{KEY}' is not a JSON object")
        _demand_complete(data)
        known = {f.name for f in fields(cls)}
        card = cls(**{name: value for name, value in data.items() if name in known})
        _demand_sound(card)
        return card


def write(path: Path | str, card: Card) -> None:
    """Put ``card`` into the ONNX file at ``path``. Raises ``ContractError`` for a card or file
    that is not sound; the file is then left as it was."""
    path = Path(path)
    content = written(_content(path), card)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def written(data: bytes, card: Card) -> bytes:
    """An ONNX file's content with ``card`` in it. Raises ``ContractError``."""
    text = card.to_json()
    Card.from_json(text)
    model = parse(data)
    kept = [entry for entry in model.metadata_props if entry.key != KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    model.metadata_props.add(key=KEY, value=text)
    return model.SerializeToString()


def read(path: Path | str) -> Card:
    """The card of an ONNX file, without checking its graph. Raises ``ContractError``."""
    path = Path(path)
    with _naming(path.name):
        return card_of(parse(_content(path)))


def check(path: Path | str) -> Card:
    """Check a whole file against the contract and return its card. Raises ``ContractError``."""
    path = Path(path)
    with _naming(path.name):
        data = _content(path)
    return check_bytes(data, path.name)


def check_bytes(data: bytes, name: str) -> Card:
    """``check`` for a file in memory; ``name`` is what messages call it."""
    with _naming(name):
        model = parse(data)
        demand_safe(model)
        card = card_of(model)
        _demand_input(model, card)
        _demand_outputs(model, card)
        _demand_valid(model)
    return card


def demand_safe(model: onnx.ModelProto) -> None:
    """All weights inside, standard operators of the pinned opset only. Raises ``ContractError``."""
    _demand_self_contained(model)
    _demand_standard(model)


class _naming:
    """Put the file's name before any ``ContractError`` raised inside."""

    def __init__(self, name: str):
        self.name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind, error, trace) -> None:
        if isinstance(error, ContractError):
            raise ContractError(f"{self.name}: {error}") from error


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ContractError(f"there is no file at {path}")
    _demand_size(path.stat().st_size)
    return path.read_bytes()


def _demand_size(size: int) -> None:
    if size > MAX_BYTES:
        raise ContractError(
            f"it has {size / 1e6:.1f} MB, and at most {MAX_BYTES / 1e6:.0f} MB are allowed"
        )


def parse(data: bytes) -> onnx.ModelProto:
    """A file's content as a model with a graph. Raises ``ContractError``."""
    _demand_size(len(data))
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ContractError("it is not an ONNX file, or it is cut short") from error
    if not model.HasField("graph") or not model.graph.output:
        raise ContractError("it is not an ONNX file, or it is cut short (no graph in it)")
    return model


def card_of(model: onnx.ModelProto) -> Card:
    """The card in a model's metadata. Raises ``ContractError``."""
    entries = [entry.value for entry in model.metadata_props if entry.key == KEY]
    if not entries:
        raise ContractError(f"it has no metadata entry '{KEY}', which describes the model")
    return Card.from_json(entries[0])


def _demand_complete(data: Mapping[str, Any]) -> None:
    if data.get("schema") != SCHEMA:
        raise ContractError(
            f"its metadata has schema {data.get('schema')!r}, and this version reads {SCHEMA}"
        )
    required = [f.name for f in fields(Card) if f.name not in ("classes", "calibration")]
    missing = [name for name in required if data.get(name) in (None, "")]
    for part, names in _REQUIRED.items():
        if part in missing:
            continue
        if not isinstance(data[part], dict):
            raise ContractError(f"its metadata '{part}' is not a JSON object")
        missing += [f"{part}.{name}" for name in names if data[part].get(name) is None]
    if missing:
        raise ContractError(f"its metadata lacks {', '.join(missing)}")


def _demand_sound(card: Card) -> None:
    if card.variant not in VARIANTS:
        raise ContractError(f"its variant is {card.variant!r}, not one of {', '.join(VARIANTS)}")
    if (card.variant == "reg+cls") != bool(card.classes):
        raise ContractError(
            "a reg+cls model needs classes with edges and kind in its metadata, a reg model none"
        )
    try:
        sound = float(card.target["low"]) < float(card.target["high"])
    except (TypeError, ValueError):
        sound = False
    if not sound:
        raise ContractError("its target.low must be a number below target.high")
    _demand_table("training_histogram", card.training_histogram, ("counts",))
    if card.classes:
        _demand_table("classes", card.classes, ())
        if not card.classes.get("kind"):
            raise ContractError("its metadata lacks classes.kind")
    if card.calibration is not None:
        _demand_table("calibration", card.calibration, ("radius", "counts"))
        level = card.calibration.get("level")
        if not isinstance(level, int | float) or not 0 < level < 1:
            raise ContractError("its calibration.level must be a number between 0 and 1")


def _demand_table(part: str, table: Any, columns: tuple[str, ...]) -> None:
    """``edges`` must ascend; each column needs one number a range."""
    if not isinstance(table, dict):
        raise ContractError(f"its metadata '{part}' is not a JSON object")
    try:
        edges = np.asarray(table["edges"], dtype=np.float64)
        values = {name: np.asarray(table[name], dtype=np.float64) for name in columns}
    except KeyError as error:
        raise ContractError(f"its metadata lacks {part}.{error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise ContractError(f"its {part} holds something that is not a number") from error
    if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ContractError(f"its {part}.edges must be two or more ascending numbers")
    for name, column in values.items():
        if column.shape != (len(edges) - 1,):
            raise ContractError(f"its {part}.{name} must hold {len(edges) - 1} numbers")


def _demand_self_contained(model: onnx.ModelProto) -> None:
    for tensor in _tensors(model):
        if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
            raise ContractError(
                f"its weight '{tensor.name}' lies in another file (external data); "
                "all weights must be inside"
            )


def _demand_standard(model: onnx.ModelProto) -> None:
    for node in nodes_of(model):
        if node.domain not in ("", "ai.onnx"):
            raise ContractError(
                f"it uses the operator {node.op_type} of the domain '{node.domain}'; "
                "only standard ONNX operators are allowed"
            )
    opsets = {opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")}
    if opsets != {OPSET}:
        found = ", ".join(map(str, sorted(opsets))) or "none"
        raise ContractError(f"it needs opset {OPSET}, and has {found}")


def _demand_input(model: onnx.ModelProto, card: Card) -> None:
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if [value.name for value in inputs] != ["image"]:
        found = ", ".join(value.name for value in inputs) or "none"
        raise ContractError(f"it needs one input named 'image', and has {found}")
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type != _UINT8:
        raise ContractError("its input 'image' must be of type uint8")
    shape = shape_of(tensor)
    wanted = [None, card.input["height"], card.input["width"], 3]
    if shape != wanted:
        raise ContractError(
            f"its input 'image' must have the shape {shown(wanted)}, and has {shown(shape)}"
        )


def _demand_outputs(model: onnx.ModelProto, card: Card) -> None:
    outputs = {value.name: value.type.tensor_type for value in model.graph.output}
    wanted = ["value", "logits"] if card.variant == "reg+cls" else ["value"]
    missing = [name for name in wanted if name not in outputs]
    if missing:
        raise ContractError(f"it lacks the output '{missing[0]}', which a {card.variant} model has")
    extra = [name for name in outputs if name not in wanted]
    if extra:
        raise ContractError(f"it has an output '{extra[0]}', which a {card.variant} model has not")
    for name in wanted:
        if outputs[name].elem_type != _FLOAT32:
            raise ContractError(f"its output '{name}' must be of type float32")
    rank = len(outputs["value"].shape.dim)
    if rank not in (1, 3):
        raise ContractError(f"its output 'value' must be (N,) or (N, h, w), and has rank {rank}")
    if "logits" in wanted:
        shape = shape_of(outputs["logits"])
        if len(shape) != rank + 1 or shape[1] != card.class_count:
            raise ContractError(
                f"its output 'logits' must have {card.class_count} classes in dimension 1 of "
                f"{rank + 1}, and has the shape {shown(shape)}"
            )


def _demand_valid(model: onnx.ModelProto) -> None:
    """ONNX's own checker, last: its messages are long and name no remedy."""
    import onnx

    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        first = str(error).strip().splitlines()[0]
        raise ContractError(f"its graph is not valid ONNX ({first})") from error


def nodes_of(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Every node, those of subgraphs and of functions included."""
    waiting = list(model.graph.node) + [node for f in model.functions for node in f.node]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting += graph.node


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every weight and constant, those of subgraphs included."""
    yield from model.graph.initializer
    for node in nodes_of(model):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for graph in (attribute.g, *attribute.graphs):
                yield from graph.initializer


def shape_of(tensor: Any) -> list[int | None]:
    """Dimensions, None where free."""
    return [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]


def shown(shape: list[int | None]) -> str:
    return "(" + ", ".join("N" if size is None else str(size) for size in shape) + ")"


def _plain(value: Any) -> Any:
    """numpy to plain Python, NaN and infinities to None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
