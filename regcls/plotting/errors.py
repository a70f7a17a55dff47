"""Charts of the error per target range and of one sample's class probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from regcls.plotting.chart import AnyChart, Picture, finished
from regcls.plotting.encodings import (
    colour,
    histogram,
    marker_lines,
    range_tooltips,
    shape,
    with_unit,
)
from regcls.plotting.style import COLOURS
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
    mark: float | Sequence[float] | None = None,
    extra: ErrorReport | None = None,
    error_unit: str = "",
) -> Picture:
    """Draw each model's error per target range with its interval, over the training histogram.

    Parameters
    ----------
    report : ErrorReport
        Errors to draw. Without training targets, the histogram is that of the test targets.
    unit : str
        Unit of the target; may be empty.
    target : str
        Name of the target, for the x-axis.
    metric : {"mae", "rmse", "bias"}
        Error metric.
    mark : float or sequence of float, optional
        Target values to mark with vertical lines, such as the prediction for one's own photo.
    extra : ErrorReport, optional
        A second report, such as that of one's own photos, drawn as diamonds.
    error_unit : str
        Unit of the errors if it is not the target's, such as points of a percentage.

    Returns
    -------
    Picture
        The chart. Ranges without test samples are left empty.

    Raises
    ------
    ValueError
        If ``metric`` is unknown.
    """
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
    titles = with_unit(target, unit), with_unit(METRICS[metric], error_unit or unit)
    spec = _errors_spec(titles, metric, names, parts, domain)
    return Picture(spec, data, _errors_caption(report, metric, parts))


def _errors_caption(report: ErrorReport, metric: str, parts: tuple[str, ...]) -> str:
    caption = (
        f"Points: {METRICS[metric]} of each model per range; bars: {report.level:.0%} interval."
    )
    if parts[0] == "training":
        caption += " Errors are expected to grow where the grey training histogram is low."
    else:
        caption += " Grey: test samples, because the training targets are not known."
    if "extra" in parts:
        caption += " Diamonds: your own data."
    if "mark" in parts:
        caption += " Vertical line: your value."
    return caption


def _error_points(report: ErrorReport, metric: str) -> pd.DataFrame:
    """Return the rows with test samples, with models side by side within each range."""
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
    titles: tuple[str, str],
    metric: str,
    models: tuple[str, ...],
    parts: tuple[str, ...],
    domain: tuple[float, float],
) -> dict[str, Any]:
    split = parts[0]
    scale = alt.Scale(domain=list(domain), nice=False)
    x_title, y_title = titles
    x = alt.X("at:Q", title=x_title, scale=scale)
    tooltip = [
        alt.Tooltip("model:N", title="model"),
        *range_tooltips(),
        alt.Tooltip("error:Q", title=METRICS[metric], format=".3g"),
        *range_tooltips("error_low", "error_high", of="interval", format=".3g"),
        alt.Tooltip("test:Q", title="test samples", format=","),
    ]
    source = alt.Chart(alt.NamedData("errors"))
    bars = source.mark_rule(strokeWidth=2).encode(
        x=x,
        y=alt.Y("error_low:Q", title=y_title, scale=alt.Scale(zero=True)),
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
    background = histogram(split, x_title, scale, "samples", f"{split} samples")
    stack: list[AnyChart] = [background, alt.layer(*layers)]
    if "mark" in parts:
        stack.append(marker_lines("mark", scale))
    chart = alt.layer(*stack).resolve_scale(y="independent")
    return finished(chart, "Error per target range", 330)


def probabilities(
    edges: ArrayLike,
    probs: ArrayLike,
    unit: str,
    target: str = "target",
    mark: float | None = None,
) -> Picture:
    """Draw the class head's probabilities for one sample.

    Parameters
    ----------
    edges : array-like of shape (C + 1,)
        Edges of the classes, in units of the target.
    probs : array-like of shape (C,)
        Probability of each class.
    unit : str
        Unit of the target; may be empty.
    target : str
        Name of the target, for the x-axis.
    mark : float, optional
        True value, drawn as a vertical line.

    Returns
    -------
    Picture
        The chart.

    Raises
    ------
    ValueError
        If ``edges`` does not have one more value than ``probs``.

    Examples
    --------
    >>> picture = probabilities([0, 10, 20], [0.25, 0.75], "years", "age")
    >>> picture.data["probability"]["share"].tolist()
    [0.25, 0.75]
    """
    edges, probs = np.asarray(edges, float), np.asarray(probs, float)
    if len(edges) != len(probs) + 1:
        raise ValueError(
            f"edges must have one more value than probs ({len(probs) + 1}), not {len(edges)}"
        )
    data = {"probability": pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": probs})}
    scale = alt.Scale(domain=[float(edges[0]), float(edges[-1])], nice=False)
    layers = [
        histogram(
            "probability",
            with_unit(target, unit),
            scale,
            "share",
            "probability of the class",
            share=True,
            background=False,
            color=COLOURS["reg+cls"],
            stroke="white",
            strokeWidth=0.5,
        )
    ]
    caption = "Bars: probability that the class head assigns to each class."
    if mark is not None:
        data["mark"] = pd.DataFrame({"at": [float(mark)]})
        layers.append(marker_lines("mark", scale))
        caption += " Dashed line: the true value."
    return Picture(finished(alt.layer(*layers), "Class head's distribution", 220), data, caption)
