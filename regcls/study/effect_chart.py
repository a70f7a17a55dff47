"""Heat map of the effect of classes: the test error of reg+cls relative to another model."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import range_tooltips
from regcls.plotting.style import DIVERGING
from regcls.stats.verdicts import BETTER, WORSE
from regcls.study.ratios import NO_RESULT
from regcls.study.summary import CellSummary, Summary

SELECTION = "pick"  # name of the selection that a click makes; its field is "cell"
LIMIT = 2.0  # colours are saturated beyond ratios of 1/2 and 2
DARK, LIGHT = "#000000", "#FFFFFF"  # text on a cell, whichever is easier to read
_PICKED = "#C2185B"  # outline of the cell that is shown beside the map
_OUTLINE = "#000000"
_GREY = "#73848D"  # on the background of both themes
_RATIOS = (0.5, 0.7, 1.0, 1.4, 2.0)  # labels of the legend
_AROUND = 130  # pixels for title, legend and axis
_TALLEST = 450  # pixels of the cells together, above which rows become narrower


def effect_map(summary: Summary, against: str, picked: str = "") -> Picture:
    """Chart the mean error ratio of each setting: samplings and rows down, the x setting across.

    Parameters
    ----------
    summary : Summary
        Results of a grid.
    against : str
        What reg+cls is compared with: a key of the summary's comparisons.
    picked : str
        Name of the setting to mark.

    Returns
    -------
    Picture
        Clicking a cell selects it, under the name `SELECTION`.
    """
    xs, rows, samplings = summary.places()
    other = summary.comparisons[against].name
    data = {"cells": pd.DataFrame([_record(c, c.against[against], picked) for c in summary.cells])}
    places = _places(rows, samplings)
    spec = _spec(tuple(xs), places, summary.x_title, other)
    caption = (
        f"Test MSE of reg+cls divided by that of {other}, as the geometric mean over functions: blue "
        "means that reg+cls has the lower error. Black outlines: significant, with Holm's correction "
        "over all settings."
    )
    return Picture(spec, data, caption, hint="Click a cell to see its setting.")


def _record(cell: CellSummary, effect: Any, picked: str) -> dict[str, Any]:
    """Return a row of the chart's data."""
    known = effect.verdict != NO_RESULT
    log = math.log2(min(max(effect.ratio, 1e-3), 1e3)) if known else 0.0
    state = "decided" if effect.verdict in (BETTER, WORSE) else "open" if known else "empty"
    return {
        "cell": cell.cell,
        "x": cell.x,
        "at": f"{cell.sampling}|{cell.row}",
        "label": cell.label,
        "log": log,
        "text": _text(effect.ratio),
        "ink": ink(log) if known else _GREY,
        "state": "picked" if cell.cell == picked else state,
        "verdict": effect.verdict,
        "ratio": effect.ratio,
        "low": effect.low,
        "high": effect.high,
        "wins": effect.wins,
        "p": effect.p,
        "runs": cell.runs,
    }


def _text(ratio: float) -> str:
    if math.isnan(ratio):
        return "–"
    return f"{ratio:.2f}" if ratio < 100 else ">99"


