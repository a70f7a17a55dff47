"""Preview of a 1D training set: the function, coloured by how much training data it has."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from regcls.stats import bins
from regcls.synthetic import data as synthetic_data

FUNCTION = synthetic_data.FUNCTIONS[0]  # also the Lab's default
SAMPLES = 6000  # a third for training, so that rare ranges of the severe sampling have under 20
RANGES = 10
SHOTS = ("many", "medium", "few")
# Okabe and Ito's colours, except those that `regcls.plotting.style` uses for models.
SHOT_COLOURS = ("#56B4E9", "#94A3AB", "#E69F00")
_GREY = "#73848D"  # contrast of 4:1 or more on the backgrounds of both themes
_BARS_FROM, _BARS_LENGTH = 1.1, 0.55  # the histogram starts to the right of x = 1


@dataclass(frozen=True)
class TrainingPreview:
    """A training set and its target ranges.

    Attributes
    ----------
    ranges : DataFrame
        Columns low, high, train (number of training points) and shot.
    curve : DataFrame
        Columns x, y, shot and part, a run of points within one range.
    points : DataFrame
        Columns x and y of some training points.
    """

    ranges: pd.DataFrame
    curve: pd.DataFrame
    points: pd.DataFrame

    @property
    def sentence(self) -> str:
        """The distribution of the training data in words."""
        train = self.ranges["train"]
        rare = self.ranges["shot"] == "few"
        if not rare.any():
            return f"Each of the {RANGES} target ranges has about {train.median():.0f} training points."
        return (
            f"Of the {RANGES} target ranges, {rare.sum()} have fewer than 20 training points each "
            f"({train[rare].sum() / train.sum():.0%} of all points in total). Errors tend to be "
            "largest there."
        )


def preview(sampling: str, seed: int = 0) -> TrainingPreview:
    """Generate a training set of one 1D function and summarise it.

    Parameters
    ----------
    sampling : {"uniform", "mild", "moderate", "severe"}
        Sampling of the training targets.
    seed : int, default 0
        Data seed.

    Returns
    -------
    TrainingPreview
        The training set.

    Examples
    --------
    >>> int(preview("uniform").ranges["train"].sum())
    2000
    """
    data = synthetic_data.make(FUNCTION, seed, sampling=sampling, samples=SAMPLES)
    edges = bins.ranges(*FUNCTION.limits, RANGES)
    ranges = pd.DataFrame({"low": edges[:-1], "high": edges[1:]})
    ranges["train"] = np.histogram(data.train.y, edges)[0]
    ranges["shot"] = bins.shots(ranges["train"].to_numpy())
    x = np.linspace(-1, 1, 401)
    y = FUNCTION(x)
    index = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, RANGES - 1)
    curve = pd.DataFrame({"x": x, "y": y, "shot": ranges["shot"].to_numpy()[index]})
    curve["part"] = np.concatenate(([0], np.cumsum(np.diff(index) != 0)))
    curve = pd.concat([curve, _joints(curve)]).sort_values(["part", "x"], ignore_index=True)
    points = pd.DataFrame({"x": data.train.x[:500], "y": data.train.y[:500]})
    return TrainingPreview(ranges, curve, points)


def _joints(curve: pd.DataFrame) -> pd.DataFrame:
    """Return the first point of each later part as the end of the part before, to close gaps."""
    first = curve[curve["part"].diff() == 1]
    before = curve.loc[first.index - 1]
    return first.assign(part=before["part"].to_numpy(), shot=before["shot"].to_numpy())


def preview_chart(shown: TrainingPreview) -> alt.LayerChart | alt.FacetChart:
    """Draw the function, coloured by its training data, and a histogram of the targets.

    Parameters
    ----------
    shown : TrainingPreview
        The training set.

    Returns
    -------
    LayerChart or FacetChart
        The chart.
    """
    ranges = shown.ranges.assign(
        start=_BARS_FROM,
        end=_BARS_FROM + _BARS_LENGTH * shown.ranges["train"] / shown.ranges["train"].max(),
        middle=(shown.ranges["low"] + shown.ranges["high"]) / 2,
    )
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[-1, 1.85], nice=False),
        axis=alt.Axis(
            title="input x", titleAnchor="start", values=[-1, -0.5, 0, 0.5, 1], grid=False
        ),
    )
    limits = alt.Scale(domain=[shown.ranges["low"].min(), shown.ranges["high"].max()], nice=False)
    y = alt.Y("y:Q", title="target y", scale=limits, axis=alt.Axis(grid=False, tickCount=5))
    colour = alt.Color(
        "shot:N",
        scale=alt.Scale(domain=list(SHOTS), range=list(SHOT_COLOURS)),
        legend=alt.Legend(
            title="training points in this target range", titleLimit=400, orient="top"
        ),
    )
    cells = [
        alt.Tooltip("low:Q", title="target from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("train:Q", title="training points", format=","),
    ]
    bars = (
        alt.Chart(ranges)
        .mark_rect(stroke=None)
        .encode(
            x="start:Q",
            x2="end:Q",
            y=alt.Y("low:Q", scale=limits),
            y2="high:Q",
            color=colour,
            tooltip=cells,
        )
    )
    counts = (
        alt.Chart(ranges)
        .mark_text(align="left", dx=4, color=_GREY, fontSize=11)
        .encode(x="end:Q", y="middle:Q", text=alt.Text("train:Q", format=","))
    )
    points = alt.Chart(shown.points).mark_circle(size=12, opacity=0.35, color=_GREY)
    line = alt.Chart(shown.curve).mark_line(strokeWidth=2.5)
    return alt.layer(
        bars,
        counts,
        points.encode(x=x, y=y),
        line.encode(x=x, y=y, color=colour, detail="part:N"),
    ).properties(height=360, width="container")
