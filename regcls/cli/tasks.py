"""`regcls predict`, `evaluate`, `train` and `export`: the tasks on real data."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    as_json: AsJson = False,
) -> None:
    """Predict with both models of a pair; exit code 2 if a file could not be read."""
    records = TASKS[task].predict_files(files, frames, part)
    good = [record for record in records if "problem" not in record]
    bad = [record for record in records if "problem" in record]
    if as_json:
        show_json({"task": task, TASKS[task].records: good, "problems": bad})
    elif good:
        show_table(good, [name for name in good[0] if name != "curve"])
    for record in bad:
        say(record["problem"])
    if bad:
        raise typer.Exit(BAD_INPUT)


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
    as_json: AsJson = False,
) -> None:
    """Write a trained pair as ONNX files with its card and test predictions."""
    from regcls.training import pipeline

    if card_only:
        records = pipeline.write_card(task, out)
    elif data is None:
        raise UserError("--data is required, except with --card-only")
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
