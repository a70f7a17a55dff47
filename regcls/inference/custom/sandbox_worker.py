"""Process of a trial run: ``python -m regcls.inference.custom.sandbox_worker``, see ``sandbox``.

Reads one line of JSON (image shape and type, memory limit), then the ONNX file, from stdin, and
prints one line of JSON. The process has limited memory, cannot write files, and is killed when it
takes too long.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

FEEDS = ("black", "white", "noise")


def main() -> None:
    """Load the model and run it on one and on two images of each kind of ``FEEDS``."""
    request = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    import onnxruntime  # before the limits, which leave it no memory for its libraries

    _limit_process(request["memory"])
    try:
        print(json.dumps({"runs": _runs(onnxruntime, data, request)}))
    except Exception as error:  # the parent process explains it
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]}))


def _limit_process(memory: int) -> None:
    """Allow ``memory`` bytes more than now (Linux) and no files (not Windows)."""
    try:
        import resource
    except ImportError:
        return
    if sys.platform == "linux":
        with open("/proc/self/statm") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _runs(onnxruntime: Any, data: bytes, request: dict[str, Any]) -> list[dict[str, Any]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (name,) = (value.name for value in session.get_inputs())
    names = [value.name for value in session.get_outputs()]
    runs = []
    for count in (1, 2):
        for feed in FEEDS:
            image = _image(feed, (count, *request["shape"]), request["type"])
            started = time.perf_counter()
            outputs = session.run(names, {name: image})
            seconds = time.perf_counter() - started
            summary = _summary(names, outputs)
            runs.append({"images": count, "feed": feed, "seconds": seconds, "outputs": summary})
    return runs


def _image(feed: str, shape: tuple[int, ...], kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    values = {"black": 0, "white": 255}.get(feed, rng.integers(0, 256, shape))
    image = np.broadcast_to(values, shape)
    return image.astype(np.uint8) if kind == "uint8" else (image / 255).astype(np.float32)


def _summary(names: Sequence[str], outputs: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """Shape, type and range of each output."""
    summary = {}
    for name, output in zip(names, outputs, strict=True):
        value = np.asarray(output)
        numeric = np.issubdtype(value.dtype, np.number) and value.size
        summary[name] = {
            "shape": list(value.shape),
            "type": str(value.dtype),
            "finite": bool(numeric and np.isfinite(value).all()),
            "low": float(value.min()) if numeric else None,
            "high": float(value.max()) if numeric else None,
        }
    return summary


if __name__ == "__main__":
    main()
