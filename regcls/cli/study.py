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
from typing import Annotated, Any

import typer

from regcls import study
from regcls.cli.output import (
    BAD_INPUT,
    AsJson,
    plainly,
    progress,
    say,
    sentence,
    show_json,
    show_table,
)
from regcls.utils.text import duration


def plan(name: str, store: Path) -> dict[str, Any]:
    """What a grid asks for, what of it is stored, and about how long the rest takes."""
    grid = study.load(name)
    now = study.read_status(grid, store)
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
    now = study.read_status(study.load(name), store)
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


study_app = typer.Typer(help="Grids of 1D experiments: plan, run, watch, read and export them.")


GridName = Annotated[str, typer.Argument(help="A grid's name, or a TOML file.")]
StorePath = Annotated[Path, typer.Option("--store", help="The file that keeps the results.")]
STORE = Path("runs/study.sqlite")


@study_app.command("plan")
@plainly
def plan_study(name: GridName, store: StorePath = STORE, as_json: AsJson = False):
    """What a grid would train, what of it is stored, and about how long the rest takes."""
    from regcls.cli import study as cli_study

    record = cli_study.plan(name, store)
    if as_json:
        return show_json(record)
    print(f"{record['grid']}: {record['title']}.")
    print(
        f"{record['cells']} cells, {record['models']} models, {record['regcls']} of them reg+cls; "
        f"{record['done']} are stored. The rest takes about {duration(record['seconds'])}."
    )


@study_app.command("run")
@plainly
def run_study(
    name: GridName,
    store: StorePath = STORE,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes; all cores if not said.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose workers train.")
    ] = None,
    on_lost: Annotated[
        str, typer.Option(help="If the scheduler is lost: local or stop.")
    ] = "local",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Put a damaged store aside and start a new one.")
    ] = False,
    as_json: AsJson = False,
):
    """Train all that is missing of a grid. Can be stopped (Ctrl-C) and started again at any time."""
    from regcls.cli import study as cli_study

    if not (as_json or fresh):
        plan_study(name, store)

    def report(p) -> None:
        progress(f"{p.done} of {p.models} models, {p.share:.0%}, {duration(p.seconds_left)} left")

    record = cli_study.run(name, store, jobs, scheduler, on_lost, fresh, report, say)
    progress("")
    if record["note"]:
        say(sentence(ValueError(record["note"])))
    if as_json:
        show_json(record)
    else:
        print(
            f"{'Stopped' if record['stopped'] else 'Finished'}: {record['done']} of "
            f"{record['models']} models are stored, {record['trained']} of them trained now, in "
            f"{duration(record['seconds'])}."
        )
    if record["note"] and record["stopped"]:
        raise typer.Exit(BAD_INPUT)


@study_app.command("status")
@plainly
def study_status(name: GridName, store: StorePath = STORE, as_json: AsJson = False):
    """How far a grid is, how long the rest takes, and who is at work."""
    from regcls.cli import study as cli_study

    record = cli_study.status(name, store)
    if as_json:
        return show_json(record)
    left = (
        f"; the rest takes about {duration(record['seconds_left'])}" if record["share"] < 1 else ""
    )
    print(f"{record['done']} of {record['models']} models are stored, {record['share']:.0%}{left}.")
    for runner in record["runners"]:
        print(f"Process {runner['pid']} on {runner['host']} is at work on {runner['grid']}.")
    for run in record["elsewhere"]:
        print(f"Process {run['pid']} is at work on {run['grid']}, into {run['store']}.")


@study_app.command("show")
@plainly
def show_study(name: GridName, store: StorePath = STORE, as_json: AsJson = False):
    """Every cell: mean test errors, reg+cls against reg and the control, and published figures."""
    from regcls.cli import study as cli_study

    record = cli_study.show(name, store)
    if as_json:
        return show_json(record)
    where = "which ship with regcls" if record["source"] == "shipped" else f"in {store}"
    print(f"{record['grid']}: {record['models']} of {record['planned']} models, {where}.\n")
    show_table(
        record["cells"],
        [
            *record["varied"], "runs", "reg_mse", "control_mse", "regcls_mse", "ratio",
            "ratio_low", "ratio_high", "wins", "p_holm", "control_ratio", "control_ratio_low",
            "control_ratio_high", "control_wins", "control_p_holm",
        ],
    )  # fmt: skip
    print(
        "\nratio: median over runs of the test MSE of reg+cls over that of reg (control_ratio: over "
        "that of reg with the same loss scale), with 95 % intervals; p: Wilcoxon, Holm-corrected."
    )


@study_app.command("export")
@plainly
def export_study(
    name: GridName,
    out: Annotated[Path, typer.Argument(help="A .parquet or .csv file to write.")],
    store: StorePath = STORE,
    compact: Annotated[
        bool, typer.Option("--compact", help="Less precise, and less about a search's models.")
    ] = False,
    as_json: AsJson = False,
):
    """Write a row a trained model: its configuration, errors, curve and versions."""
    from regcls.cli import study as cli_study

    record = cli_study.export(name, store, out, compact)
    if as_json:
        return show_json(record)
    print(f"{record['models']} models are in {out}, {record['bytes'] / 1e6:.2f} MB.")
