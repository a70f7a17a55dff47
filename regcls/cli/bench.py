"""`regcls bench`: the same comparison on every table of a collection."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regcls.cli.advise import Goal, Size
from regcls.cli.output import AsJson, report_errors, say, show_json, show_progress, show_table
from regcls.cli.signals import stop_on_signals
from regcls.utils.text import duration

if TYPE_CHECKING:
    from regcls.bench.runner import Progress

Sources = Annotated[
    list[str],
    typer.Argument(
        help="Folder or zip with an index.csv (name, file, target), or FILE=TARGET for one table."
    ),
]
StorePath = Annotated[Path, typer.Option("--store", help="File that keeps the results.")]
Budget = Annotated[Size, typer.Option(help="Size of the search on each table.")]
Counts = Annotated[
    Goal, typer.Option(help="Weigh every target range (balanced) or every row (overall) equally.")
]
STORE = Path("runs/bench.sqlite")

bench_app = typer.Typer(
    help="Compare all methods on every table of a collection, and pool what they show."
)


@bench_app.command("plan")
@report_errors
def plan_bench(
    sources: Sources,
    store: StorePath = STORE,
    budget: Budget = Size.normal,
    goal: Counts = Goal.balanced,
    as_json: AsJson = False,
) -> None:
    """Show the tables, how much is stored and how long the rest takes."""
    from regcls.bench import records

    record = records.plan(sources, store, budget, goal)
    if as_json:
        return show_json(record)
    if record["tables"]:
        show_table(record["tables"])
    for one in record["skipped"]:
        print(f"{one['table']} is left out: {one['reason']}")
    print(f"{record['done']} of {record['folds']} folds are stored{_rest(record)}.")


@bench_app.command("run")
@report_errors
def run_bench(
    sources: Sources,
    store: StorePath = STORE,
    budget: Budget = Size.normal,
    goal: Counts = Goal.balanced,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Number of processes; by default, one per core.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler whose workers train.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train what is not stored yet. You can stop (Ctrl-C) and resume at any time."""
    from regcls.bench import records

    with stop_on_signals() as stop:
        record = records.run(
            sources,
            store,
            budget,
            goal,
            jobs=jobs,
            scheduler=scheduler,
            on_progress=_show_progress,
            on_note=say,
            should_stop=stop.is_set,
        )
    show_progress("")
    if as_json:
        return show_json(record)
    print(
        f"{'Stopped' if record['stopped'] else 'Finished'}: {record['done']} of {record['folds']} "
        f"folds are stored, {record['trained']} of them trained now, in "
        f"{duration(record['seconds'])}."
    )


@bench_app.command("export")
@report_errors
def export_bench(
    out: Annotated[Path, typer.Argument(help="Folder of the Parquet files to write.")],
    sources: Sources,
    store: StorePath = STORE,
    budget: Budget = Size.normal,
    goal: Counts = Goal.balanced,
    as_json: AsJson = False,
) -> None:
    """Write errors, effects and target ranges of all finished tables."""
    from regcls.bench import records

    record = records.export(sources, store, out, budget, goal)
    if as_json:
        return show_json(record)
    print(f"{record['out']} holds {record['tables']} tables, {record['megabytes']:.2f} MB.")


@bench_app.command("show")
@report_errors
def show_bench(
    results: Annotated[Path, typer.Argument(help="Folder that export has written.")],
    method: Annotated[str, typer.Option(help="The method.")] = "reg+cls",
    against: Annotated[str, typer.Option(help="What it is compared with.")] = "control",
    metric: Annotated[
        str, typer.Option(help="balanced_mae, mae, few_mae, many_mae, gm or sera.")
    ] = "balanced_mae",
    as_json: AsJson = False,
) -> None:
    """Compare two methods on each table and over all, and show what changes the effect."""
    from regcls.bench import records
    from regcls.bench.answer import sentences

    record = records.show(results, method, against, metric)
    if as_json:
        return show_json(record)
    for line in sentences(record):
        print(line)
    print()
    show_table(record["tables"])


def _rest(record: dict[str, Any]) -> str:
    if record["share"] == 1:
        return ""
    return f", {record['share']:.0%}; the rest takes about {duration(record['seconds_left'])}"


def _show_progress(now: Progress) -> None:
    show_progress(
        f"{now.done} of {now.folds} folds, {now.share:.0%}, about {duration(now.seconds_left)} left"
    )
