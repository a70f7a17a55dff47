"""Tables for the Study's charts: cells in rows, columns and along x, mean errors and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from regcls.stats.verdicts import BETTER, EQUAL, TOO_FEW, UNDECIDED, WORSE
from regcls.study.grid import AXES, Grid
from regcls.study.pooled import NAMES, Effect, Pooled
from regcls.study.ratios import NO_RESULT
from regcls.study.results import Results
from regcls.study.spec import ROLES, Cell
from regcls.study.tuning import TunedGrid

LEVEL = 0.95
AGAINST = NAMES
NO_DIFFERENCE = UNDECIDED
STATES = (BETTER, WORSE, EQUAL, NO_DIFFERENCE, TOO_FEW, NO_RESULT)
ALL = "all"  # setting and value of the whole grid in `pooled_table`
TITLES = {
    "classes": "number of classes C",
    "hidden": "hidden units",
    "lr": "learning rate",
    "bins": "bins",
}
_X_CANDIDATES = tuple(TITLES)  # the first of these that varies runs along the x-axis
_DISPLAY = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "mse": "MSE", "mae": "MAE"}
_PLACE = ["cell", "label", "row", "sampling", "x"]


@dataclass(frozen=True)
class Layout:
    """Layout of a grid's cells: one panel per row and sampling.

    Attributes
    ----------
    x : str
        Setting along the x-axis of each panel.
    rows : tuple of str
        Settings that distinguish the rows.
    varied : tuple of str
        Settings with more than one value.
    """

    x: str
    rows: tuple[str, ...]
    varied: tuple[str, ...]

    @property
    def title(self) -> str:
        """Title of the x-axis."""
        return TITLES[self.x]


def grid_layout(grid: Grid) -> Layout:
    """Lay out a grid: samplings as columns, classes or another setting along x, the rest as rows.

    Parameters
    ----------
    grid : Grid
        The grid.

    Returns
    -------
    Layout

    Examples
    --------
    >>> grid_layout(Grid("demo", classes=(4, 16), optimiser=("adam", "sgd")))
    Layout(x='classes', rows=('scenario', 'optimiser'), varied=('classes', 'optimiser'))
    """
    varied = tuple(name for name in AXES if len(getattr(grid, name)) > 1)
    x = next((name for name in _X_CANDIDATES if name in varied), "classes")
    rows = ["scenario"] + [name for name in varied if name not in ("scenario", "sampling", x)]
    return Layout(x, tuple(rows), varied)


def value_label(name: str, value: Any) -> str:
    """Return the value of a setting as a label.

    Parameters
    ----------
    name : str
        Name of the setting.
    value : object
        Its value.

    Returns
    -------
    str

    Examples
    --------
    >>> value_label("hidden", (6, 15)), value_label("lr", 0.01), value_label("optimiser", "sgd")
    ('6-15', 'lr 0.01', 'SGD')
    """
    if isinstance(value, tuple):
        return "-".join(map(str, value))
    if isinstance(value, float):
        text = f"{value:g}"
        return {"weight": f"λ {text}", "lr": f"lr {text}"}.get(name, text)
    return _DISPLAY.get(str(value), str(value))


def cell_slug(plan: Layout, cell: Cell) -> str:
    """Return the name of a cell in a URL, from the settings that vary.

    Parameters
    ----------
    plan : Layout
        Layout of the grid.
    cell : Cell
        A cell of the grid.

    Returns
    -------
    str
        Such as "clean_severe_64".
    """
    varied = plan.varied or ("sampling",)
    return "_".join(value_label(name, getattr(cell, name)).replace(" ", "") for name in varied)


def cells_by_slug(grid: Grid) -> dict[str, Cell]:
    """Return the cells of a grid by their names in a URL.

    Parameters
    ----------
    grid : Grid
        The grid.

    Returns
    -------
    dict of str to Cell
    """
    plan = grid_layout(grid)
    return {cell_slug(plan, cell): cell for cell in grid.cells}


def cell_label(plan: Layout, cell: Cell) -> str:
    """Return the settings of a cell as a label.

    Parameters
    ----------
    plan : Layout
        Layout of the grid.
    cell : Cell
        A cell of the grid.

    Returns
    -------
    str
        Such as "severe, clean, C = 64".
    """
    x = value_label(plan.x, getattr(cell, plan.x))
    parts = [cell.sampling, *(value_label(name, getattr(cell, name)) for name in plan.rows)]
    named = {"classes": f"C = {x}", "hidden": f"{x} hidden units"}.get(plan.x, x)
    return ", ".join([*parts, named])


def cell_table(results: Results) -> pd.DataFrame:
    """Return the comparisons of all cells with their place in the layout.

    Parameters
    ----------
    results : Results
        Results of the grid.

    Returns
    -------
    DataFrame
        One row per cell: cell (its name in a URL), label, row and x as text, and the columns of
        `Results.cells`.
    """
    plan = grid_layout(results.grid)
    cells = results.grid.cells
    place = pd.DataFrame(
        {
            "cell": [cell_slug(plan, c) for c in cells],
            "label": [cell_label(plan, c) for c in cells],
            "row": [" · ".join(value_label(n, getattr(c, n)) for n in plan.rows) for c in cells],
            "x": [value_label(plan.x, getattr(c, plan.x)).removeprefix("lr ") for c in cells],
        }
    )
    return pd.concat([place, results.cells], axis=1)


def mean_errors(results: Results) -> pd.DataFrame:
    """Return the mean test MSE of each cell and role, with a t-interval over functions.

    Parameters
    ----------
    results : Results
        Results of the grid.

    Returns
    -------
    DataFrame
        One row per cell and role with results: cell, label, row, sampling, x, model, mean, runs,
        low and high (95% interval; NaN for fewer than three functions).
    """
    parts = []
    places = cell_table(results)[_PLACE].to_dict("records")
    for place, cell in zip(places, results.grid.cells, strict=True):
        runs = results.runs(cell)
        for role in ROLES:
            known = runs.dropna(subset=[role])
            if len(known) and np.isfinite(known[role]).all():
                low, high = _interval(known.groupby("function")[role].mean().to_numpy())
                values = (role, float(known[role].mean()), len(known), low, high)
                parts.append([*place.values(), *values])
    columns = [*_PLACE, "model", "mean", "runs", "low", "high"]
    return pd.DataFrame(parts, columns=columns)


def _interval(means: np.ndarray) -> tuple[float, float]:
    """Return the t-interval of the mean of functions; NaN for fewer than three."""
    from scipy import stats

    if len(means) < 3:
        return np.nan, np.nan
    reach = stats.t.ppf((1 + LEVEL) / 2, len(means) - 1) * stats.sem(means)
    return max(float(means.mean() - reach), 0.0), float(means.mean() + reach)


def published_means(results: Results) -> pd.DataFrame:
    """Return the published mean test MSE of each cell and model.

    Parameters
    ----------
    results : Results
        Results of the grid.

    Returns
    -------
    DataFrame
        One row per published mean: cell, label, row, sampling, x, model, mean. It is empty for
        settings other than the paper's.
    """
    table = cell_table(results)
    if isinstance(results.grid, TunedGrid):
        table = table.iloc[:0]
    parts = [
        table.dropna(subset=[column])[_PLACE].assign(model=model, mean=table[column].dropna())
        for model, column in (("reg", "published_reg"), ("reg+cls", "published_regcls"))
        if column in table
    ]
    return pd.concat(parts) if parts else pd.DataFrame(columns=[*_PLACE, "model", "mean"])


def comparison_table(results: Results, against: str) -> pd.DataFrame:
    """Return the comparison of reg+cls with another model in each cell.

    Parameters
    ----------
    results : Results
        Results of the grid.
    against : str
        A key of `AGAINST`: "reg", "control", or "tuned" for a grid that tunes its settings.

    Returns
    -------
    DataFrame
        One row per cell: its place, ratio with low and high, wins, p_holm, and state: the verdict,
        one of `STATES`. Interval, p-value and verdict are those of `Results.cells`, Holm-corrected
        over all cells.
    """
    prefix = "control_" if against == "control" else ""
    table = cell_table(results)
    place = table[["cell", "label", "row", "scenario", "sampling", "x", "classes", "runs"]]
    names = {
        "ratio": "ratio",
        "ratio_low": "low",
        "ratio_high": "high",
        "wins": "wins",
        "p_holm": "p_holm",
        "verdict": "state",
    }
    values = table[[prefix + name for name in names]].set_axis(list(names.values()), axis=1)
    return pd.concat([place, values], axis=1)


def _group_value(name: str, value: Any) -> str:
    return f"C = {value}" if name == "classes" else value_label(name, value)


def named_groups(found: Pooled) -> dict[tuple[str, str], Effect]:
    """Return the effects by the values of each setting that varies, under names for people.

    Parameters
    ----------
    found : Pooled
        Pooled effect of a grid.

    Returns
    -------
    dict of (str, str) to Effect
        Effects by the names of a setting and its value.
    """
    return {
        (TITLES.get(name, name).replace("_", " "), _group_value(name, value)): effect
        for (name, value), effect in found.groups.items()
    }


def pooled_table(results: Results) -> pd.DataFrame:
    """Return the pooled effects by the values of each setting that varies.

    Parameters
    ----------
    results : Results
        Results of the grid.

    Returns
    -------
    DataFrame
        One row per comparison and group of settings, the whole grid first: against, setting, value,
        settings (number that count), ratio, low, high, p_holm and verdict. The groups of a
        comparison are one family for Holm's correction.
    """
    rows = []
    for found in results.pooled.values():
        for (name, value), effect in {(ALL, ALL): found.overall, **named_groups(found)}.items():
            interval = (effect.ratio, effect.low, effect.high, effect.p, effect.verdict)
            rows.append((found.roles[1], name, value, effect.cells, *interval))
    columns = ["against", "setting", "value", "settings", "ratio", "low", "high", "p_holm"]
    return pd.DataFrame(rows, columns=[*columns, "verdict"])


def run_table(results: Results, cell: Cell) -> pd.DataFrame:
    """Return the runs of a cell with the ratios of their test errors.

    Parameters
    ----------
    results : Results
        Results of the grid.
    cell : Cell
        A cell of the grid.

    Returns
    -------
    DataFrame
        One row per run: its seeds, the test MSE of each role, and the ratios of reg+cls to reg and
        to the control.
    """
    table = results.runs(cell)
    if "control" not in results.grid.roles or isinstance(results.grid, TunedGrid):
        table = table.drop(columns="control")
    for other in ("reg", "control"):
        if other in table:
            table[f"reg+cls / {other}"] = table["reg+cls"] / table[other]
    return table


def settings_text(grid: Grid) -> str:
    """Return what all cells of a grid share as a sentence, for the files of its charts.

    Parameters
    ----------
    grid : Grid
        The grid.

    Returns
    -------
    str
        Name, number of settings and runs, and protocol.

    Examples
    --------
    >>> print(settings_text(Grid("demo", title="A demo", classes=(4, 16))))
    Grid “demo” (A demo): 2 settings, each planned for 10 functions × 5 data seeds, with 65,115 \
samples per data set (a third for training), 80 epochs and batches of 256.
    """
    title = f" ({grid.title})" if grid.title else ""
    repeats = f" × {grid.repeats} initialisations" if grid.repeats > 1 else ""
    protocol = grid.protocol
    return (
        f"Grid “{grid.name}”{title}: {len(grid.cells)} settings, each planned for "
        f"{len(grid.functions)} functions × {grid.data_seeds} data seeds{repeats}, with "
        f"{protocol.samples:,} samples per data set (a third for training), {protocol.epochs} "
        f"epochs and batches of {protocol.batch}."
    )
