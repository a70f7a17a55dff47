"""Published results: complete, plausible, each with a source."""

from __future__ import annotations

import itertools

import pandas as pd

from regcls import published
from regcls.synthetic import data as synthetic_data


def test_every_cell_of_the_papers_grid_has_a_result():
    cells = itertools.product(
        synthetic_data.SCENARIOS, synthetic_data.SAMPLINGS, (4, 16, 64, 256, 1024)
    )
    assert set(published.published_1d()) == set(cells)


def test_1d_results_are_typed_and_as_published():
    figures = published.published_1d()
    severe = figures["clean", "severe", 4]
    assert (severe.runs, severe.wins) == (50, 0.94)
    assert (severe.reg_mse, severe.regcls_mse) == (0.3929, 0.2618)
    for figure in figures.values():
        assert isinstance(figure.classes, int)
        assert isinstance(figure.runs, int)
        assert 0 < figure.wins < 1
        assert min(figure.reg_mse, figure.regcls_mse) > 0


def test_results_on_real_data():
    table = (
        pd.DataFrame(published.published())
        .set_index(["task", "method", "part"])
        .sort_index()["value"]
    )
    assert table.groupby("task").size().to_dict() == {"age": 12, "depth": 12, "progress": 8}
    assert table["depth", "LDS + FDS", "few"] == 1.799
    depth = table["depth"].unstack()
    assert (depth["few"] > depth["many"]).all()
    assert (table["progress", "reg+cls"] < table["progress", "reg"]).all()


def test_every_result_has_its_source():
    assert all("20" in figure.source for figure in published.published())
