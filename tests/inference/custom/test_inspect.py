"""regcls.inference.custom: hostile models are refused, valid ones become conforming files."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto

from regcls.inference import contract, session
from regcls.inference.custom import inspect, sandbox, wrap
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers import fake_pair
from tests.helpers import hostile_onnx as hostile

SIDE = hostile.SIDE
BAD = {
    "words": (b"Dear diary, this is no network.", "not an ONNX file"),
    "empty": (b"", "not an ONNX file"),
    "too large": (bytes(contract.MAX_BYTES + 1), "at most 16 MB"),
    "outside": (hostile.outside(), "stored in another file"),
    "foreign": (hostile.foreign(), "operator Magic"),
    "two inputs": (hostile.two_inputs(), "must have one input"),
    "wrong rank": (hostile.wrong_rank(), "it must be one number per image"),
    "fixed batch": (hostile.fixed_batch(), "batch size is fixed at 1"),
    "old opset": (hostile.old_opset(), "must use opset 18, not 13"),
}


@pytest.mark.parametrize(("data", "words"), BAD.values(), ids=BAD.keys())
def test_violations_are_named(data, words):
    found = inspect.examine(data, "mine.onnx")
    assert found.card is None and found.form is None
    assert found.problem.startswith("mine.onnx: ") and words in found.problem
    assert found.problem.endswith(".")


# What only a trial run shows


def form_of(data: bytes, **changes) -> tuple[inspect.Finding, inspect.Form]:
    found = inspect.examine(data, "mine.onnx")
    assert found.problem is None and found.form is not None
    return found, replace(found.form, **changes)


def test_a_loop_without_end_is_stopped_in_time(monkeypatch):
    found, form = form_of(hostile.endless())
    children = []
    start = sandbox.subprocess.Popen
    monkeypatch.setattr(
        sandbox.subprocess, "Popen", lambda *a, **o: children.append(start(*a, **o)) or children[-1]
    )
    with pytest.raises(contract.ContractError, match=r"did not finish .* within 3 s"):
        wrap.complete(found, form, seconds=3.0)
    (child,) = children
    assert child.returncode < 0, "it was killed rather than waited for"


@pytest.mark.skipif(os.name != "posix", reason="this system has no memory limits")
def test_a_hundred_gigabytes_are_refused():
    found, form = form_of(hostile.greedy())
    with pytest.raises(contract.ContractError, match=r"memory|more than the 2 GB"):
        wrap.complete(found, form)


def test_memory_is_watched_from_outside_as_well(monkeypatch):
    """As on systems where the process cannot limit itself: its own limit is never reached."""
    dumps = sandbox.json.dumps
    monkeypatch.setattr(sandbox.json, "dumps", lambda request: dumps({**request, "memory": 2**40}))
    with pytest.raises(contract.ContractError, match=r"more than the 0\.1 GB"):
        sandbox.run(hostile.greedy(1), (3, SIDE, SIDE), "float32", memory=100_000_000)


def test_outputs_with_nan_are_refused():
    found, form = form_of(hostile.not_finite())
    with pytest.raises(contract.ContractError, match="NaN or infinite"):
        wrap.complete(found, form)


def test_one_prediction_for_all_images_is_refused():
    found, form = form_of(hostile.one_for_all())
    with pytest.raises(contract.ContractError, match="first dimension must be the batch"):
        wrap.complete(found, form)


def test_a_dynamic_width_must_be_one():
    found, form = form_of(hostile.unsaid(1), scaling="0 to 1")
    images = picture()
    value, _ = answered(wrap.complete(found, form).data, images)
    np.testing.assert_allclose(value, images.mean(axis=(1, 2, 3)) / 255, rtol=1e-5)
    found, form = form_of(hostile.unsaid(7))
    with pytest.raises(contract.ContractError, match="must be 1 instead of 7"):
        wrap.complete(found, form)


def test_the_trial_hides_the_environment_and_writes_nothing(monkeypatch):
    seen = {}
    original = sandbox.subprocess.Popen

    def start(*args, **options):
        seen.update(options["env"])
        return original(*args, **options)

    monkeypatch.setenv("A_SECRET", "hush")
    monkeypatch.setattr(sandbox.subprocess, "Popen", start)
    tried = sandbox.run(hostile.honest("NHWC", TensorProto.UINT8), (SIDE, SIDE, 3), "uint8")
    assert "A_SECRET" not in seen and "PATH" in seen
    assert tried.outputs["flat"].shape == (2,)
    assert tried.outputs["flat"].low == 0 and tried.outputs["flat"].high == pytest.approx(25_500)


# Valid files


def picture(seed: int = 0, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3)).astype(np.uint8)


def answered(data: bytes, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    return session.own_session(data, "mine.onnx").run(images)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("scaling", list(inspect.SCALINGS))
@pytest.mark.parametrize("order", inspect.ORDERS)
def test_pixels_arrive_as_the_file_expects_them(layout, scaling, order):
    found, form = form_of(hostile.honest(layout), scaling=scaling, order=order)
    assert (form.layout, form.height, form.width) == (layout, SIDE, SIDE)
    images = picture()
    value, logits = answered(wrap.complete(found, form).data, images)
    x = images / 255.0
    wanted = {
        "0 to 255": images.astype(float),
        "0 to 1": x,
        "-1 to 1": 2 * x - 1,
        "ImageNet mean and standard deviation": (x - inspect.IMAGENET_MEAN) / inspect.IMAGENET_STD,
    }[scaling]
    np.testing.assert_allclose(value, 100 * wanted.mean(axis=(1, 2, 3)), rtol=1e-4, atol=1e-2)
    assert logits is None


def test_channels_are_reversed_for_bgr():
    """A model that uses its first channel only."""
    from onnx import helper

    nodes = [
        helper.make_node("Slice", ["image", "zero", "one", "colour"], ["first"]),
        *hostile.mean_of("first"),
    ]
    weights = [hostile.AXES] + [
        hostile.ints(n, v) for n, v in (("zero", 0), ("one", 1), ("colour", 1))
    ]
    data = hostile.model(nodes, weights).SerializeToString()
    images = picture()
    for order, channel in (("RGB", 0), ("BGR", 2)):
        found, form = form_of(data, order=order, scaling="0 to 255")
        value, _ = answered(wrap.complete(found, form).data, images)
        np.testing.assert_allclose(value, images[..., channel].mean(axis=(1, 2)), rtol=1e-4)


def test_uint8_inputs_are_not_scaled():
    found, form = form_of(hostile.honest("NHWC", TensorProto.UINT8))
    assert found.kind == "uint8"
    value, _ = answered(wrap.complete(found, form).data, picture())
    np.testing.assert_allclose(value, 100.0 * picture().mean(axis=(1, 2, 3)), rtol=1e-4)


def test_outputs_are_assigned_to_value_and_logits():
    found, form = form_of(hostile.honest(classes=5, column=True), scaling="0 to 1")
    assert (form.value, form.logits) == ("column", "scores")
    assert len(form.edges) == 6 and form.variant == "reg+cls"
    value, logits = answered(wrap.complete(found, form).data, picture())
    assert value.shape == (3,) and logits.shape == (3, 5)


def test_a_map_is_for_depth():
    found, form = form_of(hostile.depth_map(), scaling="0 to 1")
    assert form.task == "depth" and form.unit == "metres"
    value, _ = answered(wrap.complete(found, form).data, picture())
    assert value.shape == (3, SIDE // 2, SIDE // 2)
    with pytest.raises(contract.ContractError, match="does not fit the task age"):
        wrap.complete(found, replace(form, task="age"))


def test_predictions_are_converted_to_the_unit_of_the_page():
    found, form = form_of(hostile.honest(), scaling="0 to 1", task="progress", unit="percent")
    form = replace(form, name="progress", low=0.0, high=1.0)
    done = wrap.complete(found, form)
    assert done.card.target["unit"] == "share of the activity"
    wanted = picture().mean(axis=(1, 2, 3)) / 255
    np.testing.assert_allclose(answered(done.data, picture())[0], wanted, rtol=1e-4)
    assert done.trial.outputs["value"].low == 0
    assert done.trial.outputs["value"].high == pytest.approx(1.0)


def test_a_card_in_another_unit_is_refused():
    data = (MODELS_FOLDER / "age" / "reg.onnx").read_bytes()
    card = contract.check_bytes(data, "reg.onnx")
    days = contract.with_card(data, replace(card, target={**card.target, "unit": "days"}))
    assert "the unit days, but predictions of age must be in years" in (
        inspect.examine(days, "reg.onnx").problem
    )


def test_a_completed_file_conforms():
    found, form = form_of(hostile.honest())
    data = wrap.complete(found, form).data
    again = inspect.examine(data, "mine_complete.onnx")
    assert again.card.task == "age" and again.card.variant == "reg"


def test_a_shipped_model_conforms():
    found = inspect.examine((MODELS_FOLDER / "age" / "regcls.onnx").read_bytes(), "regcls.onnx")
    assert found.card.variant == "reg+cls"


def test_a_card_that_promises_what_the_graph_does_not_is_refused(tmp_path):
    path = fake_pair.make_model(tmp_path / "fake.onnx", task="depth")
    found = inspect.examine(path.read_bytes(), "fake.onnx")
    assert "does not fit the task depth" in found.problem


FORMS = {
    "limits": ({"low": 5.0, "high": 5.0}, "below its upper"),
    "size": ({"height": 4}, "from 16 to 1024"),
    "unit": ({"unit": "weeks"}, "must be one of years, months"),
    "task": ({"task": "weather"}, "task must be one of"),
    "output": ({"value": "nothing"}, "must be outputs of the model"),
    "edges": ({"edges": (0.0, 2.0, 1.0)}, "ascending"),
    "too few": ({"edges": (0.0, 1.0, 2.0)}, "5 classes need 6 edges"),
}


@pytest.mark.parametrize(("changes", "words"), FORMS.values(), ids=FORMS.keys())
def test_an_invalid_form_is_refused(changes, words):
    found, form = form_of(hostile.honest(classes=5))
    with pytest.raises(contract.ContractError, match=words):
        wrap.complete(found, replace(form, **changes))
