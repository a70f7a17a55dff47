"""Charts of an error report for user-supplied predictions."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import pandas as pd

from regcls.plotting import errors as plotting_errors
from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import colour, histogram, range_tooltips, shape
from regcls.plotting.style import COLOURS, FUNCTION_COLOUR, HISTOGRAM_COLOUR
from regcls.predictions.coverage import Coverage
from regcls.predictions.report import Report
from regcls.stats.verdicts import BETTER, MIN_UNITS, WORSE, within

TEST_COLOUR = "#CC79A7"  # test targets beside the training histogram
DIFFERENCE_COLOUR = COLOURS["reg+cls"]


def _domain(report: Report) -> tuple[float, float]:
    return float(report.edges[0]), float(report.edges[-1])


def _target_axis(field: str, domain: tuple[float, float]) -> alt.X:
    return alt.X(field, title="target", scale=alt.Scale(domain=list(domain), nice=False))


def _zero_line(data: str) -> alt.Chart:
    line = alt.Chart(alt.NamedData(data)).mark_rule(color=FUNCTION_COLOUR)
    return line.encode(y=alt.datum(0))


def settings_text(report: Report, name: str) -> str:
    """Return what a saved chart must say about its table.

    Parameters
    ----------
    report : Report
        An error report.
    name : str
        Name of the table.

    Returns
    -------
    str
        Table, number of rows, and why the ranges were chosen.
    """
    return f"Table: {name}, {len(report.arrays.y):,} rows. {report.ranges.reason}"


def distribution(report: Report) -> Picture:
    """Draw the distribution of the targets over the ranges.

    Parameters
    ----------
    report : Report
        An error report.

    Returns
    -------
    Picture
        Shares of the test targets and, if known, of the training targets.
    """
    edges = report.edges
    rows = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "test": report.errors.test_counts})
    if report.errors.train_counts is not None:
        rows["training"] = report.errors.train_counts
    long = rows.melt(["low", "high"], var_name="split", value_name="targets")
    long["share"] = long["targets"] / long.groupby("split")["targets"].transform("sum")
    parts = ("training", "test") if report.errors.train_counts is not None else ("test",)
    return Picture(_distribution_spec(_domain(report), parts), {"targets": long}, report.imbalance)


@cache
def _distribution_spec(domain: tuple[float, float], parts: tuple[str, ...]) -> dict[str, Any]:
    colours = {"training": HISTOGRAM_COLOUR, "test": TEST_COLOUR}
    bars = (
        alt.Chart(alt.NamedData("targets"))
        .mark_bar(opacity=0.55)
        .encode(
            x=_target_axis("low:Q", domain),
            x2="high:Q",
            y=alt.Y("share:Q", title="share", axis=alt.Axis(format="%"), stack=None),
            y2=alt.datum(0),
            color=alt.Color(
                "split:N",
                scale=alt.Scale(domain=list(parts), range=[colours[part] for part in parts]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("split:N"),
                *range_tooltips(),
                alt.Tooltip("targets:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    return finished(alt.layer(bars), "Targets per range", 370)


def errors(report: Report, metric: str = "mae") -> Picture:
    """Draw each model's error per range over the training histogram.

    Parameters
    ----------
    report : Report
        An error report.
    metric : {"mae", "rmse", "bias"}
        Error metric.

    Returns
    -------
    Picture
        The chart of `regcls.plotting.errors.errors_per_range`.
    """
    return plotting_errors.errors_per_range(report.errors, "", "target", metric)


def differences(report: Report, a: str, b: str) -> Picture:
    """Draw the difference in MAE between two models per range, with intervals.

    Parameters
    ----------
    report : Report
        An error report.
    a, b : str
        Names of the models; ``a`` minus ``b`` is drawn.

    Returns
    -------
    Picture
        One point per range; filled if one of the models is better there.
    """
    table = report.differences(a, b)
    table["middle"] = (table["low"] + table["high"]) / 2
    table["clear"] = table["verdict"].isin([BETTER, WORSE])
    errors = report.errors.table().pivot(index="low", columns="model", values="mae")[[a, b]]
    margin = report.errors.margin * errors.min(axis=1).loc[table["low"]].to_numpy()
    table["margin_low"], table["margin_high"] = -margin, margin
    level = f"{100 * report.errors.level:.3g}%"
    caption = (
        f"Below zero, {a} has a lower MAE than {b}. All intervals together hold in at least {level} "
        f"of such reports. Filled: one model is better; hollow: no significant difference, practically "
        f"equal, or fewer than {MIN_UNITS} {report.unit} (no interval). Grey: {a} and {b} are "
        f"practically equal ({within(report.errors.margin)} of the lower error)."
    )
    whiskers = bool(table["diff_low"].notna().any())
    spec = _difference_spec(a, b, _domain(report), whiskers)
    return Picture(spec, {"differences": table}, caption)


@cache
def _difference_spec(a: str, b: str, domain: tuple[float, float], whiskers: bool) -> dict[str, Any]:
    x = _target_axis("middle:Q", domain)
    source = alt.Chart(alt.NamedData("differences"))
    ends = alt.X("low:Q", title="target", scale=alt.Scale(domain=list(domain), nice=False))
    band = source.mark_rect(color=HISTOGRAM_COLOUR, opacity=0.5).encode(
        x=ends, x2="high:Q", y="margin_low:Q", y2="margin_high:Q"
    )
    rule = source.mark_rule(strokeWidth=2, color=DIFFERENCE_COLOUR).encode(
        x=x, y=alt.Y("diff_low:Q", title="difference in MAE"), y2="diff_high:Q"
    )
    points = source.mark_point(size=60, color=DIFFERENCE_COLOUR, filled=True, opacity=1).encode(
        x=x,
        y=alt.Y("difference:Q", title="difference in MAE"),
        fill=alt.condition("datum.clear", alt.value(DIFFERENCE_COLOUR), alt.value("white")),
        stroke=alt.value(DIFFERENCE_COLOUR),
        tooltip=[
            *range_tooltips(),
            alt.Tooltip("difference:Q", title=f"{a} minus {b}", format=".3g"),
            *range_tooltips("diff_low", "diff_high", of="interval", format=".3g"),
            alt.Tooltip("p:Q", title="p (corrected)", format=".2g"),
            alt.Tooltip("verdict:N", title=a),
            alt.Tooltip("test:Q", title="test targets", format=","),
        ],
    )
    # Without any interval, that layer's extent would be infinite.
    layers = alt.layer(band, _zero_line("differences"), *[rule] * whiskers, points)
    return finished(layers, f"{a} minus {b}: MAE per target range", 380)


def coverage(report: Report) -> Picture:
    """Draw the coverage of each model's prediction intervals per range, over the histogram.

    Parameters
    ----------
    report : Report
        An error report with prediction intervals.

    Returns
    -------
    Picture
        Points with confidence intervals, and the nominal level as a dashed line.

    Raises
    ------
    ValueError
        If there are no prediction intervals.
    """
    found = report.coverage
    if found is None:
        raise ValueError("the report has no prediction intervals")
    names, split, edges = found.names, report.errors.counted, report.edges
    table = found.table()
    shift = (table["model"].map({name: i for i, name in enumerate(names)}) + 0.5) / len(names) - 0.5
    table["at"] = (table["low"] + table["high"]) / 2 + 0.6 * shift * (table["high"] - table["low"])
    levels = sorted(set(found.nominal.values()), reverse=True)
    data = {
        "coverage": table[table["test"] > 0].reset_index(drop=True),
        "nominal": pd.DataFrame({"nominal": levels}),
        split: pd.DataFrame(
            {"low": edges[:-1], "high": edges[1:], "samples": report.errors.counts}
        ),
    }
    return Picture(
        _coverage_spec(names, split, _domain(report)), data, _coverage_caption(report, found)
    )


def _coverage_caption(report: Report, found: Coverage) -> str:
    of_level: dict[str, list[str]] = {}
    for name, level in found.nominal.items():
        of_level.setdefault(f"{100 * level:.4g}%", []).append(name)
    listed = list(of_level)
    if len(of_level) > 1:
        listed = [f"{level} ({', '.join(names)})" for level, names in of_level.items()]
    return (
        "Points: share of the targets that lie in their prediction interval; bars: confidence "
        "intervals, which hold together in at least 95% of such reports (none with fewer than "
        f"{MIN_UNITS} {report.unit}). Dashed: nominal level, {' and '.join(listed)}. "
        f"Grey: {report.errors.counted} samples."
    )


@cache
def _coverage_spec(
    models: tuple[str, ...], split: str, domain: tuple[float, float]
) -> dict[str, Any]:
    scale = alt.Scale(domain=list(domain), nice=False)
    x = alt.X("at:Q", title="target", scale=scale)
    axis = alt.Axis(format="%", tickCount=6)
    shares = alt.Scale(domain=[0, 1], nice=False)
    source = alt.Chart(alt.NamedData("coverage"))
    bars = source.mark_rule(strokeWidth=2).encode(
        x=x,
        y=alt.Y("coverage_low:Q", title="coverage", scale=shares, axis=axis),
        y2="coverage_high:Q",
        color=colour(models),
    )
    points = source.mark_point(filled=True, size=45, opacity=1).encode(
        x=x,
        y=alt.Y("coverage:Q", scale=shares),
        color=colour(models),
        shape=shape(models),
        tooltip=[
            alt.Tooltip("model:N"),
            *range_tooltips(),
            alt.Tooltip("coverage:Q", format=".1%"),
            *range_tooltips("coverage_low", "coverage_high", of="interval", format=".1%"),
            alt.Tooltip("nominal:Q", title="nominal level", format=".1%"),
            alt.Tooltip("verdict:N"),
            alt.Tooltip("width:Q", title="mean width", format=".3g"),
            alt.Tooltip("test:Q", title="test targets", format=","),
        ],
    )
    level = alt.Chart(alt.NamedData("nominal")).mark_rule(
        color=FUNCTION_COLOUR, strokeDash=[6, 3], strokeWidth=2
    )
    layers = alt.layer(bars, points, level.encode(y=alt.Y("nominal:Q", scale=shares)))
    background = histogram(split, "target", scale, "samples", f"{split} samples")
    chart = alt.layer(background, layers).resolve_scale(y="independent")
    return finished(chart, "Coverage of the prediction intervals per target range", 400)


def density(report: Report, model: str) -> Picture:
    """Draw the two-dimensional histogram of a model's predicted and true values.

    Parameters
    ----------
    report : Report
        An error report.
    model : str
        Name of the model.

    Returns
    -------
    Picture
        The histogram with the line of perfect predictions.
    """
    cells = report.density
    low = float(min(cells["true"].min(), cells["predicted"].min()))
    high = float(max(cells["true_end"].max(), cells["predicted_end"].max()))
    caption = (
        f"Darker cells contain more rows (log scale). On the dashed line, {model} predicts the "
        "true value; a cloud flatter than the line is biased towards frequent targets."
    )
    data = {"cells": cells[cells["model"] == model], "line": pd.DataFrame({"at": [low, high]})}
    return Picture(_density_spec(model, (low, high)), data, caption)


@cache
def _density_spec(model: str, domain: tuple[float, float]) -> dict[str, Any]:
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
    return finished(alt.layer(cells, line), f"{model}: predicted against true", 420)


def residuals(report: Report) -> Picture:
    """Draw the distribution of each model's residuals per range.

    Parameters
    ----------
    report : Report
        An error report.

    Returns
    -------
    Picture
        Medians as lines, 10% to 90% quantiles as bands.
    """
    caption = (
        "Lines: median residual (prediction − truth) per range; bands: its central 80%. A line "
        "that falls from above to below zero shows regression towards the frequent targets."
    )
    return Picture(_residual_spec(report.models, _domain(report)), {"bands": report.bands}, caption)


@cache
def _residual_spec(models: tuple[str, ...], domain: tuple[float, float]) -> dict[str, Any]:
    x = _target_axis("middle:Q", domain)
    source = alt.Chart(alt.NamedData("bands"))
    band = source.mark_area(opacity=0.18).encode(
        x=x, y=alt.Y("q10:Q", title="prediction − truth"), y2="q90:Q", color=colour(models)
    )
    line = source.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30)).encode(
        x=x,
        y="q50:Q",
        color=colour(models),
        tooltip=[
            alt.Tooltip("model:N"),
            *range_tooltips(),
            alt.Tooltip("q10:Q", title="10%", format=".3g"),
            alt.Tooltip("q50:Q", title="50%", format=".3g"),
            alt.Tooltip("q90:Q", title="90%", format=".3g"),
        ],
    )
    layers = alt.layer(_zero_line("bands"), band, line)
    return finished(layers, "Residuals per target range", 420)
