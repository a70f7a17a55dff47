"""Chart of the mean test error along the classes, or along another setting that varies."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import colour, range_tooltips, shape
from regcls.plotting.style import COLOURS, DASHES
from regcls.study.summary import CellSummary, Summary

_HEIGHT = 400  # pixels, with title, legend and axis
Y_TITLE = "test MSE (y²)"
_FEWEST_FOR_LINES = 3  # values along x; fewer are drawn as points with error bars
_NARROW = 440  # pixels of a plot, as on a phone
_COLUMNS = ["at", "x", "label", "model", "sampling", "mean", "low", "high", "runs"]


def error_curves(summary: Summary, row: str) -> Picture:
    """Chart the mean test MSE along x, one group per sampling.

    Parameters
    ----------
    summary : Summary
        Results of a grid.
    row : str
        One of the rows of the grid's layout, such as "clean".

    Returns
    -------
    Picture
    """
    xs, _, samplings = summary.places()
    cells = [cell for cell in summary.cells if cell.row == row]
    points = pd.DataFrame([r for cell in cells for r in _means(cell)], columns=_COLUMNS)
    published = pd.DataFrame([r for cell in cells for r in _published(cell)])
    data = {"points": points}
    if len(published):
        data["published"] = published
    models = tuple(model for model in COLOURS if model in set(points["model"]))
    title = f"Mean test error by {summary.x_title}: {row}"
    spec = _spec(tuple(xs), tuple(samplings), title, summary.x_title, models, bool(len(published)))
    diamonds = "; hollow diamonds are published means" if len(published) else ""
    caption = (
        "Mean test MSE on uniformly sampled targets (lower is better), with 95% intervals over "
        f"functions{diamonds}. Intervals overlap because functions differ in difficulty."
    )
    return Picture(spec, data, caption)


def _means(cell: CellSummary) -> list[dict[str, Any]]:
    place = _place(cell)
    return [
        {**place, "model": model, "mean": e.mean, "low": e.low, "high": e.high, "runs": e.runs}
        for model, e in cell.errors.items()
    ]


def _published(cell: CellSummary) -> list[dict[str, Any]]:
    place = _place(cell)
    return [{**place, "model": model, "mean": mean} for model, mean in cell.published.items()]


def _place(cell: CellSummary) -> dict[str, Any]:
    return {
        "at": f"{cell.sampling}|{cell.x}",
        "x": cell.x,
        "label": cell.label,
        "sampling": cell.sampling,
    }


@cache
def _spec(
    xs: tuple[str, ...],
    samplings: tuple[str, ...],
    title: str,
    x_title: str,
    models: tuple[str, ...],
    published: bool,
) -> dict[str, Any]:
    lines = len(xs) >= _FEWEST_FOR_LINES
    keys: list[str] = []
    for sampling in samplings:
        keys += [f"{sampling}| "] if keys else []  # a gap between the groups
        keys += [f"{sampling}|{x}" for x in xs]
    x = alt.X(
        "at:N",
        title=x_title,
        sort=keys,
        scale=alt.Scale(domain=keys),
        axis=alt.Axis(labelAngle=0, labelExpr=_labels(xs), labelOverlap=False, grid=False),
    )
    side = {} if lines else {"xOffset": alt.XOffset("model:N", sort=list(models))}
    y = alt.Y("mean:Q", title=Y_TITLE, scale=alt.Scale(zero=True))
    at = {"x": x, "y": y, "color": colour(models)}
    interval = at | {"y": alt.Y("low:Q", title=Y_TITLE, scale=alt.Scale(zero=True)), "y2": "high:Q"}
    source = alt.Chart(alt.NamedData("points"))
    # Without a scale, whose legend would repeat that of the colours.
    dashed = alt.value(DASHES["control"])
    dashes = alt.when("datum.model == 'control'").then(dashed).otherwise(alt.value([1, 0]))
    if lines:
        layers = [
            source.mark_area(opacity=0.14).encode(**interval, detail="sampling:N"),
            source.mark_line(strokeWidth=2).encode(**at, strokeDash=dashes, detail="sampling:N"),
        ]
    else:
        layers = [source.mark_rule(strokeWidth=2).encode(**interval, **side)]
    ours = source.mark_point(filled=True, size=55, opacity=1).encode(
        **at,
        shape=shape(models),
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
    chart = alt.layer(*layers, *([theirs] if published else []), ours)
    return finished(chart, title, _HEIGHT)


def _labels(xs: tuple[str, ...]) -> str:
    """Return the expression of the labels: the values, and in the middle the name of the group.

    A narrow chart has room for the names only.
    """
    parts = "split(datum.value, '|')"
    middle = f"{parts}[1] == '{xs[(len(xs) - 1) // 2]}'"
    return (
        f"width < {_NARROW} ? ({middle} ? {parts}[0] : '') : "
        f"{middle} ? [{parts}[1], {parts}[0]] : {parts}[1]"
    )


def _tooltips(model_title: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title="setting"),
        alt.Tooltip("model:N", title=model_title),
        alt.Tooltip("mean:Q", title="mean test MSE", format=".4f"),
    ]
