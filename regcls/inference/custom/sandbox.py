"""Trial run of an untrusted model in a separate process with limited time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from regcls.inference.contract import ContractError

SECONDS = 30.0  # for loading and ten runs of one to three images
MEMORY = 2_000_000_000  # bytes beyond what Python and ONNX Runtime need
# Differences up to this share of an output's range, plus this share of its largest value, are
# rounding errors of kernels for other batch sizes; those of float32 are at most 1e-6 of the values.
RANGE_TOLERANCE, SIZE_TOLERANCE = 1e-4, 1e-5
_BASE_MEMORY = 300_000_000  # bytes of Python and ONNX Runtime, rounded up generously
_POLL_SECONDS = 0.05  # between two checks of the process's memory
_ENVIRONMENT = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
_OUT_OF_MEMORY = ("bad_alloc", "allocate", "memory", "MemoryError")


@dataclass(frozen=True)
class Gap:
    """How far an output for one image differs between two runs.

    Attributes
    ----------
    size : float
        Largest difference over all pairs of runs; of a map, without 0.1% of its elements.
    first, second : float
        The values of the element that differs most.
    """

    size: float = 0.0
    first: float = 0.0
    second: float = 0.0


@dataclass(frozen=True)
class Output:
    """One output of a trial run.

    Attributes
    ----------
    shape : tuple of int
        For two images.
    type : str
        NumPy's name of the type.
    low, high : float
        Smallest and largest value over all runs.
    finite : bool
        Whether all values are finite numbers.
    repeat : Gap
        Between two runs on the same image.
    batch : Gap
        Between an image alone and in a batch with other images.
    """

    shape: tuple[int, ...]
    type: str
    low: float
    high: float
    finite: bool
    repeat: Gap = Gap()
    batch: Gap = Gap()

    @property
    def tolerance(self) -> float:
        """Largest difference between two runs that rounding errors explain."""
        largest = max(abs(self.low), abs(self.high))
        return RANGE_TOLERANCE * (self.high - self.low) + SIZE_TOLERANCE * largest


@dataclass(frozen=True)
class Trial:
    """Result of a trial run.

    Attributes
    ----------
    outputs : dict of str to Output
        By name.
    seconds_per_image : float
        Of the fastest run.
    """

    outputs: dict[str, Output]
    seconds_per_image: float


def run(
    data: bytes,
    shape: tuple[int, int, int],
    kind: str,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Trial:
    """Run a model on four different images: alone, again, and in batches of two and three.

    Parameters
    ----------
    data : bytes
        The ONNX file.
    shape : tuple of int
        Of one image.
    kind : str
        ``"uint8"``, or ``"float32"`` for pixels from 0 to 1.
    seconds : float
        Time limit.
    memory : int
        Memory limit in bytes.

    Returns
    -------
    Trial
        Shapes, ranges and speed of the outputs.

    Raises
    ------
    ContractError
        If the model fails, exceeds a limit, or the first dimension of an output is not the
        number of images.
    """
    request = json.dumps({"shape": shape, "type": kind, "memory": memory}).encode()
    child = subprocess.Popen(
        [sys.executable, "-m", "regcls.inference.custom.sandbox_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )
    try:
        with _memory_guard(child, memory + _BASE_MEMORY) as exceeded:
            out, log = child.communicate(request + b"\n" + data, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise ContractError(
            f"the model did not finish its trial run on batches of up to three images within "
            f"{seconds:g} s and was stopped"
        ) from error
    finally:
        child.kill()  # no effect on a process that has ended
        child.communicate()
    if exceeded.is_set():
        raise _memory_error(memory)
    return _trial(_record(out, log, memory), memory)


@contextmanager
def _memory_guard(child: subprocess.Popen[bytes], most: int) -> Iterator[threading.Event]:
    """Kill ``child`` when it uses more than ``most`` bytes, and set the event.

    On Linux the child also limits itself, which acts earlier; elsewhere this is the only limit.
    """
    import psutil

    exceeded, ended = threading.Event(), threading.Event()

    def watch() -> None:
        with suppress(psutil.Error):  # the process has ended
            process = psutil.Process(child.pid)
            while not ended.wait(_POLL_SECONDS):
                if process.memory_info().rss > most:
                    exceeded.set()
                    process.kill()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield exceeded
    finally:
        ended.set()
        thread.join()


def _memory_error(memory: int) -> ContractError:
    return ContractError(f"the model needs more than the {memory / 1e9:g} GB of memory allowed")


def _record(out: bytes, log: bytes, memory: int) -> dict[str, Any]:
    """Parse what the process printed."""
    try:
        return json.loads(out.decode().strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        if any(sign in log.decode(errors="replace") for sign in _OUT_OF_MEMORY):
            raise _memory_error(memory) from error
        raise ContractError("the model crashed the process of its trial run") from error


def _trial(record: dict[str, Any], memory: int) -> Trial:
    if error := record.get("error"):
        if any(sign in error for sign in _OUT_OF_MEMORY):
            raise _memory_error(memory)
        reason = " ".join(error.split())[:200]
        raise ContractError(f"ONNX Runtime could not run the model ({reason})")
    runs = record["runs"]
    one, two = (next(r["outputs"] for r in runs if r["images"] == n) for n in (1, 2))
    for name, output in two.items():
        if not output["shape"] or output["shape"][0] != 2 or one[name]["shape"][0] != 1:
            raise ContractError(
                f"output '{name}' has the shape {tuple(output['shape'])} for two images; "
                "its first dimension must be the batch"
            )
    outputs = {
        name: _output([r["outputs"][name] for r in runs], two[name], record["gaps"][name])
        for name in two
    }
    return Trial(outputs, min(r["seconds"] / r["images"] for r in runs))


def _output(
    runs: Sequence[dict[str, Any]], two: dict[str, Any], gaps: dict[str, Sequence[float]]
) -> Output:
    return Output(
        tuple(two["shape"]),
        two["type"],
        min((r["low"] for r in runs if r["low"] is not None), default=float("nan")),
        max((r["high"] for r in runs if r["high"] is not None), default=float("nan")),
        all(r["finite"] for r in runs),
        Gap(*gaps["repeat"]),
        Gap(*gaps["batch"]),
    )
