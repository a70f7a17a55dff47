"""Which of ONNX Runtime's providers really runs here and why, and engines that run on it.

The environment variable ``REGCLS_PROVIDERS`` names them in order of preference, each with options
after a colon: ``cpu``, ``cuda,cpu``, ``cuda:device_id=1;gpu_mem_limit=2000000000,cpu`` or
``tensorrt:trt_fp16_enable=1,cuda,cpu``. Without it: CUDA where it works, else the CPU. TensorRT,
which builds its plans for minutes, runs only for those who name it. CUDA and TensorRT follow ONNX
Runtime's documentation and were not run by us: the project has had no GPU.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regcls.inference.contract import OPSET, ContractError

if TYPE_CHECKING:
    import onnxruntime

OVERRIDE = "REGCLS_PROVIDERS"
BROUGHT_BYTES = 2_000_000_000  # of main memory, for all models that people brought together
_ONNX_NAMES = {
    "CUDA": "CUDAExecutionProvider",
    "TensorRT": "TensorrtExecutionProvider",
    "CPU": "CPUExecutionProvider",
}
_ASKED = {name.lower(): name for name in _ONNX_NAMES}
_SILENT = 4  # ONNX Runtime's severity "fatal": the fallback is our own sentence, not its red log
_quiet_lock = threading.RLock()  # stdout and ONNX Runtime's log are the whole process's

_WHOLE, _SWITCH, _TEXT = "a whole number from 0", "0 or 1", "a text"
_ARENA = ("kNextPowerOfTwo", "kSameAsRequested")
# What may be set, and to what. CUDA graphs are not among it: they need batches of one size.
_OPTIONS: Mapping[str, Mapping[str, str | tuple[str, ...]]] = {
    "CPU": {"threads": _WHOLE},
    "CUDA": {
        "device_id": _WHOLE,
        "gpu_mem_limit": _WHOLE,
        "arena_extend_strategy": _ARENA,
        "cudnn_conv_algo_search": ("EXHAUSTIVE", "HEURISTIC", "DEFAULT"),
        "cudnn_conv_use_max_workspace": _SWITCH,
        "do_copy_in_default_stream": _SWITCH,
        "prefer_nhwc": _SWITCH,
        "use_tf32": _SWITCH,
    },
    "TensorRT": {
        "device_id": _WHOLE,
        "trt_max_workspace_size": _WHOLE,
        "trt_min_subgraph_size": _WHOLE,
        "trt_max_partition_iterations": _WHOLE,
        "trt_builder_optimization_level": _WHOLE,
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
# cuDNN's own default tries every algorithm anew for every batch size; our last batch is shorter.
_DEFAULTS = {"CUDA": {"cudnn_conv_algo_search": "HEURISTIC"}}


@dataclass(frozen=True)
class Provider:
    """What runs the models: ``name`` "TensorRT", "CUDA" or "CPU", ``why`` in one sentence, and the
    ``options`` it got from the environment."""

    name: str
    why: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def device(self) -> tuple[str, int]:
        """Where its memory lies, as ONNX Runtime calls it: ("cuda", number) or ("cpu", 0)."""
        on_gpu = self.name != "CPU"
        return ("cuda", int(self.options.get("device_id", 0))) if on_gpu else ("cpu", 0)


@dataclass(frozen=True)
class Wish:
    """A provider to try, with options as ONNX Runtime takes them."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Engine:
    """ONNX Runtime's session of a model, what it runs on, its outputs' names and shapes."""

    name: str
    session: onnxruntime.InferenceSession
    provider: Provider
    outputs: Mapping[str, list]


def provider() -> Provider:
    """The provider that runs here, found by trying it once; CUDA or TensorRT that does not work
    gives way to the next one, at last the CPU. Raises ``ContractError`` for a value of
    ``REGCLS_PROVIDERS`` that cannot be read."""
    return found(os.environ.get(OVERRIDE, ""))


def found(asked: str) -> Provider:
    """``provider`` for a given value of ``REGCLS_PROVIDERS``."""
    return _first_that_works(asked)[0]


