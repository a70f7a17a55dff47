"""regcls.inference.contract and model_card: valid files pass, each violation is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from regcls.inference import contract
from regcls.inference.contract import Card, ContractError
from tests.helpers import fake_pair

RADII = {"edges": [0, 1], "radius": [1], "counts": [1], "level": 0.9}
LINE = {"x": [0, 120], "y": [0, 120]}
HEAD = {"tau": 0.5, "statistic": "mean", "weight": 0.5}
READOUTS = {"best": "mixed", "recalibrated": LINE, "prior": [1] * 12, "class": HEAD, "mixed": HEAD}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return fake_pair.make_model(tmp_path / "regcls.onnx", "reg+cls")


def _edit(path: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    proto = onnx.load(path)
    change(proto)
    path.write_bytes(proto.SerializeToString())


def _edit_card(path: Path, change: Callable[[dict], object]) -> None:
    def rewrite(proto: onnx.ModelProto) -> None:
        data = json.loads(proto.metadata_props[0].value)
        change(data)
        proto.metadata_props[0].value = json.dumps(data)

    _edit(path, rewrite)


def _refusal(path: Path) -> str:
    with pytest.raises(ContractError) as caught:
        contract.check(path)
    message = str(caught.value)
    assert path.name in message
    return message


def test_card_survives_the_file(model: Path) -> None:
    assert contract.check(model) == contract.read(model) == fake_pair.card("reg+cls")
    assert contract.read(model).class_count == 12


def test_card_takes_numpy_and_turns_nan_into_null() -> None:
    card = fake_pair.card()
    card.metrics["overall"]["rmse"] = np.float32("nan")
    card.training_histogram["counts"] = np.array(card.training_histogram["counts"])
    again = Card.from_json(card.to_json())
    assert again.metrics["overall"]["rmse"] is None
    assert again.training_histogram["counts"][0] == 300


def test_writing_a_bad_card_leaves_the_file(model: Path) -> None:
    before = model.read_bytes()
    with pytest.raises(ContractError, match=r"target\.low"):
        contract.write(
            model, Card(**{**vars(fake_pair.card()), "target": _target(low=5.0, high=5.0)})
        )
    assert model.read_bytes() == before


def _target(**changes) -> dict:
    return {**fake_pair.card().target, **changes}


def test_missing_file(tmp_path: Path) -> None:
    assert "no file" in _refusal(tmp_path / "none.onnx")


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x00" * 500, b"\x08\x0a"])
def test_not_onnx(model: Path, content: bytes) -> None:
    model.write_bytes(content)
    assert "not an ONNX file" in _refusal(model)


def test_a_file_in_memory(model: Path) -> None:
    data = model.read_bytes()
    assert contract.check_bytes(data, "mine.onnx") == contract.check(model)
    other = fake_pair.card("reg+cls", side=64)
    assert contract.card_of(contract.parse(contract.with_card(data, other))) == other
    with pytest.raises(ContractError, match=r"^mine\.onnx: input 'image' must have the shape"):
        contract.check_bytes(contract.with_card(data, other), "mine.onnx")
    with pytest.raises(ContractError, match="at most 16 MB"):
        contract.check_bytes(bytes(contract.MAX_BYTES + 1), "mine.onnx")


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated(model: Path, part: float) -> None:
    content = model.read_bytes()
    model.write_bytes(content[: int(part * len(content))])
    assert "incomplete" in _refusal(model)


def test_too_large(model: Path) -> None:
    model.write_bytes(bytes(contract.MAX_BYTES + 1))
    assert "at most 16 MB" in _refusal(model)


def test_external_data(model: Path) -> None:
    def move_out(proto: onnx.ModelProto) -> None:
        weight = proto.graph.initializer[0]
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="../../etc/passwd")

    _edit(model, move_out)
    assert "external data" in _refusal(model)


def test_external_data_in_a_subgraph(model: Path) -> None:
    def hide(proto: onnx.ModelProto) -> None:
        weight = TensorProto(name="w", data_type=1, data_location=TensorProto.EXTERNAL)
        weight.external_data.add(key="location", value="w.bin")
        inner = helper.make_graph([], "inner", [], [], [weight])
        proto.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=inner))

    _edit(model, hide)
    assert "external data" in _refusal(model)


def test_custom_operator(model: Path) -> None:
    _edit(model, lambda p: setattr(p.graph.node[0], "domain", "com.example"))
    assert "com.example" in _refusal(model)


def test_wrong_opset(model: Path) -> None:
    _edit(model, lambda p: setattr(p.opset_import[0], "version", 11))
    assert f"opset {contract.OPSET}" in _refusal(model)


def test_no_metadata(model: Path) -> None:
    _edit(model, lambda p: p.ClearField("metadata_props"))
    assert "no metadata entry 'regcls'" in _refusal(model)


@pytest.mark.parametrize("text", ["{", "", "[1]", "null", "[" * 100_000])
def test_corrupt_metadata(model: Path, text: str) -> None:
    _edit(model, lambda p: setattr(p.metadata_props[0], "value", text))
    assert "JSON" in _refusal(model)


def test_all_missing_entries_are_named(model: Path) -> None:
    def drop(card: dict) -> None:
        del card["licence"], card["target"]["unit"], card["metrics"]["shots"]

    _edit_card(model, drop)
    message = _refusal(model)
    assert all(name in message for name in ("licence", "target.unit", "metrics.shots"))


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("schema", 3, "schema 3"),
        ("variant", "cls", "variant"),
        ("classes", None, "classes"),
        ("classes", {"edges": [0, 1, 2]}, "classes.kind"),
        ("classes", {"edges": [0, 2, 1], "kind": "quantile"}, "ascending"),
        ("training_histogram", {"edges": [0, 1], "counts": [1, 2]}, "training_histogram.counts"),
        ("training_histogram", {"edges": [0, "x"], "counts": [1]}, "not a number"),
        ("training_histogram", [], "training_histogram"),
        ("target", _target(low=9.0, high=1.0), "target.low"),
        ("target", _target(low="old"), "target.low"),
        ("calibration", {"value": {**RADII, "level": None}}, "calibration.value.level"),
        ("calibration", {"value": {**RADII, "radius": [1, 2]}}, "calibration.value.radius"),
        ("calibration", {"value": {"edges": [0, 1], "level": 0.9}}, "calibration.value.radius"),
        ("calibration", [1], "'calibration' is not a JSON object"),
        ("readouts", {"best": "oracle"}, "readouts.best"),
        ("readouts", [1], "'readouts' is not a JSON object"),
        ("readouts", {"best": "value"}, "lacks 'recalibrated'"),
        ("readouts", {"best": "class", "recalibrated": LINE}, "lacks 'prior'"),
        ("readouts", {"best": "class", "recalibrated": LINE, "prior": [1, 2]}, "12 shares"),
        ("readouts", {**READOUTS, "class": {"tau": 1, "weight": 0}}, "lacks 'statistic'"),
        ("readouts", {**READOUTS, "mixed": {**HEAD, "tau": None}}, "wrong type"),
        ("readouts", {**READOUTS, "mixed": {**HEAD, "statistic": "mode"}}, "readouts.mixed"),
        ("readouts", {"best": "value", "recalibrated": {"x": [2, 1], "y": [1, 2]}}, "ascending"),
        ("readouts", {"best": "value", "recalibrated": {"x": [1, 2], "y": [1]}}, "ascending"),
        ("readouts", {"best": "value", "recalibrated": {"x": ["a"], "y": [1]}}, "wrong type"),
    ],
)
def test_unsound_metadata(model: Path, part: str, value, named: str) -> None:
    _edit_card(model, lambda card: card.update({part: value}))
    assert named in _refusal(model)


def test_a_complete_card_with_readouts(model: Path) -> None:
    _edit_card(model, lambda card: card.update({"readouts": READOUTS}))
    found = contract.check(model)
    assert found.readouts == READOUTS and found.schema == 2


def test_a_card_of_schema_1_still_loads(model: Path) -> None:
    """Its calibration is that of the value head, and it has no read-outs."""
    radii = {**RADII, "radius": [None]}
    _edit_card(model, lambda card: card.update({"schema": 1, "calibration": radii}))
    found = contract.check(model)
    assert found.calibration == {"value": radii} and found.readouts is None
    _edit_card(model, lambda card: card.update({"schema": 1, "calibration": None}))
    assert contract.check(model).calibration is None


def test_wrong_inputs(model: Path) -> None:
    original = model.read_bytes()
    image = lambda proto: proto.graph.input[0]
    dims = lambda proto: image(proto).type.tensor_type.shape.dim
    changes = {
        "named 'image'": lambda p: setattr(image(p), "name", "photo"),
        "uint8": lambda p: setattr(image(p).type.tensor_type, "elem_type", TensorProto.FLOAT),
        "not (N, 96, 96)": lambda p: dims(p).pop(),
        "not (1, 96, 96, 3)": lambda p: setattr(dims(p)[0], "dim_value", 1),
        "not (N, 64, 96, 3)": lambda p: setattr(dims(p)[1], "dim_value", 64),
    }
    for named, change in changes.items():
        model.write_bytes(original)
        _edit(model, change)
        assert named in _refusal(model)


def test_wrong_outputs(model: Path) -> None:
    original = model.read_bytes()
    output = lambda proto, at: proto.graph.output[at].type.tensor_type
    changes = {
        "must have an output 'logits'": lambda p: p.graph.output.pop(),
        "must have an output 'value'": lambda p: p.graph.output.pop(0),
        "12 classes": lambda p: setattr(output(p, 1).shape.dim[1], "dim_value", 7),
        "not 2 dimensions": lambda p: output(p, 0).shape.dim.add(dim_value=1),
        "'value' must be of type float32": lambda p: setattr(output(p, 0), "elem_type", 7),
    }
    for named, change in changes.items():
        model.write_bytes(original)
        _edit(model, change)
        assert named in _refusal(model)


def test_reg_with_logits_is_refused(model: Path) -> None:
    _edit_card(model, lambda card: card.update(variant="reg", classes=None))
    assert "must not have an output 'logits'" in _refusal(model)


def test_broken_graph(model: Path) -> None:
    _edit(model, lambda p: p.graph.node[0].input.__setitem__(0, "nowhere"))
    assert "not valid ONNX" in _refusal(model)
