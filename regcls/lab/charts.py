"""Charts of a Lab run: predictions, test error over epochs, class probabilities."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.lab.settings import OWN, LabSettings
from regcls.plotting.chart import AnyChart, Picture, finished
from regcls.plotting.encodings import colour, range_tooltips, stroke_legend, tooltips
from regcls.plotting.style import (
    COLOURS,
    DASHES,
    DENSITY_COLOUR,
    FUNCTION,
    FUNCTION_COLOUR,
    HISTOGRAM_COLOUR,
    LIGHT,
    label_expression,
)

_STRIP = 0.06  # height of the strip of training inputs, as a share of the y-axis
HEIGHT = 354  # pixels of a chart with its title, legend and axes
LOW = 342  # the same without a legend above it
_FAINT = 0.2  # opacity of the other runs
_LEGEND = stroke_legend(labelExpr=label_expression(), columns=2)
# Up to the colour of reg+cls, on which a dark line is still seen, on dark pages as well.
_PROBABILITY = ["#F1F5F7", COLOURS["reg+cls"]]
_AXIS = 34  # pixels kept for the labels of an axis, so that the plot stays where it is


def settings_text(settings: LabSettings, epoch: int) -> str:
    """Return the settings of a run as sentences, for the files of its charts.

    Parameters
    ----------
    settings : LabSettings
        The run's settings.
    epoch : int
        Epochs trained so far.

    Returns
    -------
    str
        Data, models and training.

    Examples
    --------
    >>> print(settings_text(LabSettings(), 80))
    Data: function 1, clean, severe sampling, 21,705 training points per run. Models: hidden \
layers 6-15, relu, mse, 4 equal-width classes with hard labels; weight of the regression loss 100 \
for reg+cls and the control, 1 for reg. Training: 10 runs from seed 0, epoch 80 of 80, adam, \
learning rate 0.001, weight decay 0.001, batch size 256.
    """
    s = settings
    which = f"function {s.function}" if s.function else f"function with A = {s.A:g}, C = {s.C}"
    details = {"noisy": f" (noise σ {s.noise:g})", "ood": f" (overlap {s.overlap:g})"}
    data = s.scenario + details.get(s.scenario, "")
    sampling = f"peak of half width {s.imbalance:g}" if s.sampling == OWN else s.sampling
    runs = "1 run" if s.repeats == 1 else f"{s.repeats} runs"
    return (
        f"Data: {which}, {data}, {sampling} sampling, {s.points:,} training points per run. "
        f"Models: hidden layers {'-'.join(map(str, s.hidden))}, {s.activation}, {s.reg_loss}, "
        f"{s.classes} {s.bins} classes with {s.class_loss} labels; weight of the regression loss "
        f"{s.weight:g} for reg+cls and the control, {s.loss_scale:g} for reg. "
        f"Training: {runs} from seed {s.seed}, epoch {epoch} of {s.epochs}, {s.optimiser}, "
        f"learning rate {s.lr:g}, weight decay {s.weight_decay:g}, batch size {s.batch}."
    )


def predictions(
    bands: pd.DataFrame,
    function: pd.DataFrame,
    ranges: pd.DataFrame,
    density: pd.DataFrame,
    limits: tuple[float, float],
    runs: int,
    others: pd.DataFrame | None = None,
) -> Picture:
    """Draw the function, each model's predictions and the density of the training data.

    Parameters
    ----------
    bands : DataFrame
        Columns x, model, median, low and high.
    function : DataFrame
        Columns x and y.
    ranges : DataFrame
        Share of the training targets per range: columns low, high and share.
    density : DataFrame
        Share of the training inputs per cell: columns left, right and share.
    limits : tuple of float
        Lowest and highest value of the function.
    runs : int
        Number of runs in ``bands``.
    others : DataFrame, optional
        Predictions of other runs than the one in ``bands``, drawn faintly: columns x, model, run
        and value.

    Returns
    -------
    Picture
        The chart.
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
    others = others if runs == 1 else None
    if others is not None:
        data["others"] = others
    caption = f"{_shown(runs, others)}Grey stripes: training targets; pink strip: training inputs."
    spec = _predictions_spec(round(bottom, 6), round(top, 6), runs > 1, others is not None)
    return Picture(spec, data, caption)


