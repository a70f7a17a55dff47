"""Chart of a replay's last frame, for files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.lab import charts
from regcls.lab.replay import RANGES, TITLE, Replay
from regcls.lab.settings import MODELS
from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import colour, range_tooltips, stroke_legend
from regcls.plotting.style import DASHES, FUNCTION, HISTOGRAM_COLOUR, label_expression

BARS = (1.06, 1.5)  # where the histogram of the training targets starts and ends, right of x = 1

_LEGEND = stroke_legend(labelExpr=label_expression())


def settings_text(shown: Replay) -> str:
    """Return the settings of a replay, and which of the runs it is, as sentences.

    Parameters
    ----------
    shown : Replay
        The recording.

    Returns
    -------
    str
    """
    settings = replace(shown.settings, repeats=1)
    return f"{charts.settings_text(settings, settings.epochs)} {shown.choice}"


def last_frame(shown: Replay) -> Picture:
    """Draw the function, the predictions after training and the distribution of the targets.

    Parameters
    ----------
    shown : Replay
        The recording.

    Returns
    -------
    Picture
        The chart.
    """
    predicted = shown.predictions()[-1]
    x = np.linspace(-1, 1, predicted.shape[-1])
    lines = pd.DataFrame(
        {
            "x": np.tile(x, len(MODELS)),
            "y": predicted.ravel(),
            "model": np.repeat(MODELS, len(x)),
        }
    )
    function = pd.DataFrame({"x": x, "y": shown.settings.target_function(x), "model": FUNCTION})
    edges = np.linspace(*shown.limits, RANGES + 1)
    share = np.array(shown.targets)
    bars = pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "share": share,
            "start": BARS[0],
            "end": BARS[0] + (BARS[1] - BARS[0]) * share / share.max(),
        }
    )
    data = {"predictions": lines, "function": function, "targets": bars}
    return Picture(_spec(*shown.axis), data, shown.caption, settings_text(shown))


@cache
def _spec(bottom: float, top: float) -> dict[str, Any]:
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[-1, BARS[1]], nice=False),
        axis=alt.Axis(
            title="input x", titleAnchor="start", values=[-1, -0.5, 0, 0.5, 1], grid=False
        ),
    )
    scale = alt.Scale(domain=[bottom, top], nice=False)
    y = alt.Y("y:Q", title="target y", scale=scale, axis=alt.Axis(grid=False))
    share = alt.Tooltip("share:Q", title="share of training targets", format=".1%")
    bars = (
        alt.Chart(alt.NamedData("targets"))
        .mark_rect(color=HISTOGRAM_COLOUR, stroke=None)
        .encode(
            x=alt.X("start:Q"),
            x2="end:Q",
            y=alt.Y("low:Q", scale=scale),
            y2="high:Q",
            tooltip=[*range_tooltips(format=".2f"), share],
        )
    )
    colours = colour(with_function=True).legend(**_LEGEND)
    dashes = DASHES | {FUNCTION: [1, 0]}  # the entries of the colours, which share the legend
    patterns = alt.Scale(domain=list(dashes), range=list(dashes.values()))
    dash = alt.StrokeDash("model:N", scale=patterns).legend(**_LEGEND)
    function = (
        alt.Chart(alt.NamedData("function"))
        .mark_line(strokeWidth=4, opacity=0.55)
        .encode(x=x, y=y, color=colours, strokeDash=dash)
    )
    lines = (
        alt.Chart(alt.NamedData("predictions"))
        .mark_line(strokeWidth=2, clip=True)
        .encode(x=x, y=y, color=colours, strokeDash=dash)
    )
    return finished(alt.layer(bars, function, lines), TITLE, 400)
