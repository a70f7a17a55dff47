"""Commands of the tasks on real data, as a person types them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from regcls.cli.output import (
    BAD_INPUT,
    AsJson,
    plainly,
    progress,
    say,
    show_json,
    show_report,
    show_table,
)
from regcls.tasks import registry
from regcls.tasks.registry import TASKS, WHAT
from regcls.training import pipeline

Task = StrEnum("Task", {name: name for name in TASKS})
TaskName = Annotated[Task, typer.Argument(help="Which task.")]
Data = Annotated[
    Path,
    typer.Option(
        help="Zip or folder. age: faces (UTKFace names or an index). depth: an index.csv with rgb/ "
        "and depth/, or NYUD2-DIR's nyu2_train.csv and nyu2_test.csv. progress: videos, index.csv."
    ),
]
Index = Annotated[
    Path | None,
    typer.Option(help="age only: index with age, path, split (IMDB-WIKI-DIR, AgeDB-DIR)."),
]
Runs = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the training runs, runs/TASK if not said; finished ones are kept."
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the program."""
    for command in (predict, evaluate, train, export):
        app.command()(command)


@plainly
def predict(
    task: TaskName,
    files: Annotated[list[Path], typer.Argument(help="Photos, or videos for progress.")],
    frames: Annotated[
        int | None, typer.Option(help="progress only: how many frames to read at most.")
    ] = None,
    part: Annotated[
        bool, typer.Option("--part", help="progress only: no video shows its whole activity.")
    ] = False,
    as_json: AsJson = False,
):
    """What both models say of each file; exit code 2 if any of them could not be read."""
    records = registry.predict(task, files, frames, part)
    good = [record for record in records if "problem" not in record]
    bad = [record for record in records if "problem" in record]
    if as_json:
        show_json({"task": task, WHAT[task]: good, "problems": bad})
    elif good:
        show_table(good, [name for name in good[0] if name != "curve"])
    for record in bad:
        say(record["problem"])
    if bad:
        raise typer.Exit(BAD_INPUT)


@plainly
def evaluate(
    task: TaskName,
    data: Annotated[
        Path | None,
        typer.Option(help="A labelled data set; without it, the shipped test predictions."),
    ] = None,
    csv: Index = None,
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    as_json: AsJson = False,
):
    """The pair's errors per target range, on its own test split or on your labelled data."""
    show_report(pipeline.evaluate(task, data, csv, split), as_json)


@plainly
def train(
    task: TaskName,
    data: Data,
    out: Runs = None,
    csv: Index = None,
    part: Annotated[str, typer.Option(help="Only reg or only regcls, to share the work.")] = "",
    as_json: AsJson = False,
):
    """Train the pair: search on val, then several seeds of each variant. Can be stopped and resumed."""

    def report(name: str, p) -> None:
        left = f"{p.seconds_left / 60:.0f} min left in this run"
        progress(f"{name}: {p.done:.0%}, epoch {p.epoch} of {p.epochs}, loss {p.loss:.3f}, {left}")

    record = pipeline.train(task, data, out, csv, part, report)
    progress("")
    if as_json:
        return show_json({"task": task, "runs": record})
    for variant, run in record.items():
        for seed, result in run["seeds"].items():
            errors = {n[4:]: v for n, v in result.items() if n.startswith("val_")}
            words = ", ".join(f"{name} {value:.3g}" for name, value in errors.items())
            print(f"{variant} seed {seed}: {words} on val")


@plainly
def export(
    task: TaskName,
    data: Data,
    runs: Runs = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pair, models/TASK if not said.")
    ] = None,
    csv: Index = None,
    as_json: AsJson = False,
):
    """Write the trained pair as ONNX with its card and predictions."""
    records = pipeline.export(task, data, runs, out, csv)
    show_json({"task": task, "models": records}) if as_json else show_table(records)