def no_predictions(settings: LabSettings) -> dict[str, pd.DataFrame]:
    """Return the data of the chart of predictions before there are any, by parameter.

    The chart then shows the function alone, at the place and on the axes of the run to come.

    Parameters
    ----------
    settings : LabSettings
        Settings of the runs.

    Returns
    -------
    dict of str to DataFrame
        Empty tables for ``bands``, ``ranges``, ``density`` and, with several runs, ``others``.
    """
    columns = {
        "bands": ["x", "model", "median", "low", "high"],
        "ranges": ["low", "high", "share"],
        "density": ["left", "right", "share"],
        "others": ["x", "model", "run", "value"],
    }
    tables = {name: pd.DataFrame(columns=names, dtype=float) for name, names in columns.items()}
    return tables if settings.repeats > 1 else {n: t for n, t in tables.items() if n != "others"}


def _shown(runs: int, others: pd.DataFrame | None) -> str:
    """Return a sentence on what the lines and bands are, with a space after it; none for one run."""
    if runs > 1:
        return f"Median and middle 80% of {runs} runs. "
    return "" if others is None else "Other runs are faint. "


def _colours(with_function: bool = False) -> alt.Color:
    """Return the colours of the models, with strokes in the legend, as the lines are."""
    return colour(with_function=with_function).legend(**_LEGEND)


def _dashes(with_function: bool = False) -> alt.StrokeDash:
    """Return the dashes of the models, in the same legend as their colours.

    Vega-Lite warns unless both have the same entries.
    """
    dashes = DASHES | ({FUNCTION: [1, 0]} if with_function else {})
    scale = alt.Scale(domain=list(dashes), range=list(dashes.values()))
    return alt.StrokeDash("model:N", scale=scale).legend(**_LEGEND)


@cache
def _predictions_spec(bottom: float, top: float, several: bool, others: bool) -> dict[str, Any]:
    limits = (bottom, top)
    weight = alt.Opacity("weight:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.45]), legend=None)
    stripes = (
        alt.Chart(alt.NamedData("ranges"))
        .mark_rect(color=HISTOGRAM_COLOUR, stroke=HISTOGRAM_COLOUR, strokeOpacity=0.15)
        .encode(
            y=_target("low", limits, title="target y"),
            y2="high:Q",
            opacity=weight,
            tooltip=[
                *range_tooltips(format=".2f"),
                alt.Tooltip("share:Q", title="of training targets", format=".1%"),
            ],
        )
    )
    strip = (
        alt.Chart(alt.NamedData("density"))
        .mark_rect(color=DENSITY_COLOUR)
        .encode(
            x=_input("left"),
            x2="right:Q",
            y=_target("bottom", limits),
            y2="top:Q",
            opacity=alt.Opacity(
                "weight:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None
            ),
        )
    )
    truth = (
        alt.Chart(alt.NamedData("function"))
        .mark_line(strokeWidth=4, opacity=0.55)
        .encode(x=_input("x"), y=_target("y", limits), color=_colours(with_function=True))
    )
    source = alt.Chart(alt.NamedData("predictions"))
    band = source.mark_area(opacity=0.16, clip=True).encode(
        x=_input("x"), y=_target("low", limits), y2="high:Q", color=_colours(with_function=True)
    )
    line = source.mark_line(strokeWidth=2, clip=True).encode(
        x=_input("x"),
        y=_target("median", limits),
        color=_colours(with_function=True),
        strokeDash=_dashes(with_function=True),
        tooltip=tooltips("x", "input x") if several else _tooltips("x", "input x", "prediction"),
    )
    faint = _faint(_input("x"), _target("value", limits), _colours(with_function=True))
    runs = [band] if several else [faint] if others else []
    layers: list[AnyChart] = [stripes, strip, truth, *runs, line]
    chart = alt.layer(*layers).resolve_scale(opacity="independent")
    return finished(chart, "Function and predictions", HEIGHT)


def _faint(x: alt.X, y: alt.Y, colours: alt.Color) -> alt.Chart:
    """Return the lines of the other runs."""
    lines = alt.Chart(alt.NamedData("others")).mark_line(
        strokeWidth=1, opacity=_FAINT, clip=True, tooltip=None
    )
    return lines.encode(x=x, y=y, color=colours, detail="run:N")


def _tooltips(field: str, title: str, value: str) -> list[alt.Tooltip]:
    """Return the tooltip of a line of one run."""
    return [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip(f"{field}:Q", title=title, format=".3~g"),
        alt.Tooltip("median:Q", title=value, format=".3g"),
    ]


def function(curve: pd.DataFrame) -> Picture:
    """Draw the function alone, before training.

    Parameters
    ----------
    curve : DataFrame
        Columns x and y.

    Returns
    -------
    Picture
        The chart.
    """
    caption = "The function to learn. Training data is generated when a run starts."
    return Picture(_function_spec(), {"function": curve}, caption)


@cache
def _function_spec() -> dict[str, Any]:
    line = alt.Chart(alt.NamedData("function")).mark_line(strokeWidth=4, color=FUNCTION_COLOUR)
    encoded = line.encode(x=_input("x"), y=alt.Y("y:Q", title="target y"))
    return finished(encoded, "Function", HEIGHT)


def history(
    bands: pd.DataFrame, epochs: int, runs: int, others: pd.DataFrame | None = None
) -> Picture:
    """Draw the test error over epochs.

    Parameters
    ----------
    bands : DataFrame
        Columns epoch, model, median, low and high.
    epochs : int
        Epochs of the whole run.
    runs : int
        Number of runs in ``bands``.
    others : DataFrame, optional
        Test MSE of other runs than the one in ``bands``, drawn faintly: columns epoch, model, run
        and value.

    Returns
    -------
    Picture
        The chart.
    """
    others = others if runs == 1 else None
    data = {"history": bands} | ({} if others is None else {"others": others})
    caption = "Lower is better; test targets are uniform."
    if runs > 1:
        caption = f"Median and middle 80% of {runs} runs; lower is better."
    return Picture(_history_spec(epochs, runs > 1, others is not None), data, caption)


@cache
def _history_spec(epochs: int, several: bool, others: bool) -> dict[str, Any]:
    x = alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[0, epochs], nice=False))
    options: dict[str, Any] = {
        "scale": alt.Scale(type="log", nice=False),
        "title": "test MSE (y², log scale)",
        "axis": alt.Axis(minExtent=_AXIS),
    }
    source = alt.Chart(alt.NamedData("history"))
    band = source.mark_area(opacity=0.16).encode(
        x=x, y=alt.Y("low:Q", **options), y2="high:Q", color=_colours()
    )
    line = source.mark_line(strokeWidth=2).encode(
        x=x,
        y=alt.Y("median:Q", **options),
        color=_colours(),
        strokeDash=_dashes(),
        tooltip=tooltips("epoch", "epoch") if several else _tooltips("epoch", "epoch", "test MSE"),
    )
    faint = _faint(x, alt.Y("value:Q", **options), _colours())
    runs = [band] if several else [faint] if others else []
    return finished(alt.layer(*runs, line), "Test error over epochs", HEIGHT)


