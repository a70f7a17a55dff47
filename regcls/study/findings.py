"""Findings of a grid: sentences made from the numbers of its results."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

from regcls.study import layout
from regcls.study.layout import AGAINST, BETTER, EQUAL, NO_DIFFERENCE, NO_RESULT, TOO_FEW, WORSE
from regcls.study.pooled import MARGIN, Effect, effects
from regcls.study.ratios import Ratios
from regcls.study.results import Results
from regcls.study.tuning import TunedGrid
from regcls.synthetic.data import SAMPLINGS

_NOTHING = "No models are trained yet, so there are no findings."
_NO_TUNING = (
    "**Both sides tuned:** the grid “fair” has no results yet, so it is not known here what remains "
    "when learning rate, loss scale or λ, and weight decay are tuned for reg and for reg+cls."
)


def headline(results: Results) -> list[str]:
    """Return the pooled effect of the classes, which comes before all counts of settings.

    Parameters
    ----------
    results : Results
        Results of a grid.

    Returns
    -------
    list of str
        Ratio, interval, verdict and equivalence, compared with the control first. Empty without
        results.
    """
    return [found.sentence for found in results.pooled.values() if found.sentence]


def basis(results: Results) -> list[str]:
    """Return what the pooled effect is estimated from and for, and which runs do not count.

    Parameters
    ----------
    results : Results
        Results of a grid.

    Returns
    -------
    list of str
        Sentences; empty without results.
    """
    found = itertools.chain.from_iterable(effect.basis for effect in results.pooled.values())
    return list(dict.fromkeys(found))


def advice(results: Results, tuned: Results | None = None) -> list[str]:
    """Return what the results show beyond the pooled effect: counts of settings, corrected.

    Parameters
    ----------
    results : Results
        Results of a grid.
    tuned : Results, optional
        Results of the grid that tunes both sides, whose findings are added.

    Returns
    -------
    list of str
        One Markdown paragraph per finding.
    """
    if isinstance(results.grid, TunedGrid):
        return _tuned(results) if headline(results) else [_NO_TUNING]
    reg, control = (_with_results(results, other) for other in ("reg", "control"))
    if reg.empty:
        return [_NOTHING]
    found = [
        _counts(reg, "plain reg"),
        *_by_sampling(reg),
        *_groups(results, "reg"),
        *_loss_scale(results),
    ]
    if control.empty:
        return [
            *found,
            "Without the control, the effect of the classes cannot be told apart from that of the "
            "loss scale.",
        ]
    title = layout.grid_layout(results.grid).title
    found.append(_counts(control, "the control, which has the same loss scale"))
    if control["state"].isin([BETTER, WORSE]).any():
        found.append(f"Compared with the control, by {title}: {_tally(control, 'x')}.")
    found += [*_groups(results, "control"), _when_to_add(control)]
    if tuned is None or not headline(tuned):
        return [*found, _NO_TUNING]
    pooled = " ".join([*headline(tuned), *basis(tuned)[1:]])
    return [*found, f"**Both sides tuned** (grid “fair”): {pooled}", *_tuned(tuned)]


def _with_results(results: Results, other: str) -> pd.DataFrame:
    """Return the comparisons of the cells that have results."""
    table = layout.comparison_table(results, other)
    return table[table["state"] != NO_RESULT]


def _counts(table: pd.DataFrame, other: str) -> str:
    n = table["state"].value_counts()
    parts = [
        f"in {n[state]}, {text}"
        for state, text in (
            (EQUAL, f"they are practically equal (within {MARGIN})"),
            (NO_DIFFERENCE, "there is no significant difference"),
            (TOO_FEW, "there are too few functions for a verdict"),
        )
        if n.get(state)
    ]
    return (
        "; ".join(
            [
                f"**Compared with {other}**, reg+cls is significantly better in {n.get(BETTER, 0)} of "
                f"{len(table)} settings and significantly worse in {n.get(WORSE, 0)} "
                "(Holm-corrected)",
                *parts,
            ]
        )
        + "."
    )


def _groups(results: Results, other: str) -> list[str]:
    """Return the groups of settings whose pooled effect is significant."""
    table = layout.pooled_table(results)
    name = AGAINST["tuned" if isinstance(results.grid, TunedGrid) else other]
    groups = table[(table["against"] == name) & (table["setting"] != layout.ALL)]
    found = [
        f"{verdict} for " + "; ".join(_group_label(row) for row in rows.to_dict("records"))
        for verdict, rows in groups[groups["verdict"].isin([BETTER, WORSE])].groupby("verdict")
    ]
    if not len(groups):
        return []
    outcome = f"reg+cls is {', '.join(found)}" if found else "no difference is significant"
    return [
        f"Pooled over the settings with the same value, compared with {name} (Holm-corrected over "
        f"{len(groups)} groups): {outcome}."
    ]


def _group_label(row: dict[Any, Any]) -> str:
    return f"{row['value']} ({row['ratio']:.3f} [{row['low']:.3f}, {row['high']:.3f}])"


def _by_sampling(table: pd.DataFrame) -> list[str]:
    """Return one sentence per sampling with a significant gain, with its clearest setting."""
    found = []
    for sampling in SAMPLINGS:
        total = (table["sampling"] == sampling).sum()
        better = table[(table["sampling"] == sampling) & (table["state"] == BETTER)]
        if len(better):
            (clearest,) = _labels(better.sort_values("high").head(1))
            found.append(
                f"{sampling.capitalize()} sampling: better in {len(better)} of {total} settings, "
                f"most clearly for {clearest}."
            )
    return found


def _labels(table: pd.DataFrame) -> list[str]:
    """Return each row's label with its ratio and interval."""
    return [
        f"{row['label']} (ratio {row['ratio']:.3f} [{row['low']:.3f}, {row['high']:.3f}])"
        for row in table.to_dict("records")
    ]


