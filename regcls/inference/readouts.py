"""Read-outs of a model: predictions from its heads, as its card defines them.

``value`` is the value head as trained, ``recalibrated`` a monotone map of it. reg+cls also has
``class``, the mean or median of its class head with the class prior removed by a power, and
``mixed``, a weighted mean of both heads. All parameters were chosen on validation data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from regcls.inference.model_card import READOUTS, Card
from regcls.stats.readouts import ClassReadout, Monotone

LABELS: Mapping[str, str] = {
    "value": "as trained",
    "recalibrated": "recalibrated",
    "class": "class head",
    "mixed": "both heads",
}


@dataclass(frozen=True)
class Interval:
    """A conformal prediction interval.

    Attributes
    ----------
    low, high : float
        Its ends, in target units; NaN if there is none.
    level : float
        Its coverage; NaN if the model has no calibration.
    units : int
        Calibration units, such as photos, with predictions in the same range.
    """

    low: float
    high: float
    level: float
    units: int = 0


def available(card: Card) -> tuple[str, ...]:
    """Return the read-outs of a model.

    Parameters
    ----------
    card : Card
        Card of the model.

    Returns
    -------
    tuple of str
        Names from ``READOUTS``; only "value" without an entry in the card.
    """
    return tuple(name for name in READOUTS if name == "value" or name in (card.readouts or {}))


def best(card: Card) -> str:
    """Return the read-out with the lowest validation error.

    Parameters
    ----------
    card : Card
        Card of the model.

    Returns
    -------
    str
        Name of the read-out.
    """
    return card.readouts["best"] if card.readouts else "value"


def in_order(card: Card) -> tuple[str, ...]:
    """Return the read-outs of a model, the best on validation data first.

    Parameters
    ----------
    card : Card
        Card of the model.

    Returns
    -------
    tuple of str
        Names of `available`.
    """
    first = best(card)
    return (first, *(name for name in available(card) if name != first))


def column(key: str, readout: str) -> str:
    """Return the column of a read-out in a table of predictions.

    Parameters
    ----------
    key : str
        Column of the model as trained, such as "regcls".
    readout : str
        Name of the read-out.

    Returns
    -------
    str

    Examples
    --------
    >>> column("regcls", "value"), column("regcls", "class")
    ('regcls', 'regcls_class')
    """
    return key if readout == "value" else f"{key}_{readout}"


def predict(card: Card, value: np.ndarray, logits: np.ndarray | None, readout: str) -> np.ndarray:
    """Return the predictions of a read-out.

    Parameters
    ----------
    card : Card
        Card of the model.
    value : ndarray of shape (N, ...)
        Output of the value head.
    logits : ndarray of shape (N, C, ...) or None
        Output of the class head.
    readout : str
        Name of the read-out, one of `available`.

    Returns
    -------
    ndarray of shape (N, ...)
        Predictions in target units, within the limits of the target.

    Raises
    ------
    ValueError
        If the model has no such read-out.
    """
    if readout not in available(card):
        raise ValueError(f"the model has no read-out {readout!r}")
    if readout == "value":
        return value
    found = card.readouts
    assert found is not None
    if readout == "recalibrated":
        knots = (np.asarray(found[readout][axis], np.float64) for axis in "xy")
        return Monotone(*knots)(value)
    assert logits is not None and card.classes is not None  # guaranteed by the contract
    settings = {name: found[readout][name] for name in ("tau", "statistic", "weight")}
    edges = np.asarray(card.classes["edges"], np.float64)
    answer = ClassReadout(**settings)(value, logits, edges, np.asarray(found["prior"]))
    return np.clip(answer, card.target["low"], card.target["high"])


def predict_all(card: Card, value: np.ndarray, logits: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return the predictions of all read-outs, the best on validation data first.

    Parameters
    ----------
    card : Card
        Card of the model.
    value : ndarray of shape (N, ...)
        Output of the value head.
    logits : ndarray of shape (N, C, ...) or None
        Output of the class head.

    Returns
    -------
    dict of str to ndarray of shape (N, ...)
        Predictions by read-out.
    """
    return {name: predict(card, value, logits, name) for name in in_order(card)}


def interval(card: Card, prediction: float, readout: str = "value") -> Interval:
    """Return the conformal interval around a prediction.

    It is the prediction ± the radius calibrated for its range, clipped to the limits of the target,
    which does not lower the coverage.

    Parameters
    ----------
    card : Card
        Card of the model.
    prediction : float
        Prediction in target units.
    readout : str, default "value"
        Its read-out.

    Returns
    -------
    Interval
        The interval; its ends are NaN where the range has too few calibration units.
    """
    table = (card.calibration or {}).get(readout)
    if table is None:
        return Interval(np.nan, np.nan, np.nan)
    k = int(np.searchsorted(table["edges"][1:-1], prediction, side="right"))
    radius, level, units = table["radius"][k], float(table["level"]), int(table["counts"][k])
    if radius is None or not np.isfinite(radius):
        return Interval(np.nan, np.nan, level, units)
    ends = np.clip(
        [prediction - radius, prediction + radius], card.target["low"], card.target["high"]
    )
    return Interval(float(ends[0]), float(ends[1]), level, units)
