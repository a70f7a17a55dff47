"""Results of a grid: a table of its models, a comparison a cell, errors per target range."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from regcls import published
from regcls.lab.settings import LabSettings
from regcls.stats import comparison
from regcls.study.grid import Grid
from regcls.study.spec import PAPER, ROLES, Cell, Entry, GridError, Model, Protocol, Run
from regcls.study.store import COLUMNS, Store
from regcls.study.tuning import VARIANTS, TunedGrid

SHIPPED = Path(__file__).parent / "results"
_SETTING = tuple(f.name for f in fields(Cell))
AGAINST = ("reg", "control")
TUNED = ("lr", "weight", "weight_decay", "classes")


@dataclass(frozen=True)
class Results:
    """What is known of a grid. ``table``: one row a trained model, indexed by key, with the columns
    of the store but ``config`` as columns of its own. ``source``: "store" or "shipped"."""

    grid: Grid
    table: pd.DataFrame
    source: str

    @cached_property
    def known(self) -> dict[str, float]:
        """Validation MSE by key; inf where training diverged."""
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
        """A row a run of the cell: function, data_seed, init_seed, and the test MSE of each role
        (NaN where it is not trained yet, inf where it diverged)."""
        table = pd.DataFrame([vars(run) for run in self.grid.runs])
        for role in ROLES:
            models = self._models[cell].get(role) or [None] * len(table)
            table[role] = [self._mse.get(m.key, math.nan) if m else math.nan for m in models]
        return table

    @cached_property
    def cells(self) -> pd.DataFrame:
        """A row a cell, none left out: its setting, what is trained, mean test MSE of the roles,
        reg+cls against reg (``ratio``, ``wins``, …) and against the control (``control_ratio``, …),
        and the published figures where the setting is the paper's. Where a search decides, what it
        chose, and the test MSE over its settings (least, median, 90 % quantile) as ``…_search``."""
        rows = [self._cell_row(cell) for cell in self.grid.cells]
        for other in AGAINST:
            prefix = _prefix(other)
            corrected = comparison.holm([row[f"{prefix}p"] for row in rows])
            for row, p in zip(rows, corrected, strict=True):
                row[f"{prefix}p_holm"] = float(p)
        return pd.DataFrame(rows)

    def _cell_row(self, cell: Cell) -> dict[str, Any]:
        runs = self.runs(cell)
        row: dict[str, Any] = {name: getattr(cell, name) for name in _SETTING}
        row["runs"] = int(runs["reg+cls"].notna().sum())
        for role in ROLES:
            row[f"{_plain(role)}_mse"] = _mean(runs[role])
        row["diverged"] = int(np.isinf(runs[list(ROLES)].to_numpy()).sum())
        for other in AGAINST:
            row |= _compared(runs, other)
        if isinstance(self.grid, TunedGrid):
            return row | self._tuned(self.grid, cell)
        return row | self._published(cell)

    def _tuned(self, grid: TunedGrid, cell: Cell) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys((*TUNED, "loss_scale"))  # none of its own
        for variant in VARIANTS:
            name = _plain(variant)
            best = grid.best(cell, variant, self.known)
            for key in TUNED if variant == "reg+cls" else TUNED[:3]:
                row[f"{name}_{key}"] = None if best is None else getattr(best, key)
            means = [
                np.mean([self._mse.get(model.key, math.nan) for model in models])
                for _, models in grid.searched[cell, variant]
            ]
            done = np.array([mean for mean in means if not math.isnan(mean)])
            quantiles = np.quantile(done, [0, 0.5, 0.9], method="nearest") if len(done) else []
            row[f"{name}_search"] = list(map(float, quantiles))
        return row

    def _published(self, cell: Cell) -> dict[str, float]:
        figure = published.published_1d().get((cell.scenario, cell.sampling, cell.classes))
        if figure is None or not _is_paper(cell, self.grid.protocol):
            return dict.fromkeys(("published_reg", "published_regcls", "published_wins"), math.nan)
        return {
            "published_reg": figure.reg_mse,
            "published_regcls": figure.regcls_mse,
            "published_wins": figure.wins,
        }

    def ranges(self, cell: Cell, run: Run | None = None) -> pd.DataFrame:
        """Errors per target range (as shares of the function's values, 0 to 1), a row a (role,
        range): low, high, train (share of the training targets), mse, mae; means over the runs
        that reach the range, or of one run."""
        parts = []
        for role, models in self._models[cell].items():
            if run is not None:
                models = [m for m in models if m.init_seed == run.init_seed]
            found = [self.table.at[m.key, "ranges"] for m in models if m.key in self.table.index]
            if found:
                parts.append(_range_frame(role, [json.loads(text) for text in found]))
        columns = ["role", "low", "high", "train", "mse", "mae"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    def lab_settings(self, cell: Cell, run: Run) -> LabSettings:
        """A run's setting in the Lab; of a tuned cell, that of reg+cls."""
        if isinstance(self.grid, TunedGrid):
            best = self.grid.best(cell, "reg+cls", self.known)
            if best is None:
                raise GridError("the search of this cell is not complete")
            cell = self.grid.with_setting(cell, best)
        return cell.lab_settings(run, self.grid.protocol)

    def export(self, path: Path, compact: bool = False) -> Path:
        """Write the table as ``.parquet`` or ``.csv``. ``compact``: errors as float32, and of the
        models of a search neither ranges nor curve. Raises ``ValueError`` for another ending."""
        table = self.table.reset_index()
        if compact:
            table = table.astype(dict.fromkeys(("test_mse", "val_mse", "seconds"), np.float32))
            table.loc[table["phase"] == "search", ["ranges", "curve"]] = None
        if path.suffix == ".parquet":
            table.to_parquet(path, compression="zstd", compression_level=19, index=False)
        elif path.suffix == ".csv":
            table.to_csv(path, index=False)
        else:
            raise ValueError(f"the file must end in .parquet or .csv, not {path.name!r}")
        return path


