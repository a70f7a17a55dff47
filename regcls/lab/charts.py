"""Charts of a Lab run."""

from __future__ import annotations

from functools import cache

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import colour, dash, tooltips
from regcls.plotting.style import (
    COLOURS,
    DENSITY_COLOUR,
    FUNCTION,
    FUNCTION_COLOUR,
    HISTOGRAM_COLOUR,
)

_STRIP = 0.06  # height of the strip of training inputs, as a share of the y-axis


def predictions(
    bands: pd.DataFrame,
    function: pd.DataFrame,
    ranges: pd.DataFrame,
    density: pd.DataFrame,
    limits: tuple[float, float],
    runs: int,
) -> Picture:
    """The function, each model's median prediction and band, and where the training data is.

    ``bands``: x, model, median, low, high; ``function``: x, y; ``ranges``: low, high, share of the
    training targets; ``density``: left, right, share of the training inputs.
    """
    room = 0.15 * (limits[1] - limits[0])
    bottom, top = limits[0] - room, limits[1] + room
    strip = density.assign(
        bottom=bottom, top=bottom + _STRIP * (top - bottom), weight=_relative(density["share"])
    )
    data = {
        "predictions": bands,
        "function": function.assign(model=FUNCTION),
        "ranges": ranges.assign(weight=_relative(ranges["share"])),
        "density": strip,
    }
    middle = "lines: median of the runs, bands: the middle 80 % of them" if runs > 1 else "one run"
    caption = (
        f"Where does each prediction leave the grey function ({middle})? The darker a horizontal "
        "stripe, the more training targets fall into that range; the pink strip at the bottom "
        "shows where the training inputs lie."
    )
    return Picture(_predictions_spec(round(bottom, 6), round(top, 6)), data, caption)


@cache
def _predictions_spec(bottom: float, top: float) -> dict:
    x = alt.X("x:Q", title="input x", scale=alt.Scale(domain=[-1, 1], nice=False))
    y_axis = {"scale": alt.Scale(domain=[bottom, top], nice=False), "axis": alt.Axis(grid=False)}
    weight = alt.Opacity("weight:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.45]), legend=None)
    stripes = (
        alt.Chart(alt.NamedData("ranges"))
        .mark_rect(color=HISTOGRAM_COLOUR, stroke=HISTOGRAM_COLOUR, strokeOpacity=0.15)
        .encode(
            y=alt.Y("low:Q", title="target y", **y_axis),
            y2="high:Q",
            opacity=weight,
            tooltip=[
                alt.Tooltip("low:Q", title="from", format=".2f"),
                alt.Tooltip("high:Q", title="to", format=".2f"),
                alt.Tooltip("share:Q", title="of training targets", format=".1%"),
            ],
        )
    )
    strip = (
        alt.Chart(alt.NamedData("density"))
        .mark_rect(color=DENSITY_COLOUR)
        .encode(
            x=alt.X("left:Q", title="input x", scale=alt.Scale(domain=[-1, 1], nice=False)),
            x2="right:Q",
            y=alt.Y("bottom:Q", **y_axis),
            y2="top:Q",
            opacity=alt.Opacity(
                "weight:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None
            ),
        )
    )
    truth = (
        alt.Chart(alt.NamedData("function"))
        .mark_line(strokeWidth=4, opacity=0.55)
        .encode(x=x, y=alt.Y("y:Q", **y_axis), color=colour(with_function=True))
    )
    source = alt.Chart(alt.NamedData("predictions"))
    band = source.mark_area(opacity=0.16, clip=True).encode(
        x=x, y=alt.Y("low:Q", **y_axis), y2="high:Q", color=colour(with_function=True)
    )
    line = source.mark_line(strokeWidth=2, clip=True).encode(
        x=x,
        y=alt.Y("median:Q", **y_axis),
        color=colour(with_function=True),
        strokeDash=dash(),
        tooltip=tooltips("x", "input x"),
    )
    chart = alt.layer(stripes, strip, truth, band, line).resolve_scale(opacity="independent")
    return finished(chart, "The function and what each model makes of it", 330)


def function(curve: pd.DataFrame) -> Picture:
    """The function alone, before anything learns it. ``curve``: x, y."""
    caption = "The function to learn. Its training points appear when a run starts."
    return Picture(_function_spec(), {"function": curve}, caption)


@cache
def _function_spec() -> dict:
    line = alt.Chart(alt.NamedData("function")).mark_line(strokeWidth=4, color=FUNCTION_COLOUR)
    x = alt.X("x:Q", title="input x", scale=alt.Scale(domain=[-1, 1], nice=False))
    return finished(line.encode(x=x, y=alt.Y("y:Q", title="target y")), "The function", 330)


def history(bands: pd.DataFrame, epochs: int, runs: int) -> Picture:
    """Test error over epochs. ``bands``: epoch, model, median, low, high."""
    caption = (
        "Lower is better. Always measured on uniformly sampled targets, however uneven the "
        "training targets are"
        + ("; lines: median of the runs, bands: the middle 80 %." if runs > 1 else ".")
    )
    return Picture(_history_spec(epochs), {"history": bands}, caption)


@cache
def _history_spec(epochs: int) -> dict:
    x = alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[0, epochs], nice=False))
    scale = alt.Scale(type="log", nice=False)
    source = alt.Chart(alt.NamedData("history"))
    band = source.mark_area(opacity=0.16).encode(
        x=x,
        y=alt.Y("low:Q", scale=scale, title="test MSE (y², log scale)"),
        y2="high:Q",
        color=colour(),
    )
    line = source.mark_line(strokeWidth=2).encode(
        x=x,
        y=alt.Y("median:Q", scale=scale),
        color=colour(),
        strokeDash=dash(),
        tooltip=tooltips("epoch", "epoch"),
    )
    return finished(alt.layer(band, line), "Test error over epochs", 330)


