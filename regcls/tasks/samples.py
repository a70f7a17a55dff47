"""Pictures of the shipped samples, and what the shipped pairs predict for the one a page opens with.

The predictions are stored beside the samples, so that a page opens with results and without ONNX
Runtime. They belong to the model files that made them: with other models they are not used, and
``python -m regcls.tasks.store_samples`` makes them again.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from regcls.tasks.pairs import SAMPLES, Pair, stamp_of

FOLDER = SAMPLES / "stored"


def thumbnail(file: str) -> bytes:
    """Return the small picture of a sample.

    Parameters
    ----------
    file : str
        Name of the sample's file.

    Returns
    -------
    bytes
        A JPEG, some 200 pixels wide.
    """
    return (FOLDER / f"{Path(file).stem}.jpg").read_bytes()


def stored(task: str, sample: bytes, pair: Pair) -> dict[str, np.ndarray] | None:
    """Return what is stored of a pair's predictions for the sample that a task's page opens with.

    Parameters
    ----------
    task : str
        Name of the task.
    sample : bytes
        Content of the sample's file.
    pair : Pair
        The models; a user's own models are not looked at.

    Returns
    -------
    dict of str to ndarray, or None
        What `store` was given; None if it was made from another file or by other models.
    """
    path = FOLDER / f"{task}.npz"
    if not path.is_file():
        return None
    arrays = _read(path, stamp_of(path))
    return arrays if str(arrays["made_by"]) == fingerprint(sample, pair) else None


def store(task: str, sample: bytes, pair: Pair, arrays: dict[str, np.ndarray]) -> Path:
    """Store predictions for the sample that a task's page opens with.

    Parameters
    ----------
    task : str
        Name of the task.
    sample : bytes
        Content of the sample's file.
    pair : Pair
        The models that made the predictions.
    arrays : dict of str to ndarray
        The predictions.

    Returns
    -------
    Path
        The file.
    """
    path = FOLDER / f"{task}.npz"
    FOLDER.mkdir(exist_ok=True)
    made_by = np.array(fingerprint(sample, pair))
    with path.open("wb") as out:
        np.savez_compressed(out, made_by=made_by, **arrays)  # type: ignore[arg-type]  # arrays
    return path


def fingerprint(sample: bytes, pair: Pair) -> str:
    """Return what identifies a sample's file together with the two shipped models.

    Parameters
    ----------
    sample : bytes
        Content of the sample's file.
    pair : Pair
        The models.

    Returns
    -------
    str
        A SHA-256 in hexadecimal.
    """
    parts = [hashlib.sha256(sample).hexdigest()]
    for session in (pair.reg, pair.regcls):
        parts.append(_hash_of(session.path, stamp_of(session.path)) if session.path else "")
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


@lru_cache(maxsize=16)
def _hash_of(path: Path, stamp: tuple[int, int]) -> str:
    """Return the SHA-256 of a file; ``stamp`` is part of the cache key only."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=8)
def _read(path: Path, stamp: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return all arrays of a file; ``stamp`` is part of the cache key only."""
    with np.load(path, allow_pickle=False) as found:
        return dict(found)
