"""Parse ``REGCLS_PROVIDERS``: execution providers in order of preference, with options.

Options follow a colon: ``cpu``, ``cuda,cpu``, ``cuda:device_id=1;gpu_mem_limit=2000000000,cpu`` or
``tensorrt:trt_fp16_enable=1,cuda,cpu``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from regcls.inference.contract import ContractError
from regcls.utils.text import suggestion

VARIABLE = "REGCLS_PROVIDERS"
PROVIDERS = {
    "CUDA": "CUDAExecutionProvider",
    "TensorRT": "TensorrtExecutionProvider",
    "CPU": "CPUExecutionProvider",
}
_BY_LOWER_NAME = {name.lower(): name for name in PROVIDERS}

_COUNT, _SWITCH, _TEXT = "a whole number from 0", "0 or 1", "text"
_ARENA = ("kNextPowerOfTwo", "kSameAsRequested")
# Options and their values. CUDA graphs are excluded, since they need batches of one size.
_OPTIONS: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "CPU": {"threads": _COUNT},
    "CUDA": {
        "device_id": _COUNT,
        "gpu_mem_limit": _COUNT,
        "arena_extend_strategy": _ARENA,
        "cudnn_conv_algo_search": ("EXHAUSTIVE", "HEURISTIC", "DEFAULT"),
        "cudnn_conv_use_max_workspace": _SWITCH,
        "do_copy_in_default_stream": _SWITCH,
        "prefer_nhwc": _SWITCH,
        "use_tf32": _SWITCH,
    },
    "TensorRT": {
        "device_id": _COUNT,
        "trt_max_workspace_size": _COUNT,
        "trt_min_subgraph_size": _COUNT,
        "trt_max_partition_iterations": _COUNT,
        "trt_builder_optimization_level": _COUNT,
        "trt_fp16_enable": _SWITCH,
        "trt_bf16_enable": _SWITCH,
        "trt_sparsity_enable": _SWITCH,
        "trt_context_memory_sharing_enable": _SWITCH,
        "trt_engine_cache_enable": _SWITCH,
        "trt_engine_cache_path": _TEXT,
        "trt_timing_cache_enable": _SWITCH,
        "trt_timing_cache_path": _TEXT,
        "trt_profile_min_shapes": _TEXT,
        "trt_profile_opt_shapes": _TEXT,
        "trt_profile_max_shapes": _TEXT,
    },
}


@dataclass(frozen=True)
class ProviderRequest:
    """An execution provider to try.

    Attributes
    ----------
    name : str
        ``"TensorRT"``, ``"CUDA"`` or ``"CPU"``.
    options : mapping of str to str
        As ONNX Runtime takes them; for the CPU, ``threads``.
    """

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


def parse(text: str) -> tuple[ProviderRequest, ...]:
    """Parse a value of ``REGCLS_PROVIDERS``.

    GPU providers without a ``device_id`` get that of the first one that has it.

    Parameters
    ----------
    text : str
        The value.

    Returns
    -------
    tuple of ProviderRequest
        In order of preference, the CPU last; empty for an empty value.

    Raises
    ------
    ContractError
        If a provider or option is unknown or an option's value is not valid.

    Examples
    --------
    >>> [request.name for request in parse("cuda:device_id=1")]
    ['CUDA', 'CPU']
    """
    requests = [_request(part) for part in text.split(",") if part.strip()]
    names = [request.name for request in requests]
    for name in names:
        if names.count(name) > 1:
            raise ContractError(f"{VARIABLE} names {name.lower()} twice; name it once")
    if not requests:
        return ()
    device = next((r.options["device_id"] for r in requests if "device_id" in r.options), None)
    if device is not None:
        requests = [
            r if r.name == "CPU" else ProviderRequest(r.name, {"device_id": device, **r.options})
            for r in requests
        ]
    return tuple(requests) if "CPU" in names else (*requests, ProviderRequest("CPU"))


def _request(text: str) -> ProviderRequest:
    word, _, options = (part.strip() for part in text.partition(":"))
    name = _BY_LOWER_NAME.get(word.lower())
    if name is None:
        raise ContractError(
            f"{VARIABLE} names an unknown provider {word!r}{suggestion(word.lower(), _BY_LOWER_NAME)}"
        )
    pairs = [_option(name, part) for part in options.split(";") if part.strip()]
    return ProviderRequest(name, dict(pairs))


def _option(provider: str, text: str) -> tuple[str, str]:
    option, equals, value = (part.strip() for part in text.partition("="))
    known = _OPTIONS[provider]
    if option not in known:
        raise ContractError(
            f"{VARIABLE}: {provider.lower()} has no option {option!r}{suggestion(option, known)}"
        )
    kind = known[option]
    if isinstance(kind, tuple):
        valid, kind = value in kind, " or ".join(kind)
    else:
        digits = value.isascii() and value.isdigit()
        valid = {_COUNT: digits, _SWITCH: value in ("0", "1"), _TEXT: bool(value)}[kind]
    if not equals or not valid:
        raise ContractError(f"{VARIABLE}: {option} must be {kind}, as in {option}=…, not {value!r}")
    return option, value
