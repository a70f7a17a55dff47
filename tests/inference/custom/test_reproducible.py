"""regcls.inference.custom.reproducible: predictions that depend on more than the image are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from regcls.inference.contract import ContractError
from regcls.inference.custom import inspect, sandbox, wrap
from regcls.inference.custom.sandbox import Gap, Output
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers import hostile_onnx as hostile

SIDE = hostile.SIDE
node = helper.make_node


def weight(name: str, values) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, np.float32), name)


def mixed(share: float) -> bytes:
    """The image's mean plus ``share`` times the mean over the whole batch."""
    nodes = [
        *hostile.mean_of(to="mean"),
        node("ReduceMean", ["image"], ["all"], keepdims=0),
        node("Mul", ["all", "share"], ["part"]),
        node("Add", ["mean", "part"], ["out"]),
    ]
    return hostile.model(nodes, [hostile.AXES, weight("share", share)]).SerializeToString()


def batch_norm() -> bytes:
    """Batch normalisation with the statistics of the batch, as exported in training mode."""
    norm = [weight("s", [1, 1, 1]), weight("b", [0, 0, 0]), weight("m", [0, 0, 0])]
    nodes = [
        node(
            "BatchNormalization",
            ["image", "s", "b", "m", "v"],
            ["normed", "mean", "var"],
            training_mode=1,
        ),
        *hostile.mean_of("normed"),
    ]
    weights = [hostile.AXES, *norm, weight("v", [1, 1, 1])]
    return hostile.model(nodes, weights).SerializeToString()


def after_mean(*nodes, weights=()) -> bytes:
    """Nodes from "mean", shape (N,), to "out"."""
    made = hostile.model([*hostile.mean_of(to="mean"), *nodes], [hostile.AXES, *weights])
    return made.SerializeToString()


def centred() -> bytes:
    """Minus the mean over the batch axis only: 0 for one image alone."""
    return after_mean(
        node("ReduceMean", ["mean", "zero"], ["centre"], keepdims=1),
        node("Sub", ["mean", "centre"], ["out"]),
        weights=[hostile.ints("zero", 0)],
    )


def place() -> bytes:
    """Adds the image's place in the batch."""
    return after_mean(
        node("Shape", ["mean"], ["shape"]),
        node("ConstantOfShape", ["shape"], ["ones"], value=weight("one", [1])),
        node("CumSum", ["ones", "axis"], ["place"]),
        node("Add", ["mean", "place"], ["out"]),
        weights=[numpy_helper.from_array(np.array(0, np.int64), "axis")],
    )


def dropout() -> bytes:
    """Active dropout; ONNX Runtime would remove it if its mask were not used."""
    nodes = [
        node("Dropout", ["image", "ratio", "on"], ["thin", "mask"]),
        node("Cast", ["mask"], ["kept"], to=TensorProto.FLOAT),
        node("Mul", ["thin", "kept"], ["both"]),
        *hostile.mean_of("both"),
    ]
    on = numpy_helper.from_array(np.array(True), "on")
    return hostile.model(nodes, [hostile.AXES, weight("ratio", 0.1), on]).SerializeToString()


def noise(**seed) -> bytes:
    return after_mean(
        node("RandomNormalLike", ["mean"], ["noise"], scale=0.01, **seed),
        node("Add", ["mean", "noise"], ["out"]),
    )


def depth_map(operator: str) -> bytes:
    """A depth map of the grey image after softmax over the batch, or instance normalisation."""
    nodes = [node("ReduceMean", ["image", "colour"], ["grey"], keepdims=1)]
    if operator == "Softmax":
        nodes.append(node("Softmax", ["grey"], ["map"], axis=0))
    else:
        nodes.append(node("InstanceNormalization", ["grey", "s", "b"], ["map"]))
    out = helper.make_tensor_value_info("map", TensorProto.FLOAT, ["N", 1, SIDE, SIDE])
    weights = [hostile.ints("colour", 1), weight("s", [1]), weight("b", [2])]
    return hostile.model(nodes, weights, outputs=[out]).SerializeToString()


def logits() -> bytes:
    """A sound value, and logits that are a softmax over the batch."""
    nodes = [
        node("ReduceMean", ["image", "axes"], ["value"], keepdims=0),
        node("ReduceMean", ["image", "plane"], ["colours"], keepdims=0),
        node("Softmax", ["colours"], ["logits"], axis=0),
    ]
    outputs = [
        helper.make_tensor_value_info("value", TensorProto.FLOAT, ["N"]),
        helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3]),
    ]
    weights = [hostile.AXES, hostile.ints("plane", 2, 3)]
    return hostile.model(nodes, weights, outputs=outputs).SerializeToString()


def quantised() -> bytes:
    """Activations that are quantised by the range of the whole batch."""
    nodes = [
        node("DynamicQuantizeLinear", ["image"], ["q", "scale", "zero"]),
        node("DequantizeLinear", ["q", "scale", "zero"], ["back"]),
        node("Mul", ["back", "back"], ["square"]),
        *hostile.mean_of("square"),
    ]
    return hostile.model(nodes, [hostile.AXES]).SerializeToString()