def _places(rows: Sequence[str], samplings: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return keys and labels along y: a heading per sampling and its rows, or samplings alone."""
    if len(rows) == 1:
        return tuple((f"{sampling}|{rows[0]}", sampling) for sampling in samplings)
    found = []
    for sampling in samplings:
        found.append((f"{sampling}|", sampling))
        found += [(f"{sampling}|{row}", row) for row in rows]
    return tuple(found)


@cache
def _spec(
    xs: tuple[str, ...], places: tuple[tuple[str, str], ...], title: str, other: str
) -> dict[str, Any]:
    no_axis: dict[str, Any] = {"grid": False, "ticks": False, "domain": False}
    x = alt.X(
        "x:N",
        title=title,
        sort=list(xs),
        scale=alt.Scale(domain=list(xs), paddingInner=0.05, paddingOuter=0.03),
        axis=alt.Axis(labelAngle=0, **no_axis),
    )
    keys = [key for key, _ in places]
    headed = any(key.endswith("|") for key in keys)
    bold = {"condition": {"test": "indexof(datum.value, '|') == length(datum.value) - 1"}}
    bold["condition"]["value"] = "bold"
    y = alt.Y(
        "at:N",
        title=None,
        sort=keys,
        scale=alt.Scale(domain=keys, paddingInner=0.08, paddingOuter=0.05),
        axis=alt.Axis(
            labelExpr=f"{json.dumps(dict(places), ensure_ascii=False)}[datum.value]",
            labelOverlap=False,
            labelFontWeight=bold | {"value": "normal"} if headed else "normal",
            **no_axis,
        ),
    )
    source = alt.Chart(alt.NamedData("cells")).encode(x=x, y=y)
    row = min(_TALLEST / len(keys), 23 if headed else 44)
    heading = f"Test MSE of reg+cls divided by that of {other}"
    chart = alt.layer(_empty(source), _cells(source), _numbers(source))
    return finished(chart, heading, round(_AROUND + row * len(keys)))


def _empty(source: alt.Chart) -> alt.Chart:
    """Return the layer of cells without results: dashed outlines."""
    outlines = source.mark_rect(
        fill=None, stroke=_GREY, strokeDash=[3, 3], cornerRadius=2, aria=False
    )
    return outlines.transform_filter(f"datum.verdict == '{NO_RESULT}'")


def _cells(source: alt.Chart) -> alt.Chart:
    """Return the layer of cells: coloured, outlined where decided or picked."""
    decided, picked = (f"datum.state == '{state}'" for state in ("decided", "picked"))
    legend = alt.Legend(
        title="reg+cls: lower ← ratio (log scale) → higher",
        orient="top",
        direction="horizontal",
        gradientLength=210,
        gradientThickness=10,
        values=[math.log2(ratio) for ratio in _RATIOS],
        labelExpr="format(pow(2, datum.value), '.1~f')",
        titleLimit=260,
    )
    results = f"datum.verdict != '{NO_RESULT}'"
    return source.mark_rect(cornerRadius=2).encode(
        color=alt.Color("log:Q", scale=_scale(), legend=legend),
        fillOpacity=alt.when(results).then(alt.value(1)).otherwise(alt.value(0)),
        stroke=alt.when(picked)
        .then(alt.value(_PICKED))
        .when(decided)
        .then(alt.value(_OUTLINE))
        .otherwise(alt.value("transparent")),
        strokeWidth=alt.when(picked).then(alt.value(3.5)).otherwise(alt.value(2)),
    )


def _scale() -> alt.Scale:
    limit = math.log2(LIMIT)
    steps = len(DIVERGING) - 1
    domain = [limit * (2 * i / steps - 1) for i in range(steps + 1)]
    return alt.Scale(domain=domain, range=list(DIVERGING), clamp=True, interpolate="rgb")


def _numbers(source: alt.Chart) -> alt.Chart:
    """Return the layer of ratios, which also takes the clicks since it is on top."""
    select = alt.selection_point(name=SELECTION, fields=["cell"], on="click", nearest=True)
    text = source.mark_text(fontSize=12).encode(
        text="text:N",
        color=alt.when(f"datum.ink == '{LIGHT}'")
        .then(alt.value(LIGHT))
        .when(f"datum.ink == '{DARK}'")
        .then(alt.value(DARK))
        .otherwise(alt.value(_GREY)),
        tooltip=[
            alt.Tooltip("label:N", title="setting"),
            alt.Tooltip("verdict:N", title="reg+cls"),
            alt.Tooltip("ratio:Q", title="ratio", format=".3f"),
            *range_tooltips(of="interval", format=".3f"),
            alt.Tooltip("wins:Q", title="share of runs won", format=".0%"),
            alt.Tooltip("p:Q", title="p (Holm)", format=".2g"),
            alt.Tooltip("runs:Q", title="runs"),
        ],
    )
    return text.add_params(select)


def colour_of(log: float) -> tuple[int, int, int]:
    """Return the colour of a cell as red, green and blue, as the browser interpolates it.

    Parameters
    ----------
    log : float
        Base-2 logarithm of the ratio.

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> colour_of(-5), colour_of(0)
    ((0, 114, 178), (217, 217, 217))
    """
    limit, steps = math.log2(LIMIT), len(DIVERGING) - 1
    place = (min(max(log, -limit), limit) / limit + 1) / 2 * steps
    first = min(int(place), steps - 1)
    share = place - first
    ends = [[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in DIVERGING[first : first + 2]]
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(*ends, strict=True))
    return red, green, blue


def ink(log: float) -> str:
    """Return the colour of the text on a cell: black or white, whichever has more contrast.

    Parameters
    ----------
    log : float
        Base-2 logarithm of the ratio.

    Returns
    -------
    str
    """
    light = luminance(colour_of(log))
    return DARK if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else LIGHT


def luminance(colour: tuple[int, int, int]) -> float:
    """Return the relative luminance of a colour, from 0 to 1 (WCAG 2).

    Parameters
    ----------
    colour : tuple of int
        Red, green and blue, from 0 to 255.

    Returns
    -------
    float
    """
    linear = (
        (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4)
        for c in (part / 255 for part in colour)
    )
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
