"""Memory per image of a model, free memory of a device, and the batch size that fits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import onnx

# Images per batch, and bytes of their feature maps, where memory is plentiful. On the CPU, larger
# batches are not faster (benchmarks/inference.py --batches). The values for the GPU are a cautious
# guess: the project had no GPU to measure on.
BEST = {"CPU": 16, "CUDA": 64, "TensorRT": 64}
PLENTY = {"CPU": 64_000_000, "CUDA": 1_000_000_000, "TensorRT": 1_000_000_000}
# Share of the free memory that a batch may use: ONNX Runtime doubles its arena as it grows, and
# other processes need memory as well.
SHARE = 0.25
_UNKNOWN = 64  # bytes per byte of the image, for a graph whose shapes cannot be inferred
_CGROUPS = (  # files of limit, usage and droppable cache within the usage: versions 2 and 1
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def batch_size(per_image: int, free: int, provider: str) -> int:
    """Return the number of images to run at once.

    Parameters
    ----------
    per_image : int
        Bytes per image, from ``bytes_per_image``.
    free : int
        Bytes of free memory, from ``free_bytes``.
    provider : str
        ``"CPU"``, ``"CUDA"`` or ``"TensorRT"``.

    Returns
    -------
    int
        The fastest batch size that fits into a share of the free memory, at least 1.

    Examples
    --------
    >>> batch_size(2_000_000, 8_000_000_000, "CPU")
    16
    >>> batch_size(16_000_000, 160_000_000, "CPU")
    2
    """
    fitting = min(free * SHARE, PLENTY[provider]) // max(per_image, 1)
    return int(min(max(fitting, 1), BEST[provider]))


def bytes_per_image(model: onnx.ModelProto) -> int:
    """Estimate the peak memory of the feature maps of one image.

    Weights do not count; maps that a runtime would fuse do. ONNX Runtime was observed to use up to
    2.1 times as much.

    Parameters
    ----------
    model : onnx.ModelProto
        The model, with an image as its first input.

    Returns
    -------
    int
        Bytes, by the shapes that ONNX infers.
    """
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
    except Exception:  # a graph that shape inference rejects may still run
        return _UNKNOWN * pixels
    sizes = _sizes(inferred.graph)
    return _peak(inferred.graph, sizes) or _UNKNOWN * pixels


def free_bytes(device: tuple[str, int] = ("cpu", 0), limit: int = 0) -> int:
    """Return the free memory of a device.

    Parameters
    ----------
    device : tuple of str and int
        ``("cpu", 0)``, where the container's limit counts as well, or ``("cuda", number)``.
    limit : int
        Upper bound in bytes; 0 for none.

    Returns
    -------
    int
        Bytes.
    """
    free = _free_gpu_bytes(device[1]) if device[0] == "cuda" else _free_cpu_bytes()
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
    """Largest sum, over the nodes, of the tensors that depend on the image and are still needed.

    A tensor of unknown size counts as the largest known one; 0 if no size is known.
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


def _free_cpu_bytes(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    import psutil

    return min(psutil.virtual_memory().available, _free_container_bytes(cgroup))


def _free_container_bytes(cgroup: Path) -> int:
    """Bytes that a container may still allocate; a huge number where there is no limit."""
    for names in _CGROUPS:
        try:
            limit, used, stat = ((cgroup / name).read_text() for name in names[:3])
            cached = dict(line.split() for line in stat.splitlines())[names[3]]
            return max(int(limit) - int(used) + int(cached), 0)
        except (OSError, ValueError, KeyError):  # no such file, or the limit is "max"
            continue
    return 1 << 62


def _free_gpu_bytes(number: int) -> int:
    """Free memory of CUDA device ``number``; a gigabyte if the driver does not report it.

    NVML numbers all cards by slot, CUDA only those in ``CUDA_VISIBLE_DEVICES``.
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