def read(grid: Grid, store: Path | None = None) -> Results:
    """What the store has of the grid; if nothing, the results that ship with this program."""
    if store is not None and store.exists():
        with Store(store) as kept:
            roster = grid.roster(kept.known())
            rows = kept.rows(roster)
        if rows:
            return Results(grid, _table(rows, roster), "store")
    shipped = SHIPPED / f"{grid.name}.parquet"
    if shipped.is_file():
        table = pd.read_parquet(shipped).set_index("key")
        known = table["val_mse"].fillna(math.inf).to_dict()
        return Results(grid, table[table.index.isin(grid.roster(known))], "shipped")
    return Results(grid, _table([], {}), "store")


def find_cell(grid: Grid, **setting: Any) -> Cell:
    """The one cell of the grid with these values. Raises ``GridError`` if there is not just one."""
    found = [c for c in grid.cells if all(getattr(c, k) == v for k, v in setting.items())]
    if len(found) != 1:
        raise GridError(f"{len(found)} cells of {grid.name} have the setting {setting}")
    return found[0]


def _table(rows: Sequence[tuple], roster: Mapping[str, Entry]) -> pd.DataFrame:
    """The store's rows, each configuration's values as columns, with role and phase."""
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


def _mean(values: pd.Series) -> float:
    """NaN where nothing is known, or where a run diverged."""
    mean = float(values.mean()) if values.notna().any() else math.nan
    return mean if math.isfinite(mean) else math.nan


def _plain(role: str) -> str:
    return role.replace("+", "")


def _prefix(other: str) -> str:
    return "" if other == "reg" else f"{other}_"


def _compared(runs: pd.DataFrame, other: str) -> dict[str, Any]:
    prefix = _prefix(other)
    both = runs.dropna(subset=["reg+cls", other])
    if both.empty:
        empty = dict.fromkeys(("ratio", "ratio_low", "ratio_high", "wins", "p"), math.nan)
        return {f"{prefix}{k}": v for k, v in (empty | {"verdict": "", "resampled": []}).items()}
    c = comparison.compare(
        both["reg+cls"], both[other], both["function"], both["data_seed"], both["init_seed"]
    )
    values = {
        "ratio": c.median_ratio, "ratio_low": c.ratio_low, "ratio_high": c.ratio_high,
        "wins": c.wins, "p": c.p, "verdict": c.verdict, "resampled": list(c.resampled),
    }  # fmt: skip
    return {f"{prefix}{k}": v for k, v in values.items()}


def _is_paper(cell: Cell, protocol: Protocol) -> bool:
    """Whether this is how the published figures were made."""
    grid = Grid(
        PAPER, scenario=(cell.scenario,), sampling=(cell.sampling,), classes=(cell.classes,)
    )
    return grid.cells[0] == cell and protocol == Protocol()


def _range_frame(role: str, records: list[dict[str, Any]]) -> pd.DataFrame:
    """Means over the runs that have test samples in a range."""
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


def summary(results: Results) -> dict[str, Any]:
    """The grid's name, the number of trained models and every cell, as plain values."""
    grid = results.grid
    known = results.known
    varied = [name for name in _SETTING if results.cells[name].nunique() > 1]
    return {
        "grid": grid.name,
        "title": grid.title,
        "hash": grid.hash,
        "source": results.source,
        "models": len(results.table),
        "planned": len(grid.models(known)) + len(grid.to_come(known)),
        "varied": varied,
        "protocol": asdict(grid.protocol),
        "cells": results.cells.to_dict("records"),
    }
