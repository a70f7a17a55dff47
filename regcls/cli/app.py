"""The command line program: `regcls --help`, or `python -m regcls --help`."""

from __future__ import annotations

from typing import Annotated

import typer

from regcls import __version__
from regcls.cli import advise, dashboard, errors, lab, tasks, theory
from regcls.cli.bench import bench_app
from regcls.cli.models import models_app
from regcls.cli.study import study_app

app = typer.Typer(
    help="Does classification help regression? Train, predict, evaluate and compare.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models", no_args_is_help=True)
app.add_typer(study_app, name="study", no_args_is_help=True)
app.add_typer(bench_app, name="bench", no_args_is_help=True)
lab.register(app)
errors.register(app)
tasks.register(app)
theory.register(app)
advise.register(app)
dashboard.register(app)


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Print the version if requested."""
    if version:
        print(__version__)
