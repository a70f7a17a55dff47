"""`regcls errors`: errors per target range of predictions in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from regcls.cli.output import (
    AsJson,
    report_errors,
    say,
    show_errors,
    show_json,
    show_table,
)
from regcls.cli.reading import (
    Decimal,
    Encoding,
    Missing,
    Separator,
    Sheet,
    SkipLines,
    make_reading,
)

INTERVAL = ("mae", "mae_low", "mae_high")
COVERAGE = ("nominal", "low", "high", "test", "coverage", "coverage_low", "coverage_high", "width")
COLUMNS = ("model", "low", "high", "train", "test", *INTERVAL, "rmse", "bias")


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command()(errors)


@report_errors
def errors(
    file: Annotated[
        Path, typer.Argument(help="CSV, Parquet or Excel file of true targets and predictions.")
    ],
    target: Annotated[
        str | None, typer.Option(help="Column of the true target; detected by default.")
    ] = None,
    models: Annotated[
        str | None,
        typer.Option(help="Columns of predictions, separated by commas; detected by default."),
    ] = None,
    model_column: Annotated[
        str | None,
        typer.Option(
            help="Column of model names in a table with one row per sample and model; detected by "
            "default, none for one row per sample."
        ),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option(help="Columns that identify a sample in such a table, separated by commas."),
    ] = None,
    intervals: Annotated[
        str | None,
        typer.Option(
            help="Prediction intervals of the models, such as a=a_low:a_high,b=b_std; detected by "
            "default, none to leave them out."
        ),
    ] = None,
    level: Annotated[
        float | None,
        typer.Option(
            help="Nominal level of the intervals, such as 0.9; by default that of the columns' "
            "names, else 0.95."
        ),
    ] = None,
    training: Annotated[
        str | None, typer.Option(help="Training targets: a column, or a file of their own.")
    ] = None,
    segments: Annotated[str | None, typer.Option(help="Column of categories.")] = None,
    groups: Annotated[
        str | None, typer.Option(help="Column of rows that belong together, such as a person.")
    ] = None,
    ranges: Annotated[float, typer.Option(help="Number of ranges, or their width.")] = 10,
    by: Annotated[
        str,
        typer.Option(
            help="Ranges by the shape of the targets (automatic), of equal width by number (count, "
            "or log on a log scale) or by width, or with equally many targets (quantile)."
        ),
    ] = "automatic",
    edges: Annotated[
        str | None, typer.Option(help="Edges of the ranges instead, such as 0,10,20,50.")
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            help="Share of the lower error within which models are practically equal; by default "
            "0.05."
        ),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the whole report to this HTML file.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the errors per range to this CSV file.")
    ] = None,
    encoding: Encoding = None,
    separator: Separator = None,
    decimal: Decimal = None,
    skip_lines: SkipLines = None,
    sheet: Sheet = None,
    missing: Missing = None,
    as_json: AsJson = False,
) -> None:
    """Show the errors per target range of your own predictions, with bootstrap intervals."""
    from regcls.predictions.records import report_file

    record = report_file(
        file,
        target=target,
        models=models,
        model_column=model_column,
        id_column=id_column,
        intervals=intervals,
        level=level,
        training=training,
        category=segments,
        group=groups,
        by=by,
        ranges=ranges,
        edges=edges,
        reading=make_reading(encoding, separator, decimal, skip_lines, sheet, missing),
        margin=margin,
        html=html,
        csv=csv,
    )
    if as_json:
        return show_json(record)
    print(f"{record['verdict']}\n{record['imbalance']}\n{record['target_ranges']['reason']}\n")
    show_errors(record, COLUMNS)
    _show_coverage(record)
    notes = [record["reading"]["summary"], record["columns"]["summary"], *record["notes"]]
    for note in (*notes, *record["cautions"]):
        say(note)
    for mark in record["missing_marks"]:
        say(f"Leave out the rows with {mark['value']:g}: --missing {mark['value']:g}")


def _show_coverage(record: Mapping[str, Any]) -> None:
    """Print the coverage of the prediction intervals per range, and what follows from it."""
    for found in record["intervals"]:
        print(f"\nCoverage of the prediction intervals of {found['model']}")
        show_table(found["ranges"], COVERAGE)
    if record["intervals"]:
        print(f"\n{record['coverage_verdict']}")
