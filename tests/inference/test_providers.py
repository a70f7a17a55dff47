"""regcls.inference.providers: which provider is chosen and why, and how models fall back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from regcls.inference import provider_options, providers
from regcls.inference import session as inference_session
from regcls.inference.provider_options import ProviderRequest
from tests.helpers import fake_pair


@pytest.fixture
def gpu_without_libraries(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that seems to have a GPU: ONNX Runtime really tries it, and fails."""
    providers._first_working.cache_clear()
    monkeypatch.setattr(providers, "_has_nvidia_device", lambda: True)
    yield
    providers._first_working.cache_clear()


def test_the_cpu_on_request(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv(provider_options.VARIABLE, "cpu:threads=1")
    found = providers.provider()
    assert found.name == "CPU" and found.options == {"threads": "1"}
    assert found.why == "Running on the CPU (threads 1), as set by REGCLS_PROVIDERS."
    with inference_session.session(fake_pair.make_model(tmp_path / "reg.onnx")).engine() as engine:
        assert engine.session.get_session_options().intra_op_num_threads == 1


@pytest.mark.parametrize("requested", ["", "cuda,cpu", "cuda:device_id=7", "tensorrt,cuda,cpu"])
def test_a_gpu_that_fails_falls_back_to_the_cpu_silently_with_the_reason(
    requested: str,
    gpu_without_libraries: None,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
    tmp_path,
) -> None:
    if (
        inference_session.session(fake_pair.make_model(tmp_path / "reg.onnx")).provider.name
        != "CPU"
    ):
        pytest.skip("this machine has a working GPU")
    monkeypatch.setenv(provider_options.VARIABLE, requested)
    found = providers.provider()
    assert found.name == "CPU" and found.why.startswith("Running on the CPU: ")
    reasons = found.why.count("there is a GPU, but")
    assert reasons == (2 if "tensorrt" in requested else 1) and "onnxruntime_src" not in found.why
    session = inference_session.session(fake_pair.make_model(tmp_path / "own.onnx"))
    session.run(np.zeros((1, 96, 96, 3), np.uint8))
    assert session.provider == found
    assert capfd.readouterr() == ("", "")


def test_a_missing_gpu_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    providers._first_working.cache_clear()
    monkeypatch.setattr(providers, "_has_nvidia_device", lambda: False)
    found = providers.choose("tensorrt,cuda,cpu")
    providers._first_working.cache_clear()
    assert found.why == "Running on the CPU: this machine has no NVIDIA GPU."


def test_tensorrt_is_tried_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    monkeypatch.setattr(providers, "_obstacle", lambda chain: tried.append(chain[0].name))
    providers._first_working.cache_clear()
    chosen = {value: providers.choose(value) for value in ("", "cuda:device_id=1", "tensorrt")}
    providers._first_working.cache_clear()
    assert tried == ["CUDA", "CUDA", "TensorRT"]
    assert chosen[""].why == "Running on the GPU with CUDA."
    assert chosen[""].device == ("cuda", 0) and chosen["cuda:device_id=1"].device == ("cuda", 1)
    assert chosen["tensorrt"].why == (
        "Running on the GPU with TensorRT, as set by REGCLS_PROVIDERS."
    )


def test_a_model_that_the_gpu_cannot_run_falls_back_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path, capfd: pytest.CaptureFixture
) -> None:
    chain = (ProviderRequest("CUDA"), ProviderRequest("CPU"))
    on_gpu = (providers.Provider("CUDA", "Running on the GPU with CUDA."), chain)
    monkeypatch.setattr(providers, "_first_working", lambda requested: on_gpu)
    path = fake_pair.make_model(tmp_path / "reg.onnx")
    engine = providers.make_engine(str(path), "reg.onnx", "")
    if engine.provider.name == "CUDA":
        pytest.skip("this machine has a working GPU")
    assert engine.provider.why.startswith("Running on the CPU: CUDA cannot run reg.onnx")
    assert engine.provider.device == ("cpu", 0)
    assert capfd.readouterr() == ("", "")


def test_errors_of_onnx_runtime_are_reduced_to_their_first_line() -> None:
    said = "[ONNXRuntimeError] : 1 : FAIL : /src/a/b.cc:72 void f(int&, X) Install it.\nmore"
    assert providers.first_line(RuntimeError(said)) == "Install it"
    assert providers.first_line(RuntimeError("")) == "RuntimeError"