def make_engine(source: str | bytes, name: str, asked: str, brought: bool = False) -> Engine:
    """A model's file or its content, loaded. ``name`` is what messages call it; ``brought``: by
    somebody, so that it may take ``BROUGHT_BYTES`` of main memory at most.

    A provider that refuses this model gives way to the CPU. Raises ``ContractError`` where that
    refuses it as well.
    """
    chosen, chain = _first_that_works(asked)
    refused = ""
    if chosen.name != "CPU":
        try:
            session = _load(source, chain, brought)
        except Exception as error:  # ONNX Runtime's errors share no public base class
            refused = f" ({first_line(error)})"
        else:
            if session.get_providers()[0] == _ONNX_NAMES[chosen.name]:
                return _engine(name, session, chosen)
        why = f"Running on the CPU: {chosen.name} refused {name}{refused}."
        chosen = Provider("CPU", why, _cpu_options(chain))
    try:
        return _engine(name, _load(source, (Wish("CPU", chosen.options),), brought), chosen)
    except Exception as error:
        raise ContractError(f"{name}: ONNX Runtime cannot load it ({first_line(error)})") from error


def first_line(error: BaseException) -> str:
    """An error of ONNX Runtime's, without the place in its source and the rest of its story."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(
        r"^(\[ONNXRuntimeError\] : \d+ : \w+ : )?(\S+\.(cc|h):\d+ .*?\) )?", "", first
    ).rstrip(".")


def threads(options: Mapping[str, str] | None = None) -> int:
    """CPU threads of one engine: the option ``threads``, else the cores this process may use, at
    most eight."""
    if options and int(options.get("threads", 0)):
        return int(options["threads"])
    usable = getattr(os, "sched_getaffinity", None)
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return max(1, min(cores, 8))


def parse(asked: str) -> tuple[Wish, ...]:
    """The wishes in a value of ``REGCLS_PROVIDERS``, the CPU always last; () for an empty one.

    GPU providers that name no ``device_id`` get that of the first which does. Raises
    ``ContractError`` naming what is wrong and the nearest that is right.
    """
    wishes = [_wish(part) for part in asked.split(",") if part.strip()]
    names = [wish.name for wish in wishes]
    for name in names:
        if names.count(name) > 1:
            raise ContractError(f"{OVERRIDE} names {name.lower()} twice; name it once")
    if not wishes:
        return ()
    device = next((w.options["device_id"] for w in wishes if "device_id" in w.options), None)
    if device is not None:
        wishes = [
            w if w.name == "CPU" else Wish(w.name, {"device_id": device, **w.options})
            for w in wishes
        ]
    return tuple(wishes) if "CPU" in names else (*wishes, Wish("CPU"))


def _wish(text: str) -> Wish:
    asked, _, options = text.strip().partition(":")
    name = _ASKED.get(asked.strip().lower())
    if name is None:
        raise ContractError(
            f"{OVERRIDE} names {asked.strip()!r}, which is no provider{_nearest(asked, _ASKED)}"
        )
    pairs = [_option(name, part) for part in options.split(";") if part.strip()]
    return Wish(name, dict(pairs))


def _option(provider: str, text: str) -> tuple[str, str]:
    option, equals, value = (part.strip() for part in text.partition("="))
    known = _OPTIONS[provider]
    if option not in known:
        raise ContractError(
            f"{OVERRIDE}: {provider.lower()} has no option {option!r}{_nearest(option, known)}"
        )
    kind = known[option]
    if isinstance(kind, tuple):
        good, kind = value in kind, " or ".join(kind)
    else:
        digits = value.isascii() and value.isdigit()
        good = {_WHOLE: digits, _SWITCH: value in ("0", "1"), _TEXT: bool(value)}[kind]
    if not equals or not good:
        raise ContractError(f"{OVERRIDE}: {option} must be {kind}, as in {option}=…, not {value!r}")
    return option, value


def _nearest(word: str, known: Mapping) -> str:
    close = difflib.get_close_matches(word.strip().lower(), known, n=1)
    choice = f"; there are {', '.join(sorted(known))}"
    return (f"; did you mean {close[0]}?" if close else "") + (choice if not close else "")


@lru_cache(maxsize=8)
def _first_that_works(asked: str) -> tuple[Provider, tuple[Wish, ...]]:
    """The provider that runs, and it with all that follow it, for ONNX Runtime to fall back on."""
    wishes = parse(asked)
    by_wish = f", as {OVERRIDE} asks" if wishes else ""
    chain = wishes or (Wish("CUDA"), Wish("CPU"))
    obstacles: list[str] = []
    while chain[0].name != "CPU":
        obstacle = _obstacle(chain)
        if obstacle is None:
            break
        obstacles.append(obstacle)
        chain = chain[1:]
    name, options = chain[0].name, dict(chain[0].options)
    where = "on the CPU" if name == "CPU" else f"on the GPU with {name}"
    if obstacles:
        return Provider(
            name, f"Running {where}: {'; '.join(dict.fromkeys(obstacles))}.", options
        ), chain
    return Provider(name, f"Running {where}{_shown(options)}{by_wish}.", options), chain


def _shown(options: Mapping[str, str]) -> str:
    return f" ({', '.join(f'{k} {v}' for k, v in options.items())})" if options else ""


def _cpu_options(chain: tuple[Wish, ...]) -> Mapping[str, str]:
    return next(wish.options for wish in chain if wish.name == "CPU")


def _obstacle(chain: tuple[Wish, ...]) -> str | None:
    """Why the first of ``chain`` cannot be used, or None when a trial convolution ran on it."""
    if not _has_nvidia_device():
        return "this machine has no NVIDIA GPU"
    name = chain[0].name
    with _quiet(), _unlogged():
        import onnxruntime

        if _ONNX_NAMES[name] not in onnxruntime.get_available_providers():
            return f"this build of ONNX Runtime has no {name} support"
        with contextlib.suppress(Exception):  # absent libraries show in the trial below
            onnxruntime.preload_dlls()
        try:
            trial = _load(_trial_model(), chain)
            trial.run(None, {"x": np.zeros((1, 1, 3, 3), np.float32)})
        except Exception as error:  # whatever goes wrong, the CPU still works
            return f"a GPU is there, but a trial run on it with {name} failed ({first_line(error)})"
    if trial.get_providers()[0] != _ONNX_NAMES[name]:
        if name == "TensorRT":
            return "a GPU is there, but TensorRT's libraries could not be loaded"
        return (
            "a GPU is there, but its CUDA or cuDNN libraries could not be loaded "
            "(pip install 'onnxruntime-gpu[cuda,cudnn]' brings them)"
        )
    return None


def _has_nvidia_device() -> bool:
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _trial_model() -> bytes:
    """A 3×3 convolution: it needs cuDNN, which a mere session does not load."""
    from onnx import TensorProto, helper

    def tensor(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, None, None])

    weight = helper.make_tensor("w", TensorProto.FLOAT, (1, 1, 3, 3), [1.0] * 9)
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "trial", [tensor("x")], [tensor("y")], [weight])
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def _engine(name: str, session: onnxruntime.InferenceSession, chosen: Provider) -> Engine:
    return Engine(name, session, chosen, {out.name: out.shape for out in session.get_outputs()})


def _load(
    source: str | bytes, chain: tuple[Wish, ...], brought: bool = False
) -> onnxruntime.InferenceSession:
    """ONNX Runtime's session, without its own noisy fallback: what fails, fails here."""
    import onnxruntime

    listed = [
        (_ONNX_NAMES[w.name], {**_DEFAULTS.get(w.name, {}), **w.options})
        if w.name != "CPU"
        else _ONNX_NAMES["CPU"]
        for w in chain
    ]
    options = _session_options(_cpu_options(chain))
    with _unlogged():  # one at a time
        if brought:
            _limit_brought()
            options.add_session_config_entry("session.use_env_allocators", "1")
        return onnxruntime.InferenceSession(
            source,
            sess_options=options,
            providers=listed,
            enable_fallback=0,
        )


@lru_cache(maxsize=1)
def _limit_brought() -> None:
    """One arena of limited size for all models that people brought: what a trial on noise did not
    show, a photo may (a size that follows from the pixels), and the server must outlive it."""
    import onnxruntime as ort

    arena = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    # As little at a time as is asked for; -1: ONNX Runtime's defaults.
    limits = {
        "max_mem": BROUGHT_BYTES,
        "arena_extend_strategy": 1,
        "initial_chunk_size_bytes": -1,
        "max_dead_bytes_per_chunk": -1,
    }
    ort.create_and_register_allocator(arena, ort.OrtArenaCfg(limits))


def _session_options(cpu: Mapping[str, str]) -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads(cpu)
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    # Threads spin within a run (it is fast) but not after it (a Lab may train beside us).
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing on stdout or stderr: what failed is told in ``Provider.why``."""
    silent = io.StringIO()
    with _quiet_lock, contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
        yield


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Nothing in ONNX Runtime's log, which writes past Python's stderr."""
    import onnxruntime

    with _quiet_lock:
        onnxruntime.set_default_logger_severity(_SILENT)
        try:
            yield
        finally:
            onnxruntime.set_default_logger_severity(3)  # errors of later runs still show
