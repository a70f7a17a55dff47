"""Process of a trial run: ``python -m regcls.inference.custom.sandbox_worker``, see ``sandbox``.

Reads one line of JSON (image shape and type, memory limit), then the ONNX file, from stdin, and
prints one line of JSON. The process has limited memory, cannot write files, and is killed when it
takes too long.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

FEEDS = ("black", "white", "noise", "ramp")  # very different images, each with its own range
# The batches put the same images into different places beside different others.
REPEATED = (("noise",), ("ramp",))
BATCHES = (
    ("white", "noise"),
    ("noise", "ramp"),
    ("ramp", "black", "noise"),
    ("noise", "ramp", "white"),
)
# Where a model rounds or takes a maximum, rounding errors flip single pixels of a map. The largest
# differences of this share of an output's elements are therefore left out.
_IGNORED = 1e-3


def main() -> None:
    """Load the model, and run it on each image of ``FEEDS`` alone, again, and in ``BATCHES``."""
    request = json.loads(sys.stdin.buffer.readline())
    data = sys.stdin.buffer.read()
    import onnxruntime  # before the limits, which leave it no memory for its libraries

    _limit_process(request["memory"])
    try:
        print(json.dumps(_trial(onnxruntime, data, request)))
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


def _trial(onnxruntime: Any, data: bytes, request: dict[str, Any]) -> dict[str, Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (name,) = (value.name for value in session.get_inputs())
    names = [value.name for value in session.get_outputs()]
    images = {feed: _image(feed, request["shape"], request["type"]) for feed in FEEDS}

    def run(*feeds: str) -> dict[str, np.ndarray]:
        batch = np.stack([images[feed] for feed in feeds])
        started = time.perf_counter()
        outputs = dict(zip(names, map(np.asarray, session.run(names, {name: batch})), strict=True))
        seconds = time.perf_counter() - started
        summary = {key: _summary(value) for key, value in outputs.items()}
        runs.append({"images": len(feeds), "seconds": seconds, "outputs": summary})
        return outputs

    runs: list[dict[str, Any]] = []
    # Only the outputs for single images are kept: maps can be large.
    alone = {feed: run(feed) for feed in FEEDS}
    gaps = {
        kind: _largest([_gaps(feeds, run(*feeds), alone) for feeds in batches], names)
        for kind, batches in (("repeat", REPEATED), ("batch", BATCHES))
    }
    by_output = {key: {kind: found[key] for kind, found in gaps.items()} for key in names}
    return {"runs": runs, "gaps": by_output}


def _image(feed: str, shape: Sequence[int], kind: str) -> np.ndarray:
    """Make an image (height and width first or last), 0 to 255 or, as float32, 0 to 1."""
    rng = np.random.default_rng(0)
    # The ramp's mean is half of the range, like that of the noise, but its details are coarse.
    ramp = np.linspace(0, 255, math.prod(shape)).reshape(shape)
    values: Any = {"black": 0, "white": 255, "noise": rng.integers(0, 256, shape), "ramp": ramp}[
        feed
    ]
    image = np.broadcast_to(values, shape)
    return image.astype(np.uint8) if kind == "uint8" else (image / 255).astype(np.float32)


Gap = tuple[float, float, float]  # size, and the two values of the element that differs most


def _gaps(
    feeds: Sequence[str],
    outputs: Mapping[str, np.ndarray],
    alone: Mapping[str, Mapping[str, np.ndarray]],
) -> dict[str, Gap]:
    """Largest difference per output between a batch's images and the same images alone."""
    found = {}
    for name, value in outputs.items():
        gaps = [(0.0, 0.0, 0.0)]
        for place, feed in enumerate(feeds):
            single = alone[feed][name]
            # The parent process reports outputs whose first dimension is not the batch.
            if single.shape[:1] == (1,) and value.shape == (len(feeds), *single.shape[1:]):
                gaps.append(_gap(single[0].ravel(), value[place].ravel()))
        found[name] = max(gaps)
    return found


def _gap(one: np.ndarray, other: np.ndarray) -> Gap:
    if not one.size or not np.issubdtype(one.dtype, np.number):
        return 0.0, 0.0, 0.0
    # The parent process reports NaN.
    gap = np.nan_to_num(np.abs(np.subtract(other, one, dtype=np.float64)))
    at = int(np.argmax(gap))
    size = float(np.quantile(gap, 1 - _IGNORED, method="higher"))
    return size, float(one[at]), float(other[at])


def _largest(found: Sequence[Mapping[str, Gap]], names: Sequence[str]) -> dict[str, Gap]:
    return {name: max(gaps[name] for gaps in found) for name in names}


def _summary(value: np.ndarray) -> dict[str, Any]:
    """Shape, type and range of an output."""
    numeric = np.issubdtype(value.dtype, np.number) and value.size
    return {
        "shape": list(value.shape),
        "type": str(value.dtype),
        "finite": bool(numeric and np.isfinite(value).all()),
        "low": float(value.min()) if numeric else None,
        "high": float(value.max()) if numeric else None,
    }


if __name__ == "__main__":
    main()
