"""What a grid's results say, in sentences made from their numbers; none says more than they do."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regcls.stats import comparison
from regcls.study import layout
from regcls.study.layout import BETTER, UNDECIDED, UNKNOWN, WORSE
from regcls.study.results import Results
from regcls.study.tuning import TunedGrid
from regcls.synthetic.data import SAMPLINGS

_NOTHING = "Nothing is trained yet, so there is nothing to say."


def advice(results: Results, tuned: Results | None = None) -> list[str]:
    """When to add a classification loss and what else to try first, a paragraph a point."""
    if isinstance(results.grid, TunedGrid):
        return _tuned(results)
    against = {other: _decided(results, other) for other in ("reg", "control")}
    if against["reg"].empty:
        return [_NOTHING]
    told = [_counted(against["reg"], "plain reg"), *_by_sampling(against["reg"])]
    told += _scale(results)
    if against["control"].empty:
        return [*told, "Without the control nobody can tell what the classes themselves add."]
    told.append(_counted(against["control"], "the control, which has the same loss scale"))
    by_x = _tally(against["control"], "x")
    told.append(f"Against the control, along the x-axis of the charts: {by_x}.")
    told.append(_when(against["control"]))
    return told + (_tuned(tuned) if tuned else [_no_tuning()])


def _decided(results: Results, other: str) -> pd.DataFrame:
    table = layout.compared(results, other)
    return table[table["state"] != UNKNOWN]


def _counted(table: pd.DataFrame, other: str) -> str:
    n = table["state"].value_counts()
    return (
        f"**Against {other}**, reg+cls is better in {n.get(BETTER, 0)}, worse in "
        f"{n.get(WORSE, 0)} and undecided in {n.get(UNDECIDED, 0)} of {len(table)} settings."
    )


def _by_sampling(table: pd.DataFrame) -> list[str]:
    """The samplings where something is decided, each with its clearest setting."""
    told = []
    for sampling in SAMPLINGS:
        mine = table[(table["sampling"] == sampling) & (table["state"] == BETTER)]
        if len(mine):
            best = mine.loc[mine["high"].idxmin()]
            told.append(
                f"{sampling.capitalize()} sampling: better in {len(mine)} of "
                f"{(table['sampling'] == sampling).sum()}; most clearly at {_number(best)}."
            )
    return told


def _number(row: pd.Series) -> str:
    return f"{row['label']} (ratio {row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}])"


def _scale(results: Results) -> list[str]:
    """What the loss scale alone does: the control against plain reg, where most is at stake."""
    found = []
    seen = set()
    for place, cell in zip(
        layout.cells(results).to_dict("records"), results.grid.cells, strict=True
    ):
        where = f"{cell.sampling}, {place['row']}"
        runs = results.runs(cell).dropna(subset=["reg", "control"])
        if where in seen or runs.empty:
            continue
        seen.add(where)
        c = comparison.compare(
            runs["control"], runs["reg"], runs["function"], runs["data_seed"], runs["init_seed"]
        )
        found.append((where, c))
    better = [(where, c) for where, c in found if c.verdict == "better"]
    if not found:
        return []
    if not better:
        return [
            "**Loss scale alone:** giving plain reg the loss scale of reg+cls helps beyond doubt "
            f"in none of {len(found)} settings."
        ]
    where, c = min(better, key=lambda item: item[1].ratio_high)
    return [
        "**Try the loss scale first.** Giving plain reg the loss scale of reg+cls, with no "
        f"classes at all, lowers its error in {len(better)} of {len(found)} settings (each 95 % "
        f"interval below 1, not corrected); most clearly at {where} (ratio {c.median_ratio:.2f} "
        f"[{c.ratio_low:.2f}, {c.ratio_high:.2f}])."
    ]


def _tally(table: pd.DataFrame, by: str) -> str:
    """How often reg+cls is better and worse, by the values of a column."""
    parts = []
    for value, mine in table.groupby(by, sort=False):
        n = mine["state"].value_counts()
        parts.append(f"{value}: {n.get(BETTER, 0)} better, {n.get(WORSE, 0)} worse of {len(mine)}")
    return "; ".join(parts)


def _when(table: pd.DataFrame) -> str:
    better = table[table["state"] == BETTER].sort_values("high")
    if better.empty:
        return (
            "**When to add a classification loss:** in none of these settings is it shown to be "
            "better than the same loss scale without classes. That is not proof that it never "
            "helps: undecided means undecided."
        )
    shown = "; ".join(_number(row) for _, row in better.head(3).iterrows())
    return (
        f"**When to add a classification loss:** it beats the control in {len(better)} settings, "
        f"most clearly {shown}. Elsewhere it is not shown to help."
    )


def _tuned(results: Results) -> list[str]:
    """Best against best, and how much the search's settings differ."""
    table = _decided(results, "reg")
    if table.empty:
        return [_no_tuning()]
    planned = len(results.grid.cells)
    told = [
        _counted(table, "tuned reg")
        + (f" ({planned} are planned.)" if len(table) < planned else "")
    ]
    told += _by_row(table)
    best = table[table["state"] != UNDECIDED].sort_values("ratio")
    if len(best):
        told.append(f"Most clearly decided: {'; '.join(map(_number, _rows(best.head(2))))}.")
    spread = [
        row
        for row in results.cells.to_dict("records")
        if len(row["reg_search"]) == len(row["regcls_search"]) == 3
    ]
    if spread:
        easier = sum(row["regcls_search"][1] < row["reg_search"][1] for row in spread)
        told.append(
            f"**Easier to tune?** The median setting of the search errs less with reg+cls in "
            f"{easier} of {len(spread)} settings of network, data and optimiser."
        )
    return told


