"""Chart of progress over time: all models, the true progress and the selected moment."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import stroke_legend
from regcls.plotting.style import FUNCTION_COLOUR, PALETTE
from regcls.tasks.progress import predict
from regcls.tasks.progress.predict import Curve

TITLE = "Progress over time"
HEIGHT = 390  # pixels of the whole chart
TRUTH = "true progress"
MONOTONE = "{}, monotone fit"
_FEW_POINTS = 40  # up to this number of frames there are dots: a single frame is no line
_MOST_POINTS = 1_000  # per model; more than the pixels of a screen only slow the chart down


def over_time(
    curve: Curve, whole: bool, smooth: bool, moment: float | None = None, length: float = 0.0
) -> Picture:
    """Draw the progress of one video over time.

    Parameters
    ----------
    curve : Curve
        Predictions for the video.
    whole : bool
        Whether to draw the true progress, of a video that shows the whole activity.
    smooth : bool
        Whether to draw the monotone fits.
    moment : float, optional
        Second to mark.
    length : float, default 0.0
        Smallest length of the time axis in seconds, for a video that is not read to its end.

    Returns
    -------
    Picture
        The chart.
    """
    series = lines(curve, whole, smooth)
    data = {"curves": _long(curve.seconds, series)}
    if moment is not None:
        data["moment"] = pd.DataFrame({"at": [moment]})
    caption = "Correct predictions rise from 0 to 100% along the line of the true progress."
    if whole:
        errors = ", ".join(f"{m} {curve.error(p):.1f}" for m, p in curve.progress.items())
        constant = curve.error(np.full(len(curve.seconds), predict.HALF))
        caption += f" Mean error: {errors} points; a constant 50%: {constant:.1f}."
    end = round(max(length, curve.end), 3)
    few = len(curve.seconds) <= _FEW_POINTS
    return Picture(_spec(tuple(series), end, moment is not None, few), data, caption)


def lines(curve: Curve, whole: bool, smooth: bool) -> dict[str, np.ndarray]:
    """Return the lines of the chart.

    Parameters
    ----------
    curve : Curve
        Predictions for the video.
    whole : bool
        Whether to draw the true progress.
    smooth : bool
        Whether to draw the monotone fits.

    Returns
    -------
    dict of str to ndarray, shape (n,)
        Progress in percent, by the name of the line.
    """
    series = dict(curve.progress)
    if smooth:
        series |= {MONOTONE.format(m): fit for m, fit in predict.monotone_fit(curve).items()}
    if whole:
        series[TRUTH] = curve.truth
    return series


def _long(seconds: np.ndarray, series: dict[str, np.ndarray]) -> pd.DataFrame:
    thin = slice(None, None, -(-len(seconds) // _MOST_POINTS))
    parts = [
        pd.DataFrame({"seconds": seconds[thin], "model": name, "percent": values[thin]})
        for name, values in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


@cache
def _spec(names: tuple[str, ...], end: float, moment: bool, few: bool) -> dict[str, Any]:
    legend = alt.Legend(**stroke_legend(columns=2))
    x = alt.X("seconds:Q", title="time (s)", scale=alt.Scale(domain=[0, end], nice=False))
    lines = (
        alt.Chart(alt.NamedData("curves"))
        .mark_line(strokeWidth=2, clip=True, point=alt.OverlayMarkDef(size=12) if few else False)
        .encode(
            x=x,
            y=alt.Y("percent:Q", title="progress (%)", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color(
                "model:N",
                scale=alt.Scale(domain=list(names), range=[colour(name) for name in names]),
                legend=legend,
            ),
            strokeDash=alt.StrokeDash(
                "model:N",
                scale=alt.Scale(domain=list(names), range=[dash(name) for name in names]),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("seconds:Q", title="time (s)", format=".2f"),
                alt.Tooltip("percent:Q", title="progress (%)", format=".1f"),
            ],
        )
    )
    layers: list[alt.Chart] = [lines]
    if moment:
        rule = alt.Chart(alt.NamedData("moment")).mark_rule(strokeWidth=1.5, strokeDash=[6, 3])
        at = alt.X("at:Q", title="time (s)", scale=alt.Scale(domain=[0, end], nice=False))
        layers.append(rule.encode(x=at, color=alt.value(FUNCTION_COLOUR)))
    return finished(alt.layer(*layers), TITLE, HEIGHT)


def colour(name: str) -> str:
    """Return the colour of a line, hexadecimal: that of its model, grey for the true progress."""
    return PALETTE.get(name.split(",")[0], FUNCTION_COLOUR)


def dash(name: str) -> list[int]:
    """Return the lengths of a line's dashes and gaps in pixels."""
    if name == TRUTH:
        return [2, 3]
    return [1, 0] if name in PALETTE else [7, 3]
