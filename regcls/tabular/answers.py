"""How fitted models answer: value heads, class heads, averages, recalibration, trees, linear models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from regcls.stats.readouts import Monotone, class_prediction

Layers = Sequence[tuple[np.ndarray, np.ndarray]]  # weights (in, out) and biases (out,)


class Answer(Protocol):
    """A prediction for model inputs."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return predictions (n,) in units of the target, float64, for inputs (n, d)."""
        ...


def features(hidden: Layers, x: np.ndarray) -> np.ndarray:
    """Return the outputs of hidden layers with ReLU.

    Parameters
    ----------
    hidden : sequence of (weight, bias)
        Arrays of shapes (in, out) and (out,).
    x : ndarray of shape (n, d)
        Inputs.

    Returns
    -------
    ndarray of shape (n, h)

    Examples
    --------
    >>> features([(np.array([[1.0, -1.0]]), np.zeros(2))], np.array([[2.0]])).tolist()
    [[2.0, 0.0]]
    """
    for weight, bias in hidden:
        x = np.maximum(x @ weight + bias, 0)
    return x


@dataclass(frozen=True)
class ValueHead:
    """The value head of a network.

    Attributes
    ----------
    hidden : sequence of (ndarray of shape (in, out), ndarray of shape (out,))
        Hidden layers.
    weight, bias : ndarray of shape (h,) and float
        The head, in units of the target.
    """

    hidden: Layers
    weight: np.ndarray
    bias: float

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return predictions (n,)."""
        return (features(self.hidden, x) @ self.weight + self.bias).astype(np.float64)


@dataclass(frozen=True)
class ClassHead:
    """The class head of a network, with the class prior removed by a power.

    Attributes
    ----------
    hidden : sequence of (ndarray of shape (in, out), ndarray of shape (out,))
        Hidden layers.
    weight, bias : ndarray of shape (h, C) and (C,)
        The head.
    edges : ndarray of shape (C + 1,)
        Class edges in units of the target.
    prior : ndarray of shape (C,)
        Share or count of each class among the training labels.
    tau : float
        Power of the prior.
    statistic : {"mean", "median"}
        Statistic of the class distribution.
    """

    hidden: Layers
    weight: np.ndarray
    bias: np.ndarray
    edges: np.ndarray
    prior: np.ndarray
    tau: float = 0.0
    statistic: str = "mean"

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Return class logits (n, C)."""
        return features(self.hidden, x) @ self.weight + self.bias

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return predictions (n,)."""
        return class_prediction(self.logits(x), self.edges, self.prior, self.tau, self.statistic)


@dataclass(frozen=True)
class Average:
    """A weighted mean of answers.

    Attributes
    ----------
    parts : tuple of Answer
        Answers.
    weights : tuple of float
        Their weights, which add up to 1.
    """

    parts: tuple[Answer, ...]
    weights: tuple[float, ...]

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return predictions (n,)."""
        return sum(
            (w * part.predict(x) for part, w in zip(self.parts, self.weights, strict=True)),
            np.zeros(len(x)),
        )


@dataclass(frozen=True)
class Recalibrated:
    """A monotone map of an answer.

    Attributes
    ----------
    answer : Answer
        What is recalibrated.
    map : Monotone
        The map.
    """

    answer: Answer
    map: Monotone

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return predictions (n,)."""
        return self.map(self.answer.predict(x))


@dataclass(frozen=True)
class Trees:
    """Boosted trees.

    Attributes
    ----------
    model : HistGradientBoostingRegressor
        Fitted model.
    """

    model: Any

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return predictions (n,)."""
        return self.model.predict(x)
