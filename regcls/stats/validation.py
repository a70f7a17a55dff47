"""Checks of arrays that statistics take."""

from __future__ import annotations

import numpy as np


def vector(name: str, values, length: int | None = None) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold numbers only") from error
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} must be a non-empty list of numbers, not of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite numbers (NaN or infinity)")
    if length is not None and len(array) != length:
        raise ValueError(f"{name} has {len(array)} values, but {length} are needed")
    return array


def checked_edges(edges) -> np.ndarray:
    edges = vector("edges", edges)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError("edges must be two or more ascending numbers")
    return edges
