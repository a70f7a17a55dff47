"""`regcls errors`: errors per target range of predictions in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regcls.cli.output import AsJson, report_errors, say, show_errors, show_json

INTERVAL = ("mae", "mae_low", "mae_high")
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
    sheet: Annotated[str | None, typer.Option(help="Sheet of an Excel file.")] = None,
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
    as_json: AsJson = False,
) -> None:
    """Show the errors per target range of your own predictions, with bootstrap intervals."""
    from regcls.predictions.records import report_file

    record = report_file(
        file,
        target=target,
        models=models,
        training=training,
        category=segments,
        group=groups,
        by=by,
        ranges=ranges,
        edges=edges,
        sheet=sheet,
        margin=margin,
        html=html,
        csv=csv,
    )
    if as_json:
        return show_json(record)
    print(f"{record['verdict']}\n{record['imbalance']}\n{record['target_ranges']['reason']}\n")
    show_errors(record, COLUMNS)
    for caution in record["cautions"]:
        say(caution)
    for note in record["notes"]:
        say(note)
