"""regcls.inference.batch: one copy to the device per batch (here main memory), splits, errors."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import pytest

from regcls.inference import batch as inference_batch
from regcls.inference import contract
from regcls.inference import session as inference_session
from regcls.inference.contract import ContractError
from regcls.inference.providers import Engine, Provider
from regcls.tasks import pairs
from regcls.tasks.pairs import Pair
from tests.helpers import fake_pair, hostile_onnx

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


class Copies:
    """Replacement of ``OrtValue`` that records copies to devices and keeps them in main memory."""

    def __init__(self) -> None:
        self.seen: list[tuple] = []
        self.real = onnxruntime.OrtValue

    def ortvalue_from_numpy(self, images: np.ndarray, kind: str, number: int):
        self.seen.append((len(images), kind, number))
        return self.real.ortvalue_from_numpy(images, "cpu", 0)


def test_a_pair_predicts_the_same_as_its_models_separately(pair: Pair, images: np.ndarray) -> None:
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


def test_no_images_and_invalid_images(pair: Pair, images: np.ndarray) -> None:
    nothing = pairs.run_pair(pair, images[:0])
    assert nothing["reg"][0].shape == (0,) and nothing["reg+cls"][1].shape == (0, 12)
    with pytest.raises(ValueError, match=r"\(N, 96, 96, 3\)"):
        pairs.run_pair(pair, images[:, :64])


def test_each_batch_is_copied_once_for_both_models(
    pair: Pair, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = Copies()
    monkeypatch.setattr(onnxruntime, "OrtValue", copies)
    with pair.reg.engine() as reg, pair.regcls.engine() as regcls:
        for engine in (reg, regcls):
            monkeypatch.setitem(engine.__dict__, "provider", CUDA)
        pairs.run_pair(pair, images, 4)
        assert copies.seen == [(4, "cuda", 1), (3, "cuda", 1)]
        monkeypatch.setitem(regcls.__dict__, "provider", CPU)  # a model that cannot run on the GPU
        pairs.run_pair(pair, images, 7)
    assert copies.seen[2:] == [(7, "cpu", 0)]


def test_views_are_copied_correctly(pair: Pair, images: np.ndarray) -> None:
    turned = images[::-1, :, ::-1]
    np.testing.assert_allclose(
        pairs.run_pair(pair, turned)["reg"][0], pair.reg.run(images)[0][::-1], rtol=1e-5
    )


class SmallMemory:
    """Session of an engine with memory for ``most`` images; its value is the first pixel."""

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


def test_a_batch_that_does_not_fit_is_split(images: np.ndarray) -> None:
    narrow, wide = SmallMemory(3), SmallMemory(100)
    (value, _), (other, _) = inference_batch.run_batch([engine(narrow), engine(wide)], images)
    np.testing.assert_array_equal(value["value"], images[:, 0, 0, 0])
    np.testing.assert_array_equal(other["value"], images[:, 0, 0, 0])
    assert narrow.sizes == [7, 3, 4, 2, 2] and wide.sizes == [3, 2, 2]


def test_an_image_that_does_not_fit_is_an_error(images: np.ndarray) -> None:
    with pytest.raises(ContractError, match=r"mine\.onnx needs more memory"):
        inference_batch.run_batch([engine(SmallMemory(0))], images)


def test_a_model_that_fails_is_an_error(images: np.ndarray) -> None:
    failing = SmallMemory(0, "/src/x.cc:7 f(int) The shapes differ.\nmore")
    with pytest.raises(ContractError) as error:
        inference_batch.run_batch([engine(failing)], images)
    assert str(error.value) == "mine.onnx: ONNX Runtime could not run the model (The shapes differ)"
    assert failing.sizes == [7]  # not split: smaller batches would fail too


def slow(trips: int) -> bytes:
    """A conforming model that runs a loop of ``trips`` steps before it returns its value."""
    model = fake_pair.graph()
    model.graph.node[-1].output[0] = "begun"
    node, weights = hostile_onnx.loop("begun", "value", trips)
    model.graph.node.append(node)
    model.graph.initializer.extend(weights)
    onnx.checker.check_model(model)
    return contract.with_card(model.SerializeToString(), fake_pair.card())


def test_an_own_model_has_a_time_limit(images: np.ndarray) -> None:
    quick = inference_session.own_session(slow(3), "mine.onnx")
    assert quick.run(images)[0].shape == (7,)
    endless = inference_session.own_session(slow(10**12), "mine.onnx", limit=0.2)
    with pytest.raises(ContractError, match=r"mine\.onnx took more than 0\.2 s .* stopped"):
        endless.run(images)
