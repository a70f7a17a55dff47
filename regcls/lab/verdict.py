"""Verdicts of a Lab run: reg+cls compared with reg and with its loss-scale control."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from regcls import formats
from regcls.stats.comparison import PairedRuns, compare_runs
from regcls.stats.verdicts import (
    BETTER,
    EQUAL,
    MIN_UNITS,
    TOO_FEW,
    UNDECIDED,
    WORSE,
    phrase,
)

_SHORT = {
    BETTER: "Lower error",
    WORSE: "Higher error",
    EQUAL: "Practically equal",
    UNDECIDED: "No significant difference",
}


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
        Paired comparison of reg+cls with the other model. It is better or worse only if the
        interval excludes zero as printed.
    final : bool
        Whether training is complete. If not, the verdict is worded as provisional.
    differences : tuple of float
        Difference of the test MSE of each run.
    """

    other: str
    mse: float
    other_mse: float
    paired: PairedRuns
    final: bool = True
    differences: tuple[float, ...] = field(default=(), repr=False)

    @property
    def numbers(self) -> str:
        """Both test errors, their paired difference with its interval, and the share of wins."""
        p = self.paired
        return (
            f"Mean test MSE: {self.errors}. Paired difference {self.difference}. "
            f"reg+cls has the lower error in {p.wins:.0%} of {p.runs} run{'s' if p.runs > 1 else ''}."
        )

    @property
    def errors(self) -> str:
        """Mean test MSE of both models, such as "reg+cls 0.270, reg 0.301"."""
        digits = self._digits
        return f"reg+cls {self.mse:.{digits}f}, {self.other} {self.other_mse:.{digits}f}"

    @property
    def difference(self) -> str:
        """Mean paired difference of the test MSE with its interval, if there is one."""
        p = self.paired
        ends = (p.low, p.high) if math.isfinite(p.low) else ()
        value, *interval = (
            formats.fixed(v, self._digits, signed=True) for v in (p.mean_difference, *ends)
        )
        return f"{value} [{', '.join(interval)}]" if interval else value

    @property
    def wins(self) -> str:
        """In how many runs reg+cls has the lower error, such as "Lower in 9 of all 10 runs"."""
        p = self.paired
        if p.runs == 1:
            return f"Lower in {p.wins:g} of 1 run"
        return f"Lower in {p.wins * p.runs:g} of all {p.runs} runs"

    def of_run(self, run: int) -> str:
        """Return the difference of the test MSE in one run, given its index from 0."""
        return formats.fixed(self.differences[run], self._digits, signed=True)

    @property
    def short(self) -> str:
        """The verdict in a few words, for a place that names both models."""
        if self.paired.verdict == TOO_FEW:
            return f"No verdict from fewer than {MIN_UNITS} runs"
        return f"{_SHORT[self.paired.verdict]}{self._so_far}"

    @property
    def words(self) -> str:
        """The verdict in one sentence."""
        other = "reg" if self.other == "reg" else "the control (reg with the same loss scale)"
        text = phrase(self.paired.verdict, "reg+cls", other, "test error", "runs")
        if self.paired.verdict == TOO_FEW:
            return f"{text}: use at least {MIN_UNITS} repeats."
        return f"{text}{self._so_far}."

    @property
    def _so_far(self) -> str:
        return "" if self.final else " so far"

    @property
    def _digits(self) -> int:
        return decimals(self.mse, self.other_mse)


def verdicts(test_mse: Mapping[str, np.ndarray], final: bool = True) -> list[Verdict]:
    """Compare reg+cls with reg and with the control.

    Parameters
    ----------
    test_mse : mapping of str to ndarray of shape (R,)
        Test MSE of each run, by model.
    final : bool
        Whether training is complete.

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
        Verdict(
            other,
            float(own.mean()),
            float(test_mse[other].mean()),
            as_printed(paired, decimals(own.mean(), test_mse[other].mean())),
            final,
            tuple((own - test_mse[other]).tolist()),
        )
        for other, paired in found.items()
    ]


def as_printed(paired: PairedRuns, digits: int) -> PairedRuns:
    """Return a comparison without a verdict that its printed interval contradicts.

    A verdict of better or worse from an interval that prints as [−0.030, −0.000] would look wrong,
    and a difference that vanishes in print is not worth one.

    Parameters
    ----------
    paired : PairedRuns
        A comparison.
    digits : int
        Decimals with which its interval is printed.

    Returns
    -------
    PairedRuns
        The same, undecided if an end of the interval is printed as zero.
    """
    touches = 0.0 in (round(paired.low, digits), round(paired.high, digits))
    decided = paired.verdict in (BETTER, WORSE)
    return replace(paired, verdict=UNDECIDED) if decided and touches else paired


def decimals(*errors: float) -> int:
    """Return the decimals that show errors with three significant digits, at least three.

    Examples
    --------
    >>> decimals(0.27, 0.301), decimals(0.0123, 0.002)
    (3, 4)
    """
    largest = max(errors)
    return max(3, 2 - math.floor(math.log10(largest))) if 0 < largest < math.inf else 3
