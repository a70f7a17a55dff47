"""Encodings that several charts share."""

from __future__ import annotations

import altair as alt

from regcls.plotting.style import (
    COLOURS,
    DASHES,
    FUNCTION,
    FUNCTION_COLOUR,
    HISTOGRAM_COLOUR,
    SHAPES,
    label_expression,
    palette,
)


def histogram(split: str, x_title: str, scale: alt.Scale) -> alt.Chart:
    return (
        alt.Chart(alt.NamedData(split))
        .mark_bar(color=HISTOGRAM_COLOUR, opacity=0.3)
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


def with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name


def colour(models: tuple[str, ...] = tuple(COLOURS), with_function: bool = False) -> alt.Color:
    domain = list(models) + ([FUNCTION] if with_function else [])
    colours = [*palette(models), *[FUNCTION_COLOUR] * with_function]
    return alt.Color(
        "model:N",
        scale=alt.Scale(domain=domain, range=colours),
        legend=alt.Legend(
            title=None,
            orient="top",
            labelExpr=label_expression(),
            labelLimit=260,
            symbolOpacity=1,
            symbolStrokeWidth=0,
            columns=2,
        ),
    )


def dash() -> alt.StrokeDash:
    scale = alt.Scale(domain=list(DASHES), range=list(DASHES.values()))
    return alt.StrokeDash("model:N", scale=scale, legend=None)


def shape(models: tuple[str, ...]) -> alt.Shape:
    shapes = [SHAPES.get(m, "circle") for m in models]
    return alt.Shape("model:N", scale=alt.Scale(domain=list(models), range=shapes), legend=None)


def tooltips(field: str, title: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("model:N", title="model"),
        alt.Tooltip(f"{field}:Q", title=title, format=".3~g"),
        alt.Tooltip("median:Q", format=".3g"),
        alt.Tooltip("low:Q", title="band from", format=".3g"),
        alt.Tooltip("high:Q", title="band to", format=".3g"),
    ]
