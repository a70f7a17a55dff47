"""Charts of a table's comparison: the target, the change against reg, errors range by range."""

from __future__ import annotations

import itertools
from functools import cache

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.style import COLOURS, HISTOGRAM_COLOUR
from regcls.tabular.comparison import Results
from regcls.tabular.plan import KINDS, NAMES

# Okabe and Ito's further colours, for the remedies.
KIND_COLOURS = COLOURS | {
    "inverse": "#E69F00",
    "sqrt-inverse": "#B8860B",
    "lds": "#CC79A7",
    "bmc": "#56B4E9",
    "hl-gauss": "#8C6BB1",
    "trees": "#6B7F2A",
}
COUNTED = {"balanced": "ranges alike (balanced MAE)", "overall": "rows alike (MAE)"}
_COUNT_COLOURS = ("#0072B2", HISTOGRAM_COLOUR)


def target(y: np.ndarray, edges: np.ndarray, name: str) -> Picture:
    """How the target's values fall into the ranges that errors are told for."""
    counts = np.histogram(y, edges)[0]
    data = pd.DataFrame({"range": _labels(edges), "rows": counts, "share": counts / counts.sum()})
    busiest = np.sort(counts)[::-1]
    needed = int(np.searchsorted(np.cumsum(busiest), 0.8 * counts.sum()) + 1)
    caption = (
        f"{needed} of the {len(counts)} target ranges hold 80 % of the rows; the fullest holds "
        f"{counts.max() / max(counts.min(), 1):.0f} times as many as the emptiest."
    )
    return Picture(_target_spec(name, tuple(data["range"])), {"target": data}, caption)


