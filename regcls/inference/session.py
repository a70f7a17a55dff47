"""Inference sessions: models shared by all pages, run in batches that fit into memory.

Within ``regcls.inference``, only ``batch``, ``providers`` and the sandbox use ONNX Runtime, which is
imported at the first run.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from regcls.inference import batch as inference_batch
from regcls.inference import contract, memory, provider_options, providers
from regcls.inference.contract import Card, ContractError
from regcls.inference.engine_pool import Pool
from regcls.inference.provider_options import VARIABLE
from regcls.inference.providers import Engine, Provider

MAX_ENGINES = 8  # in memory at once: three shipped pairs and a visitor's own pair
IDLE_SECONDS = 600.0
OWN_SECONDS = 60.0  # that a visitor's own model may take for a batch
ENGINES: Pool[Engine] = Pool(MAX_ENGINES, IDLE_SECONDS)
_lock = threading.Lock()
_sessions: dict[Key, Session] = {}
# Runs of shipped models take turns batch by batch. One batch uses all cores, so two at once would
# not be faster but need twice the memory; and a photo does not have to wait for a whole video.
_turns = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1) // providers.threads()))

Outputs = tuple[np.ndarray, np.ndarray | None]  # value and logits


@dataclass(frozen=True)
class Key:
    """What identifies an engine.

    Attributes
    ----------
    source : hashable
        A file's path, or an object per upload.
    stamp : tuple of int
        Modification time and size of the file.
    requested : str
        Value of ``REGCLS_PROVIDERS``.
    """

    source: Hashable
    stamp: tuple[int, int]
    requested: str


def session(path: Path | str) -> Session:
    """Return the session of a model file, shared by all callers.

    A file that has changed is checked and loaded again.

    Parameters
    ----------
    path : path-like
        The ONNX file.

    Returns
    -------
    Session
        The session; its engine is created at the first run.

    Raises
    ------
    ContractError
        If the file violates the contract or ``REGCLS_PROVIDERS`` is not valid.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise ContractError(f"there is no file at {path}")
    requested = _requested_providers()
    key = Key(path, stamp_of(path), requested)
    with _lock:
        if key not in _sessions:
            for old in [k for k in _sessions if k.source == path and k.requested == requested]:
                ENGINES.discard(old)
                del _sessions[old]
            _sessions[key] = Session(path.name, path, contract.check(path), key)
        return _sessions[key]


def own_session(data: bytes, name: str, limit: float = OWN_SECONDS) -> Session:
    """Return a session for a visitor's own model. It is not shared.

    Parameters
    ----------
    data : bytes
        The ONNX file.
    name : str
        The model's name in messages.
    limit : float
        Maximum seconds per batch.

    Returns
    -------
    Session
        The session; its engine is freed with it.

    Raises
    ------
    ContractError
        If the file violates the contract or ``REGCLS_PROVIDERS`` is not valid.
    """
    card = contract.check_bytes(data, name)
    key = Key(object(), (0, 0), _requested_providers())
    own = Session(name, data, card, key, limit)
    weakref.finalize(own, ENGINES.discard, key)
    return own


