"""`regcls lab`: train one comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regcls.cli.output import AsJson, report_errors, show_json, show_progress, show_table
from regcls.exceptions import UserError


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command()(lab)


@report_errors
def lab(
    preset: Annotated[str | None, typer.Option(help="Name of a preset of the Lab page.")] = None,
    scenario: Annotated[str | None, typer.Option(help="clean, noisy or ood.")] = None,
    sampling: Annotated[str | None, typer.Option(help="uniform, mild, moderate or severe.")] = None,
    classes: Annotated[int | None, typer.Option(help="Number of classes C.")] = None,
    weight: Annotated[
        float | None, typer.Option(help="λ, the weight of the regression loss.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Number of runs, each with its own data.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Number of epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the first run.")] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any setting, by its name in the Lab page's URL; can be repeated.",
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the test errors of all epochs to this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train one comparison: reg, reg+cls, and the control (reg with reg+cls's loss scale)."""
    from regcls.lab.comparison import train_comparison
    from regcls.lab.settings import settings_from_text

    options = {
        "scenario": scenario,
        "sampling": sampling,
        "classes": classes,
        "weight": weight,
        "lr": lr,
        "repeats": repeats,
        "epochs": epochs,
        "seed": seed,
    }
    values = {name: str(value) for name, value in options.items() if value is not None}
    settings = settings_from_text(preset, values | _parse_sets(sets or []))
    record = train_comparison(
        settings, csv, lambda epoch, epochs: show_progress(f"epoch {epoch} of {epochs}")
    )
    show_progress("")
    if as_json:
        return show_json(record)
    show_table([{"model": m, "median test MSE": mse} for m, mse in record["test_mse"].items()])
    print()
    for verdict in record["verdicts"]:
        print(
            f"reg+cls against {verdict['b']}: {verdict['words']} Won {verdict['wins']:.0%} of "
            f"runs; median ratio of test errors {verdict['median_ratio']:.3f}."
        )


def _parse_sets(sets: list[str]) -> dict[str, str]:
    """Values by setting from texts NAME=VALUE."""
    values = {}
    for text in sets:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"--set needs NAME=VALUE, not {text!r}")
        values[name.strip()] = value.strip()
    return values
