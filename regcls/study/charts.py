"""The Study's charts: test error against classes, "does it help?", errors per target range.

A chart is a grid of small panels, each a ``Picture`` of its own, so that a page can stack them on
a narrow screen; ``Sheet`` puts them together on one sheet for a file.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture
from regcls.plotting.style import COLOURS, NAMES
from regcls.study.layout import BETTER, UNDECIDED, UNKNOWN, WORSE

SELECTION = "pick"  # name of the selection that a click makes; its field is "cell"
_GREY = "#73848D"  # 4:1 or more against both themes' backgrounds
_DARK = "#16242B"
_DASHES = {"reg": [1, 0], "control": [5, 3], "reg+cls": [1, 0]}
_SHAPES = {"reg": "circle", "control": "triangle-up", "reg+cls": "square"}
_LIMIT = 2.0  # ratios from 1/2 to 2 have colours of their own
_HELP_COLOURS = [COLOURS["reg+cls"], "#F4F4F4", COLOURS["reg"]]
_FADED = 0.3
_HEIGHT = 240  # axis and its title included, where the page fits the chart in


@dataclass(frozen=True)
class Sheet:
    """Panels in rows and columns, under row and column titles, and what there is to see."""

    panels: dict[tuple[str, str], Picture]
    caption: str

    @property
    def rows(self) -> list[str]:
        return list(dict.fromkeys(row for row, _ in self.panels))

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for _, column in self.panels))

    def whole(self) -> dict:
        """All panels as one Vega-Lite spec with its data inside."""
        rows = [
            {"hconcat": [_inside(self.panels[row, column], row, column) for column in self.columns]}
            for row in self.rows
        ]
        return {
            "vconcat": rows,
            "background": "white",
            "resolve": {"scale": {"color": "shared", "shape": "shared", "strokeDash": "shared"}},
        }

    def png(self) -> bytes:
        import vl_convert

        return vl_convert.vegalite_to_png(self.whole(), scale=2)

    def svg(self) -> bytes:
        import vl_convert

        return vl_convert.vegalite_to_svg(self.whole()).encode()


def _inside(picture: Picture, row: str, column: str) -> dict:
    """The panel with its data in place of their names, of a fixed size, and still."""
    spec = copy.deepcopy(picture.spec)
    for name, rows in picture.data.items():
        _put(spec, name, json.loads(rows.to_json(orient="records")))
    title = f"{row}, {column}" if row else column
    return _still(spec) | {"title": title, "width": 210}


def _put(part: Any, name: str, rows: list) -> None:
    if isinstance(part, dict):
        if part.get("data") == {"name": name}:
            part["data"] = {"values": rows}
        for item in part.values():
            _put(item, name, rows)
    elif isinstance(part, list):
        for item in part:
            _put(item, name, rows)


def _still(spec: dict) -> dict:
    """Without what only a browser needs."""
    return {k: v for k, v in spec.items() if k not in ("params", "$schema", "config", "autosize")}


# Test error


def legend(models: Iterable[str] = tuple(COLOURS), published: bool = False) -> str:
    """The models' colours and shapes, and what the diamonds are if there are any, as HTML."""
    shown = set(models)
    marks = {"reg": "●", "control": "▲", "reg+cls": "■"}
    parts = [
        f'<span style="white-space:nowrap"><span style="color:{COLOURS[model]}">{marks[model]}'
        f"</span> {NAMES[model]}</span>"
        for model in COLOURS
        if model in shown
    ]
    if published:
        parts.append('<span style="white-space:nowrap">◇ published mean</span>')
    return f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1.2rem">{"".join(parts)}</div>'


