"""Charts of a Lab run: predictions, test error over epochs, class probabilities."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.lab.settings import OWN, LabSettings
from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import colour, dash, range_tooltips, tooltips
from regcls.plotting.style import (
    COLOURS,
    DENSITY_COLOUR,
    FUNCTION,
    FUNCTION_COLOUR,
    HISTOGRAM_COLOUR,
)

_STRIP = 0.06  # height of the strip of training inputs, as a share of the y-axis


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
    lines = "lines: median of the runs, bands: middle 80 % of them" if runs > 1 else "one run"
    caption = (
        f"Predictions of the grey function ({lines}). Darker horizontal stripes have more training "
        "targets; the pink strip at the bottom shows where the training inputs lie."
    )
    return Picture(_predictions_spec(round(bottom, 6), round(top, 6)), data, caption)


@cache
def _predictions_spec(bottom: float, top: float) -> dict[str, Any]:
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
        .encode(x=_input("x"), y=_target("y", limits), color=colour(with_function=True))
    )
    source = alt.Chart(alt.NamedData("predictions"))
    band = source.mark_area(opacity=0.16, clip=True).encode(
        x=_input("x"), y=_target("low", limits), y2="high:Q", color=colour(with_function=True)
    )
    line = source.mark_line(strokeWidth=2, clip=True).encode(
        x=_input("x"),
        y=_target("median", limits),
        color=colour(with_function=True),
        strokeDash=dash(),
        tooltip=tooltips("x", "input x"),
    )
    chart = alt.layer(stripes, strip, truth, band, line).resolve_scale(opacity="independent")
    return finished(chart, "Function and predictions", 330)


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
    return finished(encoded, "Function", 330)


def history(bands: pd.DataFrame, epochs: int, runs: int) -> Picture:
    """Draw the test error over epochs.

    Parameters
    ----------
    bands : DataFrame
        Columns epoch, model, median, low and high.
    epochs : int
        Epochs of the whole run.
    runs : int
        Number of runs in ``bands``.

    Returns
    -------
    Picture
        The chart.
    """
    caption = (
        "Lower is better. Test targets are sampled uniformly, whatever the sampling of the "
        "training targets"
        + ("; lines: median of the runs, bands: middle 80 % of them." if runs > 1 else ".")
    )
    return Picture(_history_spec(epochs), {"history": bands}, caption)


@cache
def _history_spec(epochs: int) -> dict[str, Any]:
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
        strokeDash=dash(legend=True),
        tooltip=tooltips("epoch", "epoch"),
    )
    return finished(alt.layer(band, line), "Test error over epochs", 330)


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
        "Probability that reg+cls's class head assigns to each of 24 target strips, mean of the "
        "runs; the probability of a wide bin is spread over its strips. Ideally, the dark cells "
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
                scale=alt.Scale(scheme="blues", domainMin=0),
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
        .mark_line(color=COLOURS["reg"], strokeWidth=2)
        .encode(x=_input("x", axis=no_grid), y=_target("y", limits))
    )
    return finished(alt.layer(cells, truth), "Class probabilities", 280)


def _input(field: str, **options: Any) -> alt.X:
    scale = alt.Scale(domain=[-1, 1], nice=False)
    return alt.X(f"{field}:Q", title="input x", scale=scale, **options)


def _target(field: str, limits: tuple[float, float], **options: Any) -> alt.Y:
    scale = alt.Scale(domain=list(limits), nice=False)
    return alt.Y(f"{field}:Q", scale=scale, axis=alt.Axis(grid=False), **options)


def _relative(share: pd.Series) -> pd.Series:
    """Scale to 0 to 1; the square root keeps rare ranges visible beside frequent ones."""
    return np.sqrt(share / max(share.max(), 1e-12))
