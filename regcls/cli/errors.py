"""Errors per target range of predictions in a file, as a person asks for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regcls.cli import output
from regcls.cli.output import AsJson, plainly, say, show_json, show_table


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command()(errors)


@plainly
def errors(
    file: Annotated[Path, typer.Argument(help="CSV, Parquet or Excel with truths, predictions.")],
    target: Annotated[str | None, typer.Option(help="Column of the truth; else guessed.")] = None,
    models: Annotated[
        str | None, typer.Option(help="Columns of predictions, with commas; else guessed.")
    ] = None,
    training: Annotated[
        str | None, typer.Option(help="Training targets: a column, or a file of them.")
    ] = None,
    segments: Annotated[str | None, typer.Option(help="Column of categories.")] = None,
    groups: Annotated[
        str | None, typer.Option(help="Column that tells which rows belong together.")
    ] = None,
    ranges: Annotated[float, typer.Option(help="How many ranges, or how wide.")] = 10,
    by: Annotated[str, typer.Option(help="Ranges by count, width or quantile.")] = "count",
    edges: Annotated[str | None, typer.Option(help="Or the ranges' edges: 0,10,20,50.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of an Excel file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the whole report here.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the errors per range here.")] = None,
    as_json: AsJson = False,
):
    """Errors per target range of your own predictions, with bootstrap intervals."""
    found = _report(
        file, target, models, training, segments, groups, (by, ranges, ""), edges, sheet
    )
    if html is not None:
        from regcls.predictions import html as predictions_html

        html.write_text(predictions_html.write(found, file.name), encoding="utf-8")
    if csv is not None:
        from regcls.io.tables import safe_csv

        csv.write_text(safe_csv(found.errors.table()), encoding="utf-8")
    record = _record(found)
    if as_json:
        return show_json(record)
    print(f"{found.verdict}\n{found.imbalance}\n")
    columns = [
        "model",
        "low",
        "high",
        "train",
        "test",
        "mae",
        "mae_low",
        "mae_high",
        "rmse",
        "bias",
    ]
    show_table(record["ranges"], columns)
    print()
    show_table(record["overall"], ["model", "mae", "mae_low", "mae_high", "rmse", "balanced_mae"])
    for note in found.arrays.notes:
        say(note)


def _report(file, target, models, training, segments, groups, how, edges, sheet):
    from regcls.io import tables
    from regcls.predictions import columns as predictions_columns
    from regcls.predictions import ranges as predictions_ranges
    from regcls.predictions import report
    from regcls.predictions.columns import Columns

    frame = tables.read_table(_content(file), file.name, sheet).frame
    guessed = None if target and models else predictions_columns.guess(frame)
    chosen = [name.strip() for name in models.split(",")] if models else guessed.models
    target = target or guessed.target
    chosen = tuple(name for name in chosen if name != target) if not models else tuple(chosen)
    column, values = _training(frame, training, target)
    columns = Columns(target, chosen, column, segments, groups)
    found = predictions_columns.arrays(frame, columns, values)
    cut = (
        predictions_ranges.edges(found, "edges", 0, edges)
        if edges
        else predictions_ranges.edges(found, *how)
    )
    return report.Report(found, cut)


def _training(frame, training: str | None, target: str):
    """The column's name or the values, whichever ``training`` names."""
    from regcls.io import tables
    from regcls.predictions import columns as predictions_columns

    if training is None or training in frame:
        return training, None
    path = Path(training)
    if not path.is_file():
        raise tables.TableError(f"There is neither a column nor a file called {training}.")
    table = tables.read_table(path.read_bytes(), path.name)
    return None, predictions_columns.training_targets(table.frame, path.name, target)


def _content(file: Path) -> bytes:
    from regcls.io.tables import MAX_BYTES, TableError

    if not file.is_file():
        raise TableError(f"There is no file {file}.")
    if file.stat().st_size > MAX_BYTES:
        raise TableError(f"{file.name} is larger than {MAX_BYTES / 1e6:.0f} MB.")
    return file.read_bytes()


def _record(found) -> dict:
    return output.report_record(found.errors) | {
        "verdict": found.verdict,
        "imbalance": found.imbalance,
        "overall": found.overall.to_dict("records"),
        "shots": found.shots.to_dict("records"),
        "segments": found.segments.to_dict("records"),
        "worst": found.worst.to_dict("records"),
        "notes": list(found.arrays.notes),
    }
