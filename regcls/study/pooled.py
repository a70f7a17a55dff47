"""Effects of the classes: in each setting, and pooled over the settings of a grid."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regcls.stats import verdicts
from regcls.stats.verdicts import EQUAL, LEVEL, Decisions
from regcls.study.ratios import NO_RESULT, Estimate, Ratios, judge, p_equal, pool
from regcls.study.spec import Cell

ESTIMAND = "new functions and new training runs"
NAMES = {"reg": "plain reg", "control": "the control", "tuned": "tuned reg"}
_ONE_SEARCH = (
    "The settings of each side come from a single search, so intervals and verdicts do not include "
    "the variability of searching."
)
MARGIN = f"{verdicts.MARGIN * 100:.0f}%"


@dataclass(frozen=True)
class Effect:
    """Ratio of the test MSE of reg+cls, or another role, to that of a second role.

    Attributes
    ----------
    ratio, low, high : float
        Geometric mean of the ratios, and its interval; NaN if there are none.
    p : float
        P-value after Holm's correction over the family.
    verdict : str
        From `regcls.stats.verdicts.VERDICTS`, or `NO_RESULT`.
    cells, settings : int
        Number of settings that count, and of planned settings.
    functions, searches : int
        Numbers of units.
    wins : float
        Share of finished runs with a lower error of the first role; ties count half.
    pairs, planned, diverged, both_diverged : int
        Numbers of runs; see `Ratios`.
    """

    ratio: float
    low: float
    high: float
    p: float
    verdict: str
    cells: int
    settings: int
    functions: int
    searches: int
    wins: float
    pairs: int
    planned: int
    diverged: int
    both_diverged: int

    @property
    def label(self) -> str:
        """Ratio with its interval, such as "0.948 [0.913, 0.985]"."""
        ratio, low, high = (f"{value:.3f}" for value in (self.ratio, self.low, self.high))
        return ratio if math.isnan(self.low) else f"{ratio} [{low}, {high}]"

    def columns(self, prefix: str = "") -> dict[str, Any]:
        """Return ratio, interval, wins, p-value and verdict as columns of a table.

        Parameters
        ----------
        prefix : str
            Beginning of the columns' names.

        Returns
        -------
        dict
        """
        values = {
            "ratio": self.ratio,
            "ratio_low": self.low,
            "ratio_high": self.high,
            "wins": self.wins,
            "p_holm": self.p,
            "verdict": self.verdict,
        }
        return {f"{prefix}{name}": value for name, value in values.items()}


@dataclass(frozen=True)
class Pooled:
    """Effect over all settings of a grid, and by the values of each setting that varies.

    Attributes
    ----------
    roles : tuple of two str
        Names of the two roles that are compared.
    overall : Effect
        Effect over all settings.
    p_equal : float
        P-value of two one-sided tests of a difference of at least 5%.
    groups : dict of (str, object) to Effect
        Effects by name and value of a setting; they are one family for Holm's correction.
    """

    roles: tuple[str, str]
    overall: Effect
    p_equal: float
    groups: Mapping[tuple[str, Any], Effect]

    @property
    def sentence(self) -> str:
        """Ratio, interval, verdict and equivalence; empty without results."""
        effect, (role, other) = self.overall, self.roles
        if effect.verdict == NO_RESULT:
            return ""
        text = f"Compared with {other}, the test MSE of {role} is {effect.label} times as large"
        if math.isnan(self.p_equal):
            return f"{text}: {effect.verdict} for a verdict ({effect.functions} functions)."
        shown = "shown" if effect.verdict == EQUAL else "not shown"
        return (
            f"{text}: {effect.verdict}. Equivalence within {MARGIN} is {shown} (two one-sided "
            f"tests, p {_p(self.p_equal)})."
        )

    @property
    def basis(self) -> list[str]:
        """What the effect is estimated from and for, and which runs do not count, as sentences."""
        e = self.overall
        if e.verdict == NO_RESULT:
            return []
        found = [
            f"Geometric mean over {e.cells} of {e.settings} settings; 95% t-interval over "
            f"{e.functions} functions, for {ESTIMAND}."
        ]
        if e.searches > 1:
            found.append(f"The interval includes the variability of {e.searches} searches.")
        elif self.roles[1] == NAMES["tuned"]:
            found.append(_ONE_SEARCH)
        missing = e.planned - e.pairs - e.both_diverged
        if missing:
            found.append(f"{missing} of {e.planned} pairs of runs are not trained yet.")
        if e.diverged or e.both_diverged:
            found.append(
                f"Compared with {self.roles[1]}, one run of the pair diverged in {e.diverged}, "
                f"which count as a ratio of 10 or 1/10, and both in {e.both_diverged}, which do "
                "not count."
            )
        return found

    def record(self) -> dict[str, Any]:
        """Return the effects and the sentences as plain values.

        Returns
        -------
        dict
        """
        by = [{"setting": k, "value": v, **vars(effect)} for (k, v), effect in self.groups.items()]
        return {
            "sentence": self.sentence,
            **vars(self.overall),
            "level": LEVEL,
            "margin": verdicts.MARGIN,
            "p_equal": self.p_equal,
            "estimand": ESTIMAND,
            "basis": self.basis,
            "by": by,
        }


def _p(value: float) -> str:
    if value < 1e-3:
        return "< 0.001"
    return "> 0.99" if value > 0.99 else f"= {value:.2g}"


def effects(groups: Sequence[Sequence[Ratios]]) -> list[Effect]:
    """Return the effects of groups of settings, which are one family for Holm's correction.

    Parameters
    ----------
    groups : sequence of sequence of Ratios
        Ratios of the settings of each group.

    Returns
    -------
    list of Effect
        One effect per group.
    """
    if not groups:
        return []
    estimates = [pool(cells) for cells in groups]
    found = judge(estimates)
    return [_effect(cells, estimates[i], found, i) for i, cells in enumerate(groups)]


def _effect(cells: Sequence[Ratios], estimate: Estimate, found: Decisions, i: int) -> Effect:
    counts = ("pairs", "planned", "diverged", "both_diverged")
    done = np.array([cell.pairs + cell.both_diverged for cell in cells])
    won = [cell.wins for cell in cells if cell.pairs + cell.both_diverged]
    return Effect(
        ratio=math.exp(estimate.value),
        low=math.exp(found.low[i]),
        high=math.exp(found.high[i]),
        p=float(found.p[i]),
        verdict=str(found.verdict[i]),
        cells=estimate.cells,
        settings=len(cells),
        functions=estimate.functions,
        searches=estimate.searches,
        wins=float(np.average(won, weights=done[done > 0])) if won else math.nan,
        **{name: sum(getattr(cell, name) for cell in cells) for name in counts},
    )


def pooled_effect(
    cells: Sequence[Cell],
    ratios: Sequence[Ratios],
    varied: Sequence[str],
    roles: tuple[str, str] = ("reg+cls", NAMES["reg"]),
) -> Pooled:
    """Return the effect over all settings of a grid, and by the values of each setting that varies.

    Parameters
    ----------
    cells : sequence of Cell
        Settings of the grid.
    ratios : sequence of Ratios
        Ratios of each setting.
    varied : sequence of str
        Names of the settings that vary.
    roles : tuple of two str
        Names of the two roles that are compared.

    Returns
    -------
    Pooled
    """
    groups: dict[tuple[str, Any], list[Ratios]] = defaultdict(list)
    for name, (cell, found) in itertools.product(varied, zip(cells, ratios, strict=True)):
        groups[name, getattr(cell, name)].append(found)
    (overall,) = effects([ratios])
    parts = effects(list(groups.values()))
    return Pooled(roles, overall, p_equal(pool(ratios)), dict(zip(groups, parts, strict=True)))
