"""A model's training data: how much it had of what, and where its classes begin and end."""

from __future__ import annotations

from functools import cache

import altair as alt
import numpy as np
import pandas as pd

from regcls.inference import cards
from regcls.inference.contract import Card
from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import with_unit
from regcls.plotting.style import COLOURS, HISTOGRAM_COLOUR

_MOST_EDGES = 101  # more lines would be one


def training(reg: Card, regcls: Card) -> Picture:
    """The training histogram of a pair, and the class edges of its reg+cls model."""
    edges = np.asarray(regcls.classes["edges"], float) if regcls.classes else np.empty(0)
    data = {"training": cards.histogram(reg)}
    caption = "Training samples per range; where they are few, errors grow."
    if 0 < len(edges) <= _MOST_EDGES:
        data["edges"] = pd.DataFrame({"at": edges})
        caption += f" Lines: edges of the {len(edges) - 1} classes ({regcls.classes['kind']})."
    elif len(edges):
        caption += f" {len(edges) - 1} classes ({regcls.classes['kind']}), too many to draw."
    target = reg.target
    spec = _spec(target["name"], target["unit"], target["low"], target["high"], "edges" in data)
    return Picture(spec, data, caption)


@cache
def _spec(name: str, unit: str, low: float, high: float, edges: bool) -> dict:
    scale = alt.Scale(domain=[low, high], nice=False)
    x = alt.X("low:Q", title=with_unit(name, unit), scale=scale)
    bars = (
        alt.Chart(alt.NamedData("training"))
        .mark_bar(color=HISTOGRAM_COLOUR, opacity=0.75)
        .encode(
            x=x,
            x2="high:Q",
            y=alt.Y("train:Q", title="training samples", axis=alt.Axis(format="~s")),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("low:Q", title="from", format=".3~g"),
                alt.Tooltip("high:Q", title="to", format=".3~g"),
                alt.Tooltip("train:Q", title="training samples", format=","),
            ],
        )
    )
    layers = [bars]
    if edges:
        rule = alt.Chart(alt.NamedData("edges")).mark_rule(
            color=COLOURS["reg+cls"], strokeWidth=1, opacity=0.7
        )
        layers.append(rule.encode(x=alt.X("at:Q", scale=scale)))
    return finished(alt.layer(*layers), "Training data and classes", 240)
