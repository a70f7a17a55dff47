"""regcls.inference.batch: one copy to the device per batch (here main memory), splits, errors."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from regcls.inference import batch as inference_batch
from regcls.inference import contract
from regcls.inference import session as inference_session
from regcls.inference.contract import ContractError
from regcls.inference.providers import Engine, Provider
from regcls.tasks import pairs
from regcls.tasks.pairs import Pair
from tests.helpers import fake_pair

CUDA = Provider("CUDA", "Running on the GPU with CUDA.", {"device_id": "1"})
CPU = Provider("CPU", "Running on the CPU.")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    fake_pair.make_pair(tmp_path)
    return pairs.load_pair("age", tmp_path)


@pytest.fixture
def images() -> np.ndarray:
    size = (7, fake_pair.SIDE, fake_pair.SIDE, 3)
    return np.random.default_rng(0).integers(0, 256, size, np.uint8)


class Crossings:
    """Stands in for ``OrtValue``: notes what crosses to which device, and leaves it where it is."""

    def __init__(self) -> None:
        self.seen: list[tuple] = []
        self.real = onnxruntime.OrtValue

    def ortvalue_from_numpy(self, images: np.ndarray, kind: str, number: int):
        self.seen.append((len(images), kind, number))
        return self.real.ortvalue_from_numpy(images, "cpu", 0)


def test_a_pair_answers_as_its_models_do_alone(pair: Pair, images: np.ndarray) -> None:
    for batch in (None, 1, 3, 7, 100):
        together = pairs.run_pair(pair, images, batch)
        assert list(together) == ["reg", "reg+cls"]
        for session in (pair.reg, pair.regcls):
            value, logits = session.run(images)
            np.testing.assert_allclose(together[session.card.variant][0], value, rtol=1e-5)
            if logits is None:
                assert together[session.card.variant][1] is None
            else:
                np.testing.assert_allclose(together["reg+cls"][1], logits, rtol=1e-4, atol=1e-5)
    assert pair.reg.seconds_per_image > 0 and pair.regcls.seconds_per_image > 0


def test_no_image_and_wrong_ones(pair: Pair, images: np.ndarray) -> None:
    nothing = pairs.run_pair(pair, images[:0])
    assert nothing["reg"][0].shape == (0,) and nothing["reg+cls"][1].shape == (0, 12)
    with pytest.raises(ValueError, match=r"\(N, 96, 96, 3\)"):
        pairs.run_pair(pair, images[:, :64])


def test_each_batch_crosses_once_for_both_models(
    pair: Pair, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    crossings = Crossings()
    monkeypatch.setattr(onnxruntime, "OrtValue", crossings)
    with pair.reg.engine() as reg, pair.regcls.engine() as regcls:
        for engine in (reg, regcls):
            monkeypatch.setitem(engine.__dict__, "provider", CUDA)
        pairs.run_pair(pair, images, 4)
        assert crossings.seen == [(4, "cuda", 1), (3, "cuda", 1)]
        monkeypatch.setitem(regcls.__dict__, "provider", CPU)  # which refused the GPU
        pairs.run_pair(pair, images, 7)
    assert crossings.seen[2:] == [(7, "cpu", 0)]


def test_views_and_long_batches_cross_whole(pair: Pair, images: np.ndarray) -> None:
    turned = images[::-1, :, ::-1]
    np.testing.assert_allclose(
        pairs.run_pair(pair, turned)["reg"][0], pair.reg.run(images)[0][::-1], rtol=1e-5
    )


class Full:
    """An engine's session that has memory for ``most`` images; its value is the first pixel."""

    def __init__(self, most: int, words: str = "Failed to allocate memory for requested buffer"):
        self.most, self.words = most, words
        self.sizes: list[int] = []

    def io_binding(self) -> SimpleNamespace:
        bound = {}
        return SimpleNamespace(
            bind_ortvalue_input=bound.__setitem__,
            bind_output=lambda name: None,
            synchronize_inputs=lambda: None,
            synchronize_outputs=lambda: None,
            copy_outputs_to_cpu=lambda: [bound["image"].numpy()[:, 0, 0, 0].astype(np.float32)],
            bound=bound,
        )

    def run_with_iobinding(self, binding: SimpleNamespace, options: object) -> None:
        count = binding.bound["image"].shape()[0]
        self.sizes.append(count)
        if count > self.most:
            raise RuntimeError(f"[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : {self.words}")


def engine(session: object) -> Engine:
    return Engine("mine.onnx", session, CPU, {"value": ["N"]})


def test_a_batch_that_does_not_fit_goes_in_halves(images: np.ndarray) -> None:
    narrow, wide = Full(3), Full(100)
    (value, _), (other, _) = inference_batch.run_batch([engine(narrow), engine(wide)], images)
    np.testing.assert_array_equal(value["value"], images[:, 0, 0, 0])
    np.testing.assert_array_equal(other["value"], images[:, 0, 0, 0])
    assert narrow.sizes == [7, 3, 4, 2, 2] and wide.sizes == [3, 2, 2]


def test_an_image_that_does_not_fit_is_told_in_a_sentence(images: np.ndarray) -> None:
    with pytest.raises(ContractError, match=r"mine\.onnx needs more memory"):
        inference_batch.run_batch([engine(Full(0))], images)


def test_a_model_that_fails_is_told_in_a_sentence(images: np.ndarray) -> None:
    failing = Full(0, "/src/x.cc:7 f(int) The shapes differ.\nmore")
    with pytest.raises(ContractError) as error:
        inference_batch.run_batch([engine(failing)], images)
    assert str(error.value) == "mine.onnx: ONNX Runtime could not run the model (The shapes differ)"
    assert failing.sizes == [7]  # halves would not help


def endless(turns: int) -> bytes:
    """A model that keeps the contract, and counts to ``turns`` before it answers."""
    graph = fake_pair.graph()
    step = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still"]),
            helper.make_node("Sin", ["state"], ["next"]),
        ],
        "step",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    graph.graph.node[-1].output[0] = "begun"
    graph.graph.node.append(
        helper.make_node("Loop", ["turns", "yes", "begun"], ["value"], body=step)
    )
    graph.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(turns), "turns"),
            numpy_helper.from_array(np.array(True), "yes"),
        ]
    )
    onnx.checker.check_model(graph)
    return contract.with_card(graph.SerializeToString(), fake_pair.card())


def test_a_model_of_somebodys_own_may_not_run_for_ever(images: np.ndarray) -> None:
    quick = inference_session.own_session(endless(3), "mine.onnx")
    assert quick.run(images)[0].shape == (7,)
    slow = inference_session.own_session(endless(10**12), "mine.onnx", limit=0.2)
    with pytest.raises(ContractError, match=r"mine\.onnx took more than 0\.2 s .* stopped"):
        slow.run(images)
