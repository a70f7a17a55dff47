"""regcls.inference.provider_options: valid and invalid values of REGCLS_PROVIDERS."""

from __future__ import annotations

import pytest

from regcls.inference import providers
from regcls.inference import session as inference_session
from regcls.inference.contract import ContractError
from regcls.inference.provider_options import VARIABLE, ProviderRequest, parse
from tests.helpers import fake_pair


def test_valid_values() -> None:
    assert parse("") == ()
    assert parse(" CPU ") == (ProviderRequest("CPU"),)
    assert parse("cuda") == (ProviderRequest("CUDA"), ProviderRequest("CPU"))
    limited = {"device_id": "1", "gpu_mem_limit": "2000000000"}
    value = "cuda: device_id=1 ; gpu_mem_limit=2000000000, cpu:threads=3"
    assert parse(value) == (
        ProviderRequest("CUDA", limited),
        ProviderRequest("CPU", {"threads": "3"}),
    )
    shapes = "trt_profile_min_shapes=image:1x96x96x3"
    parsed = parse(f"tensorrt:{shapes},cuda:device_id=2,cpu")
    names = [wish.name for wish in parsed]
    assert names == ["TensorRT", "CUDA", "CPU"]
    assert parsed[0].options == {"device_id": "2", "trt_profile_min_shapes": "image:1x96x96x3"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("cdua,cpu", "unknown provider 'cdua'; did you mean 'cuda'"),
        ("openvino", "unknown provider 'openvino'; choose from: cpu, cuda, tensorrt"),
        ("cuda:gpu_memlimit=1", "no option 'gpu_memlimit'; did you mean 'gpu_mem_limit'"),
        ("cpu:x=1", "no option 'x'; choose from: threads"),
        ("cuda:device_id=first", "device_id must be a whole number from 0.*'first'"),
        ("cuda:device_id=-1", "device_id must be a whole number"),
        ("cuda:prefer_nhwc", "prefer_nhwc must be 0 or 1"),
        ("cuda:arena_extend_strategy=big", "must be kNextPowerOfTwo or kSameAsRequested"),
        ("tensorrt:trt_engine_cache_path=", "must be text"),
        ("cuda,cuda", "names cuda twice"),
    ],
)
def test_invalid_values_are_explained(
    value: str, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ContractError, match=words) as error:
        providers.provider()
    assert VARIABLE in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(ContractError, match=words):  # before anything runs
        inference_session.session(fake_pair.make_model(tmp_path / "reg.onnx"))
