"""Grids by name: plan, train, watch, compare and export them, with plain values as results."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from regcls.exceptions import UserError
from regcls.study import results as study_results
from regcls.study import runner, summarise
from regcls.study.grid import AXES
from regcls.study.loader import load
from regcls.study.runner import Progress
from regcls.study.status import read_status
from regcls.study.store import Store


def plan(name: str, store: Path) -> dict[str, Any]:
    """Return the size of a grid, how much of it is stored and how long the rest takes.

    Parameters
    ----------
    name : str
        Name of a shipped grid, or path of a TOML file.
    store : Path
        The SQLite file with the results; it need not exist.

    Returns
    -------
    dict
        ``grid``, ``title``, ``hash``, ``cells``, ``runs``, ``models`` (of which ``regcls`` are
        reg+cls), ``done`` (stored models) and ``seconds`` (estimate on this machine).

    Raises
    ------
    GridError
        If there is no such grid, or its description is invalid.
    StoreError
        If the store cannot be read.
    """
    grid = load(name)
    status = read_status(grid, store)
    return {
        "grid": grid.name,
        "title": grid.title,
        "hash": grid.hash,
        "cells": len(grid.cells),
        "runs": len(grid.runs),
        "models": status.models,
        "regcls": sum(model.classes > 0 for model in grid.models() + grid.placeholders()),
        "done": status.done,
        "seconds": status.seconds_left,
    }


def run(
    name: str,
    store: Path,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    on_lost: str = "local",
    fresh: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Train the models of a grid that are not stored yet.

    Parameters
    ----------
    name : str
        Name of a shipped grid, or path of a TOML file.
    store : Path
        The SQLite file that keeps the results.
    jobs : int, optional
        Number of processes; by default, one per core.
    scheduler : str, optional
        Address of a Dask scheduler whose workers train.
    on_lost : {"local", "stop"}
        What to do if the scheduler is lost: continue on this machine, or stop.
    fresh : bool
        Move a damaged store aside and start a new one.
    on_progress : callable, optional
        Called with the progress now and then.
    on_note : callable, optional
        Called with a sentence if a damaged store was moved.
    should_stop : callable, optional
        The run ends, with all finished models stored, as soon as this returns true.

    Returns
    -------
    dict
        ``grid``, ``store`` and the fields of the last `Progress`.

    Raises
    ------
    UserError
        If the grid, the store or an option is invalid, or Dask is needed and not installed.
    """
    grid = load(name)
    if scheduler is not None and importlib.util.find_spec("distributed") is None:
        raise UserError("a scheduler needs Dask: pip install -r requirements-cluster.txt")
    with Store(store, fresh) as kept:
        if kept.moved and on_note:
            on_note(f"The damaged store is now {kept.moved}; a new one was started.")
        # joblib restarts a worker whose memory has grown; no results are lost.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        progress = runner.run(
            grid,
            kept,
            jobs=jobs,
            on_progress=on_progress,
            should_stop=should_stop,
            scheduler=scheduler,
            on_lost=on_lost,
        )
    return {"grid": grid.name, **asdict(progress), "store": str(store)}


def status(name: str, store: Path) -> dict[str, Any]:
    """Return how much of a grid is stored and which processes train it.

    Parameters
    ----------
    name : str
        Name of a shipped grid, or path of a TOML file.
    store : Path
        The SQLite file with the results; it need not exist.

    Returns
    -------
    dict
        The fields of `regcls.study.status.Status`, and ``running``: whether a process trains this
        grid into this store.

    Raises
    ------
    GridError
        If there is no such grid, or its description is invalid.
    StoreError
        If the store cannot be read.
    """
    found = read_status(load(name), store)
    return asdict(found) | {"running": found.running}


def show(name: str, store: Path) -> dict[str, Any]:
    """Return every cell of a grid with its comparisons.

    Parameters
    ----------
    name : str
        Name of a shipped grid, or path of a TOML file.
    store : Path
        The SQLite file with the results. Without results in it, those that ship with regcls are
        shown.

    Returns
    -------
    dict
        The record of `record`.

    Raises
    ------
    GridError
        If there is no such grid, or its description is invalid.
    StoreError
        If the store cannot be read.
    """
    return record(study_results.read(load(name), store))


def export(name: str, store: Path, out: Path, compact: bool = False) -> dict[str, Any]:
    """Write one row per trained model of a grid to a file.

    Parameters
    ----------
    name : str
        Name of a shipped grid, or path of a TOML file.
    store : Path
        The SQLite file with the results.
    out : Path
        The ``.parquet`` or ``.csv`` file to write.
    compact : bool
        Write errors as float32, and neither ranges nor curves of a search's models.

    Returns
    -------
    dict
        ``file``, ``models`` (number of rows) and ``bytes``.

    Raises
    ------
    UserError
        If no model of the grid is trained, or the file has another ending.

    Notes
    -----
    Results that are exported to the folder of the shipped results get their summary beside them.
    """
    results = study_results.read(load(name), store)
    if results.table.empty:
        raise UserError(f"no model of {name} is trained yet: python -m regcls study run {name}")
    results.export(out, compact)
    if out.parent.resolve() == study_results.SHIPPED and out.suffix == ".parquet":
        summarise.write(out)  # the results that ship travel with their summary
    return {"file": str(out), "models": len(results.table), "bytes": out.stat().st_size}


def record(results: study_results.Results) -> dict[str, Any]:
    """Return a grid's results as plain values, as ``regcls study show --json`` prints them.

    Parameters
    ----------
    results : Results
        Results of the grid.

    Returns
    -------
    dict
        Name, title and hash of the grid, number of trained and planned models, the settings that
        vary, the protocol, the pooled effects by what reg+cls is compared with, and one record
        per cell.
    """
    grid = results.grid
    known = results.known
    varied = [name for name in AXES if results.cells[name].nunique() > 1]
    return {
        "grid": grid.name,
        "title": grid.title,
        "hash": grid.hash,
        "source": results.source,
        "models": len(results.table),
        "planned": len(grid.models(known)) + len(grid.placeholders(known)),
        "varied": varied,
        "protocol": asdict(grid.protocol),
        "pooled": {other: effect.record() for other, effect in results.pooled.items()},
        "cells": results.cells.to_dict("records"),
    }
