"""`regcls predict`, `evaluate`, `train` and `export`: the tasks on real data."""

from __future__ import annotations

from enum import StrEnum
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
    show_report,
    show_table,
)
from regcls.exceptions import UserError
from regcls.tasks.registry import TASKS

if TYPE_CHECKING:
    from regcls.training.fit import Progress

Task = StrEnum("Task", list(TASKS))  # type: ignore[misc]  # the registry lists the tasks
# As in regcls.tasks.depth.units, which is imported only when it is used; a test compares them.
DepthUnit = StrEnum("DepthUnit", ["auto", "m", "mm", "cm", "x256", "x5000", "inverse"])
TaskName = Annotated[Task, typer.Argument(help="Name of the task.")]
_DATA = typer.Option(
    help="Zip file or folder. age: faces (UTKFace names or an index). depth: an index.csv with "
    "rgb/ and depth/, or NYUD2-DIR's nyu2_train.csv and nyu2_test.csv. progress: videos and an "
    "index.csv."
)
Data = Annotated[Path, _DATA]
OptionalData = Annotated[Path | None, _DATA]
Index = Annotated[
    Path | None,
    typer.Option(help="age only: index with age, path, split (IMDB-WIKI-DIR, AgeDB-DIR)."),
]
Runs = Annotated[
    Path | None,
    typer.Option(
        show_default="runs/TASK", help="Folder of the training runs; finished runs are kept."
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the program."""
    for command in (predict, evaluate, train, export):
        app.command()(command)


@report_errors
def predict(
    task: TaskName,
    files: Annotated[list[Path], typer.Argument(help="Photos, or videos for progress.")],
    frames: Annotated[
        int | None, typer.Option(help="progress only: maximum number of frames to read.")
    ] = None,
    part: Annotated[
        bool, typer.Option("--part", help="progress only: the videos show a part of the activity.")
    ] = False,
    truth: Annotated[
        list[Path] | None,
        typer.Option(
            help="depth only: true depth, one file per photo in the same order, or a folder with "
            "files of the same names. 16-bit PNG, 16-bit or float TIFF, PFM, .npy or .npz."
        ),
    ] = None,
    depth_unit: Annotated[
        DepthUnit,
        typer.Option(
            help="depth only: unit of the true depth. x256 and x5000 are metres times that number, "
            "inverse is 1/m; auto compares with the prediction."
        ),
    ] = DepthUnit.auto,
    as_json: AsJson = False,
) -> None:
    """Predict with both models of a pair; exit code 2 if a file could not be read."""
    if truth or depth_unit is not DepthUnit.auto:
        _check_depth(task, truth, frames, part)
        records = _predict_depth(files, truth or [], depth_unit)
    else:
        records = TASKS[task].predict_files(files, frames, part)
    good = [record for record in records if "problem" not in record]
    bad = [record for record in records if "problem" in record]
    if as_json:
        show_json({"task": task, TASKS[task].records: good, "problems": bad})
    elif good:
        _show_predictions(good)
    for record in bad:
        say(record["problem"])
    if bad:
        raise typer.Exit(BAD_INPUT)


def _check_depth(task: TaskName, truth: list[Path] | None, frames: int | None, part: bool) -> None:
    """Check that the options for true depth go with the task and with each other."""
    if task != "depth":
        raise UserError(f"--truth and --depth-unit are for depth, not for {task}")
    if frames is not None or part:
        raise UserError("--frames and --part are for videos, not for depth")
    if not truth:
        raise UserError("--depth-unit is the unit of the true depth; give its file with --truth")


def _predict_depth(files: list[Path], truth: list[Path], unit: str) -> list[dict[str, Any]]:
    from regcls.tasks.depth import table

    return table.predict_files(files, TASKS["depth"].load(), truth, unit)


def _show_predictions(records: list[dict[str, Any]]) -> None:
    """Print the numbers as a table, and how the true depth was read on stderr."""
    columns = dict.fromkeys(name for record in records for name in record)
    nested = {"curve", "true depth"}
    show_table(records, [name for name in columns if name not in nested])
    found = [record["true depth"] for record in records if "true depth" in record]
    for text in dict.fromkeys(truth["read as"] for truth in found if "read as" in truth):
        say(text)
    for truth in found:
        for note in truth.get("notes", ()):
            say(note)


@report_errors
def evaluate(
    task: TaskName,
    data: Annotated[
        Path | None,
        typer.Option(
            show_default="the shipped test predictions",
            help="A labelled data set, as for `train`.",
        ),
    ] = None,
    csv: Index = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    as_json: AsJson = False,
) -> None:
    """Show a pair's errors per target range, on its test split or on your labelled data."""
    from regcls.training import pipeline

    show_report(pipeline.evaluate(task, data, csv, split), as_json)


@report_errors
def train(
    task: TaskName,
    data: Data,
    out: Runs = None,
    csv: Index = None,
    part: Annotated[
        str, typer.Option(help="Train only reg or only regcls, to divide the work.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Train a pair: search on val, then several seeds per variant. You can stop and resume."""
    from regcls.training import pipeline

    record = pipeline.train(task, data, out, csv, part, _show_training)
    show_progress("")
    if as_json:
        return show_json({"task": task, "runs": record})
    for variant, run in record.items():
        for seed, result in run["seeds"].items():
            errors = {n[4:]: v for n, v in result.items() if n.startswith("val_")}
            text = ", ".join(f"{name} {value:.3g}" for name, value in errors.items())
            print(f"{variant} seed {seed}: {text} on val")


@report_errors
def export(
    task: TaskName,
    data: OptionalData = None,
    runs: Runs = None,
    out: Annotated[
        Path | None, typer.Option(show_default="models/TASK", help="Folder of the pair.")
    ] = None,
    csv: Index = None,
    card_only: Annotated[
        bool,
        typer.Option(
            "--card-only", help="Only write CARD.md again, from the ONNX files; needs no data."
        ),
    ] = False,
    readouts_only: Annotated[
        bool,
        typer.Option(
            "--readouts-only",
            help="Only choose the read-outs again and calibrate the intervals, on the validation "
            "split of --data; the weights stay as they are.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a trained pair as ONNX files with its card and test predictions."""
    from regcls.training import pipeline

    if card_only and readouts_only:
        raise UserError("choose one of --card-only and --readouts-only")
    if card_only:
        records = pipeline.write_card(task, out)
    elif data is None:
        raise UserError("--data is required, except with --card-only")
    elif readouts_only:
        records = pipeline.calibrate(task, data, out, csv)
    else:
        records = pipeline.export(task, data, runs, out, csv)
    if as_json:
        return show_json({"task": task, "models": records})
    show_table(records)


def _show_training(name: str, progress: Progress) -> None:
    show_progress(
        f"{name}: {progress.done:.0%}, epoch {progress.epoch} of {progress.epochs}, loss "
        f"{progress.loss:.3f}, {progress.seconds_left / 60:.0f} min left in this run"
    )
