"""ONNX Runtime: which provider really runs, cached sessions, batches. Imported at first use."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regcls import contract
from regcls.contract import Card, ContractError

if TYPE_CHECKING:
    import onnxruntime
    import pandas as pd

MODELS = Path(__file__).resolve().parent.parent / "models"
OVERRIDE = "REGCLS_PROVIDERS"
_ONNX_NAMES = {"CUDA": "CUDAExecutionProvider", "CPU": "CPUExecutionProvider"}
_SILENT = 4  # ONNX Runtime's severity "fatal": the fallback is our own sentence, not its red log
_lock = threading.Lock()
_quiet_lock = threading.RLock()  # redirecting stdout concerns the whole process
_sessions: dict[tuple, Session] = {}


@dataclass(frozen=True)
class Provider:
    """What runs the models, ``name`` "CUDA" or "CPU", and ``why``, one sentence."""

    name: str
    why: str


@dataclass(frozen=True)
class Pair:
    """The two models of a task, their test predictions (y_true, reg, regcls, …) and CARD.md."""

    reg: Session
    regcls: Session
    predictions: pd.DataFrame
    card_text: str


def provider() -> Provider:
    """The provider that runs here, found by trying it once.

    The environment variable ``REGCLS_PROVIDERS`` ("cpu", "cuda" or "cuda,cpu") overrides the
    choice; CUDA that does not work always falls back to the CPU. Raises ``ValueError`` for another
    value.
    """
    return _find_provider(os.environ.get(OVERRIDE, ""))


def session(path: Path | str) -> Session:
    """The session of a model file: checked against the contract, and shared by all that ask.

    A file that changed is checked and loaded anew. Raises ``ContractError``.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise ContractError(f"there is no file at {path}")
    stat = path.stat()
    chosen = os.environ.get(OVERRIDE, "")
    key = (path, stat.st_mtime_ns, stat.st_size, chosen)
    with _lock:
        if key not in _sessions:
            for old in [k for k in _sessions if k[0] == path and k[3] == chosen]:
                del _sessions[old]
            _sessions[key] = Session(path, contract.check(path))
        return _sessions[key]


def load_pair(task: str, root: Path | str = MODELS) -> Pair:
    """The shipped pair of ``task`` under ``root``. Raises ``ContractError`` saying what to do."""
    import pandas as pd

    folder = Path(root) / task
    names = ("reg.onnx", "regcls.onnx", "test_predictions.parquet", "CARD.md")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ContractError(
            f"the {task} pair lacks {', '.join(missing)} in {folder}; "
            f"make it with `python -m regcls train {task}`, then `python -m regcls export {task}`"
        )
    reg, regcls = session(folder / "reg.onnx"), session(folder / "regcls.onnx")
    _demand_alike(task, reg.card, regcls.card)
    predictions = pd.read_parquet(folder / "test_predictions.parquet")
    absent = {"y_true", "reg", "regcls"} - set(predictions.columns)
    if absent:
        raise ContractError(f"test_predictions.parquet lacks {', '.join(sorted(absent))}")
    return Pair(reg, regcls, predictions, (folder / "CARD.md").read_text(encoding="utf-8"))


class Session:
    """One model. The ONNX Runtime session behind it is made at the first ``run``."""

    def __init__(self, path: Path, card: Card):
        self.path, self.card = path, card
        self.seconds_per_image = float("nan")  # of the last run
        self._making = threading.Lock()
        self._made: onnxruntime.InferenceSession | None = None

    @property
    def provider(self) -> Provider:
        """What this session really runs on."""
        found = provider()
        actual = self._engine().get_providers()[0]
        if actual == _ONNX_NAMES[found.name]:
            return found
        return Provider("CPU", f"{found.name} refused {self.path.name}, so it runs on the CPU.")

    def run(self, images: np.ndarray, batch: int = 16) -> tuple[np.ndarray, np.ndarray | None]:
        """uint8 ``images`` (N, H, W, 3) → ``value`` (N, …) and, for reg+cls, ``logits`` (N, C, …).

        ``batch`` images go through at once (16: their maps still fit the cache); N may be 0. May be called from several threads.
        Raises ``ValueError`` for another shape or type.
        """
        images = self._demand_images(images)
        if batch < 1:
            raise ValueError(f"batch must be at least 1, not {batch}")
        engine = self._engine()
        names = [output.name for output in engine.get_outputs()]
        started = time.perf_counter()
        parts = [
            engine.run(names, {"image": images[i : i + batch]})
            for i in range(0, len(images), batch)
        ]
        if len(images):
            self.seconds_per_image = (time.perf_counter() - started) / len(images)
        else:
            parts = [[_nothing(output.shape) for output in engine.get_outputs()]]
        joined = dict(zip(names, map(np.concatenate, zip(*parts, strict=True)), strict=True))
        return joined["value"], joined.get("logits")

    def _demand_images(self, images: np.ndarray) -> np.ndarray:
        shape = (self.card.input["height"], self.card.input["width"], 3)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError("images must be a NumPy array of type uint8")
        if images.shape[1:] != shape or images.ndim != 4:
            raise ValueError(f"images must have the shape (N, {str(shape)[1:]}, not {images.shape}")
        return np.ascontiguousarray(images)

    def _engine(self) -> onnxruntime.InferenceSession:
        with self._making:
            if self._made is None:
                self._made = _make_session(self.path, provider())
            return self._made


