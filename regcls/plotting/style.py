"""Colours, dashes, shapes and display names of the models in all charts, and the charts' theme."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

# Colours of Okabe and Ito. The control is dashed as well, so that colour is not the only cue.
COLOURS = {"reg": "#D55E00", "control": "#009E73", "reg+cls": "#0072B2"}
# User-supplied models: a related colour and another name than the shipped model's.
OWN_COLOURS = {"own reg": "#E69F00", "own reg+cls": "#56B4E9"}
PALETTE = COLOURS | OWN_COLOURS
_OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#0072B2", "#D55E00", "#B8A500", "#7A7A7A")
_ALIASES = {"regcls": "reg+cls", "reg_cls": "reg+cls"}
NAMES = {
    "reg": "reg",
    "control": "control (reg, matched scale)",
    "reg+cls": "reg+cls",
}
FUNCTION = "true function"
FUNCTION_COLOUR = "#7A7A7A"
HISTOGRAM_COLOUR = "#8A9AA3"
DENSITY_COLOUR = "#CC79A7"
DASHES = {"reg": [1, 0], "control": [5, 3], "reg+cls": [1, 0]}
SHAPES = {"reg": "circle", "control": "triangle-up", "reg+cls": "square"}


class Ink(NamedTuple):
    """Colours of a chart's text and grid on a background.

    Attributes
    ----------
    text : str
        Titles and series names.
    quiet : str
        Labels of axes and legends, captions.
    grid : str
        Grid lines.
    background : str
        What the chart stands on.
    """

    text: str
    quiet: str
    grid: str
    background: str


LIGHT = Ink("#16242B", "#4A575D", "#E3E9EC", "#FFFFFF")
DARK = Ink("#E6EEF1", "#B0B8BC", "#2A363D", "#10181C")
# The same on light and dark pages, so that a colour means the same on both. Differences run from the
# blue of reg+cls over grey to the orange of reg.
SEQUENTIAL = ("#440154", "#414487", "#2A788E", "#22A884", "#7AD151", "#FDE725")
DIVERGING = ("#0072B2", "#5FA3CC", "#B4CDDD", "#D9D9D9", "#EBC3A6", "#E29160", "#D55E00")


@cache
def theme(dark: bool = False) -> dict[str, Any]:
    """Return the theme of all charts as a Vega-Lite configuration.

    Parameters
    ----------
    dark : bool
        Whether the chart stands on a dark page.

    Returns
    -------
    dict
        For the key ``config`` of a specification. Font and background are those of the page.

    Examples
    --------
    >>> theme()["axis"]["labelColor"] == LIGHT.quiet
    True
    """
    ink = DARK if dark else LIGHT
    labels = {"labelColor": ink.quiet, "titleColor": ink.quiet}
    sizes = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "title": {
            "color": ink.text,
            "subtitleColor": ink.quiet,
            "fontSize": 15,
            "fontWeight": 600,
            "anchor": "start",
            "offset": 8,
        },
        "axis": {
            **labels,
            **sizes,
            "ticks": False,
            "domain": False,
            "gridColor": ink.grid,
            "labelPadding": 5,
            "titlePadding": 6,
            "labelOverlap": True,
            "labelFlush": True,
        },
        "axisDiscrete": {"grid": False},
        "legend": {
            **labels,
            **sizes,
            "padding": 0,
            "offset": 6,
            "labelOffset": 4,
            "columnPadding": 14,
            "rowPadding": 3,
            "titlePadding": 3,
        },
        "header": {**labels, **sizes, "labelPadding": 4},
        "view": {"stroke": "transparent"},
        "range": {
            "ramp": list(SEQUENTIAL),
            "heatmap": list(SEQUENTIAL),
            "diverging": list(DIVERGING),
        },
    }


def palette(models: Sequence[str]) -> list[str]:
    """Return one colour per model name.

    Parameters
    ----------
    models : sequence of str
        Model names. Known names (``reg``, ``control``, ``reg+cls``, also spelled ``regcls`` or
        ``reg_cls``, and the user-supplied models) keep their colour.

    Returns
    -------
    list of str
        Hexadecimal colours. A read-out such as "reg+cls, class head" takes the colour of its model
        if that is free. Other names take the unused colours, which repeat after eight.

    Examples
    --------
    >>> palette(["reg", "baseline"])
    ['#D55E00', '#009E73']
    >>> palette(["reg, recalibrated", "reg"])
    ['#009E73', '#D55E00']
    """
    known = [PALETTE.get(_ALIASES.get(model, model)) for model in models]
    for i, model in enumerate(models):
        own = PALETTE.get(model.partition(", ")[0])
        if known[i] is None and own not in known:
            known[i] = own
    left = iter([colour for colour in _OTHERS if colour not in known] + list(_OTHERS) * 8)
    return [colour or next(left) for colour in known]


def label_expression() -> str:
    """Return the Vega expression that replaces a model's key by its display name in a legend."""
    return f"{json.dumps(NAMES)}[datum.label] || datum.label"
