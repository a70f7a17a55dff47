"""`regcls theory`: what imbalance adds to the loss, per target range."""

from __future__ import annotations

from typing import Annotated

import typer

from regcls.cli.output import AsJson, report_errors, show_json, show_table


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command()(theory)


@report_errors
def theory(
    s: Annotated[float, typer.Option(help="Half width of the training peak; 1 is uniform.")] = 0.03,
    function: Annotated[int, typer.Option(help="Number of the function, 1 to 10.")] = 1,
    seed: Annotated[int, typer.Option(help="Data seed.")] = 0,
    model: Annotated[str, typer.Option(help="ideal, reg, control or reg+cls.")] = "ideal",
    sigma: Annotated[
        float, typer.Option(help="Standard deviation of the ideal model's error.")
    ] = 0.1,
    classes: Annotated[int, typer.Option(help="Number of classes C.")] = 16,
    as_json: AsJson = False,
) -> None:
    """Show what imbalance adds to the loss of regression and classification, per target range."""
    import pandas as pd

    from regcls.theory import charts, records

    record = records.terms_per_range(s, function, seed, model, sigma, classes)
    if as_json:
        return show_json(record)
    rows, noise = pd.DataFrame(record["rows"]), pd.DataFrame(record["noise"])
    show_table(record["rows"])
    print(f"\nEstimand: {record['estimand']}.\n{record['role']}\n{charts.equalisation_text(rows)}")
    print("\nIdeal model: mean gap at rare targets, and share of them above 0.1 nats, by noise σ\n")
    show_table(record["noise"])
    print(f"\n{charts.noise_text(noise)}")
    print(
        f"\nThe terms add up to within {record['residual']:.0e} nats. This checks the numerical "
        "integration, not the assumptions about the model."
    )
