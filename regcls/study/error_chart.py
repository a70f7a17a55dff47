"""Chart of the mean test error along the classes, or along another setting that varies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import colour, dash, range_tooltips, shape
from regcls.plotting.style import COLOURS, NAMES, SHAPES
from regcls.study.panels import GREY, SELECTION, LegendEntry, Panels, html_legend

_MODELS = tuple(COLOURS)
_SYMBOLS = {"circle": "●", "triangle-up": "▲", "square": "■"}
_HEIGHT = 240  # pixels; includes the axis and its title where the page fits the chart in
_Y_TITLE = "test MSE (y²)"
_FEWEST_FOR_LINES = 3  # values along x; fewer are drawn as points with error bars


def model_legend(models: Iterable[str] = _MODELS, published: bool = False) -> str:
    """Return the legend of the models' colours and shapes.

    Parameters
    ----------
    models : iterable of str
        Models that are shown.
    published : bool, default False
        Whether published means are shown as well.

    Returns
    -------
    str
        HTML.
    """
    return html_legend(_legend(models, published))


def _legend(models: Iterable[str], published: bool) -> tuple[LegendEntry, ...]:
    shown = set(models)
    entries = []
    for model in _MODELS:
        if model in shown:
            symbol = f'<span style="color:{COLOURS[model]}">{_SYMBOLS[SHAPES[model]]}</span>'
            entries.append(LegendEntry(NAMES[model], symbol, SHAPES[model], COLOURS[model]))
    if published:
        entries.append(LegendEntry("published mean", "◇", "diamond", "transparent", "black"))
    return tuple(entries)


def error_panels(
    errors: pd.DataFrame,
    published: pd.DataFrame,
    xs: Sequence[str],
    title: str,
    grid: tuple[Sequence[str], Sequence[str]],
    picked: str,
) -> Panels:
    """Chart the mean test MSE along x, one panel per row and sampling.

    Parameters
    ----------
    errors : DataFrame
        Table from `regcls.study.layout.mean_errors`.
    published : DataFrame
        Table from `regcls.study.layout.published_means`.
    xs : sequence of str
        Values along x, in order.
    title : str
        Title of the x-axis.
    grid : tuple of two sequences of str
        Row titles and samplings.
    picked : str
        Cell to highlight.

    Returns
    -------
    Panels
    """
    panels = {}
    for row in grid[0]:
        ours, theirs = (table[table["row"] == row] for table in (errors, published))
        top = _top(ours, theirs)
        for column in grid[1]:
            points = _columns(ours[ours["sampling"] == column], low=0.0, high=0.0, runs=0)
            data = {
                "points": points,
                "published": _columns(theirs[theirs["sampling"] == column]),
                "picked": points.loc[points["cell"] == picked, ["x"]].drop_duplicates(),
            }
            panels[row, column] = Picture(_spec(tuple(xs), title, top), data, "")
    diamonds = "" if published.empty else "; hollow diamonds are published means"
    caption = (
        "Mean test MSE on uniformly sampled targets (lower is better), with 95 % intervals over "
        f"functions{diamonds}. Intervals overlap because functions differ in difficulty."
    )
    return Panels(
        panels,
        caption,
        title=f"Mean test error by {title}",
        legend=_legend(errors["model"], not published.empty),
        hint="See “Does it help?” for paired comparisons, or click a point to see its runs.",
    )


def _columns(table: pd.DataFrame, **more: float) -> pd.DataFrame:
    """Return only the columns that are drawn, so that other cells do not change a panel's data."""
    names = ["cell", "label", "x", "model", "mean", *more]
    return table.reindex(columns=names).reset_index(drop=True)


def _top(ours: pd.DataFrame, theirs: pd.DataFrame) -> float:
    """Return the upper end of the y-axis, which the panels of a row share."""
    values = pd.concat([ours["high"], ours["mean"], theirs["mean"]]).astype(float)
    highest = float(values.max())
    return round(highest * 1.05, 4) if np.isfinite(highest) and highest > 0 else 1.0


@cache
def _spec(xs: tuple[str, ...], title: str, top: float) -> dict[str, Any]:
    lines = len(xs) >= _FEWEST_FOR_LINES
    x = alt.X(
        "x:N",
        title=title,
        sort=list(xs),
        scale=alt.Scale(domain=list(xs)),
        axis=alt.Axis(labelAngle=0),
    )
    side = {} if lines else {"xOffset": alt.XOffset("model:N", sort=list(_MODELS))}
    scale = alt.Scale(domain=[0, top], nice=False)
    at = {"x": x, "y": alt.Y("mean:Q", title=_Y_TITLE, scale=scale), "color": _colour()}
    interval = at | {"y": alt.Y("low:Q", title=_Y_TITLE, scale=scale), "y2": "high:Q"}
    source = alt.Chart(alt.NamedData("points"))
    if lines:
        layers = [
            source.mark_area(opacity=0.14).encode(**interval),
            source.mark_line(strokeWidth=2).encode(**at, strokeDash=dash()),
        ]
    else:
        layers = [source.mark_rule(strokeWidth=2).encode(**interval, **side)]
    select = alt.selection_point(name=SELECTION, fields=["cell"], on="click", nearest=True)
    ours = source.mark_point(filled=True, size=55, opacity=1).encode(
        **at,
        shape=shape(_MODELS, legend=False),
        tooltip=[
            *_tooltips("model"),
            *range_tooltips(of="interval", format=".4f"),
            alt.Tooltip("runs:Q", title="runs"),
        ],
        **side,
    )
    theirs = (
        alt.Chart(alt.NamedData("published"))
        .mark_point(shape="diamond", size=75, strokeWidth=1.6, opacity=1)
        .encode(**at, tooltip=_tooltips("published"), **side)
    )
    picked = alt.Chart(alt.NamedData("picked")).mark_rule(strokeWidth=14, opacity=0.25, color=GREY)
    chart = alt.layer(picked.encode(x=x), *layers, theirs, ours.add_params(select))
    return finished(chart, "", _HEIGHT)


def _colour() -> alt.Color:
    return colour(legend=False)  # the page shows one legend for all panels


def _tooltips(model_title: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="setting"),
        alt.Tooltip("model:N", title=model_title),
        alt.Tooltip("mean:Q", title="mean test MSE", format=".4f"),
    ]
