"""`regcls models`: list the shipped models, check a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regcls.cli.output import AsJson, plainly, show_json, show_table
from regcls.inference import cards

models_app = typer.Typer(
    help="The shipped models: list them, or check a file against the contract."
)


@models_app.command("list")
@plainly
def list_models(
    root: Annotated[Path | None, typer.Option(help="Another folder than models/.")] = None,
    as_json: AsJson = False,
):
    """All models, with task, variant, size and held-out error."""
    records = cards.list_models(root)
    if as_json:
        show_json({"models": records})
    elif records:
        show_table(records, ["file", "task", "variant", "classes", "megabytes", "mae", "unit"])
    else:
        print("There are no models yet.")


@models_app.command("check")
@plainly
def check_model(
    file: Annotated[Path, typer.Argument(help="An ONNX file.")], as_json: AsJson = False
):
    """Does this file keep the contract, and run? If not: one sentence, and exit code 2."""
    record = cards.check_model(file)
    if as_json:
        show_json(record)
    else:
        print(f"{file.name} keeps the contract and runs: {record['task']}, {record['variant']}.")
