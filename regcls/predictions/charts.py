"""The report of somebody's own predictions, drawn."""

from __future__ import annotations

from functools import cache

import altair as alt
import pandas as pd

from regcls.plotting import errors as plotting_errors
from regcls.plotting.chart import Picture, finished
from regcls.plotting.style import FUNCTION_COLOUR, HISTOGRAM_COLOUR, palette
from regcls.predictions.report import Report


def distribution(report: Report) -> Picture:
    """Which share of the targets each range has, so that a few test targets show beside many."""
    edges = report.edges
    rows = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "test": report.errors.test_counts})
    if report.errors.train_counts is not None:
        rows["training"] = report.errors.train_counts
    long = rows.melt(["low", "high"], var_name="split", value_name="targets")
    long["share"] = long["targets"] / long.groupby("split")["targets"].transform("sum")
    caption = f"{report.imbalance[0].upper()}{report.imbalance[1:]}"
    domain = (float(edges[0]), float(edges[-1]))
    return Picture(_distribution_spec(domain), {"targets": long}, caption)


@cache
def _distribution_spec(domain: tuple[float, float]) -> dict:
    bars = (
        alt.Chart(alt.NamedData("targets"))
        .mark_bar(opacity=0.55)
        .encode(
            x=alt.X("low:Q", title="target", scale=alt.Scale(domain=list(domain), nice=False)),
            x2="high:Q",
            y=alt.Y("share:Q", title="share", axis=alt.Axis(format="%"), stack=None),
            y2=alt.datum(0),
            color=alt.Color(
                "split:N",
                scale=alt.Scale(domain=["training", "test"], range=[HISTOGRAM_COLOUR, "#CC79A7"]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("split:N"),
                alt.Tooltip("low:Q", title="from", format=".3~g"),
                alt.Tooltip("high:Q", title="to", format=".3~g"),
                alt.Tooltip("targets:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    return finished(alt.layer(bars), "Share of the targets in each range", 220)


def errors(report: Report, metric: str = "mae") -> Picture:
    """The chart of all pages: each model's error per range over the training histogram."""
    return plotting_errors.errors_per_range(report.errors, "", "target", metric)


def differences(report: Report, a: str, b: str) -> Picture:
    """``a`` minus ``b`` per range, with intervals; below zero ``a`` errs less."""
    table = report.differences(a, b)
    table["middle"] = (table["low"] + table["high"]) / 2
    table["clear"] = (table["diff_high"] < 0) | (table["diff_low"] > 0)
    caption = (
        f"Below zero, {a} errs less than {b}. Filled: the {report.errors.level:.0%} interval leaves "
        "out zero; hollow: no clear difference there."
    )
    domain = (float(report.edges[0]), float(report.edges[-1]))
    return Picture(_difference_spec(a, b, domain), {"differences": table}, caption)


@cache
def _difference_spec(a: str, b: str, domain: tuple[float, float]) -> dict:
    x = alt.X("middle:Q", title="target", scale=alt.Scale(domain=list(domain), nice=False))
    source = alt.Chart(alt.NamedData("differences"))
    rule = source.mark_rule(strokeWidth=2, color="#0072B2").encode(
        x=x, y=alt.Y("diff_low:Q", title="difference in MAE"), y2="diff_high:Q"
    )
    points = source.mark_point(size=60, color="#0072B2", filled=True, opacity=1).encode(
        x=x,
        y="difference:Q",
        fill=alt.condition("datum.clear", alt.value("#0072B2"), alt.value("white")),
        stroke=alt.value("#0072B2"),
        tooltip=[
            alt.Tooltip("low:Q", title="from", format=".3~g"),
            alt.Tooltip("high:Q", title="to", format=".3~g"),
            alt.Tooltip("difference:Q", title=f"{a} minus {b}", format=".3g"),
            alt.Tooltip("diff_low:Q", title="interval from", format=".3g"),
            alt.Tooltip("diff_high:Q", title="interval to", format=".3g"),
            alt.Tooltip("test:Q", title="test targets", format=","),
        ],
    )
    zero = alt.Chart(alt.NamedData("differences")).mark_rule(color=FUNCTION_COLOUR)
    zero = zero.encode(y=alt.datum(0))
    return finished(alt.layer(zero, rule, points), f"{a} minus {b}: error per target range", 260)


def density(report: Report, model: str) -> Picture:
    """How often each prediction goes with each truth."""
    table = report.density[report.density["model"] == model]
    caption = (
        f"The darker a cell, the more rows (log scale). On the line {model} is right; a cloud that "
        "is flatter than the line pulls rare targets towards frequent ones."
    )
    low, high = float(report.density["true"].min()), float(report.density["true_end"].max())
    low = min(low, float(report.density["predicted"].min()))
    high = max(high, float(report.density["predicted_end"].max()))
    line = pd.DataFrame({"at": [low, high]})
    return Picture(_density_spec(model, (low, high)), {"cells": table, "line": line}, caption)


@cache
def _density_spec(model: str, domain: tuple[float, float]) -> dict:
    scale = alt.Scale(domain=list(domain), nice=False)
    cells = (
        alt.Chart(alt.NamedData("cells"))
        .mark_rect()
        .encode(
            x=alt.X("true:Q", title="true", scale=scale, axis=alt.Axis(grid=False)),
            x2="true_end:Q",
            y=alt.Y("predicted:Q", title="predicted", scale=scale, axis=alt.Axis(grid=False)),
            y2="predicted_end:Q",
            color=alt.Color(
                "count:Q",
                scale=alt.Scale(scheme="blues", type="log", domainMin=0.5),
                legend=alt.Legend(title="rows"),
            ),
            tooltip=[
                alt.Tooltip("true:Q", format=".3~g"),
                alt.Tooltip("predicted:Q", format=".3~g"),
                alt.Tooltip("count:Q", title="rows", format=","),
            ],
        )
    )
    line = alt.Chart(alt.NamedData("line")).mark_line(color=FUNCTION_COLOUR, strokeDash=[6, 3])
    line = line.encode(x=alt.X("at:Q", scale=scale), y=alt.Y("at:Q", scale=scale))
    return finished(alt.layer(cells, line), f"{model}: predicted against true", 330)


def residuals(report: Report) -> Picture:
    """The spread of each model's residuals over the target."""
    caption = (
        "Lines: the middle residual (prediction − truth) in a range; bands hold the middle 80 %. "
        "A line that falls from above zero to below it is regression towards the frequent targets."
    )
    domain = (float(report.edges[0]), float(report.edges[-1]))
    return Picture(_residual_spec(report.models, domain), {"bands": report.bands}, caption)


@cache
def _residual_spec(models: tuple[str, ...], domain: tuple[float, float]) -> dict:
    x = alt.X("middle:Q", title="target", scale=alt.Scale(domain=list(domain), nice=False))
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=list(models), range=palette(models)),
        legend=alt.Legend(title=None, orient="top"),
    )
    source = alt.Chart(alt.NamedData("bands"))
    band = source.mark_area(opacity=0.18).encode(
        x=x, y=alt.Y("q10:Q", title="prediction − truth"), y2="q90:Q", color=colour
    )
    line = source.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30)).encode(
        x=x,
        y="q50:Q",
        color=colour,
        tooltip=[
            alt.Tooltip("model:N"),
            alt.Tooltip("low:Q", title="from", format=".3~g"),
            alt.Tooltip("high:Q", title="to", format=".3~g"),
            alt.Tooltip("q10:Q", title="10 %", format=".3g"),
            alt.Tooltip("q50:Q", title="50 %", format=".3g"),
            alt.Tooltip("q90:Q", title="90 %", format=".3g"),
        ],
    )
    zero = alt.Chart(alt.NamedData("bands")).mark_rule(color=FUNCTION_COLOUR)
    return finished(
        alt.layer(zero.encode(y=alt.datum(0)), band, line), "Residuals per target range", 280
    )