def test_errors(
    points: pd.DataFrame,
    published: pd.DataFrame,
    xs: list[str],
    title: str,
    grid: tuple[list[str], list[str]],
    picked: str,
) -> Sheet:
    """Mean test MSE along x, a panel a row and sampling of ``grid``.

    ``points``: cell, row, sampling, x, model, mean, low, high, runs; ``published``: the same but
    low, high and runs; ``picked``: the cell to mark.
    """
    panels = {}
    for row in grid[0]:
        mine, theirs = (t[t["row"] == row] for t in (points, published))
        top = _top(mine, theirs)
        for column in grid[1]:
            data = {
                "points": _columns(mine[mine["sampling"] == column], low=0.0, high=0.0, runs=0),
                "published": _columns(theirs[theirs["sampling"] == column]),
            }
            data["picked"] = data["points"].query("cell == @picked")[["x"]].drop_duplicates()
            panels[row, column] = Picture(_errors_spec(tuple(xs), title, top), data, "")
    caption = (
        "Mean test MSE (lower is better), always on uniformly sampled targets. Bands: 95 % "
        "intervals of the mean over functions. They overlap because some functions are harder than "
        "others; whether two models differ is told by pairs, under “Does it help?”. Hollow "
        "diamonds: published means. Click a point to see its runs."
    )
    return Sheet(panels, caption)


test_errors.__test__ = False  # pytest takes the name for a test where it is imported


def _columns(table: pd.DataFrame, **more: Any) -> pd.DataFrame:
    """Only what is drawn, so that a panel's data does not change with other cells."""
    names = ["cell", "label", "x", "model", "mean", *more]
    return table.reindex(columns=names).reset_index(drop=True)


def _top(mine: pd.DataFrame, theirs: pd.DataFrame) -> float:
    values = pd.concat([mine["high"], mine["mean"], theirs["mean"]]).astype(float)
    most = values.max()
    return round(float(most) * 1.05, 4) if np.isfinite(most) and most > 0 else 1.0


@cache
def _errors_spec(xs: tuple[str, ...], title: str, top: float) -> dict:
    few = len(xs) < 3  # too few for lines: points side by side, bars for intervals
    x = alt.X(
        "x:N",
        title=title,
        sort=list(xs),
        scale=alt.Scale(domain=list(xs)),
        axis=alt.Axis(labelAngle=0),
    )
    side = {"xOffset": alt.XOffset("model:N", sort=list(COLOURS))} if few else {}
    scale = alt.Scale(domain=[0, top], nice=False)
    source = alt.Chart(alt.NamedData("points"))
    y = alt.Y("mean:Q", title="test MSE", scale=scale)
    ends = {"y": alt.Y("low:Q", title="test MSE", scale=scale), "y2": "high:Q"}
    if few:
        layers = [source.mark_rule(strokeWidth=2).encode(x=x, color=_colour(), **ends, **side)]
    else:
        layers = [
            source.mark_area(opacity=0.14).encode(x=x, color=_colour(), **ends),
            source.mark_line(strokeWidth=2).encode(x=x, y=y, color=_colour(), strokeDash=_dashes()),
        ]
    pick = alt.selection_point(name=SELECTION, fields=["cell"], on="click", nearest=True)
    marks = source.mark_point(filled=True, size=55, opacity=1).encode(
        x=x,
        y=y,
        color=_colour(),
        shape=_shapes(),
        tooltip=[
            alt.Tooltip("label:N", title="setting"),
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("mean:Q", title="mean test MSE", format=".4f"),
            alt.Tooltip("low:Q", title="interval from", format=".4f"),
            alt.Tooltip("high:Q", title="interval to", format=".4f"),
            alt.Tooltip("runs:Q", title="runs"),
        ],
        **side,
    )
    theirs = alt.Chart(alt.NamedData("published")).mark_point(
        shape="diamond", size=75, strokeWidth=1.6, opacity=1
    )
    theirs = theirs.encode(
        x=x,
        y=y,
        color=_colour(),
        tooltip=[
            alt.Tooltip("label:N", title="setting"),
            alt.Tooltip("model:N", title="published"),
            alt.Tooltip("mean:Q", title="mean test MSE", format=".4f"),
        ],
        **side,
    )
    mark = alt.Chart(alt.NamedData("picked")).mark_rule(strokeWidth=14, opacity=0.25, color=_GREY)
    chart = alt.layer(mark.encode(x=x), *layers, theirs, marks.add_params(pick))
    return _finished(chart, _HEIGHT)


def _colour() -> alt.Color:
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    return alt.Color("model:N", scale=scale, legend=None)


