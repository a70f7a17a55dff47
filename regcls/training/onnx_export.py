"""Export of torch networks to ONNX: batch norms are folded, weights are stored as float16."""

from __future__ import annotations

import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from regcls.inference import contract, session
from regcls.inference.contract import Card

_IR_VERSION = 10  # of ONNX Runtime 1.18 and later

M = TypeVar("M", bound=nn.Module)


def shippable(model: M) -> M:
    """Return a copy of a model with the outputs of its future ONNX file: folded and rounded.

    Predictions that are shipped with a file must be made by this copy.

    Parameters
    ----------
    model : Module
        The trained model, with an EfficientNet-Lite ``backbone``; it is not modified.

    Returns
    -------
    Module
        The copy, in eval mode.

    Raises
    ------
    ValueError
        If a weight is out of the range of float16.
    """
    return round_weights(fold(model))


def fold(model: M) -> M:
    """Return a copy of a model whose convolutions include their batch norms.

    Parameters
    ----------
    model : Module
        The model, with an EfficientNet-Lite ``backbone``; it is not modified.

    Returns
    -------
    Module
        The copy, in eval mode, with the same outputs.
    """
    model = deepcopy(model).eval()
    net: Any = model.backbone
    _fold(net, "_conv_stem", "_bn0")
    for block in net._blocks:
        if hasattr(block, "_expand_conv"):
            _fold(block, "_expand_conv", "_bn0")
        _fold(block, "_depthwise_conv", "_bn1")
        _fold(block, "_project_conv", "_bn2")
    if isinstance(net._conv_head, nn.Conv2d):
        _fold(net, "_conv_head", "_bn1")
    for part in model.modules():
        if isinstance(part, nn.Sequential):
            _fold_sequence(part)
    return model


def round_weights(model: M) -> M:
    """Round all weights of two or more dimensions to float16 values, in place.

    Parameters
    ----------
    model : Module
        The model; its weights stay float32.

    Returns
    -------
    Module
        The same model.

    Raises
    ------
    ValueError
        If a weight is out of the range of float16.
    """
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            continue
        rounded = weight.detach().half().float()
        if not torch.isfinite(rounded).all():
            raise ValueError(f"the weight {name} has a value out of the range of float16")
        weight.data.copy_(rounded)
    return model


def to_onnx(model: nn.Module, path: Path, card: Card) -> Path:
    """Write a model with its card as an ONNX file.

    Parameters
    ----------
    model : Module
        A result of `shippable`, or a combination of several. Its ``class_head`` is None for reg.
    path : Path
        The file.
    card : Card
        Card of the model; it defines the size of the input.

    Returns
    -------
    Path
        The same path.

    Raises
    ------
    ValueError
        If the weights are not rounded.
    ContractError
        If the file would violate the contract.
    """
    names = ["value"] if model.class_head is None else ["value", "logits"]
    proto = _traced(model, (card.input["height"], card.input["width"]), names)
    _name_batch(proto)
    _cheapen_start(proto)
    _store_halves(proto)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(proto.SerializeToString())
    contract.write(path, card)
    contract.check(path)
    return path


@torch.no_grad()
def check_outputs(
    model: nn.Module, path: Path, images: np.ndarray, tolerance: float = 1e-3
) -> float:
    """Check that an ONNX file gives the outputs of its torch model.

    Parameters
    ----------
    model : Module
        The torch model.
    path : Path
        The ONNX file.
    images : ndarray of uint8, shape (N, H, W, 3)
        RGB images.
    tolerance : float, default 1e-3
        Largest difference allowed, in target units for values and absolute for logits.

    Returns
    -------
    float
        The largest difference.

    Raises
    ------
    ValueError
        If it exceeds the tolerance.
    """
    expected = [out.numpy() for out in model.eval()(torch.from_numpy(images))]
    outputs = [out for out in session.session(path).run(images) if out is not None]
    worst = max(float(np.abs(a - b).max()) for a, b in zip(expected, outputs, strict=True))
    if not worst <= tolerance:
        raise ValueError(f"{path.name} differs from torch by {worst:.2g}, more than {tolerance:g}")
    return worst


def _fold_sequence(parts: nn.Sequential) -> None:
    for i in range(len(parts) - 1):
        if isinstance(parts[i], nn.Conv2d) and isinstance(parts[i + 1], nn.BatchNorm2d):
            _fold(parts, str(i), str(i + 1))


def _fold(owner: nn.Module, conv_name: str, norm_name: str) -> None:
    conv, norm = getattr(owner, conv_name), getattr(owner, norm_name)
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
    setattr(owner, norm_name, nn.Identity())


def _traced(model: nn.Module, size: tuple[int, int], names: list[str]) -> onnx.ModelProto:
    example = torch.zeros(2, *size, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch-internal deprecation warnings
        program = torch.onnx.export(
            model.eval(),
            (example,),
            dynamo=True,
            opset_version=contract.OPSET,
            input_names=["image"],
            output_names=names,
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            external_data=False,
            verbose=False,
        )
    assert program is not None  # only the old exporter returns None
    proto = program.model_proto
    proto.ir_version = _IR_VERSION
    for node in proto.graph.node:  # source lines and file names of this machine
        del node.metadata_props[:]
        node.doc_string = ""
    del proto.graph.value_info[:]
    del proto.graph.metadata_props[:]
    return proto


def _name_batch(proto: onnx.ModelProto) -> None:
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
        del value.metadata_props[:]


def _cheapen_start(proto: onnx.ModelProto) -> None:
    """Replace the first nodes (Cast, Sub, Div, Transpose) by Transpose and DequantizeLinear.

    The outputs are bit-identical, since that operator computes (x − 127) / 128, and transposing
    bytes moves a quarter of the data. A graph with another start is not modified.
    """
    nodes = proto.graph.node
    start = list(nodes[:4])
    constants = {t.name: numpy_helper.to_array(t) for t in proto.graph.initializer}
    if [node.op_type for node in start] != ["Cast", "Sub", "Div", "Transpose"]:
        return
    zero, scale = (constants.get(node.input[1]) for node in start[1:3])
    if zero is None or scale is None or zero.size != 1 or scale.size != 1:
        return
    proto.graph.initializer.extend(
        [
            numpy_helper.from_array(np.float32(1.0) / scale.astype(np.float32).reshape(()), "step"),
            numpy_helper.from_array(zero.astype(np.uint8).reshape(()), "zero"),
        ]
    )
    bytes_first = helper.make_node("Transpose", ["image"], ["image_nchw"], perm=(0, 3, 1, 2))
    normalised = list(start[3].output)
    normalise = helper.make_node("DequantizeLinear", ["image_nchw", "step", "zero"], normalised)
    rest = [bytes_first, normalise, *nodes[4:]]
    del nodes[:]
    nodes.extend(rest)
    used = {name for node in rest for name in node.input}
    kept = [tensor for tensor in proto.graph.initializer if tensor.name in used]
    del proto.graph.initializer[:]
    proto.graph.initializer.extend(kept)


def _store_halves(proto: onnx.ModelProto) -> None:
    """Store float32 weights of two or more dimensions as float16 with a Cast, folded on loading."""
    casts = []
    for tensor in proto.graph.initializer:
        del tensor.metadata_props[:]
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        weight = numpy_helper.to_array(tensor)
        half = weight.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), weight):
            raise ValueError(f"{tensor.name} is not rounded to float16; export shippable(model)")
        name, stored = tensor.name, f"{tensor.name}.half"
        tensor.CopyFrom(numpy_helper.from_array(half, stored))
        casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
