"""Errors under other distributions of test targets, from natural to balanced.

A mean error holds for the distribution of its test targets. With share *s* of balance, each target
range k has the weight (1 − s)·n_k/N + s/K: at 0 targets are as frequent as in the test data, at 1
all non-empty ranges count equally. The error is linear in s, so models can change places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Mixture:
    """Mean absolute errors of models between two distributions of test targets.

    Attributes
    ----------
    natural, balanced : dict of str to float
        Error of each model on targets as frequent as in the test data, and with all ranges equally
        frequent, in target units.

    Examples
    --------
    >>> mixture = Mixture({"reg": 1.0, "reg+cls": 1.5}, {"reg": 5.0, "reg+cls": 4.0})
    >>> mixture.leaders
    ((0.0, 'reg'), (0.333, 'reg+cls'))
    >>> mixture.sentence
    'By the estimates, reg has the lowest MAE on targets as frequent as in the data; from 33%
    balanced on, reg+cls has.'
    """

    natural: Mapping[str, float]
    balanced: Mapping[str, float]

    def at(self, share: float) -> dict[str, float]:
        """Return the error of each model at a share of balance.

        Parameters
        ----------
        share : float
            0 for natural to 1 for balanced.

        Returns
        -------
        dict of str to float
            Errors in target units.

        Raises
        ------
        ValueError
            If the share is not from 0 to 1.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {share}")
        return {
            name: (1 - share) * error + share * self.balanced[name]
            for name, error in self.natural.items()
        }

    @cached_property
    def leaders(self) -> tuple[tuple[float, str], ...]:
        """The models with the lowest error in turn, each with the share from which it leads."""
        names = list(self.natural)
        start = np.array([self.natural[name] for name in names])
        slope = np.array([self.balanced[name] for name in names]) - start
        share, now = 0.0, int(np.lexsort((slope, start))[0])
        found = [(share, names[now])]
        while True:
            gain = slope[now] - slope
            with np.errstate(divide="ignore", invalid="ignore"):
                crossing = (start - start[now]) / gain
            crossing[(gain <= 0) | (crossing < share)] = np.inf
            first = crossing.min()
            if not first < 1:
                return tuple(found)
            ahead = np.flatnonzero(crossing == first)
            now, share = int(ahead[np.argmin(slope[ahead])]), float(first)
            found.append((round(share, 3), names[now]))

    @property
    def sentence(self) -> str:
        """Which model has the lowest estimate, and from where on; no verdict."""
        (_, first), *later = self.leaders
        start = f"By the estimates, {first} has the lowest MAE"
        if not later:
            return f"{start} at every mix of targets from natural to balanced."
        parts = [f"from {100 * share:.0f}% balanced on, {name} has" for share, name in later]
        return f"{start} on targets as frequent as in the data; {', '.join(parts)}."

    def table(self, steps: int = 20) -> pd.DataFrame:
        """Return the errors at equally spaced shares.

        Parameters
        ----------
        steps : int
            Number of steps from 0 to 1.

        Returns
        -------
        DataFrame
            One row per model and share: ``model``, ``balance`` (0 to 1) and ``mae``.
        """
        rows = [
            {"model": name, "balance": share, "mae": error}
            for share in np.linspace(0, 1, steps + 1).tolist()
            for name, error in self.at(share).items()
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, object]:
        """Return both ends, the leaders and the sentence as plain values."""
        return {
            "natural": dict(self.natural),
            "balanced": dict(self.balanced),
            "leaders": [{"from": share, "model": name} for share, name in self.leaders],
            "sentence": self.sentence,
        }
