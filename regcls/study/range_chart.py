"""Chart of a cell's test error per target range, over the share of training targets."""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from regcls.plotting.chart import Picture, finished
from regcls.plotting.encodings import colour, histogram, range_tooltips, shape
from regcls.plotting.style import COLOURS
from regcls.study.summary import CellSummary

_X_TITLE = "target, as a share of the function's range"
_TITLE = "Test error per target range"
_HEIGHT = 380  # pixels, with title, legend and axis


def range_errors(table: pd.DataFrame, one_run: bool) -> Picture:
    """Chart the test MSE per target range.

    Parameters
    ----------
    table : DataFrame
        Table from `regcls.study.results.Results.ranges`, not empty.
    one_run : bool
        Whether the table is that of one run, rather than of the mean over all runs.

    Returns
    -------
    Picture
    """
    train = table[table["role"] == table["role"].iloc[0]][["low", "high", "train"]]
    place = table["role"].map({name: i for i, name in enumerate(COLOURS)})
    at = (table["low"] + table["high"]) / 2 + 0.2 * (place - 1) * (table["high"] - table["low"])
    data = {
        "errors": table.rename(columns={"role": "model"}).assign(at=at).dropna(subset=["mse"]),
        "training": train.reset_index(drop=True),
    }
    caption = "Errors tend to be larger where there are few training targets (grey bars)."
    hint = ""
    if not one_run:
        caption += " Means over runs with different training peaks."
        hint = "Choose a single run under “Runs” to see the effect of its peak."
    models = tuple(model for model in COLOURS if model in set(table["role"]))
    return Picture(_spec(models), data, caption, hint=hint)


def mean_ranges(cell: CellSummary) -> pd.DataFrame:
    """Return the errors per target range of a setting, averaged over its runs.

    Parameters
    ----------
    cell : CellSummary
        A setting.

    Returns
    -------
    DataFrame
        As `regcls.study.results.Results.ranges`, without the MAE; empty without results.
    """
    edges = np.linspace(0, 1, len(cell.train) + 1)
    parts = [
        pd.DataFrame(
            {"role": role, "low": edges[:-1], "high": edges[1:], "train": cell.train, "mse": mse}
        )
        for role, mse in cell.ranges.items()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


@cache
def _spec(models: tuple[str, ...]) -> dict[str, Any]:
    scale = alt.Scale(domain=[0, 1], nice=False)
    bars = histogram(
        "training", _X_TITLE, scale, "train", "training targets", share=True, range_format=".0%"
    )
    points = (
        alt.Chart(alt.NamedData("errors"))
        .mark_point(filled=True, size=55, opacity=1)
        .encode(
            x=alt.X("at:Q", title=_X_TITLE, scale=scale, axis=alt.Axis(format="%")),
            y=alt.Y("mse:Q", title="test MSE (y²)", scale=alt.Scale(zero=True)),
            color=colour(models),
            shape=shape(models),
            tooltip=[
                alt.Tooltip("model:N", title="model"),
                alt.Tooltip("mse:Q", title="test MSE", format=".4f"),
                *range_tooltips(format=".0%"),
                alt.Tooltip("train:Q", title="training targets", format=".1%"),
            ],
        )
    )
    return finished(alt.layer(bars, points).resolve_scale(y="independent"), _TITLE, _HEIGHT)
