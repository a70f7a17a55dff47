"""Tables behind the Study's charts: how a grid's cells are laid out, means, and what is decided."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from regcls.study.grid import Grid
from regcls.study.results import Results
from regcls.study.spec import ROLES, Cell
from regcls.study.tuning import TunedGrid

LEVEL = 0.95
AGAINST = {"reg": "plain reg", "control": "the control", "tuned": "tuned reg"}
BETTER, WORSE, UNDECIDED, UNKNOWN = "better", "worse", "undecided", "no result yet"
_ACROSS = ("classes", "hidden", "lr", "bins")  # the first that varies runs along the x-axis
_WORDS = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "mse": "MSE", "mae": "MAE"}
TITLES = {
    "classes": "number of classes C", "hidden": "hidden units", "lr": "learning rate",
    "bins": "bins",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """One panel a sampling and row; ``x`` runs along each panel, ``rows`` tell rows apart."""

    x: str
    rows: tuple[str, ...]
    varied: tuple[str, ...]

    @property
    def title(self) -> str:
        return TITLES[self.x]


def layout(grid: Grid) -> Layout:
    """Samplings side by side, classes (or else networks) along x, all else in rows."""
    varied = tuple(f.name for f in fields(Cell) if len(getattr(grid, f.name)) > 1)
    x = next((name for name in _ACROSS if name in varied), "classes")
    rows = ["scenario"] + [name for name in varied if name not in ("scenario", "sampling", x)]
    return Layout(x, tuple(rows), varied)


def words(name: str, value: Any) -> str:
    """A setting's value as a label: ``("hidden", (6, 15))`` is "6-15"."""
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    if isinstance(value, float):
        text = f"{value:g}"
        return {"weight": f"λ {text}", "lr": f"lr {text}"}.get(name, text)
    return _WORDS.get(str(value), str(value))


def slug(plan: Layout, cell: Cell) -> str:
    """A cell's name in a link, from what varies: "clean_severe_64"."""
    values = [getattr(cell, name) for name in plan.varied] or [cell.sampling]
    return "_".join(
        words(name, v).replace(" ", "")
        for name, v in zip(plan.varied or ("sampling",), values, strict=True)
    )


def named(grid: Grid) -> dict[str, Cell]:
    """The cells of a grid by their names."""
    plan = layout(grid)
    return {slug(plan, cell): cell for cell in grid.cells}


def label(plan: Layout, cell: Cell) -> str:
    """A cell in words: "severe, clean, C = 64"."""
    x = words(plan.x, getattr(cell, plan.x))
    parts = [cell.sampling, *(words(n, getattr(cell, n)) for n in plan.rows)]
    return ", ".join([*parts, f"C = {x}" if plan.x == "classes" else x])


def cells(results: Results) -> pd.DataFrame:
    """``results.cells`` with each cell's name, label, row and place along x as text."""
    plan = layout(results.grid)
    found = results.grid.cells
    place = pd.DataFrame(
        {
            "cell": [slug(plan, c) for c in found],
            "label": [label(plan, c) for c in found],
            "row": [" · ".join(words(n, getattr(c, n)) for n in plan.rows) for c in found],
            "x": [words(plan.x, getattr(c, plan.x)).removeprefix("lr ") for c in found],
        }
    )
    return pd.concat([place, results.cells], axis=1)


def points(results: Results) -> pd.DataFrame:
    """A row a cell and model: its mean test MSE over the runs, with the 95 % t-interval over the
    means of functions (NaN under three); cells without a result are left out."""
    parts = []
    places = cells(results)[["cell", "label", "row", "sampling", "x"]].to_dict("records")
    for place, cell in zip(places, results.grid.cells, strict=True):
        runs = results.runs(cell)
        for role in ROLES:
            known = runs.dropna(subset=[role])
            if len(known) and np.isfinite(known[role]).all():
                interval = _interval(known.groupby("function")[role].mean().to_numpy())
                mean = float(known[role].mean())
                parts.append(place | {"model": role, "mean": mean, "runs": len(known)} | interval)
    columns = ["cell", "label", "row", "sampling", "x", "model", "mean", "runs", "low", "high"]
    return pd.DataFrame(parts, columns=columns)


def _interval(means: np.ndarray) -> dict[str, float]:
    from scipy import stats

    if len(means) < 3:
        return {"low": np.nan, "high": np.nan}
    reach = stats.t.ppf((1 + LEVEL) / 2, len(means) - 1) * stats.sem(means)
    return {"low": max(float(means.mean() - reach), 0.0), "high": float(means.mean() + reach)}


def published(results: Results) -> pd.DataFrame:
    """A row a published mean: cell, label, row, sampling, x, model, mean."""
    table = cells(results)
    if isinstance(results.grid, TunedGrid):
        table = table.iloc[:0]
    place = ["cell", "label", "row", "sampling", "x"]
    parts = [
        table.dropna(subset=[column])[place].assign(model=model, mean=table[column].dropna())
        for model, column in (("reg", "published_reg"), ("reg+cls", "published_regcls"))
        if column in table
    ]
    return pd.concat(parts) if parts else pd.DataFrame(columns=[*place, "model", "mean"])


def compared(results: Results, against: str) -> pd.DataFrame:
    """A row a cell: its place, reg+cls against reg or its control (``ratio``, ``low``, ``high``,
    ``wins``, ``p_holm``), and ``state``: "better" or "worse" only if the interval leaves out 1 and
    the test passes at 5 % after Holm's correction; else "undecided", or "no result yet"."""
    prefix = "control_" if against == "control" else ""
    table = cells(results)
    place = table[["cell", "label", "row", "scenario", "sampling", "x", "classes", "runs"]]
    names = {
        "ratio": "ratio", "ratio_low": "low", "ratio_high": "high", "wins": "wins",
        "p_holm": "p_holm",
    }  # fmt: skip
    values = table[[prefix + name for name in names]].set_axis(list(names.values()), axis=1)
    found = pd.concat([place, values], axis=1)
    return found.assign(state=[_state(row) for row in found.to_dict("records")])


def _state(row: dict[str, Any]) -> str:
    if np.isnan(row["ratio"]):
        return UNKNOWN
    if not row["p_holm"] < 1 - LEVEL or not (row["high"] < 1 or row["low"] > 1):
        return UNDECIDED
    return BETTER if row["high"] < 1 else WORSE


def runs(results: Results, cell: Cell) -> pd.DataFrame:
    """A row a run of the cell: its seeds, the test MSE of each role there is, and their ratios."""
    table = results.runs(cell)
    if "control" not in results.grid.roles or isinstance(results.grid, TunedGrid):
        table = table.drop(columns="control")
    for other in ("reg", "control"):
        if other in table:
            table[f"reg+cls / {other}"] = table["reg+cls"] / table[other]
    return table
