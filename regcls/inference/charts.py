"""Chart of a model pair's training histogram and class edges."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.inference import cards
from regcls.inference.contract import Card
from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import histogram, with_unit
from regcls.plotting.style import COLOURS

_MAX_EDGES = 101  # more lines would merge into one area


def training(reg: Card, regcls: Card) -> Picture:
    """Draw the training histogram of a pair and the class edges of its reg+cls model.

    Parameters
    ----------
    reg, regcls : Card
        The pair's cards; both models were trained on the same data.

    Returns
    -------
    Picture
        The chart.
    """
    classes = regcls.classes or {"edges": [], "kind": ""}
    edges, count = np.asarray(classes["edges"], float), len(classes["edges"]) - 1
    data = {"training": cards.histogram(reg)}
    caption = "Training samples per range; errors tend to be larger where there are few."
    if 0 < len(edges) <= _MAX_EDGES:
        data["edges"] = pd.DataFrame({"at": edges})
        caption += f" The lines are the edges of the {count} classes ({classes['kind']})."
    elif len(edges):
        caption += f" The edges of the {count} classes ({classes['kind']}) are too many to draw."
    target = reg.target
    spec = _spec(target["name"], target["unit"], target["low"], target["high"], "edges" in data)
    source = reg.training.get("data_set")
    settings = f"Training data of the {reg.task} pair: {source}." if source else ""
    return Picture(spec, data, caption, settings)


@cache
def _spec(name: str, unit: str, low: float, high: float, edges: bool) -> dict[str, Any]:
    scale = alt.Scale(domain=[low, high], nice=False)
    bars = histogram(
        "training",
        with_unit(name, unit),
        scale,
        "train",
        "training samples",
        background=False,
        opacity=0.75,
    )
    layers = [bars]
    if edges:
        rule = alt.Chart(alt.NamedData("edges")).mark_rule(
            color=COLOURS["reg+cls"], strokeWidth=1, opacity=0.7
        )
        layers.append(rule.encode(x=alt.X("at:Q", scale=scale)))
    return finished(alt.layer(*layers), "Training data and classes", 240)
