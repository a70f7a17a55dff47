"""Reading ONNX graphs: nodes and weights of all subgraphs, input and output shapes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

Shape = tuple[int | None, ...]

UINT8, FLOAT32 = 2, 1  # values of onnx.TensorProto.DataType, known here without importing onnx
STANDARD_DOMAINS = ("", "ai.onnx")


def nodes_of(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Iterate over all nodes, including those of subgraphs and functions.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.

    Yields
    ------
    onnx.NodeProto
        Each node once, in no particular order.
    """
    waiting = list(model.graph.node) + [node for f in model.functions for node in f.node]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                waiting += graph.node


def tensors_of(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Iterate over all weights and constants, including those of subgraphs.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.

    Yields
    ------
    onnx.TensorProto
        Initialisers, then tensors stored in attributes.
    """
    yield from model.graph.initializer
    for node in nodes_of(model):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for graph in (attribute.g, *attribute.graphs):
                yield from graph.initializer


def inputs_of(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs that a caller must feed: those that are not weights.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.

    Returns
    -------
    list of onnx.ValueInfoProto
        In the order of the graph.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def opsets_of(model: onnx.ModelProto) -> set[int]:
    """Return the versions of the standard operator set that a model imports.

    Parameters
    ----------
    model : onnx.ModelProto
        The model.

    Returns
    -------
    set of int
        One version for a valid model.
    """
    return {o.version for o in model.opset_import if o.domain in STANDARD_DOMAINS}


def shape_of(tensor: onnx.TypeProto.Tensor) -> Shape:
    """Return the shape of an input or output.

    Parameters
    ----------
    tensor : onnx.TypeProto.Tensor
        Its type, ``value.type.tensor_type``.

    Returns
    -------
    tuple of int or None
        One entry per dimension; None where the size is dynamic.
    """
    return tuple(d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim)


def format_shape(shape: Sequence[int | None]) -> str:
    """Return a shape as text, with ``N`` for a dynamic size.

    Parameters
    ----------
    shape : sequence of int or None
        The sizes.

    Returns
    -------
    str
        The sizes in parentheses.

    Examples
    --------
    >>> format_shape((None, 96, 96, 3))
    '(N, 96, 96, 3)'
    """
    return "(" + ", ".join("N" if size is None else str(size) for size in shape) + ")"