@cache
def _target_spec(name: str, order: tuple[str, ...]) -> dict:
    bars = (
        alt.Chart(alt.NamedData("target"))
        .mark_bar(color=HISTOGRAM_COLOUR)
        .encode(
            x=_ranges_axis(name, order),
            y=alt.Y("rows:Q", title="rows", axis=alt.Axis(format="~s")),
            tooltip=[
                alt.Tooltip("range:N"),
                alt.Tooltip("rows:Q", format=","),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    return finished(alt.layer(bars), "How the target is distributed", 280)


def changes(results: Results) -> Picture:
    """Each kind's change of error against reg, in per cent, with its interval."""
    table = results.table
    table = table[table["kind"].isin([k for k in KINDS if k != "reg"])]
    parts = [
        pd.DataFrame(
            {
                "kind": table["kind"].map(NAMES),
                "counted": COUNTED[goal],
                "change": table[f"{metric}_change"],
                "low": table[f"{metric}_low"],
                "high": table[f"{metric}_high"],
                "error": table[metric],
            }
        )
        for metric, goal in (("balanced_mae", "balanced"), ("mae", "overall"))
    ]
    data = pd.concat(parts, ignore_index=True)
    caption = (
        "The control is reg with its loss scale tuned. Left of the line is better than reg. A bar that crosses the line says: no clear "
        "difference. Bars are 95 % intervals over rows, folds, repeats and first weights; they "
        "are cut off at ±100 %."
    )
    return Picture(_changes_spec(), {"changes": data}, caption)


@cache
def _changes_spec() -> dict:
    order = [NAMES[k] for k in KINDS if k != "reg"]
    y = alt.Y("kind:N", sort=order, title=None, axis=alt.Axis(labelLimit=220))
    offset = alt.YOffset("counted:N", sort=list(COUNTED.values()))
    colour = alt.Color(
        "counted:N",
        scale=alt.Scale(domain=list(COUNTED.values()), range=list(_COUNT_COLOURS)),
        legend=alt.Legend(title=None, orient="top", labelLimit=300, columns=1),
    )
    source = alt.Chart(alt.NamedData("changes")).transform_calculate(
        low_shown="clamp(datum.low, -1, 1)",
        high_shown="clamp(datum.high, -1, 1)",
        change_shown="clamp(datum.change, -1, 1)",
    )
    title = "change of the error against reg"
    bars = source.mark_rule(strokeWidth=3).encode(
        y=y, yOffset=offset, color=colour,
        x=alt.X("low_shown:Q", title=title, axis=alt.Axis(format="+.0%", tickCount=6)),
        x2="high_shown:Q",
    )  # fmt: skip
    points = source.mark_point(filled=True, size=70, opacity=1).encode(
        y=y, yOffset=offset, color=colour, x=alt.X("change_shown:Q"),
        tooltip=[
            alt.Tooltip("kind:N", title="kind"),
            alt.Tooltip("counted:N", title="counted"),
            alt.Tooltip("change:Q", format="+.1%"),
            alt.Tooltip("low:Q", title="interval from", format="+.1%"),
            alt.Tooltip("high:Q", title="interval to", format="+.1%"),
            alt.Tooltip("error:Q", title="its error", format=".4g"),
        ],
    )  # fmt: skip
    zero = alt.Chart(alt.NamedData("changes")).mark_rule(strokeWidth=1.5, color="#7A7A7A")
    zero = zero.encode(x=alt.datum(0))
    return finished(alt.layer(zero, bars, points), "Against plain regression", 420)


def per_range(results: Results, kinds: tuple[str, ...], name: str) -> Picture:
    """Each kind's mean absolute error in each target range, over the share of rows there."""
    report = results.report(kinds)
    table = report.table()
    table = table[table["test"] > 0]
    counts = np.histogram(results.plan.problem.y, results.plan.edges)[0]
    labels = _labels(results.plan.edges)
    place = dict(zip(results.plan.edges, labels, strict=False))
    errors = pd.DataFrame(
        {
            "range": table["low"].map(place),
            "model": table["model"].map(NAMES),
            "error": table["mae"],
            "error_low": table["mae_low"],
            "error_high": table["mae_high"],
        }
    )
    rows = pd.DataFrame({"range": labels, "rows": counts, "share": counts / counts.sum()})
    caption = (
        "Points: mean absolute error of rows that the model had not seen, bars: 95 % interval "
        "over rows. Grey: the share of your rows in each range; errors tend to grow where it is low."
    )
    return Picture(
        _per_range_spec(kinds, name, tuple(labels)), {"errors": errors, "rows": rows}, caption
    )


@cache
def _per_range_spec(kinds: tuple[str, ...], name: str, order: tuple[str, ...]) -> dict:
    x = _ranges_axis(name, order)
    bars = (
        alt.Chart(alt.NamedData("rows"))
        .mark_bar(color=HISTOGRAM_COLOUR, opacity=0.3)
        .encode(
            x=x,
            y=alt.Y("share:Q", title="share of the rows",
                    axis=alt.Axis(orient="right", grid=False, format=".0%")),
            tooltip=[alt.Tooltip("range:N"), alt.Tooltip("rows:Q", format=",")],
        )
    )  # fmt: skip
    names = [NAMES[k] for k in kinds]
    colour = alt.Color(
        "model:N",
        scale=alt.Scale(domain=names, range=[KIND_COLOURS[k] for k in kinds]),
        legend=alt.Legend(title=None, orient="top", labelLimit=260, columns=2, symbolOpacity=1),
    )
    offset = alt.XOffset("model:N", sort=names, scale=alt.Scale(paddingOuter=0.25))
    source = alt.Chart(alt.NamedData("errors"))
    rules = source.mark_rule(strokeWidth=2).encode(
        x=x, xOffset=offset, color=colour,
        y=alt.Y("error_low:Q", title="mean absolute error", scale=alt.Scale(zero=True)),
        y2="error_high:Q",
    )  # fmt: skip
    points = source.mark_point(filled=True, size=45, opacity=1).encode(
        x=x, xOffset=offset, color=colour, y=alt.Y("error:Q"),
        tooltip=[
            alt.Tooltip("model:N", title="model"),
            alt.Tooltip("range:N"),
            alt.Tooltip("error:Q", title="mean absolute error", format=".4g"),
            alt.Tooltip("error_low:Q", title="interval from", format=".4g"),
            alt.Tooltip("error_high:Q", title="interval to", format=".4g"),
        ],
    )  # fmt: skip
    chart = alt.layer(bars, alt.layer(rules, points)).resolve_scale(y="independent")
    return finished(chart, "Error per target range, over your rows", 440)


def _ranges_axis(name: str, order: tuple[str, ...]) -> alt.X:
    axis = alt.Axis(labelAngle=-30, labelLimit=120)
    return alt.X("range:N", sort=list(order), title=f"{name[:60]}, in ranges", axis=axis)


def _labels(edges: np.ndarray) -> list[str]:
    """ "2 to 4.5" for each range, with as many digits as tell its ends apart."""
    for digits in range(3, 12):
        ends = [f"{e:.{digits}g}" for e in edges]
        if len(set(ends)) == len(edges):
            break
    ends = [f"{float(e):,.10g}" for e in ends]
    return [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
