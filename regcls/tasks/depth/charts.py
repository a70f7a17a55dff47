"""Depth charts: maps on one colour scale, their difference, shares per range, and a point cloud.

Plotly draws what Altair cannot: clickable maps with values on hover and a rotating point cloud.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.inference.contract import Card
from regcls.plotting.chart import Picture, finished
from regcls.plotting.style import PALETTE
from regcls.tasks.depth import predict
from regcls.tasks.depth.predict import PhotoDepth

if TYPE_CHECKING:
    import plotly.graph_objects as go

SCALE = "Viridis_r"  # near is bright; perceptually uniform, so it is readable in grey
DIFFERENCE_SCALE = "PuOr"  # orange below zero, purple above; safe for colour-blind readers
TRUTH = "true depth"
_GRID = 4  # map pixels between two clickable points
_MARK = "#FF00AA"  # a colour of neither scale
_TRAINING_COLOUR = "#8A9AA3"
_UNKNOWN_COLOUR = (128, 128, 128)


def limits(photo: PhotoDepth, truth: np.ndarray | None = None) -> tuple[float, float]:
    """Return the limits of the shared colour scale, which leave out 0.5% of the values per end.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.
    truth : ndarray, shape (h, w), optional
        True depth in metres, 0 where unknown.

    Returns
    -------
    tuple of float
        Smallest and largest depth in metres.
    """
    values = [metres.ravel() for metres in photo.depth.values()]
    if truth is not None:
        values.append(truth[truth > 0])
    low, high = np.quantile(np.concatenate(values), [0.005, 0.995])
    return float(np.floor(low * 10) / 10), float(np.ceil(high * 10) / 10)


def maps(
    photo: PhotoDepth, truth: np.ndarray | None = None, point: tuple[int, int] | None = None
) -> go.Figure:
    """Draw the maps of all models, and the true depth, side by side on one colour scale.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.
    truth : ndarray, shape (h, w), optional
        True depth in metres, 0 where unknown.
    point : tuple of int, optional
        Row and column of a point to mark.

    Returns
    -------
    Figure
        The maps. Invisible markers make them clickable.
    """
    import plotly.graph_objects as go

    panels = dict(photo.depth)
    if truth is not None:
        panels[TRUTH] = np.where(truth > 0, truth, np.nan)
    figure = _panels(list(panels), _aspect(photo))
    values = np.stack(list(photo.depth.values()), axis=-1).round(2)
    hover = "<br>".join(f"{m}: %{{customdata[{i}]:.2f}} m" for i, m in enumerate(photo.depth))
    for column, (name, metres) in enumerate(panels.items(), start=1):
        own = "" if name in photo.depth else f"<br>{name}: %{{z:.2f}} m"
        figure.add_trace(
            go.Heatmap(
                z=metres.round(2),
                customdata=values,
                coloraxis="coloraxis",
                hovertemplate=f"{hover}{own}<extra></extra>",
            ),
            row=1,
            col=column,
        )
        figure.add_trace(_clickable(values, f"{hover}<extra></extra>"), row=1, col=column)
        if point is not None:
            figure.add_trace(_marked(point), row=1, col=column)
    low, high = limits(photo, truth)
    bar = {"title": {"text": "metres"}, "thickness": 14}
    figure.update_layout(
        coloraxis={"colorscale": SCALE, "cmin": low, "cmax": high, "colorbar": bar}
    )
    return figure


def difference(photo: PhotoDepth) -> go.Figure:
    """Draw the difference between the shipped models, reg+cls minus reg, in metres.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.

    Returns
    -------
    Figure
        The map, white where the models agree.
    """
    import plotly.graph_objects as go

    gap, end = gap_and_limit(photo)
    figure = _panels(["reg+cls minus reg"], _aspect(photo), 480)
    figure.add_trace(
        go.Heatmap(
            z=gap.round(2),
            zmin=-end,
            zmax=end,
            colorscale=DIFFERENCE_SCALE,
            colorbar={"title": {"text": "metres"}, "thickness": 14},
            hovertemplate="reg+cls minus reg: %{z:+.2f} m<extra></extra>",
        ),
        row=1,
        col=1,
    )
    return figure


def gap_and_limit(photo: PhotoDepth) -> tuple[np.ndarray, float]:
    """Return the difference between the shipped models and the limit of its colour scale.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.

    Returns
    -------
    gap : ndarray, shape (h, w)
        reg+cls minus reg, in metres.
    limit : float
        Largest absolute value, leaving out 0.5% of the values, in metres.
    """
    gap = (photo.depth["reg+cls"] - photo.depth["reg"]).astype(np.float64)
    return gap, float(np.ceil(np.quantile(np.abs(gap), 0.995) * 20) / 20) or 0.05


def cloud(points: pd.DataFrame, model: str) -> go.Figure:
    """Draw a point cloud that can be rotated and zoomed, in the colours of the photo.

    Parameters
    ----------
    points : DataFrame
        Result of `predict.point_cloud`.
    model : str
        Name of the model, for the title.

    Returns
    -------
    Figure
        The point cloud; axes in metres from the camera.
    """
    import plotly.graph_objects as go

    hover = "%{x:.2f} m right, %{z:.2f} m up, %{y:.2f} m away<extra></extra>"
    marks = go.Scatter3d(
        x=points["x"].round(3),
        y=points["z"].round(3),  # Plotly's z axis points up, so depth goes along y
        z=points["y"].round(3),
        mode="markers",
        marker={"size": 2, "color": points["colour"]},
        hovertemplate=hover,
    )
    figure = go.Figure(marks)
    axes = {"x": "right (m)", "y": "away (m)", "z": "up (m)"}
    figure.update_layout(
        title={"text": f"{model}: the room in space", "font": {"size": 15}},
        height=520,
        margin={"l": 0, "r": 0, "t": 40, "b": 0},
        showlegend=False,
        scene={
            **{f"{axis}axis": {"title": {"text": title}} for axis, title in axes.items()},
            "aspectmode": "data",
            "camera": {"eye": {"x": 0.0, "y": -1.6, "z": 0.35}},
        },
    )
    return figure


def shares(photo: PhotoDepth, card: Card) -> Picture:
    """Draw the share of the pixels in each depth range, beside the training data.

    Parameters
    ----------
    photo : PhotoDepth
        Predictions for a photo.
    card : Card
        Card of a shipped model, for the training data.

    Returns
    -------
    Picture
        The chart.
    """
    table = predict.pixel_shares(photo, card)
    caption = (
        "Grey: training photos. Both models have seen little data where the grey bars are low."
    )
    settings = f"Photo: {photo.name}. Depths in metres."
    return Picture(_shares_spec(tuple(photo.depth)), {"shares": table}, caption, settings)


@cache
def _shares_spec(models: tuple[str, ...]) -> dict[str, Any]:
    names = ["training", *models]
    colours = [_TRAINING_COLOUR, *(PALETTE[model] for model in models)]
    bars = (
        alt.Chart(alt.NamedData("shares"))
        .transform_calculate(range="datum.low + '–' + datum.high")
        .mark_bar()
        .encode(
            x=alt.X(
                "range:N", title="depth (m)", sort=alt.SortField("low"), axis=alt.Axis(labelAngle=0)
            ),
            xOffset=alt.XOffset("model:N", sort=names),
            y=alt.Y("share:Q", title="share of the pixels", axis=alt.Axis(format=".0%")),
            color=alt.Color(
                "model:N",
                scale=alt.Scale(domain=names, range=colours),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("range:N", title="depth (m)"),
                alt.Tooltip("share:Q", title="share", format=".1%"),
            ],
        )
    )
    return finished(alt.layer(bars), "Share of the pixels per range", 390)


def coloured(metres: np.ndarray, ends: tuple[float, float], scale: str = SCALE) -> np.ndarray:
    """Return a depth map as an image in the colours of `maps`, or a difference in its own.

    Parameters
    ----------
    metres : ndarray, shape (h, w)
        Depth in metres; NaN where unknown, which is drawn grey.
    ends : tuple of float
        Limits of the colour scale, in metres.
    scale : str, default `SCALE`
        Name of the scale, `SCALE` or `DIFFERENCE_SCALE`.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
        RGB image.
    """
    low, high = ends
    place = np.clip((np.nan_to_num(metres, nan=low) - low) / max(high - low, 1e-9), 0, 1)
    image = _lookup(scale)[np.rint(255 * place).astype(np.uint8)]
    image[np.isnan(metres)] = _UNKNOWN_COLOUR
    return image


def ramp(scale: str = SCALE, steps: int = 9) -> tuple[str, ...]:
    """Return evenly spaced colours of a scale, from its low to its high end, as CSS colours.

    Examples
    --------
    >>> ramp(steps=2)
    ('rgb(253, 231, 37)', 'rgb(68, 1, 84)')
    """
    chosen = _lookup(scale)[np.linspace(0, 255, steps).round().astype(int)]
    return tuple(f"rgb({r}, {g}, {b})" for r, g, b in chosen)


@cache
def _lookup(scale: str) -> np.ndarray:
    """Return the colours of a scale, uint8 (256, 3)."""
    from plotly.colors import get_colorscale, sample_colorscale

    texts = sample_colorscale(get_colorscale(scale), np.linspace(0, 1, 256).tolist())
    rows = [[float(v) for v in text[4:-1].split(",")] for text in texts]
    return np.rint(rows).astype(np.uint8)


def _panels(titles: list[str], aspect: float, most: int = 290) -> go.Figure:
    """Return empty panels side by side, with row 0 on top."""
    from plotly.subplots import make_subplots

    figure = make_subplots(1, len(titles), subplot_titles=titles, horizontal_spacing=0.02)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", constrain="domain")
    for number in range(1, len(titles) + 1):
        figure.update_yaxes(scaleanchor=f"x{number if number > 1 else ''}", col=number)
    height = int(np.clip(most * aspect, 140, 1.6 * most)) + 50
    figure.update_layout(
        height=height,
        margin={"l": 0, "r": 0, "t": 36, "b": 6},
        showlegend=False,
        clickmode="event+select",
        dragmode=False,
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def _clickable(values: np.ndarray, hover: str) -> go.Scatter:
    import plotly.graph_objects as go

    rows, columns = np.mgrid[0 : values.shape[0] : _GRID, 0 : values.shape[1] : _GRID]
    rows, columns = rows.ravel(), columns.ravel()
    return go.Scatter(
        x=columns,
        y=rows,
        customdata=values[rows, columns],
        mode="markers",
        marker={"size": 9, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate=hover,
    )


def _marked(point: tuple[int, int]) -> go.Scatter:
    import plotly.graph_objects as go

    marker = {"symbol": "cross-thin", "size": 16, "line": {"width": 3, "color": _MARK}}
    return go.Scatter(x=[point[1]], y=[point[0]], mode="markers", marker=marker, hoverinfo="skip")


def _aspect(photo: PhotoDepth) -> float:
    height, width = photo.shape
    return height / width
