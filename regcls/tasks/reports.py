"""Error reports of pairs: test predictions and training counts per target range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from regcls.inference.contract import Card
from regcls.stats.errors import ErrorReport
from regcls.tasks.pairs import KEYS, Pair


def common_models(predictions: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """Return the models that every file has a prediction of.

    A user can add or remove models between two files.

    Parameters
    ----------
    predictions : iterable of mapping
        Predictions by model, at least one mapping.

    Returns
    -------
    tuple of str
        Names of the models, in the order of the first mapping.

    Examples
    --------
    >>> common_models([{"reg": 1, "own reg": 2}, {"reg": 3}])
    ('reg',)
    """
    listed = list(predictions)
    return tuple(name for name in listed[0] if all(name in one for one in listed))


def train_counts(card: Card, edges: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Count the training samples per range, from a card's training histogram.

    Parameters
    ----------
    card : Card
        Card of a model.
    edges : ndarray, shape (K + 1,)
        Ascending edges of the ranges.
    scale : float, default 1.0
        Factor from the card's unit to the unit of ``edges``.

    Returns
    -------
    ndarray, shape (K,)
        Number of training samples. A histogram bin counts for the range of its centre.
    """
    histogram = card.training_histogram
    fine = scale * np.asarray(histogram["edges"], np.float64)
    centres = (fine[:-1] + fine[1:]) / 2
    return np.histogram(centres, edges, weights=histogram["counts"])[0]


def training_targets(card: Card) -> np.ndarray:
    """Approximate the training targets from a card's training histogram.

    The targets of each bin are spread evenly over it, so that ranges may cut through bins.

    Parameters
    ----------
    card : Card
        Card of a model.

    Returns
    -------
    ndarray, shape (M,)
        Ascending targets, in the card's unit.
    """
    edges = np.asarray(card.training_histogram["edges"], np.float64)
    counts = np.asarray(card.training_histogram["counts"])
    first = np.repeat(np.cumsum(counts) - counts, counts)
    within = (np.arange(counts.sum()) - first + 0.5) / np.repeat(counts, counts)
    return np.repeat(edges[:-1], counts) + within * np.repeat(np.diff(edges), counts)


def held_out(
    pair: Pair, edges: np.ndarray, clusters: str | None = None, scale: float = 1.0
) -> ErrorReport:
    """Report the errors of a pair on its test predictions.

    Parameters
    ----------
    pair : Pair
        The pair.
    edges : ndarray, shape (K + 1,)
        Ascending edges of the target ranges.
    clusters : str, optional
        Column with the group of each sample, such as its photo or video. Intervals resample groups.
    scale : float, default 1.0
        Factor from the unit of the predictions to the unit of ``edges``.

    Returns
    -------
    ErrorReport
        Errors per range of both models.
    """
    table = pair.predictions
    return ErrorReport.from_predictions(
        scale * table["y_true"].to_numpy(),
        {model: scale * table[key].to_numpy() for model, key in KEYS.items()},
        edges,
        train_counts=train_counts(pair.reg.card, edges, scale),
        clusters=None if clusters is None else table[clusters].to_numpy(),
    )
