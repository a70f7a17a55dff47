"""The contract of shipped ONNX models: read, write and check their files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from regcls.inference import graph
from regcls.inference.model_card import KEY, TASKS, VARIANTS, Card, ContractError

if TYPE_CHECKING:
    import onnx

__all__ = [
    "KEY",
    "MAX_BYTES",
    "OPSET",
    "TASKS",
    "VARIANTS",
    "Card",
    "ContractError",
    "card_of",
    "check",
    "check_bytes",
    "check_safe",
    "parse",
    "read",
    "with_card",
    "write",
]

OPSET = 18
MAX_BYTES = 16_000_000


def write(path: Path | str, card: Card) -> None:
    """Store a card in an ONNX file. The file is replaced only if both are valid.

    Parameters
    ----------
    path : path-like
        The file.
    card : Card
        Replaces the card in the file, if any.

    Raises
    ------
    ContractError
        If the card or the file is not valid.
    """
    path = Path(path)
    content = with_card(_read_bytes(path), card)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def with_card(data: bytes, card: Card) -> bytes:
    """Return an ONNX file with a card in its metadata.

    Parameters
    ----------
    data : bytes
        The ONNX file.
    card : Card
        Replaces the card in the file, if any.

    Returns
    -------
    bytes
        The new file.

    Raises
    ------
    ContractError
        If the card or the file is not valid.
    """
    text = card.to_json()
    Card.from_json(text)
    model = parse(data)
    kept = [entry for entry in model.metadata_props if entry.key != KEY]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    model.metadata_props.add(key=KEY, value=text)
    return model.SerializeToString()


def read(path: Path | str) -> Card:
    """Return the card of an ONNX file without checking its graph.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Card
        Its card.

    Raises
    ------
    ContractError
        If the file or its card is not valid.
    """
    path = Path(path)
    with _named(path.name):
        return card_of(parse(_read_bytes(path)))


def check(path: Path | str) -> Card:
    """Check an ONNX file against the contract.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Card
        Its card.

    Raises
    ------
    ContractError
        If the file violates the contract; the message names the file and the violation.
    """
    path = Path(path)
    with _named(path.name):
        data = _read_bytes(path)
    return check_bytes(data, path.name)


def check_bytes(data: bytes, name: str) -> Card:
    """Check an ONNX file in memory; see ``check``.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name in messages.

    Returns
    -------
    Card
        Its card.

    Raises
    ------
    ContractError
        If the file violates the contract.
    """
    with _named(name):
        model = parse(data)
        check_safe(model)
        card = card_of(model)
        _check_input(model, card)
        _check_outputs(model, card)
        _check_valid(model)
    return card


def check_safe(model: onnx.ModelProto) -> None:
    """Check that a model is one file of standard operators of the pinned opset.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.

    Raises
    ------
    ContractError
        If it has external data, custom operators or another opset.
    """
    for tensor in graph.tensors_of(model):
        if tensor.data_location == tensor.EXTERNAL or tensor.external_data:
            raise ContractError(
                f"weight '{tensor.name}' is stored in another file (external data); "
                "save the model with all weights inside"
            )
    for node in graph.nodes_of(model):
        if node.domain not in graph.STANDARD_DOMAINS:
            raise ContractError(
                f"operator {node.op_type} belongs to the domain '{node.domain}'; "
                "only standard ONNX operators are allowed"
            )
    opsets = graph.opsets_of(model)
    if opsets != {OPSET}:
        found = ", ".join(map(str, sorted(opsets))) or "none"
        raise ContractError(f"the model must use opset {OPSET}, not {found}")


def parse(data: bytes) -> onnx.ModelProto:
    """Parse an ONNX file.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    onnx.ModelProto
        A model that has a graph with outputs.

    Raises
    ------
    ContractError
        If it is too large or not an ONNX file.
    """
    _check_size(len(data))
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ContractError("the file is not an ONNX file, or it is incomplete") from error
    if not model.HasField("graph") or not model.graph.output:
        raise ContractError("the file is not an ONNX file, or it is incomplete (it has no graph)")
    return model


def card_of(model: onnx.ModelProto) -> Card:
    """Return the card in a model's metadata.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.

    Returns
    -------
    Card
        Its card.

    Raises
    ------
    ContractError
        If there is no card or it is not valid.
    """
    entries = [entry.value for entry in model.metadata_props if entry.key == KEY]
    if not entries:
        raise ContractError(f"there is no metadata entry '{KEY}' with a model card")
    return Card.from_json(entries[0])


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the file's name before the message of any ``ContractError`` raised inside."""
    try:
        yield
    except ContractError as error:
        raise ContractError(f"{name}: {error}") from error


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise ContractError(f"there is no file at {path}")
    _check_size(path.stat().st_size)
    return path.read_bytes()


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise ContractError(
            f"the file has {size / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB are allowed"
        )


def _check_input(model: onnx.ModelProto, card: Card) -> None:
    inputs = graph.inputs_of(model)
    if [value.name for value in inputs] != ["image"]:
        found = ", ".join(value.name for value in inputs) or "none"
        raise ContractError(f"the model must have one input named 'image', and has {found}")
    tensor = inputs[0].type.tensor_type
    if tensor.elem_type != graph.UINT8:
        raise ContractError("input 'image' must be of type uint8")
    shape, expected = graph.shape_of(tensor), (None, card.input["height"], card.input["width"], 3)
    if shape != expected:
        raise ContractError(
            f"input 'image' must have the shape {graph.format_shape(expected)}, "
            f"not {graph.format_shape(shape)}"
        )


def _check_outputs(model: onnx.ModelProto, card: Card) -> None:
    outputs = {value.name: value.type.tensor_type for value in model.graph.output}
    expected = ["value", "logits"] if card.variant == "reg+cls" else ["value"]
    for name in expected:
        if name not in outputs:
            raise ContractError(f"a {card.variant} model must have an output '{name}'")
    for name in outputs:
        if name not in expected:
            raise ContractError(f"a {card.variant} model must not have an output '{name}'")
    for name in expected:
        if outputs[name].elem_type != graph.FLOAT32:
            raise ContractError(f"output '{name}' must be of type float32")
    rank = len(outputs["value"].shape.dim)
    if rank not in (1, 3):
        raise ContractError(
            f"output 'value' must have the shape (N,) or (N, h, w), not {rank} dimensions"
        )
    if "logits" in expected:
        shape = graph.shape_of(outputs["logits"])
        if len(shape) != rank + 1 or shape[1] != card.class_count:
            raise ContractError(
                f"output 'logits' must have {rank + 1} dimensions with {card.class_count} classes "
                f"in the second, not the shape {graph.format_shape(shape)}"
            )


def _check_valid(model: onnx.ModelProto) -> None:
    """Run ONNX's own checker. It comes last because its messages suggest no remedy."""
    import onnx

    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        first = str(error).strip().splitlines()[0]
        raise ContractError(f"the graph is not valid ONNX ({first})") from error
