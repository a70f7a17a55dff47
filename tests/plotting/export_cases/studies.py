"""Charts of the Study, made from the shipped results."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from regcls import study
from regcls.plotting.chart import Picture
from regcls.study import effect_chart, error_chart, layout, range_chart, summary
from tests.plotting.export_cases.shown import Case, Marks, one


@cache
def paper() -> study.Results:
    return study.read(study.load("paper"))


@cache
def shipped() -> summary.Summary:
    found = summary.shipped("paper")
    assert found is not None
    return found


def study_effects(against: str = "reg") -> Case:
    """Each cell has the numbers of its row in the table of comparisons."""
    table = layout.comparison_table(paper(), against)
    drawn = effect_chart.effect_map(shipped(), against, "clean_severe_64")
    values = {
        layout.grid_layout(paper().grid).title: table["x"],
        "text": [f"{ratio:.2f}" for ratio in table["ratio"]],
        "setting": table["label"],
        "reg+cls": table["state"],
        "ratio": table["ratio"],
        "interval from": table["low"],
        "interval to": table["high"],
        "p (Holm)": table["p_holm"],
        "runs": table["runs"],
    }
    ratios = [cell.against[against].ratio for cell in shipped().cells]
    cells = Marks("rect mark", {"log": np.log2(ratios)})
    text = layout.settings_text(paper().grid)
    return one(drawn, Marks("text mark", values), cells, settings=text)


def study_errors() -> Case:
    """The points are the means of the table, and the published ones."""
    means, published = layout.mean_errors(paper()), layout.published_means(paper())
    numbers = ["mean", "low", "high"]
    means[numbers] = means[numbers].map(lambda number: float(f"{number:.{summary.DIGITS}g}"))
    ours, theirs = (t[t["row"] == "noisy"] for t in (means, published))
    values = {
        "setting": ours["label"],
        "model": ours["model"],
        "mean test MSE": ours["mean"],
        "interval from": ours["low"],
        "interval to": ours["high"],
        "runs": ours["runs"],
    }
    order = {label: i for i, label in enumerate(layout.cell_table(paper())["label"])}
    theirs = theirs.iloc[np.argsort(theirs["label"].map(order), kind="stable")]
    of_paper = {"published": theirs["model"], "mean test MSE": theirs["mean"]}
    axis = error_chart.Y_TITLE
    return one(
        error_chart.error_curves(shipped(), "noisy"),
        Marks("point", values, y=(axis, ours["mean"])),
        Marks("point", of_paper, y=(axis, theirs["mean"])),
        settings=layout.settings_text(paper().grid),
    )


def study_ranges() -> Case:
    table = paper().ranges(paper().grid.cells[0])
    train = table[table["role"] == table["role"].iloc[0]]
    filled = table.dropna(subset=["mse"])
    values = {
        "model": filled["role"],
        "test MSE": filled["mse"],
        "from": filled["low"],
        "to": filled["high"],
    }
    bars = Marks(
        "bar",
        {"training targets": train["train"]},
        y=("training targets", 0 * train["train"], train["train"]),
    )
    ranges = range_chart.mean_ranges(shipped().cells[0])
    pd.testing.assert_frame_equal(ranges, table.drop(columns="mae"), rtol=1e-4)
    picture = range_chart.range_errors(ranges, False)
    return one(
        picture,
        Marks("point", values, y=(axis_of(picture, "mse"), filled["mse"])),
        bars,
        settings=layout.settings_text(paper().grid),
    )


def axis_of(picture: Picture, name: str) -> str:
    """Return the title of the y-axis of a field."""
    channels = (layer["encoding"]["y"] for layer in picture.spec["layer"])
    return next(channel["title"] for channel in channels if channel.get("field") == name)