def _by_row(table: pd.DataFrame) -> list[str]:
    """Where it helped when both were tuned: by the rows of the charts that hold a decision."""
    decided = table.loc[table["state"].isin([BETTER, WORSE]), "row"]
    if decided.empty:
        return []
    return [f"Where it is decided: {_tally(table[table['row'].isin(decided)], 'row')}."]


def _rows(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def _no_tuning() -> str:
    return (
        "**Tuned alike:** no results of the grid “fair” are there yet, so it is not known here what "
        "is left when learning rate, loss scale, λ and weight decay are searched for both."
    )


def published(results: Results) -> list[str]:
    """Where the published figures and ours agree, where not, and what the control changes."""
    table = layout.cells(results)
    if "published_reg" not in table:
        return []
    state = layout.compared(results, "reg")["state"]
    table["state"] = state
    both = table[table["published_reg"].notna() & (state != UNKNOWN)]
    if both.empty:
        return []
    theirs = np.where(both["published_regcls"] < both["published_reg"], BETTER, WORSE)
    same = both["state"] == theirs
    open_ = both["state"] == UNDECIDED
    told = [
        f"**Agreement:** the published means favour reg+cls in {(theirs == BETTER).sum()} of "
        f"{len(both)} settings. Ours decide the same way in {same.sum()}, the other way in "
        f"{(~same & ~open_).sum()}, and leave {open_.sum()} undecided."
    ]
    other = both[~same & ~open_]["label"]
    if len(other):
        told.append(f"**Where they disagree:** {'; '.join(other)}.")
    for scenario, mine in both.groupby("scenario", sort=False):
        ratio = (mine["reg_mse"] / mine["published_reg"]).dropna()
        if len(ratio):
            told.append(
                f"{scenario.capitalize()}: our plain reg's mean error is {ratio.min():.2f} to "
                f"{ratio.max():.2f} times the published one."
            )
    told.append(
        "The published logs do not say which learning rate made them, so compare shapes and "
        "ratios rather than digits."
    )
    control = layout.compared(results, "control")["state"]
    if (control != UNKNOWN).any():
        told.append(
            f"**What the control changes:** of {(state == BETTER).sum()} settings where reg+cls "
            f"beats plain reg, {((state == BETTER) & (control == BETTER)).sum()} remain once reg "
            "has the same loss scale. The published experiments have no such control."
        )
    return told
