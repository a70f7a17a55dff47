"""Models that run: shared sessions, batches that fit into memory, pairs. Imported at first use.

Only this module, ``providers`` and ``binding`` touch ONNX Runtime.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from regcls.inference import batch as inference_batch
from regcls.inference import contract, memory, providers
from regcls.inference.contract import Card, ContractError
from regcls.inference.engine_pool import Pool
from regcls.inference.providers import OVERRIDE, Engine, Provider, provider, threads

__all__ = [
    "OVERRIDE",
    "Provider",
    "Session",
    "own_session",
    "provider",
    "session",
    "threads",
]

MOST_ENGINES = 8  # in memory at once; the three pairs that ship and a pair of somebody's own
IDLE_SECONDS = 600.0
OWN_LIMIT = 60.0  # seconds that a model somebody brought may take for a batch
ENGINES: Pool[Engine] = Pool(MOST_ENGINES, IDLE_SECONDS)
_lock = threading.Lock()
_sessions: dict[Key, Session] = {}
# Batches of shipped models take turns, and a run takes a new turn for each batch: one uses all
# cores, so two at once gain nothing, take twice the memory, and a photo need not wait for a video.
_turns = threading.BoundedSemaphore(max(1, (os.cpu_count() or 1) // threads()))


@dataclass(frozen=True)
class Key:
    """What an engine is shared by: a file (or one upload), its time and size, and the value of
    ``REGCLS_PROVIDERS``."""

    source: Hashable
    stamp: tuple[int, int]
    asked: str


def session(path: Path | str) -> Session:
    """The session of a model file: checked against the contract, and shared by all that ask.

    A file that changed is checked and loaded anew. Raises ``ContractError``, for a value of
    ``REGCLS_PROVIDERS`` that cannot be read as well.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise ContractError(f"there is no file at {path}")
    asked = os.environ.get(OVERRIDE, "")
    providers.parse(asked)
    key = Key(path, stamp_of(path), asked)
    with _lock:
        if key not in _sessions:
            for old in [k for k in _sessions if k.source == path and k.asked == asked]:
                ENGINES.discard(old)
                del _sessions[old]
            _sessions[key] = Session(path.name, path, contract.check(path), key)
        return _sessions[key]


def own_session(data: bytes, name: str, limit: float = OWN_LIMIT) -> Session:
    """A session for one person's own model, from an ONNX file's content; it is not shared, and its
    engine is freed with it. A batch may take ``limit`` seconds. Raises ``ContractError``."""
    card = contract.check_bytes(data, name)
    asked = os.environ.get(OVERRIDE, "")
    providers.parse(asked)
    key = Key(object(), (0, 0), asked)
    own = Session(name, data, card, key, limit)
    weakref.finalize(own, ENGINES.discard, key)
    return own


class Session:
    """One model. The engine behind it is made at the first ``run``, freed when it has not been used
    for a while or others are needed more, and made again on demand."""

    def __init__(
        self, name: str, source: Path | bytes, card: Card, key: Key, limit: float | None = None
    ):
        self.name, self.card = name, card
        self.limit = limit  # seconds for a batch
        self.seconds_per_image = float("nan")  # of the last run
        self.problem = ""  # why a model that somebody brought answers no more, a sentence
        self.path = source if isinstance(source, Path) else None
        self._source, self._key = source, key
        self._runs_on: Provider | None = None

    @property
    def provider(self) -> Provider:
        """What this session really runs on, and why."""
        if self._runs_on is None:
            with self.engine():
                pass
        return self._runs_on

    def run(
        self, images: np.ndarray, batch: int | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """uint8 ``images`` (N, H, W, 3) → ``value`` (N, …) and, for reg+cls, ``logits`` (N, C, …).

        ``batch`` images at most go through at once; None: as many as are fast and fit into memory.
        N may be 0. May be called from several threads. Raises ``ValueError`` for another shape or
        type, ``ContractError`` for a model that fails, and for one that somebody brought whose
        answer is no number.
        """
        value, logits = run_sessions((self,), images, batch)[0]
        if self.limit and not np.isfinite(value).all():
            raise ContractError(f"{self.name} answered with NaN or infinities")
        return value, logits

    def best_batch(self) -> int:
        """Images to run at once: as many as are fast, fewer where memory is short."""
        chosen = self.provider
        limit = int(chosen.options.get("gpu_mem_limit", 0))
        free = memory.free_bytes(chosen.device, limit)
        return memory.batch_size(self.bytes_per_image, free, chosen.name)

    @cached_property
    def bytes_per_image(self) -> int:
        """An estimate of the memory that one image needs on its way through."""
        return memory.bytes_per_image(contract.parse(self.content()))

    def content(self) -> bytes:
        """The model's file."""
        return self._source.read_bytes() if isinstance(self._source, Path) else self._source

    def engine(self) -> AbstractContextManager[Engine]:
        """The engine for the time of a ``with`` block, in which it is not freed."""
        return ENGINES.lent(self._key, self._made)

    def demand_images(self, images: np.ndarray) -> np.ndarray:
        """``images`` as the engine takes them. Raises ``ValueError``."""
        shape = (self.card.input["height"], self.card.input["width"], 3)
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
            raise ValueError("images must be a NumPy array of type uint8")
        if images.shape[1:] != shape or images.ndim != 4:
            raise ValueError(f"images must have the shape (N, {str(shape)[1:]}, not {images.shape}")
        return np.ascontiguousarray(images)

    def _made(self) -> Engine:
        source = self._source
        if isinstance(source, Path):
            # The card speaks of the file that was checked, not of one that has taken its place.
            if not source.is_file() or stamp_of(source) != self._key.stamp:
                raise ContractError(f"{source.name} was replaced or removed; load the page anew")
            source = str(source)
        engine = providers.make_engine(source, self.name, self._key.asked, self.limit is not None)
        self._runs_on = engine.provider
        return engine


def run_sessions(
    sessions: Sequence[Session], images: np.ndarray, batch: int | None
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Each session's value and logits, batch by batch through all of them."""
    for one in sessions:
        images = one.demand_images(images)
    if batch is not None and batch < 1:
        raise ValueError(f"batch must be at least 1, not {batch}")
    limits = [one.limit for one in sessions if one.limit]
    turn = nullcontext() if limits else _turns  # nobody waits for a model that somebody brought
    with ExitStack() as stack:
        engines = [stack.enter_context(one.engine()) for one in sessions]
        if not len(images):
            return [_value_and_logits([_nothing(engine)]) for engine in engines]
        if batch is None:  # one image goes alone; asking what is free would cost it a tenth
            batch = min(one.best_batch() for one in sessions) if len(images) > 1 else 1
        done = []
        for chunk in np.array_split(images, -(-len(images) // batch)):  # alike in size
            with turn:
                done.append(inference_batch.answers(engines, chunk, min(limits, default=None)))
    by_session = list(zip(*done, strict=True))
    for one, parts in zip(sessions, by_session, strict=True):
        one.seconds_per_image = sum(spent for _, spent in parts) / len(images)
    return [_value_and_logits([outputs for outputs, _ in parts]) for parts in by_session]


def _value_and_logits(parts: Sequence[dict]) -> tuple[np.ndarray, np.ndarray | None]:
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return joined["value"], joined.get("logits")


def _nothing(engine: Engine) -> dict[str, np.ndarray]:
    """Empty outputs: 0 images, and 0 wherever the graph leaves a size free."""
    return {
        name: np.empty([0, *(s if isinstance(s, int) else 0 for s in shape[1:])], np.float32)
        for name, shape in engine.outputs.items()
    }


def stamp_of(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size
