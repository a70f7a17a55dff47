"""Run one batch of images through several models, copied to their device once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from regcls.inference.contract import ContractError
from regcls.inference.providers import SILENT, Engine, first_line

OUT_OF_MEMORY = (
    "allocate memory",
    "bad_alloc",
    "out of memory",
    "alloc_failed",
    "available memory",
)

Outputs = dict[str, np.ndarray]


class BatchMemoryError(ContractError):
    """A batch did not fit into the free memory."""


def run_batch(
    engines: Sequence[Engine], images: np.ndarray, limit: float | None = None
) -> list[tuple[Outputs, float]]:
    """Run a batch of images through several engines.

    If all engines run on one GPU, the images are copied to it once. A batch that does not fit into
    memory is split in half.

    Parameters
    ----------
    engines : sequence of Engine
        The models.
    images : ndarray of uint8, shape (N, H, W, 3)
        At least one image.
    limit : float, optional
        Maximum seconds per model.

    Returns
    -------
    list of (dict of str to ndarray, float)
        Per engine, its outputs by name and the seconds it took.

    Raises
    ------
    BatchMemoryError
        If a single image does not fit into memory.
    ContractError
        If a model fails or exceeds the time limit.
    """
    try:
        return _run_whole(engines, images, limit)
    except BatchMemoryError:
        if len(images) == 1:
            raise
    half = len(images) // 2
    first = run_batch(engines, images[:half], limit)
    second = run_batch(engines, images[half:], limit)
    return [
        ({name: np.concatenate([a[name], b[name]]) for name in a}, spent + more)
        for (a, spent), (b, more) in zip(first, second, strict=True)
    ]


def shared_device(engines: Sequence[Engine]) -> tuple[str, int]:
    """Return the device that the images of a batch should be copied to.

    Parameters
    ----------
    engines : sequence of Engine
        The models that read them.

    Returns
    -------
    tuple of str and int
        The device if all engines run on one, else main memory, from where ONNX Runtime copies.
    """
    devices = {engine.provider.device for engine in engines}
    return devices.pop() if len(devices) == 1 else ("cpu", 0)


def _run_whole(
    engines: Sequence[Engine], images: np.ndarray, limit: float | None
) -> list[tuple[Outputs, float]]:
    import onnxruntime

    kind, number = shared_device(engines)
    try:
        on_device = onnxruntime.OrtValue.ortvalue_from_numpy(images, kind, number)
    except Exception as error:  # ONNX Runtime's errors share no public base class
        raise _explained("a batch of images", error) from error
    return [_run_engine(engine, on_device, limit) for engine in engines]


def _run_engine(engine: Engine, image: Any, limit: float | None) -> tuple[Outputs, float]:
    """Run one engine on images that lie on a device; the outputs lie in main memory."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.log_severity_level = SILENT  # failures are reported by the exception
    if limit:  # a visitor's own model: release the memory of the arena that such models share
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    timer = _Timer(options, limit)
    started = time.perf_counter()
    try:
        with timer:
            binding = engine.session.io_binding()
            binding.bind_ortvalue_input("image", image)
            for name in engine.outputs:
                binding.bind_output(name)
            binding.synchronize_inputs()
            engine.session.run_with_iobinding(binding, options)
            binding.synchronize_outputs()
            outputs = binding.copy_outputs_to_cpu()
    except Exception as error:  # ONNX Runtime's errors share no public base class
        if timer.expired:
            raise ContractError(
                f"{engine.name} took more than {limit:g} s for a batch and was stopped"
            ) from error
        raise _explained(engine.name, error) from error
    return dict(zip(engine.outputs, outputs, strict=True)), time.perf_counter() - started


class _Timer:
    """Terminate a run that takes longer than ``limit`` seconds; None for no limit."""

    def __init__(self, options: Any, limit: float | None):
        self.expired = False
        self._options = options
        self._timer = threading.Timer(limit, self._expire) if limit else None

    def __enter__(self) -> None:
        if self._timer:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()

    def _expire(self) -> None:
        self.expired = True
        self._options.terminate = True


def _explained(what: str, error: Exception) -> ContractError:
    words = str(error).lower()
    if isinstance(error, MemoryError) or any(sign in words for sign in OUT_OF_MEMORY):
        return BatchMemoryError(
            f"{what} needs more memory than is free; close other programs or use a smaller model"
        )
    return ContractError(f"{what}: ONNX Runtime could not run the model ({first_line(error)})")
