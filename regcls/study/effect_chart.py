"""Heat map of the effect of classes: the test error of reg+cls relative to another model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import range_tooltips
from regcls.plotting.style import COLOURS
from regcls.study.layout import BETTER, EQUAL, NO_DIFFERENCE, NO_RESULT, WORSE
from regcls.study.panels import GREY, SELECTION, LegendEntry, Panels, html_legend

_DARK = "#16242B"  # text on a coloured cell
_LIMIT = 2.0  # colours are saturated beyond ratios of 1/2 and 2
_COLOURS = [COLOURS["reg+cls"], "#F4F4F4", COLOURS["reg"]]
_FADED = 0.3  # opacity of cells without a significant difference


def effect_panels(
    compared: pd.DataFrame,
    xs: Sequence[str],
    title: str,
    grid: tuple[Sequence[str], Sequence[str]],
    other: str,
    picked: str,
) -> Panels:
    """Chart the mean error ratio of each cell, one panel per sampling.

    Parameters
    ----------
    compared : DataFrame
        Table from `regcls.study.layout.comparison_table`.
    xs : sequence of str
        Values along x, in order.
    title : str
        Title of the x-axis.
    grid : tuple of two sequences of str
        Row titles and samplings.
    other : str
        Name of the model that reg+cls is compared with.
    picked : str
        Cell to highlight.

    Returns
    -------
    Panels
    """
    panels = {}
    for column in grid[1]:
        cells = compared[compared["sampling"] == column].reset_index(drop=True)
        ratio = cells["ratio"].astype(float).clip(1e-3, 1e3)
        data = {
            "cells": cells.assign(log=np.log2(ratio), text=list(map(_ratio, cells["ratio"]))),
            "picked": cells.loc[cells["cell"] == picked, ["x", "row"]],
        }
        panels["", column] = Picture(_spec(tuple(xs), tuple(grid[0]), title), data, "")
    caption = (
        f"Geometric mean over functions of the test MSE of reg+cls divided by that of {other}. In "
        "pale cells, the difference is not significant: intervals have functions as units and are "
        "Holm-corrected over all cells."
    )
    return Panels(
        panels,
        caption,
        title=f"Test MSE of reg+cls divided by that of {other}",
        legend=_legend(other),
        y_title="setting" if any("·" in row for row in grid[0]) else "scenario",
        hint="Click a cell to see its runs.",
    )


def _ratio(value: float) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.2f}" if value < 100 else ">99"


@cache
def _spec(xs: tuple[str, ...], rows: tuple[str, ...], title: str) -> dict[str, Any]:
    no_axis: dict[str, Any] = {"grid": False, "ticks": False, "domain": False}
    x = alt.X(
        "x:N",
        title=title,
        sort=list(xs),
        scale=alt.Scale(domain=list(xs), padding=0.04),
        axis=alt.Axis(labelAngle=0, **no_axis),
    )
    y = alt.Y(
        "row:N",
        title=None,
        sort=list(rows),
        scale=alt.Scale(domain=list(rows), padding=0.06),
        axis=alt.Axis(**no_axis),
    )
    source = alt.Chart(alt.NamedData("cells")).encode(x=x, y=y)
    picked = alt.Chart(alt.NamedData("picked")).mark_rect(
        fill=None, stroke=GREY, strokeWidth=3, cornerRadius=2
    )
    chart = alt.layer(*_cells(source), picked.encode(x=x, y=y), _numbers(source))
    return finished(chart, "", 80 + 34 * len(rows))


def _cells(source: alt.Chart) -> list[alt.Chart]:
    """Return the layers of cells: white ground, dashed outlines of empty cells, and colours."""
    ground = source.mark_rect(color="white").transform_filter(f"datum.state != '{NO_RESULT}'")
    empty = source.mark_rect(fill=None, stroke=GREY, strokeDash=[3, 3]).transform_filter(
        f"datum.state == '{NO_RESULT}'"
    )
    limit = np.log2(_LIMIT)
    scale = alt.Scale(domain=[-limit, 0, limit], range=_COLOURS, clamp=True)
    coloured = source.mark_rect().encode(
        color=alt.Color("log:Q", scale=scale, legend=None),
        opacity=alt.when(f"datum.state == '{NO_RESULT}'")
        .then(alt.value(0))
        .when(f"datum.state == '{BETTER}' || datum.state == '{WORSE}'")
        .then(alt.value(1))
        .otherwise(alt.value(_FADED)),
    )
    return [ground, empty, coloured]


def _numbers(source: alt.Chart) -> alt.Chart:
    """Return the layer of ratios, which also takes the clicks since it is on top."""
    saturated = f"datum.state == '{BETTER}' && datum.log < {-0.5 * np.log2(_LIMIT)}"
    select = alt.selection_point(name=SELECTION, fields=["cell"], on="click", nearest=True)
    text = source.mark_text(fontSize=11).encode(
        text="text:N",
        color=alt.when(saturated)
        .then(alt.value("white"))
        .when(f"datum.state != '{NO_RESULT}'")
        .then(alt.value(_DARK))
        .otherwise(alt.value(GREY)),
        tooltip=[
            alt.Tooltip("label:N", title="setting"),
            alt.Tooltip("state:N", title="reg+cls"),
            alt.Tooltip("ratio:Q", title="ratio", format=".3f"),
            *range_tooltips(of="interval", format=".3f"),
            alt.Tooltip("wins:Q", title="share of runs won", format=".0%"),
            alt.Tooltip("p_holm:Q", title="p (Holm)", format=".2g"),
            alt.Tooltip("runs:Q", title="runs"),
        ],
    )
    return text.add_params(select)


def effect_legend(other: str) -> str:
    """Return the legend of the heat map.

    Parameters
    ----------
    other : str
        Name of the model that reg+cls is compared with.

    Returns
    -------
    str
        HTML.
    """
    return html_legend(_legend(other))


def _legend(other: str) -> tuple[LegendEntry, ...]:
    blue, _, orange = _COLOURS
    pale = (_blend(blue), _blend(orange))
    better, worse = f"reg+cls {BETTER} (ratio 0.5 or less)", f"reg+cls {WORSE} than {other}"
    gradient = f"linear-gradient(90deg,{','.join(pale)})"
    return (
        LegendEntry(better, _swatch(blue), "square", blue),
        LegendEntry(f"{worse} (ratio 2 or more)", _swatch(orange), "square", orange),
        LegendEntry(f"pale: {NO_DIFFERENCE} or {EQUAL}", _swatch(gradient), "square", *pale),
        LegendEntry(NO_RESULT, "–", "stroke", "transparent", GREY),
    )


def _swatch(background: str) -> str:
    return (
        '<span style="display:inline-block;width:1.6em;height:1em;vertical-align:-.1em;'
        f'margin-right:.1em;border-radius:2px;background:{background}"></span>'
    )


def _blend(colour: str) -> str:
    """Return a colour as it looks on white at the opacity of faded cells."""
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - _FADED * (255 - part)):02X}" for part in parts)
