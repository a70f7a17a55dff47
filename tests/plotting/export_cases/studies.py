"""Charts of the Study, made from the shipped results."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from regcls import study
from regcls.plotting.chart import Picture
from regcls.study import effect_chart, error_chart, layout, panels, range_chart
from tests.plotting.export_cases.shown import Case, Marks, one


@cache
def paper() -> study.Results:
    return study.read(study.load("paper"))


def places(table: pd.DataFrame) -> tuple[list[str], tuple[list[str], list[str]]]:
    x, row, sampling = (list(dict.fromkeys(table[name])) for name in ("x", "row", "sampling"))
    return x, (row, sampling)


def study_effects(against: str = "reg") -> Case:
    """Each panel has the numbers of its own cells in the table of comparisons."""
    table = layout.comparison_table(paper(), against)
    xs, grid = places(table)
    other, title = layout.AGAINST[against], layout.grid_layout(paper().grid).title
    drawn = effect_chart.effect_panels(table, xs, title, grid, other, "")
    shown = {}
    for sampling in grid[1]:
        cells = table[table["sampling"] == sampling]
        values = {
            title: cells["x"],
            "text": [f"{ratio:.2f}" for ratio in cells["ratio"]],
            "setting": cells["label"],
            "reg+cls": cells["state"],
            "ratio": cells["ratio"],
            "interval from": cells["low"],
            "interval to": cells["high"],
            "p (Holm)": cells["p_holm"],
            "runs": cells["runs"],
        }
        shown[sampling] = [
            Marks("text mark", values),
            Marks("rect mark", {"log": np.log2(cells["ratio"])}),
        ]
    return Case(replace(drawn, settings=panels.settings_text(paper().grid)), shown)


def study_errors() -> Case:
    """Each panel has the means of its own cells, and the published ones."""
    means, published = layout.mean_errors(paper()), layout.published_means(paper())
    xs, grid = places(layout.cell_table(paper()))
    title, axis = layout.grid_layout(paper().grid).title, error_chart._Y_TITLE
    drawn = error_chart.error_panels(means, published, xs, title, grid, "")
    shown = {}
    for row in grid[0]:
        for sampling in grid[1]:
            ours, theirs = (
                t[(t["row"] == row) & (t["sampling"] == sampling)] for t in (means, published)
            )
            values = {
                title: ours["x"],
                "setting": ours["label"],
                "model": ours["model"],
                "mean test MSE": ours["mean"],
                "interval from": ours["low"],
                "interval to": ours["high"],
                "runs": ours["runs"],
            }
            means_of_paper = {"published": theirs["model"], "mean test MSE": theirs["mean"]}
            shown[f"{row}, {sampling}"] = [
                Marks("point", values, y=(axis, ours["mean"])),
                Marks("point", means_of_paper, y=(axis, theirs["mean"])),
            ]
    return Case(replace(drawn, settings=panels.settings_text(paper().grid)), shown)


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
    picture = range_chart.range_errors(table, False)
    return one(
        picture,
        Marks("point", values, y=(axis_of(picture, "mse"), filled["mse"])),
        bars,
        settings=panels.settings_text(paper().grid),
    )


def axis_of(picture: Picture, name: str) -> str:
    """Return the title of the y-axis of a field."""
    channels = (layer["encoding"]["y"] for layer in picture.spec["layer"])
    return next(channel["title"] for channel in channels if channel.get("field") == name)