def _dashes() -> alt.StrokeDash:
    scale = alt.Scale(domain=list(_DASHES), range=list(_DASHES.values()))
    return alt.StrokeDash("model:N", scale=scale, legend=None)


def _shapes() -> alt.Shape:
    scale = alt.Scale(domain=list(_SHAPES), range=list(_SHAPES.values()))
    return alt.Shape("model:N", scale=scale, legend=None)


# Does it help?


def does_it_help(
    compared: pd.DataFrame,
    xs: list[str],
    title: str,
    grid: tuple[list[str], list[str]],
    other: str,
    picked: str,
) -> Sheet:
    """Median ratio of reg+cls to ``other`` in every cell, a panel a sampling.

    ``compared``: cell, label, row, sampling, x, ratio, low, high, wins, p_holm, state.
    """
    panels = {}
    for column in grid[1]:
        mine = compared[compared["sampling"] == column].reset_index(drop=True)
        ratio = mine["ratio"].astype(float).clip(1e-3, 1e3)
        data = {
            "cells": mine.assign(
                log=np.log2(ratio), words=[_ratio(value) for value in mine["ratio"]]
            ),
            "picked": mine[mine["cell"] == picked][["x", "row"]],
        }
        panels["", column] = Picture(_help_spec(tuple(xs), tuple(grid[0]), title), data, "")
    caption = (
        f"Median over paired runs of the test MSE of reg+cls over that of {other}. Blue: reg+cls "
        f"errs less; orange: {other} does. Pale cells are undecided: the 95 % interval (resampling "
        "functions, data seeds and initialisations) holds 1, or the Wilcoxon test does not pass "
        "at 5 % after Holm's correction over all cells. – : no result yet. Click a cell to see "
        "its runs."
    )
    return Sheet(panels, caption)


def _ratio(value: float) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.2f}" if value < 100 else ">99"


@cache
def _help_spec(xs: tuple[str, ...], rows: tuple[str, ...], title: str) -> dict:
    x = alt.X(
        "x:N",
        title=title,
        sort=list(xs),
        scale=alt.Scale(domain=list(xs), padding=0.04),
        axis=alt.Axis(labelAngle=0, grid=False, ticks=False, domain=False),
    )
    y = alt.Y(
        "row:N",
        title=None,
        sort=list(rows),
        scale=alt.Scale(domain=list(rows), padding=0.06),
        axis=alt.Axis(grid=False, ticks=False, domain=False),
    )
    source = alt.Chart(alt.NamedData("cells")).encode(x=x, y=y)
    known = f"datum.state != '{UNKNOWN}'"
    ground = source.mark_rect(color="white").transform_filter(known)
    empty = source.mark_rect(fill=None, stroke=_GREY, strokeDash=[3, 3]).transform_filter(
        f"datum.state == '{UNKNOWN}'"
    )
    # On the numbers, which lie over the rectangles; the nearest one stands for its cell.
    pick = alt.selection_point(name=SELECTION, fields=["cell"], on="click", nearest=True)
    cells = source.mark_rect().encode(
        color=alt.Color(
            "log:Q",
            scale=alt.Scale(
                domain=[-np.log2(_LIMIT), 0, np.log2(_LIMIT)], range=_HELP_COLOURS, clamp=True
            ),
            legend=None,
        ),
        opacity=alt.when(f"datum.state == '{UNDECIDED}'")
        .then(alt.value(_FADED))
        .when(f"datum.state == '{UNKNOWN}'")
        .then(alt.value(0))
        .otherwise(alt.value(1)),
    )
    strong = f"datum.state == '{BETTER}' && datum.log < {-0.5 * np.log2(_LIMIT)}"
    text = source.mark_text(fontSize=11).encode(
        text="words:N",
        color=alt.when(strong)
        .then(alt.value("white"))
        .when(known)
        .then(alt.value(_DARK))
        .otherwise(alt.value(_GREY)),
        tooltip=[
            alt.Tooltip("label:N", title="setting"),
            alt.Tooltip("state:N", title="reg+cls is"),
            alt.Tooltip("ratio:Q", title="median ratio", format=".3f"),
            alt.Tooltip("low:Q", title="interval from", format=".3f"),
            alt.Tooltip("high:Q", title="interval to", format=".3f"),
            alt.Tooltip("wins:Q", title="share of runs won", format=".0%"),
            alt.Tooltip("p_holm:Q", title="p (Holm)", format=".2g"),
            alt.Tooltip("runs:Q", title="runs"),
        ],
    )
    mark = alt.Chart(alt.NamedData("picked")).mark_rect(
        fill=None, stroke=_GREY, strokeWidth=3, cornerRadius=2
    )
    chart = alt.layer(ground, empty, cells, mark.encode(x=x, y=y), text.add_params(pick))
    return _finished(chart, 80 + 34 * len(rows))


