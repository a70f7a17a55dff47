"""What a bench says of two methods, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from regcls import formats
from regcls.bench.effects import METRICS
from regcls.stats.verdicts import LEVEL, holm, within
from regcls.tabular.methods import NAMES
from regcls.tabular.results import CONSTANT

_NAMES = {**NAMES, "control": "the control", CONSTANT: "predicting the median"}


def name(method: str) -> str:
    """Return a method's name in a sentence."""
    return _NAMES[method]


def ratio(
    record: Mapping[str, Any], value: str = "ratio", low: str = "low", high: str = "high"
) -> str:
    """Return a ratio with its interval, such as "0.995 [0.988, 1.002]"."""
    middle, *ends = (formats.fixed(record[key], 3) for key in (value, low, high))
    return f"{middle} [{', '.join(ends)}]"


def headline(record: Mapping[str, Any]) -> str:
    """Return the pooled effect with its verdict.

    Parameters
    ----------
    record : mapping
        See `regcls.bench.records.show`.

    Returns
    -------
    str
        One sentence.
    """
    a, b, metric = name(record["a"]), name(record["b"]), METRICS[record["metric"]]
    pooled = record["pooled"]
    if pooled is None:
        return f"Too few families of tables to pool the {metric} of {a} and {b}."
    return (
        f"Over {formats.counted(pooled['tables'], 'table')} ({pooled['families']} families), the "
        f"{metric} of {a} is {ratio(pooled)} times that of {b}: {pooled['verdict']}."
    )


def sentences(record: Mapping[str, Any]) -> list[str]:
    """Return all that is said of two methods.

    Parameters
    ----------
    record : mapping
        See `regcls.bench.records.show`.

    Returns
    -------
    list of str
        The headline, the probabilities, the next table, what changes the effect, the rule of thumb.
    """
    found = [headline(record)]
    if (pooled := record["pooled"]) is None:
        return found
    lower, equal, higher = (formats.percent(pooled[key]) for key in ("lower", "equal", "higher"))
    found += [
        f"By the Bayesian signed-rank test, it is lower with probability {lower}, practically equal "
        f"({within()}) with {equal}, and higher with {higher}.",
        f"On the next table, the ratio is in [{formats.fixed(pooled['next_low'], 2)}, "
        f"{formats.fixed(pooled['next_high'], 2)}] with probability {formats.percent(LEVEL)}, and "
        f"below 1 with {formats.percent(pooled['helps'])}.",
        _properties(record["properties"]),
        _rule(record["rule"]),
    ]
    return [sentence for sentence in found if sentence]


def _properties(properties: list[dict[str, Any]]) -> str:
    corrected = holm([one["p"] for one in properties])
    parts = [
        f"{ratio(one, 'value')} times as high with {one['step']}"
        for one, p in zip(properties, corrected, strict=True)
        if p < 1 - LEVEL
    ]
    if not parts:
        return (
            "None of "
            + ", ".join(one["property"] for one in properties)
            + " changes the ratio significantly (Holm-corrected)."
        )
    return f"Other properties held fixed, the ratio is {', '.join(parts)} (Holm-corrected)."


def _rule(rule: Mapping[str, Any] | None) -> str:
    if rule is None:
        return ""
    outcome = (
        f"following it gives {ratio(rule)} times the error of never using the method, and always "
        f"using it {formats.fixed(rule['always'], 3)}"
    )
    if rule["holds"]:
        return f"Rule of thumb: use it {rule['rule']}. On families left out, {outcome}."
    return f"No rule of thumb holds. The best one, {rule['rule']}, fails on families left out: {outcome}."
