"""Findings of a grid: sentences made from the numbers of its results."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regcls.stats.comparison import Comparison
from regcls.study import layout
from regcls.study.layout import BETTER, NO_DIFFERENCE, NO_RESULT, WORSE
from regcls.study.results import Results, compare_roles
from regcls.study.tuning import TunedGrid
from regcls.synthetic.data import SAMPLINGS

_NOTHING = "No models are trained yet, so there are no findings."
_NO_TUNING = (
    "**Both sides tuned:** the grid “fair” has no results yet, so it is not known here what remains "
    "when learning rate, loss scale or λ, and weight decay are tuned for reg and for reg+cls."
)


def advice(results: Results, tuned: Results | None = None) -> list[str]:
    """Return what the results say about adding a classification loss.

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
        return _tuned_findings(results)
    reg, control = (_with_results(results, other) for other in ("reg", "control"))
    if reg.empty:
        return [_NOTHING]
    found = [_counts(reg, "plain reg"), *_by_sampling(reg), *_loss_scale(results)]
    if control.empty:
        return [
            *found,
            "Without the control, the effect of the classes cannot be told apart from that of the "
            "loss scale.",
        ]
    title = layout.grid_layout(results.grid).title
    found += [
        _counts(control, "the control, which has the same loss scale"),
        f"Compared with the control, by {title}: {_tally(control, 'x')}.",
        _when_to_add(control),
    ]
    return found + (_tuned_findings(tuned) if tuned else [_NO_TUNING])


def _with_results(results: Results, other: str) -> pd.DataFrame:
    """Return the comparisons of the cells that have results."""
    table = layout.comparison_table(results, other)
    return table[table["state"] != NO_RESULT]


def _counts(table: pd.DataFrame, other: str) -> str:
    n = table["state"].value_counts()
    return (
        f"**Compared with {other}**, reg+cls is significantly better in {n.get(BETTER, 0)} of "
        f"{len(table)} settings and significantly worse in {n.get(WORSE, 0)}; in "
        f"{n.get(NO_DIFFERENCE, 0)}, there is no significant difference."
    )


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
        f"{row['label']} (ratio {row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}])"
        for row in table.to_dict("records")
    ]


def _loss_scale(results: Results) -> list[str]:
    """Return the effect of the loss scale alone: the control compared with plain reg."""
    found = _scale_comparisons(results)
    better = {place: c for place, c in found.items() if c.verdict == "better"}
    if not found:
        return []
    if not better:
        return [
            "**Loss scale alone:** giving plain reg the loss scale of reg+cls lowers its error "
            f"significantly in none of {len(found)} settings."
        ]
    place, c = min(better.items(), key=lambda item: item[1].ratio_high)
    return [
        "**Try the loss scale first.** Giving plain reg the loss scale of reg+cls, without "
        f"classes, lowers its error in {len(better)} of {len(found)} settings (95 % intervals below "
        f"1, not corrected for multiple comparisons), most clearly for {place} (ratio "
        f"{c.median_ratio:.2f} [{c.ratio_low:.2f}, {c.ratio_high:.2f}])."
    ]


def _scale_comparisons(results: Results) -> dict[str, Comparison]:
    """Compare the control with plain reg, once per sampling and row of the layout."""
    found: dict[str, Comparison] = {}
    rows = layout.cell_table(results)["row"]
    for row, cell in zip(rows, results.grid.cells, strict=True):
        place = f"{cell.sampling}, {row}"
        runs = results.runs(cell).dropna(subset=["reg", "control"])
        if place not in found and not runs.empty:
            found[place] = compare_roles(runs, "control", "reg")
    return found


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
            "same loss scale without classes. This does not prove that there is none."
        )
    clearest = "; ".join(_labels(better.head(3)))
    return (
        "**When to add a classification loss:** it is significantly better than the control in "
        f"{len(better)} settings, most clearly for {clearest}. The other settings show no gain."
    )


def _tuned_findings(results: Results) -> list[str]:
    """Return the comparison of best with best, and how sensitive both are to their settings."""
    table = _with_results(results, "reg")
    if table.empty:
        return [_NO_TUNING]
    planned = len(results.grid.cells)
    partial = f" {planned} settings are planned." if len(table) < planned else ""
    found = [_counts(table, "tuned reg") + partial, *_by_row(table)]
    clearest = _labels(table[table["state"] != NO_DIFFERENCE].sort_values("ratio").head(2))
    if clearest:
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
    control = layout.comparison_table(results, "control")["state"]
    if (control != NO_RESULT).any():
        better = state == BETTER
        found.append(
            f"**Effect of the control:** of {better.sum()} settings where reg+cls is better than "
            f"plain reg, {(better & (control == BETTER)).sum()} remain significant when reg has the "
            "same loss scale. The published experiments have no such control."
        )
    return found


def _agreement(both: pd.DataFrame) -> list[str]:
    favoured = np.where(both["published_regcls"] < both["published_reg"], BETTER, WORSE)
    agree = both["state"] == favoured
    undecided = both["state"] == NO_DIFFERENCE
    differ = both[~agree & ~undecided]["label"]
    found = [
        f"**Agreement:** the published means favour reg+cls in {(favoured == BETTER).sum()} of "
        f"{len(both)} settings. Our results agree in {agree.sum()}, disagree in {len(differ)} and "
        f"show no significant difference in {undecided.sum()}."
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
