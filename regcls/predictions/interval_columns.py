"""Columns with prediction intervals, recognised by their names: limits, quantiles, deviations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from regcls.io.reading import TableError

LEVEL = 0.95  # nominal level where the names of the columns do not give one
ORDERED = 0.95  # share of rows in which the lower limit must not exceed the upper one
_SAMPLE = 1000  # rows that are checked

_LOWER = {"lower", "low", "lo", "lwr", "lb", "lcl"}
_UPPER = {"upper", "high", "hi", "upr", "ub", "ucl"}
_STD = {"std", "sd", "sigma", "stdev", "stddev"}
_QUANTILE = {"q", "quantile", "percentile", "pct"}
# Words that name neither a model nor the kind of a limit.
_FILLER = {"ci", "pi", "conf", "int", "interval", "bound", "limit", "lim", "obs", "predictive"}
_CENTRAL = {
    *("pred", "predicted", "prediction", "y", "hat", "yhat", "ypred", "mean", "mu", "median"),
    *("point", "forecast", "value", "estimate", "fit", "fitted", "model", "output"),
}
_WORD = re.compile(r"\d*\.\d+%?|\d+%?|[^\W\d_]+|\+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBER = re.compile(r"(\d*\.?\d+)%?")


@dataclass(frozen=True)
class IntervalColumns:
    """Columns with the prediction intervals of a model: two limits, or a standard deviation.

    Attributes
    ----------
    lower, upper : str
        Columns of the limits; empty if ``std`` is given.
    std : str
        Column of the standard deviation; empty if the limits are given.
    level : float
        Nominal level: the share of targets that the intervals are meant to contain. A standard
        deviation gives the central interval of a normal distribution with this level.
    source : {"assumed", "names", "limits", "given"}
        Where the level is from: assumed, the names of the columns, the distance of the limits in
        standard deviations, or given by the user.
    model : str
        Column of the predictions.
    """

    lower: str = ""
    upper: str = ""
    std: str = ""
    level: float = LEVEL
    source: str = "assumed"
    model: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""
        return (self.std,) if self.std else (self.lower, self.upper)

    @property
    def label(self) -> str:
        """Its columns as one name."""
        return f"± {self.std}" if self.std else f"{self.lower} to {self.upper}"

    @property
    def text(self) -> str:
        """The role of its columns, without a capital and full stop."""
        if self.std:
            return f"{self.std} is the standard deviation of {self.model} ({self.nominal})"
        return f"{self.lower} and {self.upper} are the interval of {self.model} ({self.nominal})"

    @property
    def nominal(self) -> str:
        """The nominal level with where it is from."""
        from scipy import stats

        level = f"nominal level {100 * self.level:.4g}%"
        if self.std:
            return f"{level}: ± {stats.norm.isf((1 - self.level) / 2):.3g} standard deviations"
        return level + {
            "assumed": ", assumed",
            "limits": ", from the standard deviation",
        }.get(self.source, "")


class _Part(NamedTuple):
    """What the name of a column says: a quantile is a lower or an upper limit, or the median."""

    kind: str  # "lower", "upper", "std", "median" or ""
    core: tuple[str, ...]  # words that name the model
    level: float | None = None  # of the two-sided interval
    quantile: float | None = None


def parse_level(level: float) -> float:
    """Return a nominal level as a share.

    Parameters
    ----------
    level : float
        A share, or a percentage above 1.

    Returns
    -------
    float

    Raises
    ------
    TableError
        If it is not between 0 and 100%.

    Examples
    --------
    >>> parse_level(90), parse_level(0.9)
    (0.9, 0.9)
    """
    share = level / 100 if level > 1 else level
    if not 0 < share < 1:
        raise TableError(f"the level must be between 0 and 1, such as 0.9, not {level:g}")
    return share


def parse(text: str, models: Sequence[str]) -> IntervalColumns:
    """Return an interval from "model=lower:upper" or "model=std".

    Parameters
    ----------
    text : str
        With one model, "model=" may be left out.
    models : sequence of str
        Columns of predictions.

    Returns
    -------
    IntervalColumns

    Raises
    ------
    TableError
        If the model is unknown or a column is missing.

    Examples
    --------
    >>> parse("low:high", ["reg"]).label
    'low to high'
    """
    model, found, names = text.rpartition("=")
    if not found and len(models) == 1:
        model = models[0]
    parts = [part.strip() for part in names.split(":")]
    if model.strip() not in models or len(parts) > 2 or not all(parts):
        raise TableError(
            f"an interval must be model=lower:upper or model=std with one of the models "
            f"{', '.join(models)}, not {text!r}"
        )
    limits = (
        dict(zip(("lower", "upper"), parts, strict=False)) if len(parts) == 2 else {"std": parts[0]}
    )
    return IntervalColumns(model=model.strip(), **limits)  # type: ignore[arg-type]


def candidates(
    frame: pd.DataFrame, columns: Sequence[str]
) -> tuple[dict[tuple[str, ...], list[IntervalColumns]], set[str]]:
    """Return the intervals that columns of numbers seem to hold, and all their columns.

    Parameters
    ----------
    frame : DataFrame
        A table of numbers.
    columns : sequence of str
        The columns to look at.

    Returns
    -------
    found : dict
        Intervals by the words that name their model, the preferred one first: limits before a
        standard deviation, a high level before a low one.
    used : set of str
        Columns of these intervals, and quantiles without a partner; none of them is a model.

    Examples
    --------
    >>> table = pd.DataFrame({"reg_q05": [1.0], "reg_q95": [3.0], "reg_low_res": [2.0]})
    >>> found, used = candidates(table, list(table))
    >>> [(words, made[0].label, round(made[0].level, 2)) for words, made in found.items()]
    [(('reg',), 'reg_q05 to reg_q95', 0.9)]
    """
    parts = {column: _part(column) for column in columns}
    found: dict[tuple[str, ...], list[IntervalColumns]] = {}
    for core in dict.fromkeys(part.core for part in parts.values() if part.kind):
        own = {column: part for column, part in parts.items() if part.core == core and part.kind}
        pairs = _pairs(frame, own)
        stds = [
            IntervalColumns(std=column)
            for column, part in own.items()
            if part.kind == "std" and _never(frame[column] < 0)
        ]
        if len(pairs) == 1 and stds and pairs[0].source == "assumed":
            pairs = [_level_from_std(frame, pairs[0], stds[0].std)]
        if pairs or stds:
            found[core] = [*pairs, *stds]
    used = {name for made in found.values() for one in made for name in one.columns}
    central = {part.core for part in parts.values() if not part.kind}
    for column, part in parts.items():
        # The median is the prediction of a model that has no other one.
        alone = part.kind == "median" and part.core not in central
        if part.core in found and part.quantile is not None and not alone:
            used.add(column)
    return found, used


def assigned(
    found: Mapping[tuple[str, ...], list[IntervalColumns]], models: Sequence[str]
) -> dict[str, list[IntervalColumns]]:
    """Return the possible intervals of each model, the preferred one first.

    Parameters
    ----------
    found : mapping
        From `candidates`.
    models : sequence of str
        Columns of predictions.

    Returns
    -------
    dict
        Intervals by model; models without one are left out. Intervals without the name of a model
        belong to the only model.

    Examples
    --------
    >>> made = {("reg",): [IntervalColumns(std="reg_std")]}
    >>> assigned(made, ["reg", "other"])["reg"][0].text
    'reg_std is the standard deviation of reg (nominal level 95%: ± 1.96 standard deviations)'
    """
    cores = {model: core_of(model) for model in models}
    taken: dict[str, list[IntervalColumns]] = {}
    for core, made in found.items():
        same = [model for model in models if cores[model] == core]
        if not same and not core and len(models) == 1:
            same = list(models)
        for model in same[:1]:
            taken.setdefault(model, []).extend(replace(one, model=model) for one in made)
    return taken


def core_of(column: str) -> tuple[str, ...]:
    """Return the words of a column's name that identify a model.

    Examples
    --------
    >>> core_of("AutoARIMA-lo-95"), core_of("reg_mean"), core_of("prediction")
    (('auto', 'arima'), ('reg',), ())
    """
    return _part(column).core


def _part(column: str) -> _Part:
    words = [word.lower() for word in _WORD.findall(_CAMEL.sub("_", column))]
    words = [word for word in words if word not in _FILLER]
    for kind, names in (("lower", _LOWER), ("upper", _UPPER), ("std", _STD)):
        places = [i for i, word in enumerate(words) if word in names]
        if places:
            rest = words[: places[-1]] + words[places[-1] + 1 :]
            level = None if kind == "std" else _pop_level(rest)
            return _Part(kind, _core(rest), level)
    share = _pop_quantile(words)
    if share is None:
        return _Part("", _core(words))
    kind = "median" if share == 0.5 else "lower" if share < 0.5 else "upper"
    return _Part(kind, _core(words), quantile=share)


def _core(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in _CENTRAL)


def _pop_level(words: list[str]) -> float | None:
    """Remove a number such as 95, 95% or 0.9 from the words and return it as a level."""
    for place, word in enumerate(words):
        if match := _NUMBER.fullmatch(word):
            value = float(match[1])
            share = value / 100 if value > 1 else value
            if 0.5 <= share < 1 and value != 1:
                del words[place]
                return share
    return None


def _pop_quantile(words: list[str]) -> float | None:
    """Remove q05, p95, 2.5%, quantile 0.1 or a bare 0.1 from the words; return the share."""
    for place, word in enumerate(words):
        match = _NUMBER.fullmatch(word)
        if match is None:
            continue
        before = words[place - 1] if place else ""
        marked = before in _QUANTILE or before == "p"
        if not (marked or word.endswith("%") or (match[1][:2] in ("0.", ".0") and len(words) == 1)):
            continue
        share = _share(match[1])
        if 0 < share < 1:
            del words[place - marked : place + 1]
            return share
    return None


def _share(digits: str) -> float:
    """Return "05", "5", "0.05" and "2.5" as 0.05, 0.05, 0.05 and 0.025."""
    if "." in digits:
        value = float(digits)
        return value if value < 1 else value / 100
    return float(f"0.{digits}") if len(digits) > 2 or digits[0] == "0" else int(digits) / 100


def _pairs(frame: pd.DataFrame, own: Mapping[str, _Part]) -> list[IntervalColumns]:
    """Pairs of a lower and an upper limit of the same level, in descending order of it."""
    pairs = []
    sides = ([c for c, p in own.items() if p.kind == side] for side in ("lower", "upper"))
    for lower, upper in product(*sides):
        a, b = own[lower], own[upper]
        if (a.quantile is None) != (b.quantile is None) or a.level != b.level:
            continue
        level, source = a.level or LEVEL, "names" if a.level else "assumed"
        if a.quantile is not None and b.quantile is not None:
            level, source = round(b.quantile - a.quantile, 9), "names"
            mirrored = any(
                p.quantile is not None and abs(p.quantile - (1 - a.quantile)) < 1e-9
                for p in own.values()
            )
            if mirrored and abs(a.quantile + b.quantile - 1) > 1e-9:
                continue
        if _never(frame[lower] > frame[upper]):
            pairs.append(IntervalColumns(lower, upper, "", level, source))
    return sorted(pairs, key=lambda pair: -pair.level)


def _never(wrong: pd.Series) -> bool:
    return bool(wrong.head(_SAMPLE).mean() <= 1 - ORDERED)


def _level_from_std(frame: pd.DataFrame, pair: IntervalColumns, std: str) -> IntervalColumns:
    """Give a pair the level that its half width in standard deviations has, if it is constant."""
    from scipy import stats

    rows = frame[[pair.lower, pair.upper, std]].head(_SAMPLE).dropna()
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = ((rows[pair.upper] - rows[pair.lower]) / (2 * rows[std])).to_numpy(np.float64)
    reach = reach[np.isfinite(reach)]
    if len(reach) < 2 or np.ptp(np.quantile(reach, [0.1, 0.9])) > 0.05 * np.median(reach):
        return pair
    level = round(float(2 * stats.norm.cdf(np.median(reach)) - 1), 2)
    return replace(pair, level=level, source="limits") if 0.5 <= level < 1 else pair
