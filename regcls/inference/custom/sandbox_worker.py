"""Runs a foreign ONNX file where it can do no harm: ``python -m regcls.inference.custom.sandbox_worker``, by ``trial``.

Reads one line of JSON (what to feed, and how much memory it may take) and then the file from stdin;
prints one line of JSON. This process has little memory, may write no file, and is killed in time.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np

FEEDS = ("black", "white", "noise")


def main() -> None:
    """Load the model, run it on one and on two images of each kind of ``FEEDS``."""
    asked = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    import onnxruntime

    _limit(asked["memory"])
    try:
        print(json.dumps(_tried(onnxruntime, data, asked)))
    except Exception as error:  # whatever it is, the parent makes a sentence of it
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]}))


def _limit(memory: int) -> None:
    """At most ``memory`` bytes more than now (Linux), no files (not Windows). The parent watches
    the memory too."""
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


def _tried(onnxruntime, data: bytes, asked: dict) -> dict:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (name,) = (value.name for value in session.get_inputs())
    names = [value.name for value in session.get_outputs()]
    runs = []
    for count in (1, 2):
        for feed in FEEDS:
            image = _image(feed, (count, *asked["shape"]), asked["type"])
            started = time.perf_counter()
            outputs = session.run(names, {name: image})
            seconds = time.perf_counter() - started
            runs.append({"images": count, "feed": feed, "seconds": seconds} | _told(names, outputs))
    return {"runs": runs}


def _image(feed: str, shape: tuple[int, ...], kind: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    values = {"black": 0, "white": 255}.get(feed, rng.integers(0, 256, shape))
    image = np.broadcast_to(values, shape)
    return image.astype(np.uint8) if kind == "uint8" else (image / 255).astype(np.float32)


def _told(names: list[str], outputs: list) -> dict:
    """Shapes, types and ends of what came out."""
    told = {}
    for name, value in zip(names, outputs, strict=True):
        value = np.asarray(value)
        number = np.issubdtype(value.dtype, np.number) and value.size
        told[name] = {
            "shape": list(value.shape),
            "type": str(value.dtype),
            "finite": bool(number and np.isfinite(value).all()),
            "low": float(value.min()) if number else None,
            "high": float(value.max()) if number else None,
        }
    return {"outputs": told}


if __name__ == "__main__":
    main()
