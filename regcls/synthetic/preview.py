"""The one picture of the home page: where the training data of a 1D function lies."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from regcls.stats import bins
from regcls.synthetic import data as synthetic_data

FUNCTION = synthetic_data.FUNCTIONS[0]  # the one that the Lab starts with
SAMPLES = 6000  # a third of them train: in the severe sampling, rare ranges then hold under 20
RANGES = 10
SHOTS = ("many", "medium", "few")
# Okabe and Ito's colours, without those that `charts.COLOURS` gives to the models.
SHOT_COLOURS = ("#56B4E9", "#94A3AB", "#E69F00")
_GREY = "#73848D"  # 4:1 or more against both themes' backgrounds
_BARS_FROM, _BARS_LENGTH = 1.1, 0.55  # the histogram stands to the right of x = 1


@dataclass(frozen=True)
class Glimpse:
    """A training set and its target ranges.

    ``ranges``: low, high, train, shot; ``curve``: x, y, shot and part (a run of points within one
    range); ``points``: x, y of some training points.
    """

    ranges: pd.DataFrame
    curve: pd.DataFrame
    points: pd.DataFrame

    @property
    def sentence(self) -> str:
        """What the picture shows, in words."""
        train = self.ranges["train"]
        rare = self.ranges["shot"] == "few"
        if not rare.any():
            return f"Each of the {RANGES} target ranges has about {train.median():.0f} training points."
        return (
            f"{rare.sum()} of the {RANGES} target ranges have fewer than 20 training points each, "
            f"{train[rare].sum() / train.sum():.0%} of all. That is where errors grow."
        )


def glimpse(sampling: str, seed: int = 0) -> Glimpse:
    """The training set of one 1D function in a sampling of ``data1d.SAMPLINGS``, and its ranges."""
    data = synthetic_data.make(FUNCTION, seed, sampling=sampling, samples=SAMPLES)
    edges = bins.ranges(*FUNCTION.limits, RANGES)
    ranges = pd.DataFrame({"low": edges[:-1], "high": edges[1:]})
    ranges["train"] = np.histogram(data.train.y, edges)[0]
    ranges["shot"] = bins.shots(ranges["train"].to_numpy())
    x = np.linspace(-1, 1, 401)
    y = FUNCTION(x)
    which = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, RANGES - 1)
    curve = pd.DataFrame({"x": x, "y": y, "shot": ranges["shot"].to_numpy()[which]})
    curve["part"] = np.concatenate(([0], np.cumsum(np.diff(which) != 0)))
    curve = pd.concat([curve, _joints(curve)]).sort_values(["part", "x"], ignore_index=True)
    points = pd.DataFrame({"x": data.train.x[:500], "y": data.train.y[:500]})
    return Glimpse(ranges, curve, points)


def _joints(curve: pd.DataFrame) -> pd.DataFrame:
    """The first point of each part but the first, as the end of the part before: no gaps."""
    first = curve[curve["part"].diff() == 1]
    before = curve.loc[first.index - 1]
    return first.assign(part=before["part"].to_numpy(), shot=before["shot"].to_numpy())


def training_picture(shown: Glimpse) -> alt.LayerChart:
    """The function coloured by how much training data its targets have, and their histogram."""
    ranges = shown.ranges.assign(
        start=_BARS_FROM,
        end=_BARS_FROM + _BARS_LENGTH * shown.ranges["train"] / shown.ranges["train"].max(),
        middle=(shown.ranges["low"] + shown.ranges["high"]) / 2,
    )
    across = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[-1, 1.85], nice=False),
        axis=alt.Axis(
            title="input x", titleAnchor="start", values=[-1, -0.5, 0, 0.5, 1], grid=False
        ),
    )
    limits = alt.Scale(domain=[shown.ranges["low"].min(), shown.ranges["high"].max()], nice=False)
    up = alt.Y("y:Q", title="target y", scale=limits, axis=alt.Axis(grid=False, tickCount=5))
    colour = alt.Color(
        "shot:N",
        scale=alt.Scale(domain=list(SHOTS), range=list(SHOT_COLOURS)),
        legend=alt.Legend(title="training points for this target", orient="top"),
    )
    cells = [
        alt.Tooltip("low:Q", title="target from", format=".2f"),
        alt.Tooltip("high:Q", title="to", format=".2f"),
        alt.Tooltip("train:Q", title="training points", format=","),
    ]
    dots = alt.Chart(shown.points).mark_circle(size=12, opacity=0.35, color=_GREY)
    line = alt.Chart(shown.curve).mark_line(strokeWidth=2.5)
    bars = alt.Chart(ranges).mark_rect(stroke=None)
    counts = alt.Chart(ranges).mark_text(align="left", dx=4, color=_GREY, fontSize=11)
    return alt.layer(
        bars.encode(
            x="start:Q",
            x2="end:Q",
            y=alt.Y("low:Q", scale=limits),
            y2="high:Q",
            color=colour,
            tooltip=cells,
        ),
        counts.encode(x="end:Q", y="middle:Q", text=alt.Text("train:Q", format=",")),
        dots.encode(x=across, y=up),
        line.encode(x=across, y=up, color=colour, detail="part:N"),
    ).properties(height=360, width="container")