def _make_session(path: Path, chosen: Provider) -> onnxruntime.InferenceSession:
    import onnxruntime

    try:
        with _quiet():
            return onnxruntime.InferenceSession(
                str(path), sess_options=_options(), providers=_providers(chosen.name)
            )
    except Exception as error:  # ONNX Runtime's errors share no public base class
        first = str(error).strip().splitlines()[0]
        raise ContractError(f"{path.name}: ONNX Runtime cannot load it ({first})") from error


def _options() -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads()
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    # Threads spin within a run (it is fast) but not after it (a Lab may train beside us).
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def threads() -> int:
    """CPU threads of one session: the cores this process may use, at most eight."""
    usable = getattr(os, "sched_getaffinity", None)
    cores = len(usable(0)) if usable else os.cpu_count() or 1
    return max(1, min(cores, 8))


@lru_cache(maxsize=8)
def _find_provider(override: str) -> Provider:
    wanted = [name.strip().upper() for name in override.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in _ONNX_NAMES]
    if unknown:
        raise ValueError(f"{OVERRIDE} may hold cpu, cuda or cuda,cpu, not {unknown[0].lower()!r}")
    if wanted and wanted[0] == "CPU":
        return Provider("CPU", f"Running on the CPU, as {OVERRIDE} asks.")
    obstacle = _cuda_obstacle()
    if obstacle is None:
        return Provider("CUDA", "Running on the GPU with CUDA.")
    return Provider("CPU", f"Running on the CPU: {obstacle}.")


def _cuda_obstacle() -> str | None:
    """Why CUDA cannot be used, or None when a trial convolution ran on it."""
    if not _has_nvidia_device():
        return "this machine has no NVIDIA GPU"
    with _quiet():
        import onnxruntime

        if _ONNX_NAMES["CUDA"] not in onnxruntime.get_available_providers():
            return "this build of ONNX Runtime has no CUDA support"
        with contextlib.suppress(Exception):  # absent libraries show in the trial below
            onnxruntime.preload_dlls()
        used = None
        with contextlib.suppress(Exception):  # whatever goes wrong, the CPU still works
            trial = onnxruntime.InferenceSession(
                _trial_model(), sess_options=_options(), providers=_providers("CUDA")
            )
            trial.run(None, {"x": np.zeros((1, 1, 3, 3), np.float32)})
            used = trial.get_providers()[0]
    if used is None:
        return "a GPU is there, but a trial run on it failed"
    if used != _ONNX_NAMES["CUDA"]:
        return "a GPU is there, but its CUDA or cuDNN libraries could not be loaded"
    return None


def _has_nvidia_device() -> bool:
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _trial_model() -> bytes:
    """A 3×3 convolution: it needs cuDNN, which a mere session does not load."""
    from onnx import TensorProto, helper

    def tensor(name: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)

    weight = helper.make_tensor("w", TensorProto.FLOAT, (1, 1, 3, 3), [1.0] * 9)
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "trial", [tensor("x")], [tensor("y")], [weight])
    opset = helper.make_opsetid("", contract.OPSET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def _providers(name: str) -> list[str]:
    return list(dict.fromkeys((_ONNX_NAMES[name], _ONNX_NAMES["CPU"])))


@contextlib.contextmanager
def _quiet():
    """Nothing on stdout, stderr or ONNX Runtime's log: what failed is told in ``Provider.why``."""
    silent = io.StringIO()
    with _quiet_lock, contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
        import onnxruntime

        onnxruntime.set_default_logger_severity(_SILENT)
        try:
            yield
        finally:
            onnxruntime.set_default_logger_severity(3)  # errors of later runs still show


def _nothing(shape: list) -> np.ndarray:
    """An empty output: 0 images, and 0 wherever the graph leaves a size free."""
    return np.empty([0, *(s if isinstance(s, int) else 0 for s in shape[1:])], np.float32)


def _demand_alike(task: str, reg: Card, regcls: Card) -> None:
    if (reg.variant, regcls.variant) != ("reg", "reg+cls"):
        raise ContractError("reg.onnx must be a reg model and regcls.onnx a reg+cls model")
    for name in ("task", "target", "input"):
        if getattr(reg, name) != getattr(regcls, name):
            raise ContractError(f"the models of the {task} pair differ in {name}")
    if reg.task != task:
        raise ContractError(f"the folder {task} holds a pair for the task {reg.task}")
