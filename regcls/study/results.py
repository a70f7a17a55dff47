"""Results of a grid: trained models, one comparison per cell and errors per target range."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls import published
from regcls.exceptions import UserError
from regcls.lab.settings import LabSettings
from regcls.study.grid import AXES, Grid
from regcls.study.pooled import NAMES, Effect, Pooled, effects, pooled_effect
from regcls.study.ratios import Ratios, error_ratios
from regcls.study.rows import COLUMNS
from regcls.study.spec import (
    FIRST_PROTOCOL,
    PAPER,
    ROLES,
    Cell,
    Entry,
    GridError,
    Model,
    Protocol,
    Run,
)
from regcls.study.store import Store
from regcls.study.tuning import TUNED, TUNED_FOR_REG, VARIANTS, Setting, TunedGrid

SHIPPED = Path(__file__).parent / "results"
AGAINST = ("reg", "control")


@dataclass(frozen=True)
class Results:
    """Results of a grid.

    Attributes
    ----------
    grid : Grid
        The grid.
    table : DataFrame
        One row per trained model, indexed by its key: role, phase, the values of its
        configuration, and what the store holds about it.
    source : str
        "store" or "shipped".
    """

    grid: Grid
    table: pd.DataFrame
    source: str

    @cached_property
    def known(self) -> dict[str, float]:
        """Validation MSE by model key; inf if training diverged."""
        return self._by_key("val_mse")

    @cached_property
    def _mse(self) -> dict[str, float]:
        return self._by_key("test_mse")

    def _by_key(self, column: str) -> dict[str, float]:
        values = self.table[column].to_numpy(dtype=float)
        return dict(zip(self.table.index, np.where(np.isnan(values), np.inf, values), strict=True))

    @cached_property
    def _models(self) -> dict[Cell, dict[str, list[Model]]]:
        return {cell: self.grid.models_of(cell, self.known) for cell in self.grid.cells}

    def runs(self, cell: Cell) -> pd.DataFrame:
        """Return the test errors of each run of a cell.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.

        Returns
        -------
        DataFrame
            One row per run: function, data_seed, init_seed, search (only if the grid tunes its
            settings), and the test MSE of each role (NaN if not trained, inf if it diverged).
        """
        table = pd.DataFrame([vars(run) for run in self.grid.runs])
        if isinstance(self.grid, TunedGrid):
            table["search"] = self.grid.run_searches
        for role in ROLES:
            models = self._models[cell].get(role, [])
            errors = dict(zip(map(_run_of, models), self._test_mse(models), strict=True))
            table[role] = [errors.get(run, math.nan) for run in self.grid.runs]
        return table

    def _test_mse(self, models: Iterable[Model]) -> list[float]:
        return [self._mse.get(model.key, math.nan) for model in models]

    @cached_property
    def _runs(self) -> list[pd.DataFrame]:
        return [self.runs(cell) for cell in self.grid.cells]

    def ratios(self, role: str, other: str) -> list[Ratios]:
        """Return the ratios of the test MSE of two roles.

        Parameters
        ----------
        role, other : str
            The two roles, "reg", "control" or "reg+cls".

        Returns
        -------
        list of Ratios
            Ratios of each cell.
        """
        return [
            error_ratios(runs[role], runs[other], runs["function"], runs.get("search"))
            for runs in self._runs
        ]

    @cached_property
    def effects(self) -> dict[str, list[Effect]]:
        """Effects of the classes in each cell, one family, by what reg+cls is compared with."""
        ratios = {other: self.ratios("reg+cls", other) for other in AGAINST}
        return {other: effects([[cell] for cell in cells]) for other, cells in ratios.items()}

    @cached_property
    def pooled(self) -> dict[str, Pooled]:
        """Pooled effect of the classes, by the role that reg+cls is compared with.

        The control comes first, since only a gain over it is due to the classes.
        """
        roles = VARIANTS if isinstance(self.grid, TunedGrid) else self.grid.roles
        against = [other for other in reversed(AGAINST) if other in roles]
        return {other: self.pool("reg+cls", other) for other in against if "reg+cls" in roles}

    def pool(self, role: str, other: str) -> Pooled:
        """Return the pooled ratio of the test MSE of two roles.

        Parameters
        ----------
        role, other : str
            The two roles, "reg", "control" or "reg+cls".

        Returns
        -------
        Pooled
            Over all cells, and by the values of each setting that varies.
        """
        varied = [name for name in AXES if len(getattr(self.grid, name)) > 1]
        name = NAMES["tuned" if isinstance(self.grid, TunedGrid) else other]
        return pooled_effect(self.grid.cells, self.ratios(role, other), varied, (role, name))

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per cell: settings, number of trained runs, and comparisons.

        Every row has the mean test MSE of each role, and reg+cls against reg and, as ``control_…``,
        against the control: ``ratio`` (geometric mean over functions) with ``ratio_low`` and
        ``ratio_high``, ``wins``, ``p_holm`` and ``verdict``, corrected over all cells. A grid with
        the paper's settings adds the published figures. A grid that tunes its settings adds those
        chosen (a list if there are several searches), and as ``…_search`` the lowest, median and
        90% quantile of the test MSE over all settings tried, averaged over searches.
        """
        return pd.DataFrame([self._cell_row(i, cell) for i, cell in enumerate(self.grid.cells)])

    def _cell_row(self, i: int, cell: Cell) -> dict[str, Any]:
        runs = self._runs[i]
        row: dict[str, Any] = {name: getattr(cell, name) for name in AXES}
        row["runs"] = int(runs["reg+cls"].notna().sum())
        for role in ROLES:
            row[f"{_column(role)}_mse"] = _mean(runs[role])
        row["diverged"] = int(np.isinf(runs[list(ROLES)].to_numpy()).sum())
        for other in AGAINST:
            row |= self.effects[other][i].columns("" if other == "reg" else f"{other}_")
        if isinstance(self.grid, TunedGrid):
            return row | self._tuned_columns(self.grid, cell)
        return row | self._published_columns(cell)

    def _tuned_columns(self, grid: TunedGrid, cell: Cell) -> dict[str, Any]:
        # The cell has no value of its own for a tuned setting.
        row: dict[str, Any] = dict.fromkeys((*TUNED, "loss_scale"))
        for variant in VARIANTS:
            name = _column(variant)
            best = [grid.best(cell, variant, self.known, k) for k in grid.searches]
            for key in TUNED if variant == "reg+cls" else TUNED_FOR_REG:
                chosen = [None if setting is None else getattr(setting, key) for setting in best]
                row[f"{name}_{key}"] = chosen[0] if len(chosen) == 1 else chosen
            tried = (grid.searched[cell, variant, k] for k in grid.searches)
            found = [q for q in map(self._search_quantiles, tried) if q]
            row[f"{name}_search"] = np.mean(found, axis=0).tolist() if found else []
        return row

    def _search_quantiles(self, tried: list[tuple[Setting, list[Model]]]) -> list[float]:
        """Return quantiles of the test MSE over the settings of a search; empty if none is done."""
        means = [float(np.mean(self._test_mse(models))) for _, models in tried]
        done = [mean for mean in means if not math.isnan(mean)]
        return np.quantile(done, [0, 0.5, 0.9], method="nearest").tolist() if done else []

    def _published_columns(self, cell: Cell) -> dict[str, float]:
        figure = published.published_1d().get((cell.scenario, cell.sampling, cell.classes))
        if figure is None or not _is_paper(cell, self.grid.protocol):
            return dict.fromkeys(("published_reg", "published_regcls", "published_wins"), math.nan)
        return {
            "published_reg": figure.reg_mse,
            "published_regcls": figure.regcls_mse,
            "published_wins": figure.wins,
        }

    def ranges(self, cell: Cell, run: Run | None = None) -> pd.DataFrame:
        """Return errors per target range.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        run : Run, optional
            A run of the cell; by default, errors are means over all runs with test samples in the
            range.

        Returns
        -------
        DataFrame
            One row per role and range: role, low and high (0 to 1, as shares of the span of the
            function's values), train (share of the training targets), mse, mae.
        """
        parts = []
        for role, models in self._models[cell].items():
            if run is not None:
                models = [m for m in models if m.init_seed == run.init_seed]
            found = [self.table.loc[m.key, "ranges"] for m in models if m.key in self.table.index]
            if found:
                parts.append(_range_frame(role, [json.loads(str(text)) for text in found]))
        columns = ["role", "low", "high", "train", "mse", "mae"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    def lab_settings(self, cell: Cell, run: Run) -> LabSettings:
        """Return the Lab settings of a run; for a tuned cell, those chosen for reg+cls.

        Parameters
        ----------
        cell : Cell
            A cell of the grid.
        run : Run
            A run of the cell.

        Returns
        -------
        LabSettings

        Raises
        ------
        GridError
            If the search of a tuned cell is not complete.
        """
        if isinstance(self.grid, TunedGrid):
            search = self.grid.run_searches[self.grid.runs.index(run)]
            best = self.grid.best(cell, "reg+cls", self.known, search)
            if best is None:
                raise GridError("the search of this cell is not complete yet")
            cell = self.grid.with_setting(cell, best)
        return cell.lab_settings(run, self.grid.protocol)

    def export(self, path: Path, compact: bool = False) -> Path:
        """Write the table of trained models to a file.

        Parameters
        ----------
        path : Path
            File to write; its ending, ".parquet" or ".csv", determines the format.
        compact : bool, default False
            Whether to store errors as float32, and to leave out ranges and curves of the models
            that were part of a search.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        UserError
            If the file has another ending.
        """
        table = self.table.reset_index()
        if compact:
            table = table.astype(dict.fromkeys(("test_mse", "val_mse", "seconds"), np.float32))
            table.loc[table["phase"] == "search", ["ranges", "curve"]] = None
        if path.suffix == ".parquet":
            table.to_parquet(path, compression="zstd", compression_level=19, index=False)
        elif path.suffix == ".csv":
            table.to_csv(path, index=False)
        else:
            raise UserError(f"the file name must end in .parquet or .csv, not {path.name!r}")
        return path


def read(grid: Grid, store: Path | None = None) -> Results:
    """Read the results of a grid.

    Parameters
    ----------
    grid : Grid
        The grid.
    store : Path, optional
        File of the store; it need not exist.

    Returns
    -------
    Results
        Results from the store or, if it has none, those that ship with regcls.

    Raises
    ------
    StoreError
        If the store cannot be used.
    """
    if store is not None and store.exists():
        with Store(store) as kept:
            roster = grid.roster(kept.known())
            rows = kept.rows(roster)
        if rows:
            return Results(grid, _with_search(_table(rows, roster), roster, grid), "store")
    shipped = SHIPPED / f"{grid.name}.parquet"
    if shipped.is_file():
        return read_shipped(grid, shipped)
    return Results(grid, _table([], {}), "store")


def read_shipped(grid: Grid, path: Path) -> Results:
    """Read exported results of a grid.

    Parameters
    ----------
    grid : Grid
        The grid.
    path : Path
        A Parquet file that `Results.export` has written.

    Returns
    -------
    Results
        Results of the models that belong to the grid.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    try:
        table = pd.read_parquet(path).set_index("key")
        errors = table["val_mse"].fillna(math.inf)
    except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are ValueErrors
        raise UserError(f"{path.name} has no results that can be read: {error}") from error
    known = dict(zip(table.index, errors.tolist(), strict=True))
    roster = grid.roster(known)
    table = table[table.index.isin(roster)]
    return Results(grid, _with_search(table, roster, grid), "shipped")


def _table(rows: Sequence[tuple], roster: Mapping[str, Entry]) -> pd.DataFrame:
    """Return rows of the store as a table, with role, phase and configuration as columns."""
    table = pd.DataFrame(rows, columns=COLUMNS)
    configs = pd.DataFrame(
        [json.loads(text) for text in table.pop("config")],
        columns=[f.name for f in fields(Model)],
        index=table.index,
    )
    configs["hidden"] = ["-".join(map(str, sizes)) for sizes in configs["hidden"]]
    new = [name for name in configs.columns if name not in table.columns]
    table = pd.concat([table, configs[new]], axis=1).set_index("key")
    entries = [roster[key] for key in table.index]
    table.insert(0, "role", [entry.role for entry in entries])
    table.insert(1, "phase", [entry.phase for entry in entries])
    return table


def _with_search(table: pd.DataFrame, roster: Mapping[str, Entry], grid: Grid) -> pd.DataFrame:
    """Add the number of the search of each model, if the grid tunes its settings."""
    if not isinstance(grid, TunedGrid):
        return table
    return table.assign(search=[roster[key].search for key in table.index])


def _run_of(model: Model) -> Run:
    return Run(model.function, model.data_seed, model.init_seed)


def _mean(values: pd.Series) -> float:
    """Return the mean of the known values; NaN if there are none or if a run diverged."""
    mean = float(values.mean()) if values.notna().any() else math.nan
    return mean if math.isfinite(mean) else math.nan


def _column(role: str) -> str:
    return role.replace("+", "")


def _is_paper(cell: Cell, protocol: Protocol) -> bool:
    """Return whether the published figures were obtained with this setting."""
    grid = Grid(
        PAPER, scenario=(cell.scenario,), sampling=(cell.sampling,), classes=(cell.classes,)
    )
    return grid.cells[0] == cell and protocol in (Protocol(), FIRST_PROTOCOL)


def _range_frame(role: str, records: list[dict[str, Any]]) -> pd.DataFrame:
    """Return errors per range, averaged over the runs with test samples in the range."""
    count = len(records[0]["mse"])
    train = np.array([record["train"] for record in records], dtype=float)
    means = {}
    for metric in ("mse", "mae"):
        values = np.array([record[metric] for record in records], dtype=float)  # None → NaN
        known = np.isfinite(values)
        total = np.where(known, values, 0).sum(axis=0)
        means[metric] = np.divide(
            total, known.sum(axis=0), out=np.full(count, np.nan), where=known.any(axis=0)
        )
    edges = np.linspace(0, 1, count + 1)
    share = (train / train.sum(axis=1, keepdims=True)).mean(axis=0)
    return pd.DataFrame(
        {"role": role, "low": edges[:-1], "high": edges[1:], "train": share, **means}
    )
