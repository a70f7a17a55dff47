"""Charts of the gap terms: per target range, by kind of bins and by degree of imbalance."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import histogram, marker_lines, range_tooltips
from regcls.plotting.style import COLOURS
from regcls.theory import terms

# Label, colour and dash of each line. The colours are Okabe and Ito's that no model has; lines are
# dashed as well, so that colour is not the only cue.
TERMS = {
    "imbalanced": ("imbalanced loss", "#E69F00", (1, 0)),
    "balanced": ("balanced loss", "#56B4E9", (6, 3)),
    "gap": ("gap (difference)", "#CC79A7", (2, 2)),
}
KINDS = {
    "equal-width": ("equal-width", COLOURS["reg+cls"], (1, 0)),
    "equalized": ("equalized", "#56B4E9", (5, 3)),
}
_GROUP_COLOURS = ("#CC79A7", "#E69F00", "#8A9AA3")
_WIDTH_TICKS = [0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1]

Series = tuple[tuple[str, str, tuple[int, int]], ...]


def per_range(table: pd.DataFrame, model: str) -> Picture:
    """Chart the three terms of one loss per target range, over the training targets.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.theory.terms.per_range` with one loss.
    model : str
        Name of the loss in the title.

    Returns
    -------
    Picture
    """
    rows = table.melt(["low", "high", "train"], list(TERMS), var_name="term", value_name="nats")
    rows["series"] = rows["term"].map({term: label for term, (label, *_) in TERMS.items()})
    caption = (
        "The gap is the difference between the two losses. It is positive for rare targets next to "
        "the training peak (grey), negative in the peak, and zero if the training targets are "
        "uniform."
    )
    labels = (f"{model}: loss per target range", "mean loss (nats)", "term")
    return _over_training(rows, tuple(TERMS.values()), labels, 330, caption)


def by_bins(table: pd.DataFrame) -> Picture:
    """Chart the gap of classifiers per target range, by kind of bins.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.theory.terms.per_range`, with the kind of bins as ``model``.

    Returns
    -------
    Picture
    """
    rows = table.assign(nats=table["gap"], series=table["model"])
    caption = (
        "Equal-width classes are as imbalanced as the targets and have a gap; equalized bins have "
        "uniform class priors and therefore no gap."
    )
    labels = ("Classification: gap by kind of bins", "gap (nats)", "bins")
    return _over_training(rows, tuple(KINDS.values()), labels, 300, caption)


def _over_training(
    rows: pd.DataFrame, series: Series, labels: tuple[str, str, str], height: int, caption: str
) -> Picture:
    """Chart the field "nats" of each series over the share of training targets."""
    data = {
        "terms": rows.assign(middle=(rows["low"] + rows["high"]) / 2),
        "training": rows[["low", "high", "train"]].drop_duplicates(),
    }
    domain = (float(rows["low"].min()), float(rows["high"].max()))
    return Picture(_lines_spec(series, labels, domain, height), data, caption)


@cache
def _lines_spec(
    series: Series, labels: tuple[str, str, str], domain: tuple[float, float], height: int
) -> dict[str, Any]:
    title, y_title, series_title = labels
    names, colours, dashes = (list(parts) for parts in zip(*series, strict=True))
    scale = alt.Scale(domain=list(domain), nice=False)
    bars = histogram(
        "training",
        "target y",
        scale,
        "train",
        "share of the training targets",
        share=True,
        range_format=".2f",
    )
    lines = (
        alt.Chart(alt.NamedData("terms"))
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=35))
        .encode(
            x=alt.X("middle:Q", title="target y", scale=scale),
            y=alt.Y("nats:Q", title=y_title),
            color=_colour("series", names, colours),
            strokeDash=alt.StrokeDash(
                "series:N", scale=alt.Scale(domain=names, range=dashes), legend=_legend()
            ),
            tooltip=[
                alt.Tooltip("series:N", title=series_title),
                *range_tooltips(format=".2f"),
                alt.Tooltip("nats:Q", title="nats", format=".3f"),
                alt.Tooltip("train:Q", title="share of the training targets", format=".1%"),
            ],
        )
    )
    return finished(alt.layer(bars, lines).resolve_scale(y="independent"), title, height)


def over_imbalance(table: pd.DataFrame, width: float) -> Picture:
    """Chart the mean gap of the ideal model by the width of the training peak.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.theory.terms.by_imbalance`.
    width : float
        Half width s to mark.

    Returns
    -------
    Picture
    """
    caption = (
        "Mean gap of the ideal model; the dashed line marks the chosen s. The narrower the peak, "
        "the larger the gap of rare targets near it (within 2σ); far from it, the gap is close to "
        "zero."
    )
    data = {"gaps": table, "chosen": pd.DataFrame({"at": [width]})}
    return Picture(_imbalance_spec(), data, caption)


@cache
def _imbalance_spec() -> dict[str, Any]:
    scale = alt.Scale(type="log", nice=False, domain=[0.018, 1.05])
    lines = (
        alt.Chart(alt.NamedData("gaps"))
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=40))
        .encode(
            x=alt.X(
                "width:Q",
                title="half width s of the peak (log scale)",
                scale=scale,
                axis=alt.Axis(values=_WIDTH_TICKS, format="~g"),
            ),
            y=alt.Y("gap:Q", title="mean gap (nats)"),
            color=_colour("group", list(terms.GROUPS), list(_GROUP_COLOURS)),
            tooltip=[
                alt.Tooltip("group:N", title="targets"),
                alt.Tooltip("width:Q", title="s", format=".2~g"),
                alt.Tooltip("gap:Q", title="mean gap (nats)", format=".3f"),
                alt.Tooltip("share:Q", title="share of the target range", format=".0%"),
            ],
        )
    )
    chart = alt.layer(lines, marker_lines("chosen", scale, width=1.5))
    return finished(chart, "Mean gap by degree of imbalance", 340)


def _colour(field: str, domain: list[str], colours: list[str]) -> alt.Color:
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=domain, range=colours),
        legend=_legend(),
    )


def _legend() -> alt.Legend:
    """Lines as symbols; colour and dashes share it, since both have the same field."""
    return alt.Legend(
        title=None,
        orient="top",
        labelLimit=260,
        columns=2,
        symbolType="stroke",
        symbolSize=300,
        symbolStrokeWidth=2.5,
    )
