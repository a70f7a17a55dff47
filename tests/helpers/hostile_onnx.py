"""Hostile ONNX files, and valid ones that only lack a card."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from regcls.inference import contract

SIDE = 32


def model(
    nodes: list,
    weights: list | None = None,
    inputs: list | None = None,
    outputs: list | None = None,
    opset: int = contract.OPSET,
    domains: tuple[str, ...] = (),
) -> onnx.ModelProto:
    """A model from "image", float32 (N, 3, SIDE, SIDE), to "out", float32 (N,), by default."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N"])
    graph = helper.make_graph(nodes, "made", inputs or [image], outputs or [out], weights or [])
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def ints(name: str, *values: int):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def mean_of(source: str = "image", to: str = "out") -> list:
    """Nodes for the mean over all but the batch."""
    return [helper.make_node("ReduceMean", [source, "axes"], [to], keepdims=0)]


AXES = ints("axes", 1, 2, 3)


def honest(
    layout: str = "NCHW", kind: int = TensorProto.FLOAT, classes: int = 0, column: bool = False
) -> bytes:
    """value: 100 times the mean of the input; with ``classes``, logits as well. No card."""
    shape = ["N", 3, SIDE, SIDE] if layout == "NCHW" else ["N", SIDE, SIDE, 3]
    image = helper.make_tensor_value_info("pixels", kind, shape)
    nodes = [
        helper.make_node("Cast", ["pixels"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x", "axes"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "hundred"], ["flat"]),
    ]
    weights = [AXES, numpy_helper.from_array(np.array(100, np.float32), "hundred")]
    weights += [ints("one", 1)]
    out = "flat"
    if column or classes:
        nodes.append(helper.make_node("Unsqueeze", ["flat", "one"], ["column"]))
        out = "column" if column else "flat"
    outputs = [helper.make_tensor_value_info(out, TensorProto.FLOAT, ["N", 1] if column else ["N"])]
    if classes:
        centres = np.linspace(0, 100, classes, dtype=np.float32)[None]
        weights.append(numpy_helper.from_array(centres, "centres"))
        nodes += [
            helper.make_node("Sub", ["column", "centres"], ["off"]),
            helper.make_node("Abs", ["off"], ["far"]),
            helper.make_node("Neg", ["far"], ["scores"]),
        ]
        outputs.append(helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", classes]))
    return model(nodes, weights, [image], outputs).SerializeToString()


def depth_map() -> bytes:
    """A map (N, 1, 16, 16) of the mean colour, in metres."""
    nodes = [
        helper.make_node("ReduceMean", ["image", "colour"], ["grey"], keepdims=1),
        helper.make_node("AveragePool", ["grey"], ["map"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    out = helper.make_tensor_value_info("map", TensorProto.FLOAT, ["N", 1, SIDE // 2, SIDE // 2])
    return model(nodes, [ints("colour", 1)], outputs=[out]).SerializeToString()


def loop(source: str, to: str, trips: int) -> tuple[onnx.NodeProto, list[onnx.TensorProto]]:
    """A node that takes the sine of ``source`` ``trips`` times, and its weights."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("Sin", ["state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("trip", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    weights = [
        numpy_helper.from_array(np.array(trips, np.int64), "trips"),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    return helper.make_node("Loop", ["trips", "yes", source], [to], body=body), weights


def endless() -> bytes:
    """A loop that runs practically forever."""
    node, weights = loop("mean", "out", 2**62)
    return model([*mean_of(to="mean"), node], [AXES, *weights]).SerializeToString()


def greedy(gigabytes: int = 100) -> bytes:
    """Allocates that much memory for zeros, and sums them."""
    nodes = [
        helper.make_node("ConstantOfShape", ["many"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        *mean_of(to="mean"),
        helper.make_node("Add", ["mean", "sum"], ["out"]),
    ]
    return model(nodes, [AXES, ints("many", gigabytes * 250_000_000)]).SerializeToString()


def outside() -> bytes:
    """A weight stored in a file of the machine that reads it."""
    weight = TensorProto(name="secret", data_type=TensorProto.FLOAT, dims=[1])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="../../../etc/passwd")
    nodes = [*mean_of(to="mean"), helper.make_node("Add", ["mean", "secret"], ["out"])]
    return model(nodes, [AXES, weight]).SerializeToString()


def foreign() -> bytes:
    """A custom operator."""
    nodes = [helper.make_node("Magic", ["image"], ["out"], domain="com.example")]
    return model(nodes, domains=("com.example",)).SerializeToString()


def two_inputs() -> bytes:
    more = helper.make_tensor_value_info("more", TensorProto.FLOAT, ["N"])
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    nodes = [*mean_of(to="mean"), helper.make_node("Add", ["mean", "more"], ["out"])]
    return model(nodes, [AXES], [image, more]).SerializeToString()


def wrong_rank() -> bytes:
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", 7])
    nodes = [
        helper.make_node("ReduceMean", ["image", "two"], ["mean"], keepdims=0),
        helper.make_node("Slice", ["mean", "zero", "seven", "last"], ["out"]),
    ]
    weights = [ints("two", 1, 2), ints("zero", 0), ints("seven", 7), ints("last", 1)]
    return model(nodes, weights, outputs=[out]).SerializeToString()


def not_finite() -> bytes:
    """log of a negative number."""
    nodes = [
        *mean_of(to="mean"),
        helper.make_node("Sub", ["mean", "two"], ["below"]),
        helper.make_node("Log", ["below"], ["out"]),
    ]
    two = numpy_helper.from_array(np.array(2e6, np.float32), "two")
    return model(nodes, [AXES, two]).SerializeToString()


def unsaid(width: int) -> bytes:
    """An output (N, width) whose width is dynamic."""
    nodes = [
        *mean_of(to="mean"),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("Tile", ["column", "times"], ["out"]),
    ]
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", "M"])
    return model(
        nodes, [AXES, ints("one", 1), ints("times", 1, width)], outputs=[out]
    ).SerializeToString()


def fixed_batch() -> bytes:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    return model(mean_of(), [AXES], [image]).SerializeToString()


def old_opset() -> bytes:
    return model(
        [helper.make_node("ReduceMean", ["image"], ["out"], keepdims=0, axes=[1, 2, 3])], opset=13
    ).SerializeToString()


def one_for_all() -> bytes:
    """Returns one number for any number of images."""
    nodes = [helper.make_node("ReduceMean", ["image"], ["one"], keepdims=0)]
    nodes.append(helper.make_node("Unsqueeze", ["one", "zero"], ["out"]))
    return model(nodes, [ints("zero", 0)]).SerializeToString()


def grey() -> np.ndarray:
    """One image, uint8 (1, SIDE, SIDE, 3), on which ``late_nan`` and ``late_greedy`` fail.

    A trial run feeds black, white and noise, which are different.
    """
    return np.full((1, SIDE, SIDE, 3), 51, np.uint8)


def _is_grey() -> tuple[list, list]:
    """Nodes and weights of "far": distance of an image's mean (0 to 1) from ``grey``, minus 0.1."""
    nodes = [
        *mean_of(to="mean"),
        helper.make_node("Sub", ["mean", "fifth"], ["off"]),
        helper.make_node("Abs", ["off"], ["abs"]),
        helper.make_node("Sub", ["abs", "tenth"], ["far"]),
    ]
    weights = [
        numpy_helper.from_array(np.array(v, np.float32), n)
        for n, v in (("fifth", 0.2), ("tenth", 0.1))
    ]
    return nodes, [AXES, *weights]


def late_nan() -> bytes:
    """Returns numbers for black, white and noise, and NaN for ``grey``."""
    nodes, weights = _is_grey()
    return model([*nodes, helper.make_node("Sqrt", ["far"], ["out"])], weights).SerializeToString()


def fussy(as_map: bool = False) -> bytes:
    """Returns numbers for black, white and noise, and NaN for nearly any photo.

    NaN if the mean m (0 to 1) has m (1 - m) |m - 1/2| > 0.005. One number per image, or a map
    (N, 1, SIDE, SIDE).
    """
    nodes = [
        helper.make_node("ReduceMean", ["image", "axes"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["one", "mean"], ["rest"]),
        helper.make_node("Sub", ["mean", "half"], ["off"]),
        helper.make_node("Abs", ["off"], ["far"]),
        helper.make_node("Mul", ["mean", "rest"], ["spread"]),
        helper.make_node("Mul", ["spread", "far"], ["odd"]),
        helper.make_node("Sub", ["small", "odd"], ["sign"]),
        helper.make_node("Sqrt", ["sign"], ["root"]),
        helper.make_node("Slice", ["image", "first", "second", "colour"], ["red"]),
        helper.make_node("Add", ["red", "root"], ["map"]),
        helper.make_node("ReduceMean", ["map", "axes"], ["out"], keepdims=0),
    ]
    values = {"one": 1.0, "half": 0.5, "small": 0.005}
    weights = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in values.items()]
    weights += [AXES, ints("first", 0), ints("second", 1), ints("colour", 1)]
    shape = ["N", 1, SIDE, SIDE]
    answer = helper.make_tensor_value_info("map", TensorProto.FLOAT, shape) if as_map else None
    return model(nodes, weights, outputs=[answer] if as_map else None).SerializeToString()


def late_greedy(gigabytes: int = 100) -> bytes:
    """Allocates little memory for black, white and noise, and that much for ``grey``."""
    nodes, weights = _is_grey()
    nodes += [
        helper.make_node("Less", ["far", "nothing"], ["near"]),
        helper.make_node("Cast", ["near"], ["flag"], to=TensorProto.INT64),
        helper.make_node("ReduceMax", ["flag", "zero"], ["any"], keepdims=1),
        helper.make_node("Mul", ["any", "many"], ["count"]),
        helper.make_node("ConstantOfShape", ["count"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
        helper.make_node("Add", ["mean", "sum"], ["out"]),
    ]
    weights += [ints("zero", 0), ints("many", gigabytes * 250_000_000)]
    weights += [numpy_helper.from_array(np.array(0, np.float32), "nothing")]
    return model(nodes, weights).SerializeToString()
