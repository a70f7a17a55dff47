"""The gap terms drawn: per target range, per kind of bins, and over the imbalance."""

from __future__ import annotations

from functools import cache

import altair as alt
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.style import COLOURS, FUNCTION_COLOUR, HISTOGRAM_COLOUR
from regcls.theory import terms

# Okabe and Ito's colours that no model has; dashes as well, for those who see none.
TERMS = {
    "imbalanced": ("under imbalance", "#E69F00", [1, 0]),
    "balanced": ("under balance", "#56B4E9", [6, 3]),
    "gap": ("gap between them", "#CC79A7", [2, 2]),
}
KINDS = {"equal-width": [1, 0], "equalized": [5, 3]}
_GROUP_COLOURS = ("#CC79A7", "#E69F00", "#8A9AA3")


def per_range(table: pd.DataFrame, model: str) -> Picture:
    """``theory.per_range`` of one loss: its three terms over the training data."""
    long = table.melt(
        ["low", "high", "train"], list(TERMS), var_name="term", value_name="nats"
    ).assign(middle=lambda t: (t["low"] + t["high"]) / 2)
    long["what"] = long["term"].map({term: words for term, (words, *_) in TERMS.items()})
    rows = table[["low", "high", "train"]].drop_duplicates()
    caption = (
        "The gap is the distance between the two losses. Next to the grey training peak it is far "
        "above zero: rare targets pay there. In the peak it is below: frequent ones are favoured."
    )
    domain = (float(table["low"].min()), float(table["high"].max()))
    return Picture(_range_spec(model, domain), {"terms": long, "training": rows}, caption)


@cache
def _range_spec(model: str, domain: tuple[float, float]) -> dict:
    scale = alt.Scale(domain=list(domain), nice=False)
    words = [words for words, *_ in TERMS.values()]
    lines = (
        alt.Chart(alt.NamedData("terms"))
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=35))
        .encode(
            x=alt.X("middle:Q", title="target y", scale=scale),
            y=alt.Y("nats:Q", title="mean loss (nats)"),
            color=_scaled(words, [colour for _, colour, _ in TERMS.values()]),
            strokeDash=_dashed(words, [dash for *_, dash in TERMS.values()]),
            tooltip=_tooltips("what"),
        )
    )
    chart = alt.layer(_training(scale), lines).resolve_scale(y="independent")
    return finished(chart, f"{model}: loss per target range", 330)


def by_bins(table: pd.DataFrame) -> Picture:
    """``theory.per_range`` of classifiers, ``model`` being the kind of bins: their gaps alone."""
    rows = table.assign(middle=(table["low"] + table["high"]) / 2, nats=table["gap"])
    caption = (
        "Classes of equal width have the gap of the targets in them. Equalized bins, with labels "
        "dropped until every class is seen alike, have flat priors, and so no gap."
    )
    domain = (float(table["low"].min()), float(table["high"].max()))
    data = {"terms": rows, "training": table[["low", "high", "train"]].drop_duplicates()}
    return Picture(_bins_spec(domain), data, caption)


@cache
def _bins_spec(domain: tuple[float, float]) -> dict:
    scale = alt.Scale(domain=list(domain), nice=False)
    lines = (
        alt.Chart(alt.NamedData("terms"))
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=35))
        .encode(
            x=alt.X("middle:Q", title="target y", scale=scale),
            y=alt.Y("nats:Q", title="gap (nats)"),
            color=_scaled(list(KINDS), [COLOURS["reg+cls"], "#56B4E9"], "model"),
            strokeDash=alt.StrokeDash(
                "model:N",
                scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values())),
                legend=None,
            ),
            tooltip=_tooltips("model"),
        )
    )
    chart = alt.layer(_training(scale), lines).resolve_scale(y="independent")
    return finished(chart, "Classification: gap per target range, by kind of bins", 300)


def over_imbalance(table: pd.DataFrame, width: float) -> Picture:
    """``theory.by_imbalance``; ``width``: the s that is looked at."""
    caption = (
        "Mean gap of the ideal model. To the left, the peak is narrow and imbalance severe: what "
        "lies next to the peak (within 2σ) pays most. Farther away the model expects no frequent "
        "target, so nothing is added. The dashed line is the chosen s."
    )
    data = {"gaps": table, "here": pd.DataFrame({"at": [width]})}
    return Picture(_imbalance_spec(), data, caption)


@cache
def _imbalance_spec() -> dict:
    scale = alt.Scale(type="log", nice=False, domain=[0.018, 1.05])
    x = alt.X(
        "width:Q",
        title="half width s of the peak (log scale)",
        scale=scale,
        axis=alt.Axis(values=[0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1], format="~g"),
    )
    lines = (
        alt.Chart(alt.NamedData("gaps"))
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=40))
        .encode(
            x=x,
            y=alt.Y("gap:Q", title="mean gap (nats)"),
            color=_scaled(list(terms.GROUPS), list(_GROUP_COLOURS), "group"),
            tooltip=[
                alt.Tooltip("group:N", title="targets"),
                alt.Tooltip("width:Q", title="s", format=".2~g"),
                alt.Tooltip("gap:Q", title="gap (nats)", format=".3f"),
                alt.Tooltip("share:Q", title="of the target's range", format=".0%"),
            ],
        )
    )
    here = alt.Chart(alt.NamedData("here")).mark_rule(strokeWidth=1.5, strokeDash=[6, 3])
    here = here.encode(x=alt.X("at:Q", scale=scale), color=alt.value(FUNCTION_COLOUR))
    return finished(alt.layer(lines, here), "The gap grows with the imbalance", 260)


def _training(scale: alt.Scale) -> alt.Chart:
    return (
        alt.Chart(alt.NamedData("training"))
        .mark_bar(color=HISTOGRAM_COLOUR, opacity=0.3)
        .encode(
            x=alt.X("low:Q", title="target y", scale=scale),
            x2="high:Q",
            y=alt.Y(
                "train:Q",
                title="share of the training targets",
                axis=alt.Axis(orient="right", grid=False, format=".0%"),
            ),
            y2=alt.datum(0),
        )
    )


def _scaled(domain: list[str], colours: list[str], field: str = "what") -> alt.Color:
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=domain, range=colours),
        legend=alt.Legend(title=None, orient="top", labelLimit=260, columns=2),
    )


def _dashed(domain: list[str], dashes: list[list[int]]) -> alt.StrokeDash:
    return alt.StrokeDash("what:N", scale=alt.Scale(domain=domain, range=dashes), legend=None)


def _tooltips(name: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{name}:N", title="term" if name == "what" else "bins"),
        alt.Tooltip("low:Q", title="from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("nats:Q", title="nats", format=".3f"),
        alt.Tooltip("train:Q", title="of the training targets", format=".1%"),
    ]
