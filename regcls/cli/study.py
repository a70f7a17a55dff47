"""What the study's commands do, as functions from plain values to JSON-able records."""

from __future__ import annotations

import contextlib
import importlib.util
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from regcls import study


def plan(name: str, store: Path) -> dict[str, Any]:
    """What a grid asks for, what of it is stored, and about how long the rest takes."""
    grid = study.load(name)
    now = study.status(grid, store)
    models = grid.models()
    return {
        "grid": grid.name,
        "title": grid.title,
        "hash": grid.hash,
        "cells": len(grid.cells),
        "runs": len(grid.runs),
        "models": now.models,
        "regcls": sum(model.classes > 0 for model in models + grid.to_come()),
        "done": now.done,
        "seconds": now.seconds_left,
    }


def run(
    name: str,
    store: Path,
    jobs: int | None,
    scheduler: str | None,
    on_lost: str,
    fresh: bool,
    report: Callable[[study.Progress], None],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Train what is missing; SIGINT and SIGTERM end the run with all that is stored."""
    grid = study.load(name)
    if scheduler is not None and importlib.util.find_spec("distributed") is None:
        raise ValueError("a scheduler needs Dask: pip install -r requirements-cluster.txt")
    with study.Store(store, fresh) as kept, _stop_on_signals() as stop:
        if kept.moved:
            tell(f"The damaged store is now {kept.moved}; a new one was started.")
        # joblib starts a worker anew when its memory has grown, and nothing is lost by that.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
        progress = study.run(
            grid,
            kept,
            jobs=jobs,
            on_progress=report,
            should_stop=stop.is_set,
            scheduler=scheduler,
            on_lost=on_lost,
        )
    return {"grid": grid.name, **asdict(progress), "store": str(store)}


def status(name: str, store: Path) -> dict[str, Any]:
    """How far a grid is and who works on it."""
    now = study.status(study.load(name), store)
    return asdict(now) | {"running": now.running}


def show(name: str, store: Path) -> dict[str, Any]:
    """Every cell of a grid with its comparisons."""
    return study.summary(study.read(study.load(name), store))


def export(name: str, store: Path, out: Path, compact: bool) -> dict[str, Any]:
    """Write a row a trained model to a Parquet or CSV file. Raises ``ValueError`` without any."""
    results = study.read(study.load(name), store)
    if results.table.empty:
        raise ValueError(f"nothing of {name} is trained yet: python -m regcls study run {name}")
    results.export(out, compact)
    return {"file": str(out), "models": len(results.table), "bytes": out.stat().st_size}


@contextlib.contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """The event is set by the first SIGINT or SIGTERM; a second SIGINT interrupts at once."""
    stop = threading.Event()

    def handle(number: int, frame) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