def _loss_scale(results: Results) -> list[str]:
    """Return the effect of the loss scale alone: the control compared with plain reg."""
    found = _scale_effects(results)
    if not found:
        return []
    overall = results.pool("control", "reg").overall
    text = (
        "Giving plain reg the loss scale of reg+cls, without classes, changes its test MSE by a "
        f"factor of {overall.label}: {overall.verdict}."
    )
    better = {place: effect for place, effect in found.items() if effect.verdict == BETTER}
    if not better:
        return [
            f"**Loss scale alone:** {text} This lowers its error significantly in none of "
            f"{len(found)} settings (Holm-corrected)."
        ]
    place, clearest = min(better.items(), key=lambda item: item[1].high)
    return [
        f"**Try the loss scale first.** {text} This lowers its error in {len(better)} of "
        f"{len(found)} settings (Holm-corrected), most clearly for {place} (ratio "
        f"{clearest.label})."
    ]


def _scale_effects(results: Results) -> dict[str, Effect]:
    """Compare the control with plain reg, once per sampling and row of the layout."""
    ratios: dict[str, Ratios] = {}
    rows = layout.cell_table(results)["row"]
    found = results.ratios("control", "reg")
    for row, cell, ratio in zip(rows, results.grid.cells, found, strict=True):
        if ratio.pairs:
            ratios.setdefault(f"{cell.sampling}, {row}", ratio)
    return dict(zip(ratios, effects([[ratio] for ratio in ratios.values()]), strict=True))


def _tally(table: pd.DataFrame, by: str) -> str:
    """Return how often reg+cls is better and worse, by the values of a column."""
    parts = []
    for value, rows in table.groupby(by, sort=False):
        n = rows["state"].value_counts()
        better, worse = n.get(BETTER, 0), n.get(WORSE, 0)
        parts.append(f"{value} ({better} better, {worse} worse of {len(rows)})")
    return ", ".join(parts)


def _when_to_add(control: pd.DataFrame) -> str:
    better = control[control["state"] == BETTER].sort_values("high")
    if better.empty:
        return (
            "**When to add a classification loss:** no setting shows a significant gain over the "
            "same loss scale without classes."
        )
    clearest = "; ".join(_labels(better.head(3)))
    return (
        "**When to add a classification loss:** it is significantly better than the control in "
        f"{len(better)} settings, most clearly for {clearest}. The other settings show no gain."
    )


def _tuned(results: Results) -> list[str]:
    """Return the comparison of best with best, and how sensitive both are to their settings."""
    table = _with_results(results, "reg")
    planned = len(results.grid.cells)
    partial = f" {planned} settings are planned." if len(table) < planned else ""
    found = [_counts(table, "tuned reg") + partial, *_by_row(table), *_groups(results, "reg")]
    decided = table[table["state"].isin([BETTER, WORSE])]
    if len(decided):
        clearest = _labels(decided.sort_values("ratio").head(2))
        found.append(f"Lowest significant ratios: {'; '.join(clearest)}.")
    searches = [
        (row["regcls_search"], row["reg_search"])
        for row in results.cells.to_dict("records")
        if len(row["reg_search"]) == len(row["regcls_search"]) == 3
    ]
    if searches:
        easier = sum(regcls[1] < reg[1] for regcls, reg in searches)
        found.append(
            "**Easier to tune?** The median setting of the search has a lower test MSE with reg+cls "
            f"in {easier} of {len(searches)} combinations of network, data and optimiser."
        )
    return found


def _by_row(table: pd.DataFrame) -> list[str]:
    """Return the tally of the layout's rows that have a significant difference."""
    decided = table.loc[table["state"].isin([BETTER, WORSE]), "row"]
    if decided.empty:
        return []
    return [f"Significant differences: {_tally(table[table['row'].isin(decided)], 'row')}."]


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
