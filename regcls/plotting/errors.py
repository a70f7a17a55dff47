"""Every chart of the product: colours, wording and captions. Drawing only, no arithmetic.

A ``Picture`` keeps its Vega-Lite spec and its data apart. A live page sends the same spec each
time, so the browser only exchanges the data instead of building the chart anew.
"""

from __future__ import annotations

from functools import cache

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import colour, histogram, shape, with_unit
from regcls.plotting.style import (
    COLOURS,
    FUNCTION_COLOUR,
)
from regcls.stats.errors import ErrorReport

METRICS = {
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "bias": "bias (mean of prediction − truth)",
}


def errors_per_range(
    report: ErrorReport,
    unit: str,
    target: str,
    metric: str = "mae",
    mark: float | list[float] | None = None,
    extra: ErrorReport | None = None,
) -> alt.LayerChart:
    """Each model's error per target range, with its interval, over the training histogram, or the
    test histogram where no training data is known.

    ``mark`` draws a vertical rule at one's own value(s); ``extra`` adds another report, such as
    of one's own photos, as diamonds. ``unit`` may be empty.
    """
    return errors_picture(report, unit, target, metric, mark, extra).chart()


def errors_picture(
    report: ErrorReport,
    unit: str,
    target: str,
    metric: str = "mae",
    mark: float | list[float] | None = None,
    extra: ErrorReport | None = None,
) -> Picture:
    """``errors_per_range`` as a ``Picture``."""
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, not {metric!r}")
    data = {"errors": _error_points(report, metric)}
    split, edges = report.counted, report.edges
    data[split] = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "samples": report.counts})
    if extra is not None:
        data["extra"] = _error_points(extra, metric)
    if mark is not None:
        data["mark"] = pd.DataFrame({"at": np.atleast_1d(mark).astype(float)})
    parts = (split, *(name for name in ("extra", "mark") if name in data))
    domain = (float(report.edges[0]), float(report.edges[-1]))
    names = tuple(dict.fromkeys((*report.names, *(extra.names if extra is not None else ()))))
    spec = _errors_spec(unit, target, metric, names, parts, domain)
    caption = (
        f"Points: each model's {METRICS[metric]} in a range, bars: {report.level:.0%} interval."
    )
    if split == "training":
        caption += " Errors should grow where the grey training histogram is low."
    else:
        caption += " Grey: the test samples, since no training targets are known."
    if extra is not None:
        caption += " Diamonds: your own."
    if mark is not None:
        caption += " The vertical line marks your value."
    return Picture(spec, data, caption)


def _error_points(report: ErrorReport, metric: str) -> pd.DataFrame:
    """Rows of the report's table that have test samples, side by side within each range."""
    table = report.table()
    place = table["model"].map({name: i for i, name in enumerate(report.names)})
    shift = (place + 0.5) / len(report.names) - 0.5
    width = table["high"] - table["low"]
    points = pd.DataFrame(
        {
            "model": table["model"],
            "at": (table["low"] + table["high"]) / 2 + 0.6 * shift * width,
            "low": table["low"],
            "high": table["high"],
            "train": table["train"],
            "test": table["test"],
            "error": table[metric],
            "error_low": table[f"{metric}_low"],
            "error_high": table[f"{metric}_high"],
        }
    )
    return points[points["test"] > 0].reset_index(drop=True)


@cache
def _errors_spec(
    unit: str,
    target: str,
    metric: str,
    models: tuple[str, ...],
    parts: tuple[str, ...],
    domain: tuple[float, float],
) -> dict:
    scale = alt.Scale(domain=list(domain), nice=False)
    x_title, y_title = with_unit(target, unit), with_unit(METRICS[metric], unit)
    x = alt.X("at:Q", title=x_title, scale=scale)
    tooltip = [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip("low:Q", title="from", format=".3~g"),
        alt.Tooltip("high:Q", title="to", format=".3~g"),
        alt.Tooltip("error:Q", title=METRICS[metric], format=".3g"),
        alt.Tooltip("error_low:Q", title="interval from", format=".3g"),
        alt.Tooltip("error_high:Q", title="interval to", format=".3g"),
        alt.Tooltip("test:Q", title="test samples", format=","),
    ]
    zero = alt.Scale(zero=True)
    source = alt.Chart(alt.NamedData("errors"))
    bars = source.mark_rule(strokeWidth=2).encode(
        x=x,
        y=alt.Y("error_low:Q", title=y_title, scale=zero),
        y2="error_high:Q",
        color=colour(models),
    )
    points = source.mark_point(filled=True, size=45, opacity=1).encode(
        x=x, y=alt.Y("error:Q"), color=colour(models), shape=shape(models), tooltip=tooltip
    )
    layers = [bars, points]
    if "extra" in parts:
        own = alt.Chart(alt.NamedData("extra"))
        layers.append(
            own.mark_point(
                shape="diamond", filled=False, size=130, strokeWidth=2.5, opacity=1
            ).encode(x=x, y=alt.Y("error:Q"), color=colour(models), tooltip=tooltip)
        )
    errors = alt.layer(*layers)
    stack = [errors]
    stack.insert(0, histogram(parts[0], x_title, scale))
    if "mark" in parts:
        rule = alt.Chart(alt.NamedData("mark")).mark_rule(strokeWidth=2, strokeDash=[6, 3])
        stack.append(rule.encode(x=alt.X("at:Q", scale=scale), color=alt.value(FUNCTION_COLOUR)))
    chart = alt.layer(*stack).resolve_scale(y="independent")
    return finished(chart, f"Error per target range, over the {parts[0]} data", 330)


def probabilities(
    edges: np.ndarray,
    probs: np.ndarray,
    unit: str,
    target: str = "target",
    mark: float | None = None,
) -> alt.LayerChart:
    """The class head's distribution ``probs`` (C,) over bins with ``edges`` (C+1,), one sample."""
    edges, probs = np.asarray(edges, float), np.asarray(probs, float)
    if len(edges) != len(probs) + 1:
        raise ValueError(f"edges must hold one more number than probs, not {len(edges)}")
    data = {"probability": pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": probs})}
    bars = (
        alt.Chart(alt.NamedData("probability"))
        .mark_bar(color=COLOURS["reg+cls"], stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X(
                "low:Q",
                title=with_unit(target, unit),
                scale=alt.Scale(domain=[edges[0], edges[-1]], nice=False),
            ),
            x2="high:Q",
            y=alt.Y("share:Q", title="probability of the class", axis=alt.Axis(format=".0%")),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("low:Q", title="from", format=".3~g"),
                alt.Tooltip("high:Q", title="to", format=".3~g"),
                alt.Tooltip("share:Q", title="probability", format=".1%"),
            ],
        )
    )
    layers = [bars]
    if mark is not None:
        data["mark"] = pd.DataFrame({"at": [float(mark)]})
        rule = alt.Chart(alt.NamedData("mark")).mark_rule(strokeWidth=2, strokeDash=[6, 3])
        layers.append(rule.encode(x="at:Q", color=alt.value(FUNCTION_COLOUR)))
    title = "What the class head thinks"
    return Picture(finished(alt.layer(*layers), title, 220), data, "").chart()
