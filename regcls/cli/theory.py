"""The theory's terms, as a person asks for them on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from regcls.cli.output import AsJson, plainly, show_json, show_table


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command()(theory)


@plainly
def theory(
    s: Annotated[float, typer.Option(help="Half width of the training peak; 1: uniform.")] = 0.03,
    function: Annotated[int, typer.Option(help="Function, 1 to 10.")] = 1,
    seed: Annotated[int, typer.Option(help="Data seed.")] = 0,
    model: Annotated[str, typer.Option(help="ideal, reg, control or reg+cls.")] = "ideal",
    sigma: Annotated[float, typer.Option(help="Noise of the ideal model.")] = 0.1,
    classes: Annotated[int, typer.Option(help="Number of classes C.")] = 16,
    as_json: AsJson = False,
):
    """What imbalance adds to the loss, per target range, for regression and for classification."""
    from regcls.synthetic import data as synthetic_data
    from regcls.theory import terms, trained

    if not 1 <= function <= len(synthetic_data.FUNCTIONS):
        raise ValueError(
            f"--function must be from 1 to {len(synthetic_data.FUNCTIONS)}, not {function}"
        )
    if model not in terms.MODELS:
        raise ValueError(f"--model must be one of {', '.join(terms.MODELS)}, not {model!r}")
    if not 0 < s <= 1:
        raise ValueError(f"--s must be above 0 and at most 1, not {s:g}")
    if model == "ideal":
        case = terms.ideal(synthetic_data.FUNCTIONS[function - 1], seed, s, sigma)
    else:
        case = trained.trained(function, seed, s)[model]
    losses = {"regression": terms.regression(case)}
    for kind in ("equal-width", "equalized"):
        edges, priors = terms.class_priors(case, kind, classes)
        losses[f"classification, {kind}"] = terms.classification(case, edges, priors)
    rows = terms.per_range(case, losses).to_dict("records")
    residual = max(one.residual for one in losses.values())
    if as_json:
        return show_json({"s": s, "model": model, "rows": rows, "residual": residual})
    show_table(rows)
    print(f"\nLosses in nats. The terms add up to within {residual:.0e}.")
