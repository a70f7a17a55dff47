"""regcls.inference.memory: bytes per image, free memory and batch sizes of known cases."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from regcls.inference import batch as inference_batch
from regcls.inference import contract, memory
from regcls.inference import session as inference_session
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers import fake_pair

MB = 1_000_000


def model(nodes: list, outputs: list, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 10, 10, 3])
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in outputs]
    graph = helper.make_graph(nodes, "g", [image], values, tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", contract.OPSET)])


def test_an_image_needs_the_maps_that_are_alive_together() -> None:
    weights = {
        "half": np.ones((5, 3, 1, 1), np.float16),
        "axes": np.array([1, 2, 3]),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),  # 300 → 1200 bytes
        helper.make_node("Cast", ["half"], ["w"], to=TensorProto.FLOAT),  # a weight: no map
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),  # 1200
        helper.make_node("Conv", ["t", "w"], ["c"]),  # 5 × 10 × 10 × 4 = 2000
        helper.make_node("Relu", ["c"], ["r"]),  # 2000
        helper.make_node("Add", ["c", "r"], ["s"]),  # 2000, beside both of its inputs
        helper.make_node("ReduceMean", ["s", "axes"], ["value"], keepdims=0),
    ]
    assert memory.bytes_per_image(model(nodes, [("value", ["N"])], weights)) == 6000
    fewer = [*nodes[:4], helper.make_node("ReduceMean", ["c", "axes"], ["value"], keepdims=0)]
    assert memory.bytes_per_image(model(fewer, [("value", ["N"])], weights)) == 3200


def test_sizes_that_the_graph_computes_are_known() -> None:
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Shape", ["t"], ["all"]),
        helper.make_node("Slice", ["all", "zero", "two"], ["start"]),
        helper.make_node("Concat", ["start", "wide"], ["sizes"], axis=0),
        helper.make_node("Resize", ["t", "", "", "sizes"], ["big"]),  # 3 × 20 × 20 × 4 = 4800
        helper.make_node("ReduceMean", ["big", "axes"], ["value"], keepdims=0),
    ]
    weights = {
        "zero": np.array([0]),
        "two": np.array([2]),
        "wide": np.array([20, 20]),
        "axes": np.array([1, 2, 3]),
    }
    need = memory.bytes_per_image(model(nodes, [("value", ["N"])], weights))
    assert need == 4800 + 1200 + 4 * 8  # both pictures, and the sizes themselves


def test_the_fake_pair_needs_its_floats_and_its_bytes() -> None:
    pixels = fake_pair.SIDE**2 * 3
    assert memory.bytes_per_image(fake_pair.graph()) == pixels * (1 + 4)


def test_the_age_pair_needs_its_widest_block() -> None:
    session = inference_session.session(MODELS_FOLDER / "age" / "reg.onnx")
    # 48 × 48 pixels: 96 channels before a block's depthwise convolution and 96 more of its ReLU6.
    assert session.bytes_per_image == 48 * 48 * (96 + 96) * 4


def test_a_graph_without_known_shapes_gets_a_generous_estimate() -> None:
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("NonZero", ["x"], ["where"]),
        helper.make_node("Conv", ["where"], ["value"]),
    ]
    assert memory.bytes_per_image(model(nodes, [("value", ["N"])], {})) >= 300


@pytest.mark.parametrize(
    ("per_image", "free", "provider", "batch"),
    [
        (2 * MB, 8_000 * MB, "CPU", 16),  # small maps: the fastest size
        (16 * MB, 8_000 * MB, "CPU", 4),  # large maps: PLENTY over the size of one
        (16 * MB, 160 * MB, "CPU", 2),  # little free memory: a quarter of it over one
        (16 * MB, 10 * MB, "CPU", 1),  # at least one
        (900 * MB, 8_000 * MB, "CPU", 1),
        (2 * MB, 40_000 * MB, "CUDA", 64),
        (32 * MB, 40_000 * MB, "CUDA", 31),
        (32 * MB, 1_024 * MB, "TensorRT", 8),
        (0, 0, "CPU", 1),
    ],
)
def test_batches(per_image: int, free: int, provider: str, batch: int) -> None:
    assert memory.batch_size(per_image, free, provider) == batch


def test_a_container_may_have_less_than_the_machine(tmp_path: Path) -> None:
    assert memory._free_cpu_bytes(tmp_path) > 0  # no container: memory of the machine
    (tmp_path / "memory.max").write_text("500000000\n")
    (tmp_path / "memory.current").write_text("300000000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 50000000\n")
    assert memory._free_cpu_bytes(tmp_path) == 250 * MB
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._free_container_bytes(tmp_path) > 1e15
    for name, words in (
        ("limit_in_bytes", "1000"),
        ("usage_in_bytes", "1800"),
        ("stat", "total_inactive_file 300"),
    ):
        (tmp_path / "memory").mkdir(exist_ok=True)
        (tmp_path / "memory" / f"memory.{name}").write_text(words)
    assert memory._free_container_bytes(tmp_path) == 0


class Driver:
    """NVML with two cards, of which the second is named by its UUID."""

    class NVMLError(Exception):
        pass

    def nvmlInit(self) -> None: ...

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        if index > 1:
            raise self.NVMLError("no such card")
        return index

    def nvmlDeviceGetHandleByUUID(self, name: str) -> int:
        return {"GPU-b": 1}[name]

    def nvmlDeviceGetMemoryInfo(self, card: int) -> SimpleNamespace:
        return SimpleNamespace(free=(card + 1) * 4_000 * MB)


def test_gpus_are_numbered_as_cuda_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Driver())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert memory.free_bytes(("cuda", 0)) == 4_000 * MB
    assert memory.free_bytes(("cuda", 1)) == 8_000 * MB
    assert memory.free_bytes(("cuda", 1), limit=2_000 * MB) == 2_000 * MB
    assert memory.free_bytes(("cuda", 5)) == 1_000 * MB  # the driver does not report it
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-b,0")
    assert memory.free_bytes(("cuda", 0)) == 8_000 * MB
    assert memory.free_bytes(("cuda", 1)) == 4_000 * MB


def test_without_the_driver_the_estimate_is_cautious(monkeypatch) -> None:
    class NoDriver(Driver):
        def nvmlInit(self) -> None:
            raise self.NVMLError("driver not loaded")

    monkeypatch.setitem(sys.modules, "pynvml", NoDriver())
    assert memory.free_bytes(("cuda", 0)) == 1_000 * MB


def test_a_run_uses_the_batch_size_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = inference_session.session(fake_pair.make_model(tmp_path / "reg.onnx"))
    sizes = []
    run_batch = inference_batch.run_batch
    monkeypatch.setattr(
        inference_batch,
        "run_batch",
        lambda engines, chunk, limit: sizes.append(len(chunk)) or run_batch(engines, chunk, limit),
    )
    images = np.zeros((20, fake_pair.SIDE, fake_pair.SIDE, 3), np.uint8)
    session.run(images)
    need = session.bytes_per_image
    monkeypatch.setattr(memory, "_free_cpu_bytes", lambda: 5 * need / memory.SHARE)
    session.run(images)
    monkeypatch.setattr(memory, "_free_cpu_bytes", lambda: 0)
    session.run(images[:3])
    assert sizes == [10, 10, 5, 5, 5, 5, 1, 1, 1]  # similar sizes
