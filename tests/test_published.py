"""Published results: complete, plausible, each with a source."""

from __future__ import annotations

import itertools

import pytest

from regcls import published
from regcls.exceptions import UserError
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


def test_results_on_real_data_by_task():
    depth = published.published_table("depth").set_index(["method", "part"])["value"]
    assert depth["LDS + FDS", "few"] == 1.799
    assert (depth.unstack()["few"] > depth.unstack()["many"]).all()
    progress = published.published_table("progress")
    wide = progress.pivot(index="part", columns="method", values="value")
    assert (wide["reg+cls"] < wide["reg"]).all()
    assert len(published.published_table()) == 12 + 12 + 8


def test_every_result_has_its_source():
    assert all("20" in figure.source for figure in published.published())


def test_unknown_task_is_refused():
    with pytest.raises(UserError, match="age, depth, progress"):
        published.published_table("faces")
