"""One batch of images through several models: put on the device once, bound to each."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np

from regcls.inference.contract import ContractError
from regcls.inference.providers import Engine, first_line

_NO_MEMORY = ("allocate memory", "bad_alloc", "out of memory", "alloc_failed", "available memory")


class MemoryShort(ContractError):
    """A batch did not fit into the memory that was free."""


def answers(
    engines: Sequence[Engine], images: np.ndarray, limit: float | None = None
) -> list[tuple[dict[str, np.ndarray], float]]:
    """uint8 ``images`` (N ≥ 1, H, W, 3) through every engine → outputs by name, and its seconds.

    With all engines on one GPU the images cross to it once. A batch that does not fit into memory
    goes in two halves. Raises ``MemoryShort`` where a single image does not fit, and
    ``ContractError`` for a model that fails or takes more than ``limit`` seconds.
    """
    try:
        return _at_once(engines, images, limit)
    except MemoryShort:
        if len(images) == 1:
            raise
    half = len(images) // 2
    first = answers(engines, images[:half], limit)
    second = answers(engines, images[half:], limit)
    return [
        ({name: np.concatenate([a[name], b[name]]) for name in a}, spent + more)
        for (a, spent), (b, more) in zip(first, second, strict=True)
    ]


def shared_device(engines: Sequence[Engine]) -> tuple[str, int]:
    """Where the images should lie: on the GPU if all engines run there, else in main memory, from
    where ONNX Runtime copies for those that do."""
    devices = {engine.provider.device for engine in engines}
    return devices.pop() if len(devices) == 1 else ("cpu", 0)


def _at_once(
    engines: Sequence[Engine], images: np.ndarray, limit: float | None
) -> list[tuple[dict[str, np.ndarray], float]]:
    import onnxruntime

    kind, number = shared_device(engines)
    try:
        there = onnxruntime.OrtValue.ortvalue_from_numpy(images, kind, number)
    except Exception as error:  # ONNX Runtime's errors share no public base class
        raise _explained("a batch of images", error) from error
    return [_bound(engine, there, limit) for engine in engines]


def _bound(engine: Engine, image: object, limit: float | None) -> tuple[dict, float]:
    """One engine on images that lie on a device; what comes out lies in main memory."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.log_severity_level = 4  # "fatal": what fails is told by the error
    if limit:  # somebody's own: what the arena that all of those share holds is given back
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    watch = _Watch(options, limit)
    started = time.perf_counter()
    try:
        with watch:
            binding = engine.session.io_binding()
            binding.bind_ortvalue_input("image", image)
            for name in engine.outputs:
                binding.bind_output(name)
            binding.synchronize_inputs()
            engine.session.run_with_iobinding(binding, options)
            binding.synchronize_outputs()
            outputs = binding.copy_outputs_to_cpu()
    except Exception as error:  # ONNX Runtime's errors share no public base class
        if watch.ended_it:
            raise ContractError(
                f"{engine.name} took more than {limit:g} s for a batch, so it was stopped"
            ) from error
        raise _explained(engine.name, error) from error
    return dict(zip(engine.outputs, outputs, strict=True)), time.perf_counter() - started


class _Watch:
    """Ends a run that takes longer than ``limit`` seconds (None: as long as it likes)."""

    def __init__(self, options: object, limit: float | None):
        self.ended_it = False
        self._options = options
        self._timer = threading.Timer(limit, self._end) if limit else None

    def __enter__(self) -> None:
        if self._timer:
            self._timer.daemon = True
            self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()

    def _end(self) -> None:
        self.ended_it = True
        self._options.terminate = True


def _explained(what: str, error: Exception) -> ContractError:
    words = str(error).lower()
    if isinstance(error, MemoryError) or any(sign in words for sign in _NO_MEMORY):
        return MemoryShort(
            f"{what} needs more memory than is free; close something, or take a smaller one"
        )
    return ContractError(f"{what}: ONNX Runtime could not run it ({first_line(error)})")
