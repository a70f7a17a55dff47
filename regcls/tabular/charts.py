"""Charts of a comparison: the target's distribution, changes of the error, errors per range."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import range_tooltips
from regcls.plotting.style import COLOURS, FUNCTION_COLOUR, HISTOGRAM_COLOUR
from regcls.stats.ranges import labels as range_labels
from regcls.tabular.methods import NAMES, TREES
from regcls.tabular.results import CONSTANT, ESTIMAND, REMEDIES, Results

# Further colours of Okabe and Ito, and shades of them; other answers of a network have shades of its
# colour.
KIND_COLOURS = COLOURS | {
    "reg+cls-class": "#3C93C9",
    "reg+cls-prior": "#7FB6DC",
    "reg+cls-mixed": "#004C7A",
    "classes": "#5E4FA2",
    "classes-prior": "#9E9AC8",
    "reg-recalibrated": "#F0A070",
    "reg+cls-recalibrated": "#2F6F9F",
    "inverse": "#E69F00",
    "sqrt-inverse": "#B8860B",
    "lds": "#CC79A7",
    "lds-inverse": "#9C4A78",
    "refitted": "#A63F00",
    "mean": "#C98A5E",
    "bmc": "#56B4E9",
    "hl-gauss": "#8C6BB1",
    "beta-nll": "#6BC4A6",
    "ranksim": "#7A7A7A",
    "ordinal-entropy": "#B8A500",
    "trees": "#6B7F2A",
    "trees-sqrt-inverse": "#A3B15C",
    "ridge": "#A9A9A9",
}
METRICS = {
    "balanced_mae": "balanced MAE",
    "mae": "MAE",
}
_METRIC_COLOURS = ("#0072B2", HISTOGRAM_COLOUR)
_ERROR_TITLE = "mean absolute error (units of the target)"
_CHANGE_LIMIT = 1  # changes beyond ±100% are cut off


def target(y: np.ndarray, edges: np.ndarray, name: str) -> Picture:
    """Draw how many rows each target range has.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    edges : ndarray of shape (K + 1,)
        Edges of the target ranges.
    name : str
        Name of the target.

    Returns
    -------
    Picture
        Bar chart.

    Examples
    --------
    >>> target(np.array([0.0, 1, 1, 9]), np.array([0.0, 5, 10]), "y").data["rows"]["rows"].tolist()
    [3, 1]
    """
    data = _row_counts(y, edges)
    counts = data["rows"].to_numpy()
    needed = int(np.searchsorted(np.cumsum(np.sort(counts)[::-1]), 0.8 * counts.sum()) + 1)
    caption = (
        f"{needed} of the {len(counts)} target ranges contain 80% of the rows; the largest has "
        f"{counts.max() / max(counts.min(), 1):.0f} times as many rows as the smallest."
    )
    return Picture(_target_spec(name, tuple(data["range"])), {"rows": data}, caption)


@cache
def _target_spec(name: str, order: tuple[str, ...]) -> dict[str, Any]:
    y = alt.Y("rows:Q", title="rows", axis=alt.Axis(format="~s"))
    bars = _row_bars(_ranges_axis(name, order), y, opacity=1)
    return finished(alt.layer(bars), "Distribution of the target", 380)


def changes(results: Results) -> Picture:
    """Draw the relative change of the error in each comparison of methods, with its interval.

    Parameters
    ----------
    results : Results
        Results of the finished folds.

    Returns
    -------
    Picture
        Points and intervals for the balanced MAE and the MAE, as shares of the second method's
        error; the intervals are those of the verdicts.
    """
    table = results.comparisons()
    labels = [_comparison(*pair) for pair in zip(table["a"], table["b"], strict=True)]
    table = table.assign(comparison=labels)
    table = table[table["comparison"].isin(_COMPARISONS)]
    errors = results.table.set_index("kind")
    pairs = zip(table["a"], table["metric"], strict=True)
    data = pd.DataFrame(
        {
            "comparison": table["comparison"],
            "metric": table["metric"].map(METRICS),
            "change": table["change"],
            "low": table["low"],
            "high": table["high"],
            "verdict": table["verdict"],
            "error": [errors.at[pair] for pair in pairs],
        }
    ).reset_index(drop=True)
    caption = (
        "Left of zero: the first method has a lower error; each target range counts equally in the "
        f"balanced MAE, and each row in the MAE. 95% intervals for {ESTIMAND}, "
        "Holm-corrected per metric, for reg+cls and for the other comparisons separately, and cut "
        "off at ±100%; the control is reg with a tuned loss scale."
    )
    # Without any interval, that layer's extent would be infinite.
    spec = _changes_spec(bool(data["low"].notna().any()))
    return Picture(spec, {"changes": data}, caption, settings_text(results))


def _comparison(a: str, b: str) -> str:
    """Return the label of a comparison."""
    if b == CONSTANT:
        return ""
    return f"{NAMES[a]} vs {_BEST if a == TREES else NAMES[b]}"


_BEST = "best network"
_COMPARISONS = (
    *("reg+cls vs reg", "reg+cls vs control", "control vs reg"),
    *(f"{NAMES[kind]} vs control" for kind in REMEDIES),
    f"{NAMES[TREES]} vs {_BEST}",
)


@cache
def _changes_spec(intervals: bool) -> dict[str, Any]:
    labels = list(METRICS.values())
    axis = alt.Axis(labelLimit=260)
    y = alt.Y("comparison:N", sort=list(_COMPARISONS), title="methods compared", axis=axis)
    offset = alt.YOffset("metric:N", sort=labels)
    colour = alt.Color(
        "metric:N",
        scale=alt.Scale(domain=labels, range=list(_METRIC_COLOURS)),
        legend=_legend(2),
    )
    source = alt.Chart(alt.NamedData("changes")).transform_calculate(
        **{
            f"{field}_shown": f"clamp(datum.{field}, -{_CHANGE_LIMIT}, {_CHANGE_LIMIT})"
            for field in ("low", "high", "change")
        }
    )

    def x(field: str) -> alt.X:
        return alt.X(
            f"{field}:Q", title="change of the error", axis=alt.Axis(format="+.0%", tickCount=6)
        )

    bars = source.mark_rule(strokeWidth=3).encode(
        y=y, yOffset=offset, color=colour, x=x("low_shown"), x2="high_shown:Q"
    )
    points = source.mark_point(filled=True, size=70, opacity=1).encode(
        y=y,
        yOffset=offset,
        color=colour,
        x=x("change_shown"),
        tooltip=[
            alt.Tooltip("comparison:N", title="methods"),
            alt.Tooltip("metric:N", title="metric"),
            alt.Tooltip("change:Q", format="+.1%"),
            *range_tooltips(of="interval", format="+.1%"),
            alt.Tooltip("verdict:N", title="verdict"),
            alt.Tooltip("error:Q", title="error of the first", format=".4g"),
        ],
    )
    zero = alt.Chart(alt.NamedData("changes")).mark_rule(strokeWidth=1.5, color=FUNCTION_COLOUR)
    zero = zero.encode(x=alt.datum(0))
    layers = alt.layer(zero, *[bars] * intervals, points)
    return finished(layers, "Change of the error between methods", 26 * len(_COMPARISONS))


def per_range(results: Results, kinds: Sequence[str], name: str) -> Picture:
    """Draw each kind's mean absolute error per target range, over the share of the rows.

    Parameters
    ----------
    results : Results
        Results of the finished folds.
    kinds : sequence of str
        Model kinds to draw.
    name : str
        Name of the target.

    Returns
    -------
    Picture
        Points and intervals per range, over a histogram of the target.
    """
    table = results.report(kinds).table()
    table = table[table["test"] > 0]
    rows = _row_counts(results.plan.train_y, results.plan.edges)
    labels = dict(zip(results.plan.edges, rows["range"], strict=False))
    errors = pd.DataFrame(
        {
            "range": table["low"].map(labels),
            "model": table["model"].map(NAMES),
            "error": table["mae"],
            "error_low": table["mae_low"],
            "error_high": table["mae_high"],
        }
    )
    caption = (
        "Points: mean absolute error on held-out rows; bars: 95% interval over rows. Grey: share "
        "of your rows per range; errors are expected to grow where it is low."
    )
    spec = _per_range_spec(tuple(kinds), name, tuple(rows["range"]))
    return Picture(spec, {"errors": errors, "rows": rows}, caption, settings_text(results))


def settings_text(results: Results) -> str:
    """Return how a comparison was made, for files: a page shows it above the charts.

    Parameters
    ----------
    results : Results
        Results of the finished folds.

    Returns
    -------
    str
        One sentence.
    """
    plan = results.plan
    goal = "balanced MAE" if plan.goal == "balanced" else "MAE"
    return (
        f"Target {plan.problem.target[:60]}, {len(plan.problem.y):,} rows, "
        f"{len(results.folds)} of {len(plan.splits)} held-out folds; {len(plan.settings)} settings "
        f"of {plan.budget.steps:,} training steps tried per model, selected by {goal}."
    )


@cache
def _per_range_spec(kinds: tuple[str, ...], name: str, order: tuple[str, ...]) -> dict[str, Any]:
    x = _ranges_axis(name, order)
    right = alt.Axis(orient="right", grid=False, format=".0%")
    bars = _row_bars(x, alt.Y("share:Q", title="share of the rows", axis=right), opacity=0.3)
    names = [NAMES[k] for k in kinds]
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=names, range=[KIND_COLOURS[k] for k in kinds]),
        legend=_legend(3),
    )
    offset = alt.XOffset("model:N", sort=names, scale=alt.Scale(paddingOuter=0.25))
    source = alt.Chart(alt.NamedData("errors"))
    rules = source.mark_rule(strokeWidth=2).encode(
        x=x,
        xOffset=offset,
        color=colour,
        y=alt.Y("error_low:Q", title=_ERROR_TITLE, scale=alt.Scale(zero=True)),
        y2="error_high:Q",
    )
    points = source.mark_point(filled=True, size=45, opacity=1).encode(
        x=x,
        xOffset=offset,
        color=colour,
        y=alt.Y("error:Q"),
        tooltip=[
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("range:N"),
            alt.Tooltip("error:Q", title="mean absolute error", format=".4g"),
            *range_tooltips("error_low", "error_high", of="interval", format=".4g"),
        ],
    )
    chart = alt.layer(bars, alt.layer(rules, points)).resolve_scale(y="independent")
    return finished(chart, "Error per target range, over your rows", 440)


def _legend(columns: int) -> alt.Legend:
    """Legend with dots: without the width of the intervals' lines."""
    return alt.Legend(
        title=None,
        orient="top",
        columns=columns,
        labelLimit=180,
        symbolType="circle",
        symbolSize=80,
        symbolStrokeWidth=0,
        symbolOpacity=1,
    )


def _row_bars(x: alt.X, y: alt.Y, opacity: float) -> alt.Chart:
    """Return the layer with a grey bar per target range."""
    return (
        alt.Chart(alt.NamedData("rows"))
        .mark_bar(color=HISTOGRAM_COLOUR, opacity=opacity)
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("range:N"),
                alt.Tooltip("rows:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )


def _row_counts(y: np.ndarray, edges: np.ndarray) -> pd.DataFrame:
    """Return the columns range, rows and share, one row per target range."""
    counts = np.histogram(y, edges)[0]
    return pd.DataFrame(
        {"range": range_labels(edges, 3), "rows": counts, "share": counts / counts.sum()}
    )


def _ranges_axis(name: str, order: tuple[str, ...]) -> alt.X:
    axis = alt.Axis(labelAngle=-30, labelLimit=120)
    return alt.X("range:N", sort=list(order), title=f"{name[:60]}, in ranges", axis=axis)
