"""Axes titles, legends, tooltips, histograms and marker lines that several charts share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from regcls.plotting.style import (
    COLOURS,
    DASHES,
    FUNCTION,
    FUNCTION_COLOUR,
    HISTOGRAM_COLOUR,
    SHAPES,
    label_expression,
    palette,
)


def with_unit(name: str, unit: str) -> str:
    """Return an axis title with its unit in parentheses; an empty unit is left out.

    Examples
    --------
    >>> with_unit("age", "years")
    'age (years)'
    >>> with_unit("target", "")
    'target'
    """
    return f"{name} ({unit})" if unit else name


def range_tooltips(
    low: str = "low", high: str = "high", of: str = "", format: str = ".3~g"
) -> list[alt.Tooltip]:
    """Return two tooltip lines for the ends of a range or an interval.

    Parameters
    ----------
    low, high : str
        Fields of the two ends.
    of : str
        What has these ends, such as ``"interval"``: the lines are then titled "interval from" and
        "interval to" instead of "from" and "to".
    format : str
        Number format (d3-format).

    Returns
    -------
    list of Tooltip
        The lines for the lower and the upper end.

    Examples
    --------
    >>> lines = range_tooltips("error_low", "error_high", of="interval")
    >>> [line.to_dict()["title"] for line in lines]
    ['interval from', 'interval to']
    """
    return [
        alt.Tooltip(f"{field}:Q", title=f"{of} {end}".strip(), format=format)
        for field, end in ((low, "from"), (high, "to"))
    ]


def histogram(
    data: str,
    x_title: str,
    scale: alt.Scale,
    field: str,
    title: str,
    *,
    share: bool = False,
    background: bool = True,
    range_format: str = ".3~g",
    **mark: Any,
) -> alt.Chart:
    """Return a bar layer with one bar from ``low`` to ``high`` per row of the data.

    Parameters
    ----------
    data : str
        Name of the data, with the fields ``low``, ``high`` and ``field``.
    x_title : str
        Title of the x-axis.
    scale : Scale
        Scale of the x-axis, shared with the other layers.
    field : str
        Field of the bars' height.
    title : str
        Title of the y-axis and of the height's tooltip.
    share : bool
        Whether heights are shares, shown as percentages, rather than counts.
    background : bool
        Whether the bars are the pale background of another layer, with their axis on the right.
    range_format : str
        Number format (d3-format) of the tooltips for ``low`` and ``high``.
    **mark
        Further properties of the bars, such as ``color``.

    Returns
    -------
    Chart
        The layer.

    Examples
    --------
    >>> layer = histogram("training", "age (years)", alt.Scale(), "samples", "training samples")
    >>> layer.to_dict()["encoding"]["y"]["axis"]["orient"]
    'right'
    """
    axis: dict[str, Any] = {"orient": "right", "grid": False} if background else {}
    style = {"color": HISTOGRAM_COLOUR} | ({"opacity": 0.3} if background else {}) | mark
    return (
        alt.Chart(alt.NamedData(data))
        .mark_bar(**style)
        .encode(
            x=alt.X("low:Q", title=x_title, scale=scale),
            x2="high:Q",
            y=alt.Y(
                f"{field}:Q", title=title, axis=alt.Axis(format=".0%" if share else "~s", **axis)
            ),
            y2=alt.datum(0),
            tooltip=[
                *range_tooltips(format=range_format),
                alt.Tooltip(f"{field}:Q", title=title, format=".1%" if share else ","),
            ],
        )
    )


def marker_lines(
    data: str, scale: alt.Scale, width: float = 2, dash: Sequence[float] = (6, 3)
) -> alt.Chart:
    """Return a layer with a grey vertical line at each value of the field ``at``.

    Parameters
    ----------
    data : str
        Name of the data.
    scale : Scale
        Scale of the x-axis, shared with the other layers.
    width : float
        Line width in pixels.
    dash : sequence of float
        Lengths of dashes and gaps in pixels.

    Returns
    -------
    Chart
        The layer.
    """
    lines = alt.Chart(alt.NamedData(data)).mark_rule(strokeWidth=width, strokeDash=list(dash))
    return lines.encode(x=alt.X("at:Q", scale=scale), color=alt.value(FUNCTION_COLOUR))


def colour(
    models: Sequence[str] = tuple(COLOURS), with_function: bool = False, legend: bool = True
) -> alt.Color:
    """Return the colour encoding of the field ``model``.

    Parameters
    ----------
    models : sequence of str
        Model names, in the order of the legend.
    with_function : bool
        Whether the true function is one of the series.
    legend : bool
        Whether there is a legend above the chart.

    Returns
    -------
    Color
        The encoding.
    """
    domain = list(models) + ([FUNCTION] if with_function else [])
    colours = [*palette(models), *[FUNCTION_COLOUR] * with_function]
    scale = alt.Scale(domain=domain, range=colours)
    if not legend:
        return alt.Color("model:N", scale=scale, legend=None)
    return alt.Color(
        "model:N",
        scale=scale,
        legend=_legend(),
    )


def _legend() -> alt.Legend:
    """Legend of the models: encodings of one field share it only if they ask for the same."""
    return alt.Legend(
        title=None,
        orient="top",
        labelExpr=label_expression(),
        labelLimit=260,
        symbolOpacity=1,
        symbolStrokeWidth=0,
        columns=2,
    )


def stroke_legend(**options: Any) -> dict[str, Any]:
    """Return the options of a legend whose symbols are strokes, as the lines of its chart.

    Dashes around the default circles would be blobs. Encodings of one field share a legend only if
    they ask for the same, so colour and dashes take the same one.

    Parameters
    ----------
    **options
        Further options, such as ``columns``.

    Returns
    -------
    dict
        Options of `altair.Legend`.
    """
    return {
        "title": None,
        "orient": "top",
        "labelLimit": 260,
        "symbolType": "stroke",
        "symbolOpacity": 1,
        "symbolSize": 300,
        "symbolStrokeWidth": 2.5,
        **options,
    }


def dash(legend: bool = False) -> alt.StrokeDash:
    """Return the dash encoding of the field ``model``: the control is dashed.

    With a legend, it shares that of the colours, which must then have the same models.
    """
    scale = alt.Scale(domain=list(DASHES), range=list(DASHES.values()))
    return alt.StrokeDash("model:N", scale=scale, legend=_legend() if legend else None)


def shape(models: Sequence[str], legend: bool = True) -> alt.Shape:
    """Return the point-shape encoding of the field ``model``; unknown models are circles.

    With a legend, it shares that of the colours, which must then have the same models.
    """
    scale = alt.Scale(domain=list(models), range=[SHAPES.get(m, "circle") for m in models])
    return alt.Shape("model:N", scale=scale, legend=_legend() if legend else None)


def tooltips(field: str, title: str) -> list[alt.Tooltip]:
    """Return the tooltip of a median line with its band: model, position, median and band.

    Parameters
    ----------
    field : str
        Field of the x-axis.
    title : str
        Title of its line in the tooltip.

    Returns
    -------
    list of Tooltip
        Five lines. The data have the fields ``model``, ``median``, ``low`` and ``high``.
    """
    return [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip(f"{field}:Q", title=title, format=".3~g"),
        alt.Tooltip("median:Q", format=".3g"),
        *range_tooltips(of="band", format=".3g"),
    ]
