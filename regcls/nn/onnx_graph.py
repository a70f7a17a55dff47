"""Builder for ONNX graphs written by hand, and the graph of a small MLP."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

OPSET = 17
IR_VERSION = 8  # the version released with this opset, so that older runtimes can read the file


class GraphBuilder:
    """Build an ONNX model node by node, in topological order.

    Parameters
    ----------
    name : str
        Name of the graph.
    opsets : mapping of str to int, optional
        Versions of further operator domains, such as ``{"ai.onnx.ml": 3}``. The standard domain
        always has version ``OPSET``.

    Examples
    --------
    >>> graph = GraphBuilder("double")
    >>> x = graph.input("x", ["N"])
    >>> _ = graph.node("Mul", x, graph.constant(2.0, "two"), out=graph.output("y", ["N"]))
    >>> isinstance(graph.serialise({"author": "regcls"}), bytes)
    True
    """

    def __init__(self, name: str, opsets: Mapping[str, int] | None = None):
        self.name = name
        self.opsets = {"": OPSET, **(opsets or {})}
        self._nodes: list[Any] = []
        self._initializers: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, shape: Sequence[int | str], dtype: DTypeLike = np.float32) -> str:
        """Declare an input of the graph.

        Parameters
        ----------
        name : str
            Name of the input.
        shape : sequence of int or str
            Its dimensions; a string names a dynamic one.
        dtype : dtype, default float32
            Its element type.

        Returns
        -------
        str
            ``name``, for use as an argument of `node`.
        """
        self._inputs.append(_value_info(name, shape, dtype))
        return name

    def output(self, name: str, shape: Sequence[int | str], dtype: DTypeLike = np.float32) -> str:
        """Declare an output of the graph; a node of the same ``out`` has to compute it.

        Parameters
        ----------
        name : str
            Name of the output.
        shape : sequence of int or str
            Its dimensions; a string names a dynamic one.
        dtype : dtype, default float32
            Its element type.

        Returns
        -------
        str
            ``name``, for use as ``out`` of `node`.
        """
        self._outputs.append(_value_info(name, shape, dtype))
        return name

    def constant(self, values: ArrayLike, name: str, dtype: DTypeLike = np.float32) -> str:
        """Add an initializer.

        Parameters
        ----------
        values : array_like
            Its values.
        name : str
            Its name, unique within the graph.
        dtype : dtype, default float32
            Its element type.

        Returns
        -------
        str
            ``name``.
        """
        from onnx import numpy_helper

        self._initializers.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def node(
        self, operator: str, *inputs: str, out: str = "", domain: str = "", **attributes: Any
    ) -> str:
        """Add a node with one output.

        Parameters
        ----------
        operator : str
            ONNX operator type, such as ``"Gemm"``.
        *inputs : str
            Names of its inputs.
        out : str, optional
            Name of its output; by default a new one.
        domain : str, optional
            Domain of the operator; it has to be one of ``opsets``.
        **attributes
            Attributes of the node.

        Returns
        -------
        str
            Name of the output.
        """
        from onnx import helper

        out = out or f"t{len(self._nodes)}"
        self._nodes.append(
            helper.make_node(operator, list(inputs), [out], domain=domain, **attributes)
        )
        return out

    def dense(self, x: str, weight: ArrayLike, bias: ArrayLike, name: str, out: str = "") -> str:
        """Add a fully connected layer.

        Parameters
        ----------
        x : str
            Name of its input, of shape (N, I).
        weight : array_like of shape (I, O)
            Weights.
        bias : array_like of shape (O,)
            Biases.
        name : str
            Prefix of the initializers' names.
        out : str, optional
            Name of its output; by default a new one.

        Returns
        -------
        str
            Name of the output, of shape (N, O).
        """
        w, b = self.constant(weight, f"{name}_W"), self.constant(bias, f"{name}_b")
        return self.node("Gemm", x, w, b, out=out)

    def activation(self, kind: str, x: str, name: str) -> str:
        """Add an activation function.

        Parameters
        ----------
        kind : {"relu", "tanh", "gelu"}
            Name of the function. GELU is the exact one, x/2 · (1 + erf(x/√2)); this opset has no
            operator for it.
        x : str
            Name of its input.
        name : str
            Prefix of the initializers' names.

        Returns
        -------
        str
            Name of the output.
        """
        if kind != "gelu":
            return self.node({"relu": "Relu", "tanh": "Tanh"}[kind], x)
        scaled = self.node("Mul", x, self.constant(math.sqrt(0.5), f"{name}_root"))
        share = self.node("Add", self.node("Erf", scaled), self.constant(1.0, f"{name}_one"))
        return self.node("Mul", self.node("Mul", x, share), self.constant(0.5, f"{name}_half"))

    def squeeze(self, x: str, axis: int, name: str, out: str = "") -> str:
        """Add a node that drops one axis of size 1.

        Parameters
        ----------
        x : str
            Name of its input.
        axis : int
            The axis.
        name : str
            Name of the initializer that holds the axis.
        out : str, optional
            Name of its output; by default a new one.

        Returns
        -------
        str
            Name of the output.
        """
        return self.node("Squeeze", x, self.constant([axis], name, np.int64), out=out)

    def serialise(self, metadata: Mapping[str, str] | None = None) -> bytes:
        """Check the model and return it as the content of an ONNX file.

        Parameters
        ----------
        metadata : mapping of str to str, optional
            Metadata entries of the model.

        Returns
        -------
        bytes
            The serialised model.

        Raises
        ------
        onnx.checker.ValidationError
            If the graph is not valid.
        """
        from onnx import checker, helper

        graph = helper.make_graph(
            self._nodes, self.name, self._inputs, self._outputs, self._initializers
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in self.opsets.items()]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = IR_VERSION
        helper.set_model_props(model, dict(metadata or {}))
        checker.check_model(model)
        return model.SerializeToString()


def mlp_onnx(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
    activation: str,
    hidden_layers: int,
    metadata: Mapping[str, object],
) -> bytes:
    """Return an MLP on scalar inputs as the content of an ONNX file.

    The graph has the input ``x``, float32 (N, 1), and the output ``value``, float32 (N,). A network
    with a class head also has the output ``logits``, float32 (N, C).

    Parameters
    ----------
    layers : sequence of (weight, bias)
        Arrays of shapes (O, I) and (O,) of each hidden layer, the regression head and, for reg+cls,
        the class head.
    activation : {"relu", "tanh", "gelu"}
        Activation of the hidden layers.
    hidden_layers : int
        Number of hidden layers.
    metadata : mapping
        Description of the network, stored as JSON in the metadata entry ``regcls_lab``.

    Returns
    -------
    bytes
        The serialised model.
    """
    graph = GraphBuilder("regcls-lab")
    x = graph.input("x", ["N", 1])
    for i, (weight, bias) in enumerate(layers[:hidden_layers]):
        z = graph.dense(x, weight.T, bias, f"hidden{i}")
        x = graph.activation(activation, z, f"activation{i}")
    weight, bias = layers[hidden_layers]
    column = graph.dense(x, weight.T, bias, "value_head")
    graph.squeeze(column, 1, "last_axis", out=graph.output("value", ["N"]))
    if len(layers) > hidden_layers + 1:
        weight, bias = layers[hidden_layers + 1]
        logits = graph.output("logits", ["N", len(bias)])
        graph.dense(x, weight.T, bias, "class_head", out=logits)
    return graph.serialise({"regcls_lab": json.dumps(metadata)})


def _value_info(name: str, shape: Sequence[int | str], dtype: DTypeLike) -> Any:
    from onnx import helper

    element = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, element, list(shape))
