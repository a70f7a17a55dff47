"""Execution providers of ONNX Runtime: choose one that works here, and create engines on it.

The environment variable ``REGCLS_PROVIDERS`` sets the order of preference (see
``provider_options``). By default CUDA is used where it works, else the CPU. TensorRT takes minutes
to build its engines and is used only on request. CUDA and TensorRT follow ONNX Runtime's
documentation but are untested: the project had no GPU.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regcls.inference.contract import OPSET, ContractError
from regcls.inference.provider_options import PROVIDERS, VARIABLE, ProviderRequest, parse
from regcls.utils.cpu import cores

if TYPE_CHECKING:
    import onnx
    import onnxruntime

OWN_MODELS_BYTES = 2_000_000_000  # of main memory, for all visitors' own models together
MAX_THREADS = 8
SILENT = 4  # ONNX Runtime's severity "fatal": failures are reported by exceptions, not its log
_quiet_lock = threading.RLock()  # stdout and ONNX Runtime's log belong to the whole process

# cuDNN's own default searches all algorithms for every new batch size, and last batches are short.
_DEFAULTS = {"CUDA": {"cudnn_conv_algo_search": "HEURISTIC"}}


@dataclass(frozen=True)
class Provider:
    """The execution provider in use.

    Attributes
    ----------
    name : str
        ``"TensorRT"``, ``"CUDA"`` or ``"CPU"``.
    why : str
        Why it is used, as a sentence.
    options : mapping of str to str
        From the environment.
    """

    name: str
    why: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def device(self) -> tuple[str, int]:
        """Device of its memory in ONNX Runtime's terms: ("cuda", number) or ("cpu", 0)."""
        on_gpu = self.name != "CPU"
        return ("cuda", int(self.options.get("device_id", 0))) if on_gpu else ("cpu", 0)


@dataclass(frozen=True)
class Engine:
    """A model loaded by ONNX Runtime.

    Attributes
    ----------
    name : str
        The model's name in messages.
    session : onnxruntime.InferenceSession
        The session.
    provider : Provider
        What it runs on.
    outputs : mapping of str to list
        Shapes of its outputs by name; dynamic sizes are str or None.
    """

    name: str
    session: onnxruntime.InferenceSession
    provider: Provider
    outputs: Mapping[str, Sequence[int | str | None]]


def provider() -> Provider:
    """Return the execution provider in use, found by a trial run.

    Returns
    -------
    Provider
        The first of the requested providers that works, or the CPU.

    Raises
    ------
    ContractError
        If ``REGCLS_PROVIDERS`` is not valid.
    """
    return choose(os.environ.get(VARIABLE, ""))


def choose(requested: str) -> Provider:
    """Return the execution provider for a given value of ``REGCLS_PROVIDERS``.

    Parameters
    ----------
    requested : str
        The value; empty for the default.

    Returns
    -------
    Provider
        The first one that works.

    Raises
    ------
    ContractError
        If the value is not valid.
    """
    return _first_working(requested)[0]


def make_engine(source: str | bytes, name: str, requested: str, own: bool = False) -> Engine:
    """Load a model. If the chosen provider cannot load it, the CPU is used.

    Parameters
    ----------
    source : str or bytes
        Path or content of the ONNX file.
    name : str
        The model's name in messages.
    requested : str
        Value of ``REGCLS_PROVIDERS``.
    own : bool
        Whether it is a visitor's own model: these share ``OWN_MODELS_BYTES`` of main memory.

    Returns
    -------
    Engine
        The loaded model.

    Raises
    ------
    ContractError
        If ONNX Runtime cannot load the model on the CPU either.
    """
    chosen, chain = _first_working(requested)
    reason = ""
    if chosen.name != "CPU":
        try:
            session = _load(source, chain, own)
        except Exception as error:  # ONNX Runtime's errors share no public base class
            reason = f" ({first_line(error)})"
        else:
            if session.get_providers()[0] == PROVIDERS[chosen.name]:
                return _engine(name, session, chosen)
        why = f"Running on the CPU: {chosen.name} cannot run {name}{reason}."
        chosen = Provider("CPU", why, _cpu_options(chain))
    try:
        session = _load(source, (ProviderRequest("CPU", chosen.options),), own)
    except Exception as error:
        raise ContractError(
            f"{name}: ONNX Runtime cannot load the model ({first_line(error)})"
        ) from error
    return _engine(name, session, chosen)


def first_line(error: BaseException) -> str:
    """Return the first line of an ONNX Runtime error, without its position in the source code.

    Parameters
    ----------
    error : BaseException
        The error.

    Returns
    -------
    str
        The line without a full stop; the error's type if it has no message.

    Examples
    --------
    >>> first_line(RuntimeError("[ONNXRuntimeError] : 1 : FAIL : /src/a.cc:72 f(int) No memory."))
    'No memory'
    """
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return re.sub(
        r"^(\[ONNXRuntimeError\] : \d+ : \w+ : )?(\S+\.(cc|h):\d+ .*?\) )?", "", first
    ).rstrip(".")


