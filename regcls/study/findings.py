"""Findings of a grid: sentences made from the numbers of its results."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from regcls.stats.verdicts import BETTER, EQUAL, TOO_FEW, UNDECIDED, WORSE
from regcls.study import layout
from regcls.study.pooled import Effect, effects
from regcls.study.ratios import NO_RESULT, Ratios
from regcls.study.results import Results
from regcls.study.summary import Comparison

_MOST_GROUPS = 2  # groups of settings that a sentence names
_OUTCOMES = {
    BETTER: "a lower error than",
    WORSE: "a higher error than",
    EQUAL: "practically the same error as",
    UNDECIDED: "no significantly different error from",
}
_OTHERS = {
    "reg": "plain reg",
    "control": "the control, which is reg with the same loss scale",
    "tuned": "reg when both sides are tuned with the same budget",
}


def headline(compared: Mapping[str, Comparison]) -> str:
    """Return the main result of a grid: the verdicts on all settings together.

    Parameters
    ----------
    compared : mapping of str to Comparison
        Pooled ratios by what reg+cls is compared with.

    Returns
    -------
    str
        One sentence; empty without results.
    """
    found = [compared[key] for key in _OTHERS if key in compared and compared[key].counted]
    if not found:
        return ""
    parts = [
        (c.verdict, f"{_OUTCOMES[c.verdict]} {_OTHERS[c.against]}") for c in found if _known(c)
    ]
    if not parts:
        functions = max(c.functions for c in found)
        return f"There are too few functions for a verdict yet ({functions})."
    joint = " and " if len({verdict for verdict, _ in parts}) == 1 else " but "
    return f"Over all settings, reg+cls has {joint.join(text for _, text in parts)}."


def _known(comparison: Comparison) -> bool:
    return comparison.verdict in _OUTCOMES


def points(
    compared: Mapping[str, Comparison],
    scale: Comparison | None = None,
    easier: tuple[int, int] = (0, 0),
) -> list[str]:
    """Return what the results of a grid show, one sentence per point.

    Parameters
    ----------
    compared : mapping of str to Comparison
        Pooled ratios by what reg+cls is compared with.
    scale : Comparison, optional
        The control compared with plain reg.
    easier : tuple of int
        Number of searches whose median setting is better with reg+cls, and of all searches.

    Returns
    -------
    list of str
        At most four Markdown sentences; none without results.
    """
    found = [compared[key] for key in _OTHERS if key in compared and compared[key].counted]
    if not found:
        return []
    texts = [against(comparison) for comparison in found]
    if scale is not None and scale.counted:
        texts.append(
            "**Loss scale alone:** giving plain reg the loss scale of reg+cls, without classes, "
            f"makes its test MSE {scale.label} times as large: {scale.verdict}."
        )
    if "control" not in compared and "tuned" not in compared:
        texts.append(
            "**No control:** without it, an effect of the classes cannot be told apart from that of "
            "the loss scale."
        )
    elif found[-1].groups:
        texts.append(_groups(found[-1]))
    if found[-1].against == "tuned" and found[-1].searches == 1:
        texts.append(
            "**One search:** the settings of each side come from a single search, so intervals do "
            "not include the variability of searching."
        )
    if easier[1]:
        texts.append(
            "**Easier to tune?** The median setting of a search has a lower test MSE with reg+cls in "
            f"{easier[0]} of {easier[1]} combinations of network, data and optimiser."
        )
    return texts


def against(comparison: Comparison, note: str = "") -> str:
    """Return a pooled ratio with the number of settings that are decided.

    Parameters
    ----------
    comparison : Comparison
        Pooled ratio.
    note : str
        What is added to the name of the comparison, such as the grid that it comes from.

    Returns
    -------
    str
        One Markdown sentence.
    """
    c = comparison
    title = {"reg": "Plain reg", "control": "Same loss scale", "tuned": "Both sides tuned"}
    equal = f", {c.count(EQUAL)} practically equal" if c.count(EQUAL) else ""
    planned = f" ({c.settings} planned)" if c.counted < c.settings else ""
    counts = (
        f"significantly better in {c.count(BETTER)} and worse in {c.count(WORSE)} of {c.counted} "
        f"settings{planned}{equal}"
    )
    few = c.verdict == TOO_FEW
    outcome = (
        f"too few functions for a verdict ({c.functions})" if few else f"{c.verdict}; {counts}"
    )
    return (
        f"**{title[c.against]}{note}:** compared with {c.name}, the test MSE of reg+cls is {c.label} "
        f"times as large: {outcome}."
    )


def _groups(comparison: Comparison) -> str:
    """Return the groups of settings whose pooled ratio is significant."""
    name = comparison.name
    decided = [group for group in comparison.groups if group.verdict in (BETTER, WORSE)]
    if not decided:
        return (
            f"**When to add classes:** no group of settings shows a significant difference from "
            f"{name} (Holm-corrected over {len(comparison.groups)} groups)."
        )
    decided.sort(key=lambda group: group.high if group.verdict == BETTER else -group.low)
    named = [f"{g.verdict} for {g.value} ({g.label})" for g in decided[:_MOST_GROUPS]]
    more = len(decided) - len(named)
    rest = f" and {more} more" if more else ""
    return (
        f"**When to add classes:** compared with {name}, reg+cls is {', '.join(named)}{rest} "
        f"(Holm-corrected over {len(comparison.groups)} groups of settings)."
    )


def scale_effects(results: Results) -> dict[str, Effect]:
    """Compare the control with plain reg, once per sampling and row of the layout.

    Parameters
    ----------
    results : Results
        Results of a grid.

    Returns
    -------
    dict of str to Effect
        Effects by sampling and row; one family for Holm's correction.
    """
    ratios: dict[str, Ratios] = {}
    rows = layout.cell_table(results)["row"]
    found = results.ratios("control", "reg")
    for row, cell, ratio in zip(rows, results.grid.cells, found, strict=True):
        if ratio.pairs:
            ratios.setdefault(f"{cell.sampling}, {row}", ratio)
    return dict(zip(ratios, effects([[ratio] for ratio in ratios.values()]), strict=True))


def published(results: Results) -> list[str]:
    """Return how our results agree with the published figures, and what the control changes.

    Parameters
    ----------
    results : Results
        Results of a grid.

    Returns
    -------
    list of str
        One Markdown paragraph per finding; empty if no cell has both results and published figures.
    """
    table = layout.cell_table(results)
    if "published_reg" not in table:
        return []
    state = layout.comparison_table(results, "reg")["state"]
    table["state"] = state
    both = table[table["published_reg"].notna() & (state != NO_RESULT)]
    if both.empty:
        return []
    found = [
        *_agreement(both),
        *_error_ratios(both),
        "The published logs do not state the learning rate, so compare trends and ratios rather "
        "than absolute values.",
    ]
    return [*found, *_effect_of_control(results, state == BETTER)]


def _effect_of_control(results: Results, better: pd.Series) -> list[str]:
    """Return how much of the gain over plain reg remains over the control."""
    control = layout.comparison_table(results, "control")["state"]
    if not (control != NO_RESULT).any():
        return []
    reg, matched = (results.pooled[other].overall for other in ("reg", "control"))
    text = (
        f"**Effect of the control:** the pooled ratio is {reg.label} to plain reg and "
        f"{matched.label} when reg has the same loss scale."
    )
    if better.any():
        text += (
            f" Of {better.sum()} settings where reg+cls is better than plain reg, "
            f"{(better & (control == BETTER)).sum()} remain significant."
        )
    return [f"{text} The published experiments have no such control."]


def _agreement(both: pd.DataFrame) -> list[str]:
    published = both["published_regcls"] / both["published_reg"]
    favoured = np.where(published < 1, BETTER, WORSE)
    same = ((published < 1) == (both["ratio"] < 1)).sum()
    decided = both["state"].isin([BETTER, WORSE])
    agree = decided & (both["state"] == favoured)
    differ = both[decided & ~agree]["label"]
    found = [
        f"**Agreement:** the published means favour reg+cls in {(favoured == BETTER).sum()} of "
        f"{len(both)} settings; our estimates have the same direction in {same}. The geometric mean "
        f"of the published ratios is {np.exp(np.log(published).mean()):.3f}. Our results agree in "
        f"{agree.sum()}, disagree in {len(differ)} and show no significant difference in "
        f"{len(both) - decided.sum()} (Holm-corrected)."
    ]
    if len(differ):
        found.append(f"**Disagreement:** {'; '.join(differ)}.")
    return found


def _error_ratios(both: pd.DataFrame) -> list[str]:
    """Return the range of our reg errors relative to the published ones, by scenario."""
    found = []
    for scenario, rows in both.groupby("scenario", sort=False):
        ratio = (rows["reg_mse"] / rows["published_reg"]).dropna()
        if len(ratio):
            found.append(
                f"In the {scenario} scenario, our mean test MSE of plain reg is "
                f"{ratio.min():.2f} to {ratio.max():.2f} times the published one."
            )
    return found
