"""How much memory a model needs for one image, how much is free, and the batch that fits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

# Images that go through at once, and bytes of their maps, where memory is plenty. On the CPU more
# gain nothing (benchmarks/inference.py --batches); for the GPU it is a cautious guess, since we had
# none to measure.
BEST = {"CPU": 16, "CUDA": 64, "TensorRT": 64}
PLENTY = {"CPU": 64_000_000, "CUDA": 1_000_000_000, "TensorRT": 1_000_000_000}
SHARE = 0.25  # of the free memory: ONNX Runtime doubles what it holds as it grows, others work too
_UNKNOWN = 64  # bytes per byte of the image, for a graph whose shapes cannot be inferred
_CGROUPS = (  # limit, use and the cache within it that can be dropped: version 2, then 1
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def batch_size(per_image: int, free: int, provider: str) -> int:
    """How many images of ``per_image`` bytes to run at once on "CPU", "CUDA" or "TensorRT": what is
    fast there and fits into a share of ``free`` bytes, at least 1."""
    fitting = min(free * SHARE, PLENTY[provider]) // max(per_image, 1)
    return int(min(max(fitting, 1), BEST[provider]))


def bytes_per_image(model: onnx.ModelProto) -> int:
    """The most bytes of maps that are alive at once while one image goes through, by the shapes
    that ONNX infers. Weights do not count; maps that a runtime would merge do. ONNX Runtime was
    seen to hold up to 2.1 times as much."""
    import onnx

    one = onnx.ModelProto()
    one.CopyFrom(model)
    image = one.graph.input[0].type.tensor_type.shape
    image.dim[0].dim_value = 1
    for out in one.graph.output:
        out.type.tensor_type.ClearField("shape")
    pixels = int(np.prod([max(dim.dim_value, 1) for dim in image.dim]))
    try:
        inferred = onnx.shape_inference.infer_shapes(one, data_prop=True)
    except Exception:  # a graph that ONNX cannot follow may run all the same
        return _UNKNOWN * pixels
    sizes = _sizes(inferred.graph)
    return _peak(inferred.graph, sizes) or _UNKNOWN * pixels


def free_bytes(device: tuple[str, int] = ("cpu", 0), limit: int = 0) -> int:
    """What is free on a device: of the machine's memory, within the container's limit if there is
    one, or of a GPU's, and at most ``limit`` (0: no limit)."""
    free = _free_on_gpu(device[1]) if device[0] == "cuda" else _free_here()
    return min(free, limit) if limit else free


def _sizes(graph: onnx.GraphProto) -> dict[str, int]:
    """Bytes of each tensor whose shape is known."""
    from onnx import helper

    sizes = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        tensor = value.type.tensor_type
        dims = tensor.shape.dim
        if (
            tensor.elem_type
            and tensor.HasField("shape")
            and all(d.HasField("dim_value") for d in dims)
        ):
            width = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type)).itemsize
            sizes[value.name] = width * int(np.prod([d.dim_value for d in dims], dtype=np.int64))
    return sizes


def _peak(graph: onnx.GraphProto, sizes: Mapping[str, int]) -> int:
    """The largest sum of tensors alive at a node: made from the image, and needed there or later.

    0 where no map has a known size; one without counts as the largest known.
    """
    nodes = list(graph.node)
    last = {name: at for at, node in enumerate(nodes) for name in node.input}
    last |= {out.name: len(nodes) for out in graph.output}
    image = graph.input[0].name
    largest = max((sizes[n] for n in sizes if n != image), default=0)
    if not largest:
        return 0
    alive = {image: sizes.get(image, largest)}
    from_image, peak = {image}, 0
    for at, node in enumerate(nodes):
        if from_image.intersection(node.input):
            from_image.update(node.output)
            alive |= {name: sizes.get(name, largest) for name in node.output if name}
            peak = max(peak, sum(alive.values()))
        alive = {name: size for name, size in alive.items() if last.get(name, -1) > at}
    return peak


def _free_here(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    import psutil

    return min(psutil.virtual_memory().available, _free_in_container(cgroup))


def _free_in_container(cgroup: Path) -> int:
    """What a container may still take; as good as endless where there is no limit."""
    for names in _CGROUPS:
        try:
            limit, used, stat = ((cgroup / name).read_text() for name in names[:3])
            cached = dict(line.split() for line in stat.splitlines())[names[3]]
            return max(int(limit) - int(used) + int(cached), 0)
        except (OSError, ValueError, KeyError):  # no such file, or the limit reads "max"
            continue
    return 1 << 62


def _free_on_gpu(number: int) -> int:
    """Free memory of CUDA's device ``number``; a gigabyte where the driver does not say.

    NVML counts all cards by their slots, CUDA only those in ``CUDA_VISIBLE_DEVICES``.
    """
    import pynvml

    visible = [
        v.strip() for v in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if v.strip()
    ]
    name = visible[number] if number < len(visible) else str(number)
    try:
        pynvml.nvmlInit()
        if name.isdigit():
            card = pynvml.nvmlDeviceGetHandleByIndex(int(name))
        else:
            card = pynvml.nvmlDeviceGetHandleByUUID(name)
        return int(pynvml.nvmlDeviceGetMemoryInfo(card).free)
    except pynvml.NVMLError:
        return 1_000_000_000
