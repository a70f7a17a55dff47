"""ONNX export: outputs equal torch at any batch size, file size, contract, CARD.md."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from regcls.inference import contract
from regcls.training import onnx_export
from regcls.training.networks import ImageRegressor
from tests.helpers import fake_pair


def _network(classes: int) -> ImageRegressor:
    """Return a network with random weights and random batch-norm statistics."""
    torch.manual_seed(0)
    model = ImageRegressor(classes, 33.0, 18.0, pretrained=False).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
    return model


def _images(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, 96, 96, 3), np.uint8)


@pytest.fixture(scope="module", params=[("reg", 0), ("reg+cls", 12)], ids=lambda p: p[0])
def exported(request, tmp_path_factory) -> tuple[ImageRegressor, Path]:
    variant, classes = request.param
    model = onnx_export.shippable(_network(classes))
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    return model, onnx_export.to_onnx(model, path, fake_pair.card(variant))


@pytest.mark.parametrize("n", [1, 3, 8])
def test_outputs_equal_those_of_torch(exported: tuple[ImageRegressor, Path], n: int) -> None:
    model, path = exported
    assert onnx_export.check_outputs(model, path, _images(n)) <= 1e-3


def test_the_file_is_small_valid_and_without_local_paths(
    exported: tuple[ImageRegressor, Path],
) -> None:
    model, path = exported
    assert contract.check(path).class_count == (
        model.class_head.out_features if model.class_head else 0
    )
    weights = sum(p.numel() for p in model.parameters())
    assert path.stat().st_size < 2.2 * weights
    assert str(Path(onnx_export.__file__).parent).encode() not in path.read_bytes()


def test_the_graph_is_minimal(exported: tuple[ImageRegressor, Path]) -> None:
    """Convolutions with their own padding and bias, one normalisation, nothing in between."""
    graph = onnx.load(exported[1]).graph
    counts = Counter(node.op_type for node in graph.node)
    assert counts["Conv"] == 49 and counts["DequantizeLinear"] == 1
    assert not counts["BatchNormalization"] and not counts["Pad"]
    halves = [t for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT16]
    assert counts["Cast"] == len(halves) >= 50


def test_another_network_is_detected(exported: tuple[ImageRegressor, Path]) -> None:
    model, path = exported
    other = onnx_export.fold(_network(model.class_head.out_features if model.class_head else 0))
    with torch.no_grad():
        other.centre += 0.01
    with pytest.raises(ValueError, match="differs from torch"):
        onnx_export.check_outputs(other, path, _images(2))


def test_folding_keeps_outputs_and_original() -> None:
    model = _network(0)
    folded = onnx_export.fold(model)
    images = torch.from_numpy(_images(2))
    with torch.no_grad():
        np.testing.assert_allclose(model(images)[0], folded(images)[0], atol=1e-3)
    norms = lambda m: sum(isinstance(x, torch.nn.BatchNorm2d) for x in m.modules())
    assert norms(model) == 49 and norms(folded) == 0


def test_weights_are_rounded_in_place() -> None:
    layer = torch.nn.Linear(50, 50)
    bias = layer.bias.detach().clone()
    assert onnx_export.round_weights(layer) is layer
    assert torch.equal(layer.weight, layer.weight.half().float())
    assert torch.equal(layer.bias, bias)
    layer.weight.data[0, 0] = 1e6
    with pytest.raises(ValueError, match="weight"):
        onnx_export.round_weights(layer)


def test_weights_that_are_not_rounded_are_rejected(tmp_path: Path) -> None:
    weight = onnx.numpy_helper.from_array(np.full((1, 1), 0.1, np.float32), "w")
    proto = fake_pair.graph()
    proto.graph.initializer.append(weight)
    with pytest.raises(ValueError, match="w is not rounded"):
        onnx_export._store_halves(proto)
