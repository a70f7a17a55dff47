"""torch → ONNX by the contract: batch norm folded, weights stored in half the bytes, checked."""

from __future__ import annotations

import warnings
from copy import deepcopy
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from regcls import contract, runtime
from regcls.contract import Card
from regcls.training.depth_network import DepthNet
from regcls.training.networks import ImageRegressor

Network = ImageRegressor | DepthNet

_IR_VERSION = 10  # what ONNX Runtime 1.18 and later read


def shippable(model: Network) -> Network:
    """A copy of ``model`` that answers exactly as its exported file will: folded, then rounded.

    Predictions that go with a shipped file must be made by this copy.
    """
    return round_weights(fold(model))


def fold(model: Network) -> Network:
    """A copy in eval mode whose convolutions contain their batch norms: fewer passes, same answers."""
    model = deepcopy(model).eval()
    net = model.backbone
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


def round_weights(model: nn.Module) -> nn.Module:
    """Round, in place, every weight of two or more dimensions to a float16 value (kept in float32).

    Raises ``ValueError`` for a weight beyond float16's range.
    """
    for name, weight in model.named_parameters():
        if weight.dim() < 2:
            continue
        rounded = weight.detach().half().float()
        if not torch.isfinite(rounded).all():
            raise ValueError(f"{name} holds a value that float16 cannot hold")
        weight.data.copy_(rounded)
    return model


def to_onnx(model: Network, path: Path, card: Card) -> Path:
    """Write a ``shippable`` model, with its card, as ONNX; the card says the input's size.

    Raises ``ValueError`` when the weights are not rounded, ``ContractError`` when the file would
    break the contract.
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
def answers_alike(model: Network, path: Path, images: np.ndarray, tolerance: float = 1e-3) -> float:
    """The largest difference between torch and the file over uint8 ``images`` (N, H, W, 3).

    Raises ``ValueError`` when it exceeds ``tolerance`` (target units for the value, absolute for
    logits).
    """
    expected = [out.numpy() for out in model.eval()(torch.from_numpy(images))]
    got = runtime.session(path).run(images)
    worst = max(float(np.abs(a - b).max()) for a, b in zip(expected, got, strict=False))
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


def _traced(model: Network, size: tuple[int, int], names: list[str]) -> onnx.ModelProto:
    example = torch.zeros(2, *size, 3, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own deprecations, none of them ours to heed
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
    proto = program.model_proto
    proto.ir_version = _IR_VERSION
    for node in proto.graph.node:  # source lines and file names of the machine that exported
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
    """Cast, Sub, Div, Transpose of floats become Transpose of bytes and one DequantizeLinear.

    The answers are the same to the last bit, since (x − 127) / 128 is what that operator computes;
    only a quarter of the bytes are moved. A graph that begins otherwise is left as it is.
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
    """float32 weights of two or more dimensions become float16 and a Cast, which loading folds."""
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


def write_card_md(path: Path, reg: Card, regcls: Card) -> None:
    """CARD.md: what the pair is, how well it does, and what it must not be used for."""
    pair = {"reg": reg, "reg+cls": regcls}
    sections = {
        "What it is": _what(reg, regcls),
        "Licence": reg.licence,
        "Errors on the test split": _metrics_table(pair),
        "Intervals": _intervals(pair),
        "How they were made": _training_list(pair),
        "Choice of settings, on the validation split": _search_table(pair),
        "Limits, and what not to do": _limits(reg),
        "Citation": reg.citation,
    }
    text = f"# The {reg.task} pair: reg and reg+cls\n"
    for title, body in sections.items():
        text += f"\n## {title}\n\n{body}\n"
    path.write_text(text, encoding="utf-8")


def _what(reg: Card, regcls: Card) -> str:
    target, size = reg.target, reg.input
    return (
        f"Two networks that estimate {target['name']} in {target['unit']} "
        f"({target['low']:g} to {target['high']:g}) from one RGB image of "
        f"{size['height']}×{size['width']} pixels (uint8; they normalise it themselves). They are "
        "alike but for the loss and for one more linear head in reg+cls, with "
        f"{regcls.class_count} {regcls.classes['kind']} classes. Both are scored on the regression "
        "output. Weights are stored as float16 and computed with in float32."
    )


def _metrics_table(pair: dict[str, Card]) -> str:
    unit = next(iter(pair.values())).target["unit"]
    rows = []
    for name, card in pair.items():
        overall = card.metrics["overall"]
        rows += [(name, "overall", "", _figure(overall, "mae"), _figure(overall, "rmse"))]
        for shot, row in card.metrics["shots"].items():
            count = row.get("test", row.get("n", ""))
            rows.append((name, shot, count, _figure(row, "mae"), _figure(row, "rmse")))
        seeds = card.metrics["seeds"]
        if seeds["n"] > 1:
            spread = f"{seeds['mae_mean']:.2f} ± {seeds['mae_std']:.2f}"
            rows.append((name, f"mean ± standard deviation of {seeds['n']} seeds", "", spread, ""))
    heads = ("model", "part", "test samples", f"MAE ({unit})", f"RMSE ({unit})")
    note = "In brackets: bootstrap intervals. Shots: ranges of the target by their training count."
    return f"{_table(heads, rows)}\n\n{note}"


def _intervals(pair: dict[str, Card]) -> str:
    """What each card's calibration says, a row a range of the prediction."""
    rows = [
        (name, f"{low:g} to {high:g}", f"± {radius:.1f}", count)
        for name, card in pair.items()
        if card.calibration
        for low, high, radius, count in zip(
            card.calibration["edges"][:-1],
            card.calibration["edges"][1:],
            card.calibration["radius"],
            card.calibration["counts"],
            strict=True,
        )
    ]
    if not rows:
        return "Not calibrated."
    heads = ("model", "prediction", "radius", "validation samples")
    level = next(c.calibration["level"] for c in pair.values() if c.calibration)
    return (
        f"Split-conformal on the validation split: {level:.0%} of samples like these lie within "
        f"the radius. Ranges with few samples borrow from their neighbours.\n\n"
        f"{_table(heads, rows)}"
    )


def _training_list(pair: dict[str, Card]) -> str:
    shown = [
        f"- **{name}**, {key.replace('_', ' ')}: {_readable(value)}"
        for name, card in pair.items()
        for key, value in card.training.items()
        if key != "search_on_val"
    ]
    return "\n".join(shown)


def _search_table(pair: dict[str, Card]) -> str:
    rows = [
        (name, row["reg_weight"], row["classes"] or "", f"{row['val_mae']:.3f}")
        for name, card in pair.items()
        for row in card.training.get("search_on_val", [])
    ]
    if not rows:
        return "No search was made."
    return _table(("model", "loss scale or λ", "classes", "validation MAE"), rows)


def _limits(card: Card) -> str:
    name = card.target["name"]
    return (
        f"- An estimate of apparent {name} on photos like the training data's; errors grow where "
        "training samples are few (table above) and for photos unlike them.\n"
        "- The data's labels and its mix of people are uneven, so errors differ between groups. "
        "Do not decide anything about a person by it: no access, no price, no hiring, no policing, "
        "no age verification.\n"
        "- It exists to study when a classification loss helps regression, and to be tried on "
        "photos whose owners agree."
    )


def _figure(row: dict, metric: str) -> str:
    value, low, high = (row.get(f"{metric}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return ""
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} [{low:.2f}, {high:.2f}]"


def _readable(value) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_readable(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_readable, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(heads: tuple, rows: list[tuple]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
