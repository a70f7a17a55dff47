"""When a method helps: the effect against what a table is like, and a rule tried on other tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from regcls.bench.evidence import Comparison
from regcls.stats.meta import Coefficient, by_family, regression
from regcls.stats.verdicts import BETTER, decide

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Property:
    """Something that a table is like.

    Attributes
    ----------
    name : str
        Column of `regcls.bench.evidence.Evidence.tables`.
    label : str
        Name in text.
    step : str
        By how much it is higher in the partial effect.
    logarithmic : bool
        Whether its common logarithm is used.
    per : float
        Size of the step, in units of the (logarithmic) property.
    """

    name: str
    label: str
    step: str
    logarithmic: bool = False
    per: float = 1.0

    def of(self, tables: pd.DataFrame) -> Floats:
        """Return the values for regression, in steps, shape (M,)."""
        values = tables[self.name].to_numpy(dtype=np.float64)
        return (np.log10(np.maximum(values, 1)) if self.logarithmic else values) / self.per


PROPERTIES = (
    Property("imbalance", "imbalance ratio", "ten times as imbalanced", logarithmic=True),
    Property("rows", "number of rows", "ten times as many rows", logarithmic=True),
    Property("explained", "explained variance", "10 points more variance explained", per=0.1),
    Property("distinct", "distinct targets", "10 points more distinct targets", per=0.1),
    Property("inputs", "number of inputs", "ten times as many inputs", logarithmic=True),
)


def partial_effects(comparison: Comparison) -> list[tuple[Property, Coefficient]]:
    """Return how the effect changes with each property, the others held fixed.

    Parameters
    ----------
    comparison : Comparison
        Two methods on all tables.

    Returns
    -------
    list of (Property, Coefficient)
        Changes of the logarithm of the ratio per step; NaN with too few families.
    """
    tables = comparison.tables
    values = {p.name: p.of(tables) for p in PROPERTIES}
    found = regression(tables["value"], tables["se"], dict(values), list(tables["family"]))
    return list(zip(PROPERTIES, found, strict=True))


@dataclass(frozen=True)
class Rule:
    """A rule of thumb: use a method where a property is above, or below, a bound.

    Attributes
    ----------
    of : Property
        What it asks for.
    bound : float
        The bound, in the property's own units.
    above : bool
        Whether the method is used above the bound, or up to it.
    share : float
        Share of the families in which it is used.
    """

    of: Property
    bound: float
    above: bool
    share: float

    @property
    def sentence(self) -> str:
        """When the method is used, such as "where the imbalance ratio is above 20"."""
        side = "above" if self.above else "at most"
        return f"where the {self.of.label} is {side} {self.bound:.3g}"


@dataclass(frozen=True)
class Tried:
    """A rule of thumb, and what following it was worth on families that did not make it.

    Attributes
    ----------
    rule : Rule
        The rule that all families make.
    ratio, low, high : float
        Geometric-mean ratio of errors where each family follows the rule that the others make, to
        never using the method; with a t-interval over families.
    always : float
        The same for always using the method.
    holds : bool
        Whether the interval is below 1 and the rule beats always using the method.
    """

    rule: Rule
    ratio: float
    low: float
    high: float
    always: float
    holds: bool


def rule_of_thumb(comparison: Comparison) -> Tried | None:
    """Find the best rule with one bound, and try it on families left out.

    Parameters
    ----------
    comparison : Comparison
        Two methods on all tables.

    Returns
    -------
    Tried or None
        None with fewer than 6 families.
    """
    if comparison.pooled is None:
        return None
    tables = comparison.tables
    value, _, names = by_family(tables["value"], tables["se"], list(tables["family"]))
    owned = {
        p.name: by_family(tables[p.name], tables["se"], list(tables["family"]))[0]
        for p in PROPERTIES
    }
    gained = np.zeros(len(names))
    for i in range(len(names)):
        rest = np.arange(len(names)) != i
        rule = _best({k: v[rest] for k, v in owned.items()}, value[rest])
        gained[i] = value[i] * _applies(rule, owned[rule.of.name][i])
    error = gained.std(ddof=1) / np.sqrt(len(gained))
    found = decide(gained.mean(), error, len(gained) - 1, len(gained))
    always = float(np.exp(value.mean()))
    ratio = float(np.exp(gained.mean()))
    return Tried(
        _best(owned, value),
        ratio,
        float(np.exp(found.low[0])),
        float(np.exp(found.high[0])),
        always,
        holds=str(found.verdict[0]) == BETTER and ratio < always,
    )


def _applies(rule: Rule, value: float) -> bool:
    return bool(value > rule.bound) == rule.above


def _best(owned: dict[str, Floats], value: Floats) -> Rule:
    """Return the rule with the lowest mean effect; at least three families are on either side."""
    best: tuple[float, Rule] | None = None
    for found in PROPERTIES:
        own = owned[found.name]
        ordered = np.unique(own)
        for bound in (ordered[1:] + ordered[:-1]) / 2:
            for above in (True, False):
                used = (own > bound) == above
                if 3 <= used.sum() <= len(own) - 3:
                    gain = float((value * used).sum())
                    if best is None or gain < best[0]:
                        best = gain, Rule(found, float(bound), above, float(used.mean()))
    if best is None:  # no property has enough families on both sides of a bound
        return Rule(PROPERTIES[0], -np.inf, True, 1.0)
    return best[1]
