"""Chart of errors between the natural and a balanced distribution of test targets."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import with_unit
from regcls.plotting.style import FUNCTION_COLOUR, palette
from regcls.stats.errors import ErrorReport

SLIDER = "balance_percent"  # name of the parameter that a page without Python binds to a slider
_STEPS = 100


def reweighted(report: ErrorReport, unit: str = "", share: float = 0.0) -> Picture:
    """Draw each model's MAE against the balance of the test targets.

    Parameters
    ----------
    report : ErrorReport
        Errors of one or more models.
    unit : str
        Unit of the target; may be empty.
    share : float
        Share of balance to mark, from 0 (as in the test data) to 1 (all ranges equally frequent).

    Returns
    -------
    Picture
        Lines with the errors at ``share`` as points, and a diamond where the lowest error passes
        from one model to another, if it does.

    Raises
    ------
    ValueError
        If the share is not from 0 to 1.
    """
    mixture = report.mixture
    now = pd.DataFrame([{"model": m, "mae": e} for m, e in mixture.at(share).items()])
    flips = pd.DataFrame(
        [
            {"balance": at, "mae": min(mixture.at(at).values()), "model": model}
            for at, model in mixture.leaders[1:]
        ],
        columns=["balance", "mae", "model"],
    )
    data = {"lines": mixture.table(_STEPS), "now": now.assign(balance=share)}
    caption = (
        "Left: test targets as frequent as in the data; right: all target ranges equally frequent. "
        f"{mixture.sentence}"
    )
    if len(flips):  # Vega warns of a layer without data
        data["flips"] = flips
        caption += " Diamonds: the lowest error passes to another model."
    return Picture(_spec(report.names, unit, len(flips) > 0), data, caption)


def with_slider(picture: Picture) -> dict[str, Any]:
    """Return the chart for a page without Python: a slider moves the marked balance.

    Parameters
    ----------
    picture : Picture
        A chart from `reweighted`.

    Returns
    -------
    dict
        Vega-Lite specification with its data.
    """
    whole = picture.whole
    bind = {"input": "range", "min": 0, "max": _STEPS, "step": 1, "name": "Balanced, in % "}
    chosen = [{"filter": f"round({_STEPS} * datum.balance) == {SLIDER}"}]
    layers = []
    for layer in whole["layer"]:
        if layer.get("data") == {"name": "now"}:
            transform = [*chosen, *layer.get("transform", [])]
            layer = {**layer, "data": {"name": "lines"}, "transform": transform}
        layers.append(layer)
    param = {"name": SLIDER, "value": 0, "bind": bind}
    return {**whole, "layer": layers, "params": [*whole.get("params", []), param]}


@cache
def _spec(models: tuple[str, ...], unit: str, flips: bool) -> dict[str, Any]:
    x = alt.X(
        "balance:Q",
        title="balance of the test targets",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(format="%", tickCount=10),
    )
    y = alt.Y("mae:Q", title=with_unit("mean absolute error", unit), scale=alt.Scale(zero=False))
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=list(models), range=palette(models)),
        legend=alt.Legend(title=None, orient="top"),
    )
    numbers = [
        alt.Tooltip("balance:Q", title="balanced", format=".0%"),
        alt.Tooltip("mae:Q", title="MAE", format=".3g"),
    ]
    tooltip = [alt.Tooltip("model:N"), *numbers]
    line = alt.Chart(alt.NamedData("lines")).mark_line(strokeWidth=2)
    rule = alt.Chart(alt.NamedData("now")).mark_rule(color=FUNCTION_COLOUR, strokeDash=[4, 3])
    point = alt.Chart(alt.NamedData("now")).mark_point(size=70, filled=True, opacity=1)
    value = alt.Chart(alt.NamedData("now")).mark_text(align="left", dx=8, dy=-8, fontSize=11)
    value = value.transform_calculate(number="format(datum.mae, '.3g')")
    flip = alt.Chart(alt.NamedData("flips")).mark_point(
        shape="diamond", size=140, filled=False, strokeWidth=2, color=FUNCTION_COLOUR
    )
    layers = [
        line.encode(x=x, y=y, color=colour, tooltip=tooltip),
        rule.encode(x=x),
        point.encode(x=x, y=y, color=colour, tooltip=tooltip),
        value.encode(x=x, y=y, color=colour, text="number:N"),
    ]
    if flips:
        first = alt.Tooltip("model:N", title="lowest from here")
        layers.append(flip.encode(x=x, y=y, tooltip=[first, *numbers]))
    return finished(alt.layer(*layers), "MAE between natural and balanced test targets", 260)
