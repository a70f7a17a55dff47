"""`regcls models`: list the shipped models, or check a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regcls.cli.output import AsJson, report_errors, show_json, show_table
from regcls.utils.paths import MODELS_FOLDER

models_app = typer.Typer(help="List the shipped models, or check a file against the ONNX contract.")


@models_app.command("list")
@report_errors
def list_models(
    root: Annotated[
        Path, typer.Option(show_default="models/", help="Folder of the models.")
    ] = MODELS_FOLDER,
    as_json: AsJson = False,
) -> None:
    """List all models with their task, variant, size and held-out error."""
    from regcls.inference import cards

    records = cards.list_models(root)
    if as_json:
        show_json({"models": records})
    elif records:
        show_table(records, ["file", "task", "variant", "classes", "megabytes", "mae", "unit"])
    else:
        print(f"No models in {root}.")


@models_app.command("check")
@report_errors
def check_model(
    file: Annotated[Path, typer.Argument(help="An ONNX file.")], as_json: AsJson = False
) -> None:
    """Check a file against the contract and run it; exit code 2 if it fails."""
    from regcls.inference import cards

    record = cards.check_model(file)
    if as_json:
        show_json(record)
    else:
        print(
            f"{file.name} satisfies the contract and runs: {record['task']}, {record['variant']}."
        )