def threads(options: Mapping[str, str] | None = None) -> int:
    """Return the number of CPU threads per engine.

    Parameters
    ----------
    options : mapping of str to str, optional
        Of the CPU provider.

    Returns
    -------
    int
        The option ``threads`` if it is set, else the number of cores, at most ``MAX_THREADS``.
    """
    if options and int(options.get("threads", 0)):
        return int(options["threads"])
    return max(1, min(cores(), MAX_THREADS))


@lru_cache(maxsize=8)
def _first_working(requested: str) -> tuple[Provider, tuple[ProviderRequest, ...]]:
    """Return the provider in use, and its request with all that follow, for fallback."""
    requests = parse(requested)
    by_request = f", as set by {VARIABLE}" if requests else ""
    chain = requests or (ProviderRequest("CUDA"), ProviderRequest("CPU"))
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
        why = f"Running {where}: {'; '.join(dict.fromkeys(obstacles))}."
    else:
        why = f"Running {where}{_format_options(options)}{by_request}."
    return Provider(name, why, options), chain


def _format_options(options: Mapping[str, str]) -> str:
    return f" ({', '.join(f'{k} {v}' for k, v in options.items())})" if options else ""


def _cpu_options(chain: Sequence[ProviderRequest]) -> Mapping[str, str]:
    return next(request.options for request in chain if request.name == "CPU")


def _obstacle(chain: Sequence[ProviderRequest]) -> str | None:
    """Why the first provider cannot be used; None if a trial convolution ran on it."""
    if not _has_nvidia_device():
        return "this machine has no NVIDIA GPU"
    name = chain[0].name
    with _muted(), _unlogged():
        import onnxruntime

        if PROVIDERS[name] not in onnxruntime.get_available_providers():
            return f"this build of ONNX Runtime has no {name} support"
        with contextlib.suppress(Exception):  # missing libraries show in the trial below
            onnxruntime.preload_dlls()
        try:
            trial = _load(_trial_model(), chain)
            trial.run(None, {"x": np.zeros((1, 1, 3, 3), np.float32)})
        except Exception as error:  # whatever fails here, the CPU still works
            return f"there is a GPU, but a trial run on it with {name} failed ({first_line(error)})"
    if trial.get_providers()[0] == PROVIDERS[name]:
        return None
    if name == "TensorRT":
        return "there is a GPU, but TensorRT's libraries could not be loaded"
    return (
        "there is a GPU, but its CUDA or cuDNN libraries could not be loaded "
        "(install them with pip install 'onnxruntime-gpu[cuda,cudnn]')"
    )


def _has_nvidia_device() -> bool:
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _trial_model() -> bytes:
    """Return a model with a 3 × 3 convolution, which needs cuDNN; loading alone does not."""
    from onnx import TensorProto, helper

    def tensor(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, None, None])

    weight = helper.make_tensor("w", TensorProto.FLOAT, (1, 1, 3, 3), [1.0] * 9)
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "trial", [tensor("x")], [tensor("y")], [weight])
    opset = helper.make_opsetid("", OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def _engine(name: str, session: onnxruntime.InferenceSession, chosen: Provider) -> Engine:
    return Engine(name, session, chosen, {out.name: out.shape for out in session.get_outputs()})


def _load(
    source: str | bytes, chain: Sequence[ProviderRequest], own: bool = False
) -> onnxruntime.InferenceSession:
    """Create a session without ONNX Runtime's own fallback, which prints: failures are raised."""
    import onnxruntime

    listed = [
        (PROVIDERS[r.name], {**_DEFAULTS.get(r.name, {}), **r.options})
        if r.name != "CPU"
        else PROVIDERS["CPU"]
        for r in chain
    ]
    options = _session_options(_cpu_options(chain))
    with _unlogged():
        if own:
            _limit_own_models()
            options.add_session_config_entry("session.use_env_allocators", "1")
        return onnxruntime.InferenceSession(
            source,
            sess_options=options,
            providers=listed,
            enable_fallback=0,
        )


@lru_cache(maxsize=1)
def _limit_own_models() -> None:
    """Create one memory arena of limited size for all visitors' own models.

    A trial run on noise cannot show all memory that a model uses: a size may depend on the pixels.
    """
    import onnxruntime as ort

    arena = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    limits = {
        "max_mem": OWN_MODELS_BYTES,
        "arena_extend_strategy": 1,  # grow by what is requested
        "initial_chunk_size_bytes": -1,  # ONNX Runtime's default
        "max_dead_bytes_per_chunk": -1,
    }
    ort.create_and_register_allocator(arena, ort.OrtArenaCfg(limits))


def _session_options(cpu: Mapping[str, str]) -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads(cpu)
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    # Threads spin during a run, which is fast, but not after it: a Lab may be training.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


@contextlib.contextmanager
def _muted() -> Iterator[None]:
    """Suppress stdout and stderr: ``Provider.why`` reports failures."""
    sink = io.StringIO()
    with _quiet_lock, contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        yield


@contextlib.contextmanager
def _unlogged() -> Iterator[None]:
    """Suppress ONNX Runtime's log, which bypasses Python's stderr. One thread at a time."""
    import onnxruntime

    with _quiet_lock:
        onnxruntime.set_default_logger_severity(SILENT)
        try:
            yield
        finally:
            onnxruntime.set_default_logger_severity(3)  # errors of later runs are still logged
