"""Results: comparisons of cells, published figures, errors per range, diverged models."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3

import numpy as np
import pandas as pd
import pytest

from regcls import study
from regcls.cli import output
from tests.helpers.study_grids import small


def test_every_cell_is_compared(finished):
    results = study.read(small(), finished)
    assert results.source == "store"
    assert list(results.cells["classes"]) == [4, 32]
    for row, cell in zip(results.cells.to_dict("records"), results.grid.cells, strict=True):
        runs = results.runs(cell)
        assert row["runs"] == len(runs) == 6
        assert row["reg_mse"] == pytest.approx(runs["reg"].mean())
        assert row["ratio"] == pytest.approx((runs["reg+cls"] / runs["reg"]).median())
        assert row["ratio_low"] <= row["ratio"] <= row["ratio_high"]
        assert row["control_wins"] == (runs["reg+cls"] < runs["control"]).mean()
        assert row["p_holm"] >= row["p"]
        assert np.isnan(row["published_reg"])  # other settings than the published ones


def test_partial_results_have_every_cell(tmp_path, finished):
    shutil.copy(finished, tmp_path / "s.sqlite")
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("DELETE FROM models WHERE classes = 32 OR function = 7")
    cells = study.read(small(), tmp_path / "s.sqlite").cells
    assert list(cells["runs"]) == [4, 0]
    assert cells["ratio"].isna().tolist() == [False, True]


def test_the_papers_cells_have_published_figures(tmp_path):
    cells = study.read(study.load("paper"), tmp_path / "none.sqlite").cells
    assert cells[["published_reg", "published_regcls", "published_wins"]].notna().all(axis=None)
    assert study.read(study.load("bins"), None).cells["published_reg"].notna().sum() == 12


def test_errors_per_range_are_means_over_runs(finished):
    results = study.read(small(), finished)
    cell, run = study.find_cell(results.grid, classes=4), results.grid.runs[3]
    with pytest.raises(study.GridError, match="2 cells"):
        study.find_cell(results.grid, sampling="severe")
    table = results.ranges(cell)
    assert table.groupby("role").size().to_dict() == {"control": 10, "reg": 10, "reg+cls": 10}
    assert table.groupby("role")["train"].sum().tolist() == pytest.approx([1, 1, 1])
    key = results.grid.models_of(cell)["reg"][3].key
    stored = json.loads(results.table.at[key, "ranges"])
    one = results.ranges(cell, run).query("role == 'reg'")
    assert one["mse"].tolist() == pytest.approx([e or math.nan for e in stored["mse"]], nan_ok=True)


def test_shipped_results_are_read_if_the_store_has_none(tmp_path, finished, monkeypatch):
    grid = small()
    study.read(grid, finished).export(tmp_path / "small.parquet")
    monkeypatch.setattr("regcls.study.results.SHIPPED", tmp_path)
    shipped = study.read(grid, tmp_path / "none.sqlite")
    assert shipped.source == "shipped"
    pd.testing.assert_frame_equal(shipped.cells, study.read(grid, finished).cells)


def test_a_model_that_diverges_is_stored_as_diverged(tmp_path):
    grid = small(optimiser=["sgd"], lr=[1.0], weight=[1e6], functions=[1], classes=[4])
    with study.Store(tmp_path / "s.sqlite") as store:
        assert study.run(grid, store, jobs=1).finished
        assert math.inf in store.known().values()
    results = study.read(grid, tmp_path / "s.sqlite")
    row = results.cells.iloc[0]
    assert row["diverged"] > 0
    assert np.isnan(row["regcls_mse"])
    json.dumps(output.plain(study.summary(results)), allow_nan=False)
