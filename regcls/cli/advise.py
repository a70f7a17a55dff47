"""`regcls advise`: compare regression with and without classification on a table."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regcls.cli.output import AsJson, report_errors, say, show_json, show_progress, show_table
from regcls.cli.reading import (
    Decimal,
    Encoding,
    Missing,
    Separator,
    Sheet,
    SkipLines,
    make_reading,
)
from regcls.utils.text import duration

if TYPE_CHECKING:
    from regcls.tabular.comparison import Progress
    from regcls.tabular.plan import Plan

Size = StrEnum("Size", ("quick", "normal", "thorough"))
Goal = StrEnum("Goal", ("balanced", "overall"))


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command()(advise)


@report_errors
def advise(
    table: Annotated[
        Path, typer.Argument(help="CSV, Parquet or Excel file with one row per sample.")
    ],
    target: Annotated[str, typer.Option(help="Column to predict.")],
    budget: Annotated[Size, typer.Option(help="Size of the search.")] = Size.normal,
    goal: Annotated[
        Goal,
        typer.Option(help="Weigh every target range (balanced) or every row (overall) equally."),
    ] = Goal.balanced,
    group: Annotated[
        str | None, typer.Option(help="Column of rows that belong together, such as a person.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Column with train, val or test for each row; by default, without --group, one that "
            "is named split and has these values. An empty text uses none."
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="Column to leave out of the inputs; can be repeated.")
    ] = None,
    ranges: Annotated[
        int,
        typer.Option(help="Maximum number of target ranges, chosen by the shape of the target."),
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Seed of folds and initial weights.")] = 0,
    onnx: Annotated[
        Path | None, typer.Option(help="Write the models to this zip file of ONNX files.")
    ] = None,
    encoding: Encoding = None,
    separator: Separator = None,
    decimal: Decimal = None,
    skip_lines: SkipLines = None,
    sheet: Sheet = None,
    missing: Missing = None,
    as_json: AsJson = False,
) -> None:
    """Compare regression with and without classification, and other remedies, on a table."""
    from regcls.tabular import records

    record = records.compare_file(
        table,
        target,
        budget=budget,
        goal=goal,
        group=group,
        split=split,
        leave_out=leave_out,
        ranges=ranges,
        seed=seed,
        reading=make_reading(encoding, separator, decimal, skip_lines, sheet, missing),
        onnx=onnx,
        on_plan=None if as_json else _show_plan,
        on_progress=_show_progress,
    )
    show_progress("")
    if as_json:
        return show_json(record)
    verdict = record["verdict"]
    print(verdict["headline"])
    for point in verdict["points"]:
        print(f"- {point}")
    print(verdict["first"])
    print(f"Verdicts hold for {record['estimand']}.\n")
    show_table(record["models"], ["kind", "balanced_mae", "mae", "rmse"])


def _show_plan(plan: Plan) -> None:
    from regcls.tabular import records

    for note in records.notes(plan):
        say(note)
    say(plan.target_ranges.summary)
    say(f"About {duration(plan.seconds)} on this machine.")


def _show_progress(progress: Progress) -> None:
    left = progress.seconds_left
    rest = "" if left is None else f", {duration(left)} left"
    show_progress(f"{progress.folds_done} of {progress.folds} folds, {progress.share:.0%}{rest}")
