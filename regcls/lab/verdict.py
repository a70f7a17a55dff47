"""Verdicts of a Lab run: reg+cls compared with reg and with its loss-scale control."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from regcls.stats.comparison import PairedRuns, compare_runs
from regcls.stats.verdicts import MIN_UNITS, TOO_FEW, phrase


@dataclass(frozen=True)
class Verdict:
    """Comparison of reg+cls with another model over the test errors of the same runs.

    Attributes
    ----------
    other : {"reg", "control"}
        The other model.
    mse : float
        Mean test MSE of reg+cls over the runs.
    other_mse : float
        Mean test MSE of the other model.
    paired : PairedRuns
        Paired comparison of reg+cls with the other model.
    """

    other: str
    mse: float
    other_mse: float
    paired: PairedRuns

    @property
    def numbers(self) -> str:
        """Both test errors, their paired difference with its interval, and the share of wins."""
        p = self.paired
        interval = f" [{p.low:+.3f}, {p.high:+.3f}]" if math.isfinite(p.low) else ""
        return (
            f"Mean test MSE: reg+cls {self.mse:.3f}, {self.other} {self.other_mse:.3f}. "
            f"Paired difference {p.mean_difference:+.3f}{interval}. "
            f"reg+cls has the lower error in {p.wins:.0%} of {p.runs} run{'s' if p.runs > 1 else ''}."
        )

    @property
    def words(self) -> str:
        """The verdict in one sentence."""
        other = "reg" if self.other == "reg" else "the control (reg with the same loss scale)"
        text = phrase(self.paired.verdict, "reg+cls", other, "test error", "runs")
        if self.paired.verdict == TOO_FEW:
            return f"{text}: use at least {MIN_UNITS} repeats."
        return f"{text}."


def verdicts(test_mse: Mapping[str, np.ndarray]) -> list[Verdict]:
    """Compare reg+cls with reg and with the control.

    Parameters
    ----------
    test_mse : mapping of str to ndarray of shape (R,)
        Test MSE of each run, by model.

    Returns
    -------
    list of Verdict
        The comparison with reg, then the one with the control.

    Examples
    --------
    >>> reg = np.linspace(0.3, 0.5, 10)
    >>> found = verdicts({"reg": reg, "control": reg - 0.1, "reg+cls": reg - 0.1})
    >>> [verdict.paired.verdict == "better" for verdict in found]
    [True, False]
    """
    own = test_mse["reg+cls"]
    found = compare_runs(own, {other: test_mse[other] for other in ("reg", "control")})
    return [
        Verdict(other, float(own.mean()), float(test_mse[other].mean()), paired)
        for other, paired in found.items()
    ]