BATCH = "for an image changes with the other images of the batch"
RANDOM = "for the same image differs between two runs"
REFUSED = {
    "mean over the batch": (mixed(0.5), f"prediction {BATCH}.*; export the model in evaluation"),
    "a thousandth of it": (mixed(1e-3), BATCH),
    "batch normalisation": (batch_norm(), f"{BATCH}.*batch normalisation is in training mode"),
    "softmax over the batch": (after_mean(node("Softmax", ["mean"], ["out"], axis=0)), BATCH),
    "centred over the batch": (centred(), BATCH),
    "place in the batch": (place(), BATCH),
    "softmax over the batch of maps": (depth_map("Softmax"), BATCH),
    "logits": (logits(), f"output 'logits' {BATCH}"),
    "dynamic quantisation": (quantised(), f"{BATCH}.*quantise the model statically"),
    "dropout": (dropout(), rf"{RANDOM} \(.*\): the model is random \(operator Dropout\)"),
    "noise": (noise(), rf"{RANDOM} \(.* and .*\).*RandomNormalLike.*evaluation mode"),
    "noise with a seed": (noise(seed=3.0), RANDOM),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_predictions_that_depend_on_more_than_the_image_are_refused(data, words):
    found = inspect.examine(data, "mine.onnx")
    with pytest.raises(ContractError, match=words) as caught:
        wrap.complete(found, replace(found.form, scaling="-1 to 1"))
    assert "\n" not in str(caught.value)


def test_the_message_has_the_two_predictions():
    """Black (mean 0) between a ramp and noise (means 1/2): the mean of the batch is 1/3."""
    found = inspect.examine(mixed(1.0), "mine.onnx")
    with pytest.raises(ContractError, match=r"\(0 against 0\.3\d\)"):
        wrap.complete(found, replace(found.form, scaling="0 to 1"))


def wide() -> bytes:
    """A layer of 3072 × 512 weights, whose sums differ by rounding errors between batch sizes."""
    rng = np.random.default_rng(0)
    nodes = [
        node("Flatten", ["image"], ["flat"]),
        node("MatMul", ["flat", "w"], ["hidden"]),
        node("Relu", ["hidden"], ["up"]),
        node("MatMul", ["up", "v"], ["column"]),
        node("Squeeze", ["column", "one"], ["out"]),
    ]
    weights = [
        weight("w", rng.normal(size=(3 * SIDE * SIDE, 512))),
        weight("v", rng.normal(size=(512, 1))),
        hostile.ints("one", 1),
    ]
    return hostile.model(nodes, weights).SerializeToString()


ACCEPTED = {
    "one value": hostile.honest(),
    "a wide layer": wide(),
    "a millionth of the batch": mixed(1e-6),
    "a constant": after_mean(
        node("Mul", ["mean", "no"], ["nothing"]),
        node("Add", ["nothing", "more"], ["out"]),
        weights=[weight("no", 0), weight("more", 37.2)],
    ),
    "instance normalisation": depth_map("InstanceNormalization"),
    "dropout that is off": hostile.model(
        [node("Dropout", ["image"], ["same"]), *hostile.mean_of("same")], [hostile.AXES]
    ).SerializeToString(),
}


@pytest.mark.parametrize("data", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_models_that_look_at_one_image_are_accepted(data):
    found = inspect.examine(data, "mine.onnx")
    trial = wrap.complete(found, replace(found.form, scaling="-1 to 1")).trial
    value = trial.outputs["value"]
    assert value.batch.size <= value.tolerance and value.repeat.size == 0


SHIPPED = sorted(MODELS_FOLDER.glob("*/*.onnx"))


@pytest.mark.parametrize("path", SHIPPED, ids=["/".join(p.parts[-2:]) for p in SHIPPED])
def test_the_shipped_models_are_accepted_with_a_wide_margin(path):
    found = inspect.examine(path.read_bytes(), path.name)
    assert found.problem is None
    for output in found.trial.outputs.values():
        assert max(output.batch.size, output.repeat.size) < output.tolerance / 10


def test_single_pixels_of_a_map_may_flip():
    """Where a model rounds, a rounding error changes a pixel by a whole step."""
    nodes = [
        node("ReduceMean", ["image", "colour"], ["grey"], keepdims=1),
        # Another value in some pixels of 4096, by the number of images: 0.02% or 5%.
        node("Shape", ["image"], ["shape"], start=0, end=1),
        node("Cast", ["shape"], ["count"], to=TensorProto.FLOAT),
        node("Mul", ["count", "pixel"], ["jump"]),
        node("Add", ["grey", "jump"], ["map"]),
    ]
    side = 64
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, side, side])
    out = helper.make_tensor_value_info("map", TensorProto.FLOAT, ["N", 1, side, side])
    for flips, accepted in ((1, True), (200, False)):
        pixel = np.zeros((1, 1, side, side))
        pixel.ravel()[:flips] = 1.0
        made = hostile.model(
            nodes, [hostile.ints("colour", 1), weight("pixel", pixel)], [image], [out]
        )
        trial = sandbox.run(made.SerializeToString(), (3, side, side), "float32")
        output = trial.outputs["map"]
        assert (output.batch.size <= output.tolerance) == accepted


def test_the_tolerance_follows_the_range_and_the_size():
    assert Output((2,), "float32", 0.0, 1.0, True).tolerance == pytest.approx(1.1e-4)
    assert Output((2,), "float32", 50.0, 50.0, True).tolerance == pytest.approx(5e-4)
    assert Output((2,), "float32", 0.0, 1.0, True).batch == Gap()