def class_map(
    probability: pd.DataFrame, function: pd.DataFrame, limits: tuple[float, float]
) -> Picture:
    """What the class head thinks along x. ``probability``: left, right, low, high, probability."""
    caption = (
        "How likely the class head of reg+cls finds each of 24 strips of the target at each input "
        "(mean of the runs; a wide bin spreads its probability over its strips). It should be dark "
        "along the line, the true function."
    )
    spec = _class_map_spec(round(limits[0], 6), round(limits[1], 6))
    return Picture(spec, {"probability": probability, "function": function}, caption)


@cache
def _class_map_spec(bottom: float, top: float) -> dict:
    y = {"scale": alt.Scale(domain=[bottom, top], nice=False)}
    x = {"scale": alt.Scale(domain=[-1, 1], nice=False), "title": "input x"}
    x["axis"] = y["axis"] = alt.Axis(grid=False)
    cells = (
        alt.Chart(alt.NamedData("probability"))
        .mark_rect()
        .encode(
            x=alt.X("left:Q", **x),
            x2="right:Q",
            y=alt.Y("low:Q", title="target y", **y),
            y2="high:Q",
            color=alt.Color(
                "probability:Q",
                scale=alt.Scale(scheme="blues", domainMin=0),
                legend=alt.Legend(
                    title=["probability", "of a strip"], format=".0~%", gradientLength=160
                ),
            ),
            tooltip=[
                alt.Tooltip("low:Q", title="from", format=".2f"),
                alt.Tooltip("high:Q", title="to", format=".2f"),
                alt.Tooltip("probability:Q", format=".1%"),
            ],
        )
    )
    truth = (
        alt.Chart(alt.NamedData("function"))
        .mark_line(color=COLOURS["reg"], strokeWidth=2)
        .encode(x=alt.X("x:Q", **x), y=alt.Y("y:Q", **y))
    )
    title = "What the class head thinks"
    return finished(alt.layer(cells, truth), title, 280)


def _relative(share: pd.Series) -> pd.Series:
    """0 to 1; the square root keeps rare ranges visible beside frequent ones."""
    return np.sqrt(share / max(share.max(), 1e-12))
