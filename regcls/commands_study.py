"""What the study's commands do, as functions from plain values to JSON-able records."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from regcls import study

STORE = Path("runs/study.sqlite")


def plan(name: str, store: Path) -> dict[str, Any]:
    """What a grid asks for, what of it is stored, and about how long the rest takes."""
    grid = study.load(name)
    models = grid.models()
    stored = _stored(store)
    missing = [model for model in models if model.key not in stored]
    return {
        "grid": grid.name,
        "title": grid.title,
        "hash": grid.hash,
        "cells": len(grid.cells),
        "models": len(models),
        "regcls": sum(model.classes > 0 for model in models),
        "done": len(models) - len(missing),
        "seconds": study.estimate(missing),
    }


def run(
    name: str,
    store: Path,
    jobs: int | None,
    fresh: bool,
    report: Callable[[study.Progress], None],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Train what is missing; SIGINT and SIGTERM end the run with all that is stored."""
    grid = study.load(name)
    with study.Store(store, fresh) as kept, _stop_on_signals() as stop:
        if kept.moved:
            tell(f"The damaged store is now {kept.moved}; a new one was started.")
        progress = study.run(grid, kept, jobs=jobs, on_progress=report, should_stop=stop.is_set)
    return {"grid": grid.name, **asdict(progress), "store": str(store)}


def _stored(store: Path) -> set[str]:
    if not store.exists():
        return set()
    with study.Store(store) as kept:
        return kept.keys()


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