def class_map(
    probability: pd.DataFrame, function: pd.DataFrame, limits: tuple[float, float]
) -> Picture:
    """Draw the class head's probabilities along the input.

    Parameters
    ----------
    probability : DataFrame
        Columns left, right, low, high and probability.
    function : DataFrame
        Columns x and y.
    limits : tuple of float
        Lowest and highest value of the function.

    Returns
    -------
    Picture
        The chart.
    """
    caption = (
        "Probability that the class head assigns to each of 24 target strips. Ideally, dark cells "
        "follow the line, the true function."
    )
    spec = _class_map_spec(round(limits[0], 6), round(limits[1], 6))
    return Picture(spec, {"probability": probability, "function": function}, caption)


@cache
def _class_map_spec(bottom: float, top: float) -> dict[str, Any]:
    limits, no_grid = (bottom, top), alt.Axis(grid=False)
    cells = (
        alt.Chart(alt.NamedData("probability"))
        .mark_rect()
        .encode(
            x=_input("left", axis=no_grid),
            x2="right:Q",
            y=_target("low", limits, title="target y"),
            y2="high:Q",
            color=alt.Color(
                "probability:Q",
                scale=alt.Scale(range=_PROBABILITY, domainMin=0),
                legend=alt.Legend(
                    title=["probability", "per strip"], format=".1~%", gradientLength=160
                ),
            ),
            tooltip=[
                *range_tooltips(format=".2f"),
                alt.Tooltip("probability:Q", format=".1%"),
            ],
        )
    )
    truth = (
        alt.Chart(alt.NamedData("function"))
        .mark_line(color=LIGHT.text, strokeWidth=2)
        .encode(x=_input("x", axis=no_grid), y=_target("y", limits))
    )
    return finished(alt.layer(cells, truth), "Class probabilities", LOW)


def _input(field: str, **options: Any) -> alt.X:
    scale = alt.Scale(domain=[-1, 1], nice=False)
    return alt.X(f"{field}:Q", title="input x", scale=scale, **options)


def _target(field: str, limits: tuple[float, float], **options: Any) -> alt.Y:
    scale = alt.Scale(domain=list(limits), nice=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=alt.Axis(grid=False), **options)


def _relative(share: pd.Series) -> pd.Series:
    """Scale to 0 to 1; the square root keeps rare ranges visible beside frequent ones."""
    return np.sqrt(share / max(share.max(), 1e-12))