class Session:
    """One model, with an engine that is created on demand and freed when unused.

    Parameters
    ----------
    name : str
        The model's name in messages.
    source : Path or bytes
        The ONNX file or its content.
    card : Card
        Its card.
    key : Key
        What its engine is shared by.
    limit : float, optional
        Maximum seconds per batch; set for a visitor's own model only.

    Attributes
    ----------
    seconds_per_image : float
        Of the last run; NaN before.
    problem : str
        Why a visitor's own model is no longer used, as a sentence, or "".
    path : Path or None
        The file, unless the model was given as bytes.
    """

    def __init__(
        self, name: str, source: Path | bytes, card: Card, key: Key, limit: float | None = None
    ):
        self.name, self.card, self.limit = name, card, limit
        self.seconds_per_image = float("nan")
        self.problem = ""
        self.path = source if isinstance(source, Path) else None
        self._source, self._key = source, key
        self._provider: Provider | None = None

    @property
    def provider(self) -> Provider:
        """Execution provider of the engine, which is created if necessary."""
        if self._provider is None:
            with self.engine() as engine:
                return engine.provider
        return self._provider

    def run(self, images: np.ndarray, batch: int | None = None) -> Outputs:
        """Predict the values of images. Thread-safe.

        Parameters
        ----------
        images : ndarray of uint8, shape (N, H, W, 3)
            RGB images of the model's size; N may be 0.
        batch : int, optional
            Maximum batch size; by default, what is fast and fits into memory.

        Returns
        -------
        value : ndarray of float32, shape (N,) or (N, h, w)
            Predictions in target units.
        logits : ndarray of float32, shape (N, C) or (N, C, h, w), or None
            Class scores; None for reg.

        Raises
        ------
        ValueError
            If ``images`` has another shape or type.
        ContractError
            If the model fails, or a visitor's own model returns NaN or infinities.
        """
        value, logits = run_sessions((self,), images, batch)[0]
        if self.limit and not np.isfinite(value).all():
            raise ContractError(f"{self.name} returned NaN or infinite values")
        return value, logits

    def best_batch(self) -> int:
        """Return the batch size that is fast and fits into the free memory."""
        provider = self.provider
        limit = int(provider.options.get("gpu_mem_limit", 0))
        free = memory.free_bytes(provider.device, limit)
        return memory.batch_size(self.bytes_per_image, free, provider.name)

    @cached_property
    def bytes_per_image(self) -> int:
        """Estimated memory of one image's feature maps."""
        return memory.bytes_per_image(contract.parse(self.content()))

    def content(self) -> bytes:
        """Return the ONNX file."""
        return self._source.read_bytes() if isinstance(self._source, Path) else self._source

    def engine(self) -> AbstractContextManager[Engine]:
        """Return a context manager that provides the engine and keeps it from being freed."""
        return ENGINES.borrow(self._key, self._create_engine)

    def check_images(self, images: np.ndarray) -> np.ndarray:
        """Check the shape and type of images.

        Parameters
        ----------
        images : ndarray of uint8, shape (N, H, W, 3)
            RGB images of the model's size.

        Returns
        -------
        ndarray
            The images, contiguous in memory.

        Raises
        ------
        ValueError
            If ``images`` has another shape or type.
        """
        shape = (self.card.input["height"], self.card.input["width"], 3)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError("images must be a NumPy array of type uint8")
        if images.shape[1:] != shape or images.ndim != 4:
            raise ValueError(f"images must have the shape (N, {str(shape)[1:]}, not {images.shape}")
        return np.ascontiguousarray(images)

    def _create_engine(self) -> Engine:
        source: str | bytes
        if isinstance(self._source, Path):
            # The card describes the file that was checked, not one that has replaced it since.
            if not self._source.is_file() or stamp_of(self._source) != self._key.stamp:
                raise ContractError(f"{self._source.name} was replaced or removed; reload the page")
            source = str(self._source)
        else:
            source = self._source
        own = self.limit is not None
        engine = providers.make_engine(source, self.name, self._key.requested, own)
        self._provider = engine.provider
        return engine


def run_sessions(
    sessions: Sequence[Session], images: np.ndarray, batch: int | None = None
) -> list[Outputs]:
    """Run several models on the same images, batch by batch.

    Parameters
    ----------
    sessions : sequence of Session
        Models of the same input size.
    images : ndarray of uint8, shape (N, H, W, 3)
        RGB images of that size; N may be 0.
    batch : int, optional
        Maximum batch size; by default, what is fast and fits into memory.

    Returns
    -------
    list of tuple
        Value and logits of each session, as from ``Session.run``.

    Raises
    ------
    ValueError
        If ``images`` has another shape or type, or ``batch`` is below 1.
    ContractError
        If a model fails.
    """
    for one in sessions:
        images = one.check_images(images)
    if batch is not None and batch < 1:
        raise ValueError(f"batch must be at least 1, not {batch}")
    limits = [one.limit for one in sessions if one.limit]
    # Shipped models do not wait for a visitor's own model.
    turn: AbstractContextManager[object] = nullcontext() if limits else _turns
    with ExitStack() as stack:
        engines = [stack.enter_context(one.engine()) for one in sessions]
        if not len(images):
            return [_value_and_logits([_empty_outputs(engine)]) for engine in engines]
        if batch is None:  # for a single image, reading the free memory would cost a tenth
            batch = min(one.best_batch() for one in sessions) if len(images) > 1 else 1
        done = []
        for chunk in np.array_split(images, -(-len(images) // batch)):  # chunks of similar size
            with turn:
                done.append(inference_batch.run_batch(engines, chunk, min(limits, default=None)))
    by_session = list(zip(*done, strict=True))
    for one, parts in zip(sessions, by_session, strict=True):
        one.seconds_per_image = sum(spent for _, spent in parts) / len(images)
    return [_value_and_logits([outputs for outputs, _ in parts]) for parts in by_session]


def stamp_of(path: Path) -> tuple[int, int]:
    """Return a file's modification time (ns) and size (bytes), which identify its content.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of int
        Both numbers.
    """
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _requested_providers() -> str:
    """Value of ``REGCLS_PROVIDERS``, checked so that a mistake shows before anything runs."""
    requested = os.environ.get(VARIABLE, "")
    provider_options.parse(requested)
    return requested


def _value_and_logits(parts: Sequence[Mapping[str, np.ndarray]]) -> Outputs:
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return joined["value"], joined.get("logits")


def _empty_outputs(engine: Engine) -> dict[str, np.ndarray]:
    """Return outputs for 0 images; dynamic sizes are 0."""
    return {
        name: np.empty([0, *(s if isinstance(s, int) else 0 for s in shape[1:])], np.float32)
        for name, shape in engine.outputs.items()
    }
