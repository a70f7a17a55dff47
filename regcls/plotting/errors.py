"""Every chart of the product: colours, wording and captions. Drawing only, no arithmetic.

A ``Picture`` keeps its Vega-Lite spec and its data apart. A live page sends the same spec each
time, so the browser only exchanges the data instead of building the chart anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import altair as alt
import numpy as np
import pandas as pd

from regcls.stats.errors import ErrorReport

# Okabe and Ito's colours; the control is dashed as well, so that no one needs to see colours.
COLOURS = {"reg": "#D55E00", "control": "#009E73", "reg+cls": "#0072B2"}
# Models that somebody brought stand beside the shipped ones: kin in colour, and named.
OWN_COLOURS = {"own reg": "#E69F00", "own reg+cls": "#56B4E9"}
PALETTE = COLOURS | OWN_COLOURS
_OTHERS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#0072B2", "#D55E00", "#B8A500", "#7A7A7A")
_ALIASES = {"regcls": "reg+cls", "reg_cls": "reg+cls"}
NAMES = {
    "reg": "reg",
    "control": "control (reg, matched scale)",
    "reg+cls": "reg+cls",
}
FUNCTION = "true function"
_FUNCTION_COLOUR = "#7A7A7A"
_HISTOGRAM_COLOUR = "#8A9AA3"
_DENSITY_COLOUR = "#CC79A7"
_DASHES = {"reg": [1, 0], "control": [5, 3], "reg+cls": [1, 0]}
_SHAPES = {"reg": "circle", "control": "triangle-up", "reg+cls": "square"}
METRICS = {
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "bias": "bias (mean of prediction − truth)",
}
_STRIP = 0.06  # height of the strip of training inputs, as a share of the y-axis


@dataclass(frozen=True)
class Picture:
    """A Vega-Lite ``spec`` that names its data, the ``data``, and what there is to see."""

    spec: dict
    data: dict[str, pd.DataFrame]
    caption: str

    @property
    def live(self) -> dict:
        """Spec and data frames for ``st.vega_lite_chart``."""
        return {**self.spec, "datasets": self.data}

    @property
    def whole(self) -> dict:
        """The spec with its data inside, as plain JSON values."""
        records = {k: json.loads(v.to_json(orient="records")) for k, v in self.data.items()}
        return {**self.spec, "datasets": records}

    def chart(self) -> alt.LayerChart:
        return alt.LayerChart.from_dict(self.whole)

    def png(self) -> bytes:
        import vl_convert

        return vl_convert.vegalite_to_png(self._printed, scale=2)

    def svg(self) -> bytes:
        import vl_convert

        return vl_convert.vegalite_to_svg(self._printed).encode()

    @property
    def _printed(self) -> dict:
        return {**self.whole, "width": 720, "background": "white"}


def predictions(
    bands: pd.DataFrame,
    function: pd.DataFrame,
    ranges: pd.DataFrame,
    density: pd.DataFrame,
    limits: tuple[float, float],
    runs: int,
) -> Picture:
    """The function, each model's median prediction and band, and where the training data is.

    ``bands``: x, model, median, low, high; ``function``: x, y; ``ranges``: low, high, share of the
    training targets; ``density``: left, right, share of the training inputs.
    """
    room = 0.15 * (limits[1] - limits[0])
    bottom, top = limits[0] - room, limits[1] + room
    strip = density.assign(
        bottom=bottom, top=bottom + _STRIP * (top - bottom), weight=_relative(density["share"])
    )
    data = {
        "predictions": bands,
        "function": function.assign(model=FUNCTION),
        "ranges": ranges.assign(weight=_relative(ranges["share"])),
        "density": strip,
    }
    middle = "lines: median of the runs, bands: the middle 80 % of them" if runs > 1 else "one run"
    caption = (
        f"Where does each prediction leave the grey function ({middle})? The darker a horizontal "
        "stripe, the more training targets fall into that range; the pink strip at the bottom "
        "shows where the training inputs lie."
    )
    return Picture(_predictions_spec(round(bottom, 6), round(top, 6)), data, caption)


@cache
def _predictions_spec(bottom: float, top: float) -> dict:
    x = alt.X("x:Q", title="input x", scale=alt.Scale(domain=[-1, 1], nice=False))
    y_axis = {"scale": alt.Scale(domain=[bottom, top], nice=False), "axis": alt.Axis(grid=False)}
    weight = alt.Opacity("weight:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.45]), legend=None)
    stripes = (
        alt.Chart(alt.NamedData("ranges"))
        .mark_rect(color=_HISTOGRAM_COLOUR, stroke=_HISTOGRAM_COLOUR, strokeOpacity=0.15)
        .encode(
            y=alt.Y("low:Q", title="target y", **y_axis),
            y2="high:Q",
            opacity=weight,
            tooltip=[
                alt.Tooltip("low:Q", title="from", format=".2f"),
                alt.Tooltip("high:Q", title="to", format=".2f"),
                alt.Tooltip("share:Q", title="of training targets", format=".1%"),
            ],
        )
    )
    strip = (
        alt.Chart(alt.NamedData("density"))
        .mark_rect(color=_DENSITY_COLOUR)
        .encode(
            x=alt.X("left:Q", title="input x", scale=alt.Scale(domain=[-1, 1], nice=False)),
            x2="right:Q",
            y=alt.Y("bottom:Q", **y_axis),
            y2="top:Q",
            opacity=alt.Opacity(
                "weight:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None
            ),
        )
    )
    truth = (
        alt.Chart(alt.NamedData("function"))
        .mark_line(strokeWidth=4, opacity=0.55)
        .encode(x=x, y=alt.Y("y:Q", **y_axis), color=_colour(with_function=True))
    )
    source = alt.Chart(alt.NamedData("predictions"))
    band = source.mark_area(opacity=0.16, clip=True).encode(
        x=x, y=alt.Y("low:Q", **y_axis), y2="high:Q", color=_colour(with_function=True)
    )
    line = source.mark_line(strokeWidth=2, clip=True).encode(
        x=x,
        y=alt.Y("median:Q", **y_axis),
        color=_colour(with_function=True),
        strokeDash=_dash(),
        tooltip=_tooltips("x", "input x"),
    )
    chart = alt.layer(stripes, strip, truth, band, line).resolve_scale(opacity="independent")
    return _finished(chart, "The function and what each model makes of it", 330)


def function(curve: pd.DataFrame) -> Picture:
    """The function alone, before anything learns it. ``curve``: x, y."""
    caption = "The function to learn. Its training points appear when a run starts."
    return Picture(_function_spec(), {"function": curve}, caption)


@cache
def _function_spec() -> dict:
    line = alt.Chart(alt.NamedData("function")).mark_line(strokeWidth=4, color=_FUNCTION_COLOUR)
    x = alt.X("x:Q", title="input x", scale=alt.Scale(domain=[-1, 1], nice=False))
    return _finished(line.encode(x=x, y=alt.Y("y:Q", title="target y")), "The function", 330)


def history(bands: pd.DataFrame, epochs: int, runs: int) -> Picture:
    """Test error over epochs. ``bands``: epoch, model, median, low, high."""
    caption = (
        "Lower is better. Always measured on uniformly sampled targets, however uneven the "
        "training targets are"
        + ("; lines: median of the runs, bands: the middle 80 %." if runs > 1 else ".")
    )
    return Picture(_history_spec(epochs), {"history": bands}, caption)


@cache
def _history_spec(epochs: int) -> dict:
    x = alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=[0, epochs], nice=False))
    scale = alt.Scale(type="log", nice=False)
    source = alt.Chart(alt.NamedData("history"))
    band = source.mark_area(opacity=0.16).encode(
        x=x,
        y=alt.Y("low:Q", scale=scale, title="test MSE (y², log scale)"),
        y2="high:Q",
        color=_colour(),
    )
    line = source.mark_line(strokeWidth=2).encode(
        x=x,
        y=alt.Y("median:Q", scale=scale),
        color=_colour(),
        strokeDash=_dash(),
        tooltip=_tooltips("epoch", "epoch"),
    )
    return _finished(alt.layer(band, line), "Test error over epochs", 330)


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
    x_title, y_title = _with_unit(target, unit), _with_unit(METRICS[metric], unit)
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
        color=_colour(models),
    )
    points = source.mark_point(filled=True, size=45, opacity=1).encode(
        x=x, y=alt.Y("error:Q"), color=_colour(models), shape=_shape(models), tooltip=tooltip
    )
    layers = [bars, points]
    if "extra" in parts:
        own = alt.Chart(alt.NamedData("extra"))
        layers.append(
            own.mark_point(
                shape="diamond", filled=False, size=130, strokeWidth=2.5, opacity=1
            ).encode(x=x, y=alt.Y("error:Q"), color=_colour(models), tooltip=tooltip)
        )
    errors = alt.layer(*layers)
    stack = [errors]
    stack.insert(0, _histogram(parts[0], x_title, scale))
    if "mark" in parts:
        rule = alt.Chart(alt.NamedData("mark")).mark_rule(strokeWidth=2, strokeDash=[6, 3])
        stack.append(rule.encode(x=alt.X("at:Q", scale=scale), color=alt.value(_FUNCTION_COLOUR)))
    chart = alt.layer(*stack).resolve_scale(y="independent")
    return _finished(chart, f"Error per target range, over the {parts[0]} data", 330)


def _histogram(split: str, x_title: str, scale: alt.Scale) -> alt.Chart:
    return (
        alt.Chart(alt.NamedData(split))
        .mark_bar(color=_HISTOGRAM_COLOUR, opacity=0.3)
        .encode(
            x=alt.X("low:Q", title=x_title, scale=scale),
            x2="high:Q",
            y=alt.Y(
                "samples:Q",
                title=f"{split} samples",
                axis=alt.Axis(orient="right", grid=False, format="~s"),
            ),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("low:Q", title="from", format=".3~g"),
                alt.Tooltip("high:Q", title="to", format=".3~g"),
                alt.Tooltip("samples:Q", title=f"{split} samples", format=","),
            ],
        )
    )


def class_map(
    probability: pd.DataFrame, function: pd.DataFrame, limits: tuple[float, float]
) -> Picture:
    """What the class head thinks along x. ``probability``: left, right, low, high, probability."""
    caption = (
        "How likely the class head of reg+cls finds each of 24 strips of the target at each input "
        "(mean of the runs; a wide bin spreads its probability over its strips). It should be dark "
        "along the line, the true function."
    )
    spec = _class_map_spec(round(limits[0], 6), round(limits[1], 6))
    return Picture(spec, {"probability": probability, "function": function}, caption)


@cache
def _class_map_spec(bottom: float, top: float) -> dict:
    y = {"scale": alt.Scale(domain=[bottom, top], nice=False)}
    x = {"scale": alt.Scale(domain=[-1, 1], nice=False), "title": "input x"}
    x["axis"] = y["axis"] = alt.Axis(grid=False)
    cells = (
        alt.Chart(alt.NamedData("probability"))
        .mark_rect()
        .encode(
            x=alt.X("left:Q", **x),
            x2="right:Q",
            y=alt.Y("low:Q", title="target y", **y),
            y2="high:Q",
            color=alt.Color(
                "probability:Q",
                scale=alt.Scale(scheme="blues", domainMin=0),
                legend=alt.Legend(
                    title=["probability", "of a strip"], format=".0~%", gradientLength=160
                ),
            ),
            tooltip=[
                alt.Tooltip("low:Q", title="from", format=".2f"),
                alt.Tooltip("high:Q", title="to", format=".2f"),
                alt.Tooltip("probability:Q", format=".1%"),
            ],
        )
    )
    truth = (
        alt.Chart(alt.NamedData("function"))
        .mark_line(color=COLOURS["reg"], strokeWidth=2)
        .encode(x=alt.X("x:Q", **x), y=alt.Y("y:Q", **y))
    )
    title = "What the class head thinks"
    return _finished(alt.layer(cells, truth), title, 280)


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
                title=_with_unit(target, unit),
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
        layers.append(rule.encode(x="at:Q", color=alt.value(_FUNCTION_COLOUR)))
    title = "What the class head thinks"
    return Picture(_finished(alt.layer(*layers), title, 220), data, "").chart()


def _relative(share: pd.Series) -> pd.Series:
    """0 to 1; the square root keeps rare ranges visible beside frequent ones."""
    return np.sqrt(share / max(share.max(), 1e-12))


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def _colour(models: tuple[str, ...] = tuple(COLOURS), with_function: bool = False) -> alt.Color:
    domain = list(models) + ([FUNCTION] if with_function else [])
    colours = [*palette(models), *[_FUNCTION_COLOUR] * with_function]
    return alt.Color(
        "model:N",
        scale=alt.Scale(domain=domain, range=colours),
        legend=alt.Legend(
            title=None,
            orient="top",
            labelExpr=_label_expression(),
            labelLimit=260,
            symbolOpacity=1,
            symbolStrokeWidth=0,
            columns=2,
        ),
    )


def palette(models: Sequence[str]) -> list[str]:
    """A colour for each name: reg and reg+cls keep theirs, others take those that are left."""
    known = [PALETTE.get(_ALIASES.get(model, model)) for model in models]
    left = iter([colour for colour in _OTHERS if colour not in known] + list(_OTHERS) * 8)
    return [colour or next(left) for colour in known]


def _label_expression() -> str:
    return f"{json.dumps(NAMES)}[datum.label] || datum.label"


def _dash() -> alt.StrokeDash:
    scale = alt.Scale(domain=list(_DASHES), range=list(_DASHES.values()))
    return alt.StrokeDash("model:N", scale=scale, legend=None)


def _shape(models: tuple[str, ...]) -> alt.Shape:
    shapes = [_SHAPES.get(m, "circle") for m in models]
    return alt.Shape("model:N", scale=alt.Scale(domain=list(models), range=shapes), legend=None)


def _tooltips(field: str, title: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip(f"{field}:Q", title=title, format=".3~g"),
        alt.Tooltip("median:Q", format=".3g"),
        alt.Tooltip("low:Q", title="band from", format=".3g"),
        alt.Tooltip("high:Q", title="band to", format=".3g"),
    ]


def _finished(chart: alt.LayerChart, title: str, height: int) -> dict:
    spec = chart.properties(title=title, height=height).to_dict()
    spec.pop("datasets", None)
    return spec
