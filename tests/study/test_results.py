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
from regcls.stats.verdicts import BETTER, EQUAL, TOO_FEW, UNDECIDED, WORSE
from regcls.study import layout
from regcls.study.ratios import NO_RESULT
from tests.helpers import study_store
from tests.helpers.study_grids import small


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
def test_interval_sentence_table_and_record_never_disagree(tmp_path, factor):
    grid = study.load("quick")
    error = lambda m: study_store.error_of(m) * (factor if m.classes else 1)
    results = study.read(grid, study_store.make(grid, tmp_path / "s.sqlite", error))
    record = output.plain(study.record(results))
    for against, prefix in (("reg", ""), ("control", "control_")):
        shown = layout.comparison_table(results, against)
        assert shown["state"].tolist() == [c[f"{prefix}verdict"] for c in record["cells"]]
        for row, cell in zip(shown.to_dict("records"), record["cells"], strict=True):
            assert row["low"] == cell[f"{prefix}ratio_low"] <= row["ratio"] <= row["high"]
            excludes = row["high"] < 1 or row["low"] > 1
            assert excludes == (row["state"] in (BETTER, WORSE)) or row["state"] == EQUAL
            assert (row["p_holm"] < 0.05) == excludes
        pooled = record["pooled"][against]
        words = f"{pooled['ratio']:.3f} [{pooled['low']:.3f}, {pooled['high']:.3f}] times as large"
        assert f"{words}: {pooled['verdict']}." in pooled["sentence"]
        assert (pooled["p_equal"] < 0.025) == (pooled["verdict"] == EQUAL)
        assert pooled["sentence"] == results.pooled[against].sentence
    assert list(record["pooled"]) == ["control", "reg"]  # the control leads


def test_the_shipped_results_have_the_reviewed_pooled_effects():
    """Geometric means over functions, as an independent script has computed them from the files."""
    paper, fair = (study.read(study.load(name)) for name in ("paper", "fair"))
    control, plain = (paper.pooled[other].overall for other in ("control", "reg"))
    assert values(control) == pytest.approx((0.9911, 0.9568, 1.0266), abs=1e-4)
    assert (control.verdict, control.pairs) == (EQUAL, 3000)
    assert values(plain) == pytest.approx((0.7628, 0.6865, 0.8475), abs=1e-4)
    assert values(fair.pooled["reg"].overall) == pytest.approx((0.948, 0.913, 0.985), abs=1e-3)
    assert "single search" in " ".join(fair.pooled["reg"].basis)
    assert fair.cells["verdict"].value_counts().to_dict() == {UNDECIDED: 57, EQUAL: 15}
    assert paper.cells["control_verdict"].value_counts().to_dict() == {UNDECIDED: 40, EQUAL: 20}


def values(effect):
    return effect.ratio, effect.low, effect.high


def test_every_cell_is_compared(finished):
    results = study.read(small(), finished)
    assert results.source == "store"
    assert list(results.cells["classes"]) == [4, 32]
    for row, cell in zip(results.cells.to_dict("records"), results.grid.cells, strict=True):
        runs = results.runs(cell)
        assert row["runs"] == len(runs) == 6
        assert row["reg_mse"] == pytest.approx(runs["reg"].mean())
        log = np.log(runs["reg+cls"] / runs["reg"])
        assert row["ratio"] == pytest.approx(np.exp(log.groupby(runs["function"]).mean().mean()))
        assert np.isnan([row["ratio_low"], row["ratio_high"], row["p_holm"]]).all()
        assert row["verdict"] == row["control_verdict"] == TOO_FEW  # three functions
        assert row["control_wins"] == (runs["reg+cls"] < runs["control"]).mean()
        assert np.isnan(row["published_reg"])  # other settings than the published ones


def test_partial_results_have_every_cell(tmp_path, finished):
    shutil.copy(finished, tmp_path / "s.sqlite")
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("DELETE FROM models WHERE classes = 32 OR function = 7")
    cells = study.read(small(), tmp_path / "s.sqlite").cells
    assert list(cells["runs"]) == [4, 0]
    assert cells["ratio"].isna().tolist() == [False, True]
    assert cells["verdict"].tolist() == [TOO_FEW, NO_RESULT]


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
    json.dumps(output.plain(study.record(results)), allow_nan=False)
