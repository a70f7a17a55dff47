"""Charts of the gap terms: per target range, by kind of bins and by degree of imbalance."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls import formats
from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import histogram, marker_lines, range_tooltips, stroke_legend
from regcls.plotting.style import COLOURS
from regcls.theory import terms

# Label, colour and dash of each line. The colours are Okabe and Ito's that no model has; lines are
# dashed as well, so that colour is not the only cue.
TERMS = {
    "imbalanced": ("imbalanced loss", "#E69F00", (1, 0)),
    "balanced": ("balanced loss", "#56B4E9", (6, 3)),
    "gap": ("gap (difference)", "#CC79A7", (2, 2)),
}
# The same hues as text on a light and on a dark page, with a contrast of 4.5 or more.
TEXT_COLOURS = {
    "imbalanced": ("#8A5F00", "#E69F00"),
    "balanced": ("#1B6E9E", "#56B4E9"),
    "gap": ("#A23B74", "#CC79A7"),
}
KINDS = ("equal-width", "equalized")
_KIND_COLOURS = (COLOURS["reg+cls"], "#56B4E9")
_REFERENCE_DASHES = {terms.UNIFORM: (1, 0), terms.FLAT: (5, 3)}
_GROUP_COLOURS = ("#CC79A7", "#E69F00", "#8A9AA3")
_PLOT = 400  # pixels of a chart, with title, legend and axis
_SMALLEST = 1e-9  # nats; below are rounding errors, which are drawn as zero
_WIDTH_TICKS = [0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1]

FORMULA = (
    r"\textcolor{%(imbalanced)s}{\underbrace{-\log p_{imb}(y\mid x)}_{\text{imbalanced loss}}} \;=\; "
    r"\textcolor{%(balanced)s}{\underbrace{-\log p_{bal}(y\mid x)}_{\text{balanced loss}}} \;+\; "
    r"\textcolor{%(gap)s}{\underbrace{\log\!\textstyle\int\! p_{bal}(y'\mid x)\,p(y')\,dy' - \log p(y)}"
    r"_{\text{gap: what imbalance adds}}}"
)

Series = tuple[tuple[str, str, tuple[int, int]], ...]


def settings_text(function: int, seed: int, s: float, model: str, sigma: float) -> str:
    """Return the data and the model as sentences, for the files of the charts.

    Parameters
    ----------
    function, seed : int
        Number of the function, from 1, and data seed.
    s : float
        Half width of the training peak, as a share of the target range.
    model : str
        "ideal" or the name of a trained model.
    sigma : float
        Noise of the ideal model, in units of y.

    Returns
    -------
    str
        Sentences.

    Examples
    --------
    >>> settings_text(1, 0, 0.03, "ideal", 0.1)
    'Data: function 1, data seed 0, training peak of half width s = 0.03. Model: ideal, noise σ = 0.1.'
    """
    noise = f", noise σ = {sigma:g}" if model == "ideal" else ", trained on this data"
    peak = "uniform training targets" if s >= 1 else f"training peak of half width s = {s:g}"
    return f"Data: function {function}, data seed {seed}, {peak}. Model: {model}{noise}."


def formula(dark: bool = False) -> str:
    """Return the sum of the terms as LaTeX, in the hues of their curves.

    Parameters
    ----------
    dark : bool
        Whether it stands on a dark page.

    Returns
    -------
    str
    """
    return FORMULA % {term: colours[dark] for term, colours in TEXT_COLOURS.items()}


def per_range(table: pd.DataFrame, model: str, role: str = "") -> Picture:
    """Chart the three terms of one loss per target range, over the training targets.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.theory.terms.per_range` with one loss.
    model : str
        Name of the loss in the title.
    role : str
        Sentence for the caption: the conditional density that the model is taken as.

    Returns
    -------
    Picture
    """
    rows = table.melt(["low", "high", "train"], list(TERMS), var_name="term", value_name="nats")
    rows["series"] = rows["term"].map({term: label for term, (label, *_) in TERMS.items()})
    caption = f"{gap_text(table)} {role}".strip()
    labels = (f"{model}: loss per target range", "mean loss (nats)", "term")
    return _over_training(rows, tuple(TERMS.values()), labels, caption)


def gap_text(table: pd.DataFrame) -> str:
    """Return the mean gap at rare and at frequent targets as a sentence.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.theory.terms.per_range` with one loss.

    Returns
    -------
    str
        A sentence. Targets are rare where the training density is below the uniform one.

    Examples
    --------
    >>> table = pd.DataFrame({"low": [0.0, 1.0], "high": [1.0, 2.0], "train": [0.9, 0.1]})
    >>> gap_text(table.assign(points=50, balanced=[-1.4, -1.4], gap=[-0.5, 2.0]))
    'Relative to uniform y, imbalance adds 2.00 nats to a mean balanced loss of −1.40 at rare \
targets, and −0.50 nats in the training peak (grey).'
    """
    uniform = (table["high"] - table["low"]) / (table["high"].max() - table["low"].min())
    rare = table["train"] < uniform * (1 - 1e-9)
    if not rare.any():
        return "The training targets are uniform, so the gap is zero."

    def mean(term: str, rows: pd.Series) -> str:
        weights = table.loc[rows, "points"]
        return formats.fixed(float(np.average(table.loc[rows, term], weights=weights)), 2)

    return (
        f"Relative to uniform y, imbalance adds {mean('gap', rare)} nats to a mean balanced "
        f"loss of {mean('balanced', rare)} at rare targets, and {mean('gap', ~rare)} nats "
        "in the training peak (grey)."
    )


def by_bins(table: pd.DataFrame) -> Picture:
    """Chart the gap of classifiers per target range, by kind of bins and reference.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.theory.terms.per_range` with the losses of all `KINDS`.

    Returns
    -------
    Picture
    """
    rows = table.assign(nats=table["gap"], series=table["model"])
    lines = tuple(
        (terms.series(kind, reference), colour, dash)
        for kind, colour in zip(KINDS, _KIND_COLOURS, strict=True)
        for reference, dash in _REFERENCE_DASHES.items()
    )
    labels = ("Classification: gap by bins and reference", "gap (nats)", "bins")
    return _over_training(rows, lines, labels, equalisation_text(table))


def equalisation_text(table: pd.DataFrame) -> str:
    """Return what equalized bins leave of the classes and of the gap, as sentences.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.theory.terms.per_range` with the losses of all `KINDS`.

    Returns
    -------
    str
        Sentences.
    """
    found = terms.equalisation(table)
    if max(abs(found["gap_max_flat"]), abs(found["gap_max_uniform"])) < 0.005:
        return (
            f"Equalized bins leave {found['left']} of {found['asked']} classes; their gap is zero "
            "relative to both references."
        )
    return (
        f"Equalized bins leave {found['left']} of {found['asked']} classes. Relative to flat priors "
        f"over these classes, their gap is {abs(found['gap_max_flat']):.2f} nats; relative to "
        f"uniform y, up to {found['gap_max_uniform']:.2f} nats remain at single targets."
    )


def noise_text(table: pd.DataFrame) -> str:
    """Return how the gap of the ideal model changes with its noise, as sentences.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.theory.terms.by_noise`.

    Returns
    -------
    str
        Sentences.

    Examples
    --------
    >>> noise_text(pd.DataFrame({"sigma": [0.1, 0.01], "gap": [0.5, 0.05], "share": [0.2, 0.02]}))
    'The gap of the ideal model vanishes as its noise does: averaged over rare targets, it falls \
from 0.50 nats at σ = 0.1 to 0.05 nats at σ = 0.01. It therefore cannot explain errors at rare \
targets on noise-free data.'
    """
    first, last = table.iloc[0], table.iloc[-1]
    if not first["gap"]:
        return "Uniform training targets have no gap at any noise."
    return (
        "The gap of the ideal model vanishes as its noise does: averaged over rare targets, it "
        f"falls from {first['gap']:.2f} nats at σ = {first['sigma']:g} to {last['gap']:.2f} nats "
        f"at σ = {last['sigma']:g}. It therefore cannot explain errors at rare targets on "
        "noise-free data."
    )


def _over_training(
    rows: pd.DataFrame, series: Series, labels: tuple[str, str, str], caption: str
) -> Picture:
    """Chart the field "nats" of each series over the share of training targets."""
    nats = rows["nats"].where(rows["nats"].abs() > _SMALLEST, 0.0)
    data = {
        "terms": rows.assign(nats=nats, middle=(rows["low"] + rows["high"]) / 2),
        "training": rows[["low", "high", "train"]].drop_duplicates(),
    }
    domain = (float(rows["low"].min()), float(rows["high"].max()))
    return Picture(_lines_spec(series, labels, domain, _whole_nats(nats)), data, caption)


def _whole_nats(nats: pd.Series) -> tuple[int, int]:
    """Return ends of the y-axis: whole nats around the data and zero, at least one apart.

    An axis that fits the data alone would magnify rounding errors where all terms are zero, and
    change with every step of a slider.
    """
    low, high = math.floor(min(nats.min(), 0.0)), math.ceil(max(nats.max(), 0.0))
    return low, max(high, low + 1)


@cache
def _lines_spec(
    series: Series,
    labels: tuple[str, str, str],
    domain: tuple[float, float],
    nats: tuple[int, int],
) -> dict[str, Any]:
    title, y_title, series_title = labels
    names, colours, dashes = (list(parts) for parts in zip(*series, strict=True))
    scale = alt.Scale(domain=list(domain), nice=False)
    legend = alt.Legend(
        **stroke_legend(columns=2 if max(map(len, names)) < 20 else 1)
    )  # two columns fit into a phone's width
    bars = histogram(
        "training",
        "target y",
        scale,
        "train",
        "share of the training targets",
        share=True,
        range_format=".2f",
    )
    source = alt.Chart(alt.NamedData("terms")).encode(
        x=alt.X("middle:Q", title="target y", scale=scale),
        y=alt.Y("nats:Q", title=y_title, scale=alt.Scale(domain=list(nats), nice=False)),
    )
    dashes_of = alt.StrokeDash(
        "series:N", scale=alt.Scale(domain=names, range=dashes), legend=legend
    )
    lines = source.mark_line(strokeWidth=2.5).encode(
        color=_colour("series", names, colours, legend), strokeDash=dashes_of
    )
    points = source.mark_point(filled=True, size=35, opacity=1).encode(
        color=_colour("series", names, colours, legend),
        tooltip=[
            alt.Tooltip("series:N", title=series_title),
            *range_tooltips(format=".2f"),
            alt.Tooltip("nats:Q", title="nats", format=".3f"),
            alt.Tooltip("train:Q", title="share of the training targets", format=".1%"),
        ],
    )
    front = alt.layer(lines, points)
    return finished(alt.layer(bars, front).resolve_scale(y="independent"), title, _PLOT)


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
        "Mean gap of the ideal model, relative to uniform y. Narrow peaks (right) give rare targets "
        "near them (within 2σ) a large gap; far from them, the gap is close to zero. "
    )
    if width >= 1:
        caption += "The chosen targets are uniform, without a peak: their gap is zero."
    else:
        caption += "The dashed line marks the chosen s."
    data = {"gaps": table, "chosen": pd.DataFrame({"at": [width]})}
    return Picture(_imbalance_spec(), data, caption)


@cache
def _imbalance_spec() -> dict[str, Any]:
    # The slider of the page runs from uniform targets on the left to a narrow peak on the right.
    scale = alt.Scale(type="log", nice=False, domain=[0.018, 1.05], reverse=True)
    source = alt.Chart(alt.NamedData("gaps")).encode(
        x=alt.X(
            "width:Q",
            title="half width s of the peak (log scale)",
            scale=scale,
            axis=alt.Axis(values=_WIDTH_TICKS, format="~g"),
        ),
        y=alt.Y("gap:Q", title="mean gap (nats)"),
    )
    groups, colours = list(terms.GROUPS), list(_GROUP_COLOURS)
    lines = source.mark_line(strokeWidth=2.5).encode(
        color=_colour("group", groups, colours, alt.Legend(**stroke_legend(columns=1)))
    )
    points = source.mark_point(filled=True, size=40, opacity=1).encode(
        color=_colour("group", groups, colours, alt.Legend(**stroke_legend(columns=1))),
        tooltip=[
            alt.Tooltip("group:N", title="targets"),
            alt.Tooltip("width:Q", title="s", format=".2~g"),
            alt.Tooltip("gap:Q", title="mean gap (nats)", format=".3f"),
            alt.Tooltip("share:Q", title="share of the target range", format=".0%"),
        ],
    )
    chart = alt.layer(lines, points, marker_lines("chosen", scale, width=1.5))
    return finished(chart, "Mean gap by degree of imbalance", _PLOT)


def _colour(field: str, domain: list[str], colours: list[str], legend: alt.Legend) -> alt.Color:
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=domain, range=colours),
        legend=legend,
    )
