"""`regcls study`: plan, run, watch, read and export grids of 1D experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regcls.cli.output import (
    BAD_INPUT,
    AsJson,
    report_errors,
    say,
    show_json,
    show_progress,
    show_table,
)
from regcls.cli.signals import stop_on_signals
from regcls.exceptions import sentence
from regcls.utils.text import duration

if TYPE_CHECKING:
    from regcls.study.runner import Progress

COMPARISON = ("ratio", "ratio_low", "ratio_high", "wins", "p_holm", "verdict")

GROUP = ("setting", "value", "cells", "ratio", "low", "high", "p", "verdict")

GridName = Annotated[str, typer.Argument(help="Name of a grid, or a TOML file.")]
StorePath = Annotated[Path, typer.Option("--store", help="File that keeps the results.")]
STORE = Path("runs/study.sqlite")

study_app = typer.Typer(help="Plan, run, watch, read and export grids of 1D experiments.")


@study_app.command("plan")
@report_errors
def plan_study(name: GridName, store: StorePath = STORE, as_json: AsJson = False) -> None:
    """Show the size of a grid, how much of it is stored and how long the rest takes."""
    from regcls.study import records

    record = records.plan(name, store)
    if as_json:
        return show_json(record)
    print(f"{record['grid']}: {record['title']}.")
    print(
        f"{record['cells']} cells, {record['models']} models, {record['regcls']} of them reg+cls; "
        f"{record['done']} are stored. The rest takes about {duration(record['seconds'])}."
    )


@study_app.command("run")
@report_errors
def run_study(
    name: GridName,
    store: StorePath = STORE,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Number of processes; by default, one per core.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose workers train.")
    ] = None,
    on_lost: Annotated[
        str, typer.Option(help="What to do if the scheduler is lost: local or stop.")
    ] = "local",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Move a damaged store aside and start a new one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train all missing models of a grid. You can stop (Ctrl-C) and resume at any time."""
    from regcls.study import records

    if not (as_json or fresh):
        plan_study(name, store)
    with stop_on_signals() as stop:
        record = records.run(
            name,
            store,
            jobs=jobs,
            scheduler=scheduler,
            on_lost=on_lost,
            fresh=fresh,
            on_progress=_show_progress,
            on_note=say,
            should_stop=stop.is_set,
        )
    show_progress("")
    if record["note"]:
        say(sentence(record["note"]))
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
@report_errors
def study_status(name: GridName, store: StorePath = STORE, as_json: AsJson = False) -> None:
    """Show how much of a grid is stored, how long the rest takes and which processes run."""
    from regcls.study import records

    record = records.status(name, store)
    if as_json:
        return show_json(record)
    rest = f"; the rest takes about {duration(record['seconds_left'])}"
    left = rest if record["share"] < 1 else ""
    print(f"{record['done']} of {record['models']} models are stored, {record['share']:.0%}{left}.")
    for runner in record["runners"]:
        print(f"Process {runner['pid']} on {runner['host']} trains {runner['grid']}.")
    for run in record["elsewhere"]:
        print(f"Process {run['pid']} trains {run['grid']} into {run['store']}.")


@study_app.command("show")
@report_errors
def show_study(name: GridName, store: StorePath = STORE, as_json: AsJson = False) -> None:
    """Show the pooled effect of the classes, then every cell: mean test errors and comparisons."""
    from regcls.study import records

    record = records.show(name, store)
    if as_json:
        return show_json(record)
    _show_cells(record, store)


@study_app.command("export")
@report_errors
def export_study(
    name: GridName,
    out: Annotated[Path, typer.Argument(help="The .parquet or .csv file to write.")],
    store: StorePath = STORE,
    compact: Annotated[
        bool,
        typer.Option(
            "--compact", help="Lower precision; no ranges and curves of a search's models."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write one row per trained model: its configuration, errors, curve and versions."""
    from regcls.study import records

    record = records.export(name, store, out, compact)
    if as_json:
        return show_json(record)
    print(f"{out} holds {record['models']} models, {record['bytes'] / 1e6:.2f} MB.")


def _show_progress(progress: Progress) -> None:
    show_progress(
        f"{progress.done} of {progress.models} models, {progress.share:.0%}, "
        f"{duration(progress.seconds_left)} left"
    )


def _show_cells(record: dict[str, Any], store: Path) -> None:
    shipped = record["source"] == "shipped"
    where = "the results that ship with regcls" if shipped else str(store)
    print(f"{record['grid']}: {record['models']} of {record['planned']} models, from {where}.\n")
    pooled = record["pooled"]
    for effect in pooled.values():
        print(effect["sentence"])
    print("\n".join(dict.fromkeys(text for p in pooled.values() for text in p["basis"])) + "\n")
    groups = [{"against": other, **group} for other, p in pooled.items() for group in p["by"]]
    if groups:
        show_table(groups, ["against", *GROUP])
        print("\nIntervals, p-values and verdicts of these groups are Holm-corrected.\n")
    errors = ("reg_mse", "control_mse", "regcls_mse")
    control = [f"control_{name}" for name in COMPARISON] if "control" in pooled else []
    show_table(record["cells"], [*record["varied"], "runs", *errors, *COMPARISON, *control])
    print(
        "\nratio: geometric mean over functions of the test MSE of reg+cls divided by that of reg "
        "(control_ratio: by that of reg with the same loss scale). Intervals, p-values and verdicts "
        "have functions as units and are Holm-corrected over all settings of the grid."
    )