def help_legend(other: str) -> str:
    """The heat map's colours in words, as HTML."""
    swatch = (
        '<span style="white-space:nowrap"><span style="display:inline-block;width:1.6em;height:1em;'
        'vertical-align:-.1em;margin-right:.4em;border-radius:2px;background:{}"></span>{}</span>'
    )
    blue, _, orange = _HELP_COLOURS
    faded = "linear-gradient(90deg,{},{})".format(*(_pale(c) for c in (blue, orange)))
    parts = [
        swatch.format(blue, f"reg+cls {BETTER} (0.5 and less)"),
        swatch.format(orange, f"reg+cls {WORSE} than {other} (2 and more)"),
        swatch.format(faded, f"pale: {UNDECIDED}"),
    ]
    return f'<div style="display:flex;flex-wrap:wrap;gap:.2rem 1.2rem">{"".join(parts)}</div>'


def _pale(colour: str) -> str:
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(255 - _FADED * (255 - part)):02X}" for part in parts)


# Errors per target range


def ranges(table: pd.DataFrame, of_one_run: bool) -> Picture:
    """Test MSE per target range over the share of training targets. ``table``: role, low, high,
    train, mse; ranges are shares of the function's values, 0 to 1."""
    train = table[table["role"] == table["role"].iloc[0]][["low", "high", "train"]]
    place = table["role"].map({name: i for i, name in enumerate(COLOURS)})
    at = (table["low"] + table["high"]) / 2 + 0.2 * (place - 1) * (table["high"] - table["low"])
    data = {
        "errors": table.rename(columns={"role": "model"}).assign(at=at).dropna(subset=["mse"]),
        "training": train.reset_index(drop=True),
    }
    caption = "Errors should grow where the grey bars, the share of training targets, are low."
    if not of_one_run:
        caption += (
            " Means over runs: each has its own training peak, which one run alone shows better."
        )
    return Picture(_ranges_spec(), data, caption)


@cache
def _ranges_spec() -> dict:
    x = alt.X(
        "at:Q",
        title="target range, as a share of the function's values",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(format="%"),
    )
    ends = [
        alt.Tooltip("low:Q", title="from", format=".0%"),
        alt.Tooltip("high:Q", title="to", format=".0%"),
        alt.Tooltip("train:Q", title="of training targets", format=".1%"),
    ]
    bars = (
        alt.Chart(alt.NamedData("training"))
        .mark_bar(color="#8A9AA3", opacity=0.3)
        .encode(
            x=alt.X("low:Q", scale=alt.Scale(domain=[0, 1], nice=False)),
            x2="high:Q",
            y=alt.Y(
                "train:Q",
                title="training targets",
                axis=alt.Axis(orient="right", grid=False, format=".0%"),
            ),
            y2=alt.datum(0),
            tooltip=ends,
        )
    )
    points = (
        alt.Chart(alt.NamedData("errors"))
        .mark_point(filled=True, size=55, opacity=1)
        .encode(
            x=x,
            y=alt.Y("mse:Q", title="test MSE", scale=alt.Scale(zero=True)),
            color=_colour(),
            shape=_shapes(),
            tooltip=[
                alt.Tooltip("model:N", title="model"),
                alt.Tooltip("mse:Q", title="test MSE", format=".4f"),
                *ends,
            ],
        )
    )
    return _finished(alt.layer(bars, points).resolve_scale(y="independent"), 280)


def _finished(chart: alt.LayerChart, height: int) -> dict:
    spec = chart.properties(height=height).to_dict()
    spec.pop("datasets", None)
    return spec
