"""Error reports of pairs: test predictions and training counts per target range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from regcls.inference import readouts
from regcls.inference.contract import Card
from regcls.stats.errors import ErrorReport
from regcls.tasks.pairs import KEYS, Pair

if TYPE_CHECKING:
    import pandas as pd


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

    Each model predicts with its best read-out on validation data.

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
    columns = {m: readouts.column(KEYS[m], readouts.best(card)) for m, card in pair.cards.items()}
    return _report(pair, columns, edges, clusters, scale)


def named_readouts(pair: Pair) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return readable names for the columns of a pair's test predictions.

    Parameters
    ----------
    pair : Pair
        The pair.

    Returns
    -------
    names : dict of str to str
        Name of each model's column as trained, such as "reg+cls", and of its other read-outs, such
        as "reg+cls, class head".
    best : tuple of str
        Names of each model's best read-out on validation data.
    """
    names: dict[str, str] = {}
    best = []
    for model, card in pair.cards.items():
        own = {
            readout: model if readout == "value" else f"{model}, {readouts.LABELS[readout]}"
            for readout in readouts.available(card)
        }
        names |= {readouts.column(KEYS[model], readout): name for readout, name in own.items()}
        best.append(own[readouts.best(card)])
    return names, tuple(best)


def held_out_readouts(
    pair: Pair, edges: np.ndarray, clusters: str | None = None, scale: float = 1.0
) -> pd.DataFrame:
    """Return the test errors of all read-outs of a pair.

    Parameters
    ----------
    pair : Pair
        The pair.
    edges : ndarray, shape (K + 1,)
        Ascending edges of the target ranges, for the balanced MAE.
    clusters : str, optional
        Column with the group of each sample. Intervals resample groups.
    scale : float, default 1.0
        Factor from the unit of the predictions to the unit of ``edges``.

    Returns
    -------
    DataFrame
        One row per model and read-out: ``model``, ``readout`` (as `LABELS` of
        `regcls.inference.readouts`), ``chosen`` (whether it is the model's best on validation
        data), and the columns of `ErrorReport.overall`.
    """
    cards = pair.cards
    rows = [(model, name) for model, card in cards.items() for name in readouts.available(card)]
    columns = {column: column for column in (readouts.column(KEYS[m], name) for m, name in rows)}
    table = _report(pair, columns, edges, clusters, scale).overall().drop(columns="model")
    table.insert(0, "model", [model for model, _ in rows])
    table.insert(1, "readout", [readouts.LABELS[name] for _, name in rows])
    table.insert(2, "chosen", [name == readouts.best(cards[model]) for model, name in rows])
    return table


def _report(
    pair: Pair, columns: Mapping[str, str], edges: np.ndarray, clusters: str | None, scale: float
) -> ErrorReport:
    table = pair.predictions
    return ErrorReport.from_predictions(
        scale * table["y_true"].to_numpy(),
        {name: scale * table[column].to_numpy() for name, column in columns.items()},
        edges,
        train_counts=train_counts(pair.reg.card, edges, scale),
        clusters=None if clusters is None else table[clusters].to_numpy(),
    )
