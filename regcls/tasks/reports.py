"""Error reports of a pair: held-out predictions and training targets per range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from regcls.inference.contract import Card
from regcls.stats.errors import ErrorReport
from regcls.tasks.pairs import KEYS, Pair


def common(answered: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """The models that answered every time, in order: one may have come or gone in between."""
    every = list(answered)
    return tuple(name for name in every[0] if all(name in one for one in every))


def train_counts(card: Card, edges: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Training samples per range of ``edges``, from the card's histogram. ``scale``: what the
    card's targets are multiplied with to be in the unit of ``edges``."""
    histogram = card.training_histogram
    fine = scale * np.asarray(histogram["edges"], np.float64)
    middles = (fine[:-1] + fine[1:]) / 2
    return np.histogram(middles, edges, weights=histogram["counts"])[0]


def training_targets(card: Card) -> np.ndarray:
    """About the targets that a model learned from (M,): the card's training histogram, each cell's
    targets spread evenly over it, so that ranges may cut through cells."""
    edges = np.asarray(card.training_histogram["edges"], np.float64)
    counts = np.asarray(card.training_histogram["counts"])
    first = np.repeat(np.cumsum(counts) - counts, counts)
    within = (np.arange(counts.sum()) - first + 0.5) / np.repeat(counts, counts)
    return np.repeat(edges[:-1], counts) + within * np.repeat(np.diff(edges), counts)


def held_out(
    pair: Pair, edges: np.ndarray, clusters: str | None = None, scale: float = 1.0
) -> ErrorReport:
    """Errors of a shipped pair on its test predictions; ``clusters``: the column that says which
    samples belong together (the pixels of a photo, the frames of a video); ``scale``: see
    ``train_counts``."""
    table = pair.predictions
    return ErrorReport.from_predictions(
        scale * table["y_true"],
        {model: scale * table[key] for model, key in KEYS.items()},
        edges,
        train_counts=train_counts(pair.reg.card, edges, scale),
        clusters=None if clusters is None else table[clusters].to_numpy(),
    )
