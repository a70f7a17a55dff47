"""`regcls lab`: train one comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regcls.cli.output import AsJson, plainly, progress, show_json, show_table
from regcls.lab import run as lab_run
from regcls.lab import settings as lab_settings


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command()(lab)


@plainly
def lab(
    preset: Annotated[str | None, typer.Option(help="A preset of the Lab page, by name.")] = None,
    scenario: Annotated[str | None, typer.Option(help="clean, noisy or ood.")] = None,
    sampling: Annotated[str | None, typer.Option(help="uniform, mild, moderate or severe.")] = None,
    classes: Annotated[int | None, typer.Option(help="Number of classes C.")] = None,
    weight: Annotated[
        float | None, typer.Option(help="λ, the weight of the regression loss.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Runs, each with its own data.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the first run.")] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting of the Lab's address."),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the test errors of all epochs here.")
    ] = None,
    as_json: AsJson = False,
):
    """Train one comparison: reg, reg+cls, and the control (reg with reg+cls's loss scale)."""
    named = {
        "scenario": scenario, "sampling": sampling, "classes": classes, "weight": weight,
        "lr": lr, "repeats": repeats, "epochs": epochs, "seed": seed,
    }  # fmt: skip
    values = {name: str(value) for name, value in named.items() if value is not None}
    for text in sets or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set needs NAME=VALUE, not {text!r}")
        values[name.strip()] = value.strip()
    settings = lab_settings.settings_from_text(preset, values)
    result = lab_run.train_comparison(
        settings, csv, lambda epoch, of: progress(f"epoch {epoch} of {of}")
    )
    progress("")
    if as_json:
        return show_json(result)
    show_table([{"model": m, "median test MSE": v} for m, v in result["test_mse"].items()])
    print()
    for verdict in result["verdicts"]:
        line = (
            f"reg+cls against {verdict['b']}: {verdict['words']} Won {verdict['wins']:.0%} of runs"
        )
        print(f"{line}; median ratio of test errors {verdict['median_ratio']:.3f}.")
