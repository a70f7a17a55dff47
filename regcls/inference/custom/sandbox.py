"""A foreign model is run for the first time: in a process of its own, with little time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from regcls.inference.contract import ContractError

SECONDS = 30.0  # in all: loading, and six runs of one or two images
MEMORY = 2_000_000_000  # bytes beyond what ONNX Runtime itself takes
_ITSELF = 300_000_000  # bytes; what Python and ONNX Runtime take, generously
_LOOK_SECONDS = 0.05  # between two looks at the memory of a trial
_KEPT = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
_NO_MEMORY = ("bad_alloc", "allocate", "memory", "MemoryError")


@dataclass(frozen=True)
class Output:
    """One output of a trial: its ``shape`` for two images, its type, its ends over all runs, and
    whether all of it was finite."""

    shape: tuple[int, ...]
    type: str
    low: float
    high: float
    finite: bool


@dataclass(frozen=True)
class Trial:
    """What came out, by the outputs' names, and how long an image took at best."""

    outputs: dict[str, Output]
    seconds_per_image: float


def run(
    data: bytes,
    shape: tuple[int, int, int],
    kind: str,
    seconds: float = SECONDS,
    memory: int = MEMORY,
) -> Trial:
    """Feed black, white and noisy images of ``shape`` (three numbers) and ``kind`` ("uint8" or
    "float32", then from 0 to 1), one and two at a time.

    Raises ``ContractError`` for a model that fails, takes longer than ``seconds`` or more than
    ``memory`` bytes, or whose outputs do not follow the number of images.
    """
    asked = json.dumps({"shape": shape, "type": kind, "memory": memory}).encode()
    child = subprocess.Popen(
        [sys.executable, "-m", "regcls.inference.custom.sandbox_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={name: os.environ[name] for name in _KEPT if name in os.environ},
    )
    try:
        with _watched(child, memory + _ITSELF) as too_large:
            out, words = child.communicate(asked + b"\n" + data, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise ContractError(
            f"it did not end within {seconds:g} s on two small batches, so it was stopped"
        ) from error
    finally:
        child.kill()  # does nothing to one that has ended
        child.communicate()
    if too_large.is_set():
        raise ContractError(_too_much(memory))
    return _read(_last_line(out, words, memory), memory)


@contextmanager
def _watched(child: subprocess.Popen, most: int) -> Iterator[threading.Event]:
    """Ends ``child`` when it takes more than ``most`` bytes, and sets the event. On Linux the child
    limits itself as well, which is sooner; elsewhere this is all there is."""
    import psutil

    too_large, ended = threading.Event(), threading.Event()

    def watch() -> None:
        with suppress(psutil.Error):  # it has ended
            process = psutil.Process(child.pid)
            while not ended.wait(_LOOK_SECONDS):
                if process.memory_info().rss > most:
                    too_large.set()
                    process.kill()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield too_large
    finally:
        ended.set()
        thread.join()


def _too_much(memory: int) -> str:
    return f"it asks for more than the {memory / 1e9:g} GB that it may have"


def _last_line(out: bytes, words: bytes, memory: int) -> dict:
    try:
        return json.loads(out.decode().strip().splitlines()[-1])
    except (ValueError, IndexError) as error:
        if any(sign in words.decode(errors="replace") for sign in _NO_MEMORY):
            raise ContractError(_too_much(memory)) from error
        raise ContractError("it crashed the process that tried it") from error


def _read(record: dict, memory: int) -> Trial:
    if error := record.get("error"):
        if any(sign in error for sign in _NO_MEMORY):
            raise ContractError(_too_much(memory))
        raise ContractError(f"ONNX Runtime could not run it ({_first_line(error)})")
    runs = record["runs"]
    one, two = (next(r["outputs"] for r in runs if r["images"] == n) for n in (1, 2))
    for name, output in two.items():
        if not output["shape"] or output["shape"][0] != 2 or one[name]["shape"][0] != 1:
            raise ContractError(
                f"its output '{name}' has the shape {tuple(output['shape'])} for two images: "
                "the first number must follow the batch"
            )
    outputs = {name: _output([r["outputs"][name] for r in runs], two[name]) for name in two}
    return Trial(outputs, min(r["seconds"] / r["images"] for r in runs))


def _output(seen: list[dict], two: dict) -> Output:
    return Output(
        tuple(two["shape"]),
        two["type"],
        min((s["low"] for s in seen if s["low"] is not None), default=float("nan")),
        max((s["high"] for s in seen if s["high"] is not None), default=float("nan")),
        all(s["finite"] for s in seen),
    )


def _first_line(text: str) -> str:
    return " ".join(text.split())[:200]
