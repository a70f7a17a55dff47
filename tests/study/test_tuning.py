"""Grids that tune reg and reg+cls: same settings, final models on other data sets."""

from __future__ import annotations

from regcls import study
from regcls.study import loader
from tests.helpers.study_grids import SEARCH, SMALL


def test_tuning_searches_on_validation_data_and_tests_on_other_data_sets(tmp_path):
    described = {k: v for k, v in SMALL.items() if k != "classes"}
    grid = loader.from_dict("fair", described | {"hidden": [[5], [9]], "search": SEARCH})
    assert len(grid.models()) == 2 * 2 * 3  # networks × variants × settings
    assert len(grid.placeholders()) == 2 * 2 * 6
    with study.Store(tmp_path / "s.sqlite") as store:
        progress = study.run(grid, store, jobs=1)
        assert (progress.done, progress.models) == (36, 36)
        known = store.known()
    searched = {run.data_seed for run in grid.search_runs}
    assert not searched & {run.data_seed for run in grid.runs}
    results = study.read(grid, tmp_path / "s.sqlite")
    phases = results.table.groupby(["phase", "role"]).size().to_dict()
    assert phases == {
        ("search", "reg"): 6,
        ("search", "reg+cls"): 6,
        ("final", "reg"): 12,
        ("final", "reg+cls"): 12,
    }
    for cell in grid.cells:
        best = grid.best(cell, "reg+cls", known)
        tried = results.table.query(
            f"phase == 'search' and role == 'reg+cls' and hidden == '{cell.hidden[0]}'"
        )
        assert tried["val_mse"].idxmin() in {
            m.key for s, models in grid.searched[cell, "reg+cls"] if s == best for m in models
        }
    row = results.cells.iloc[0]
    assert row["runs"] == 6
    assert row["ratio"] > 0
    least, median, most = row["reg_search"]
    assert 0 < least <= median <= most
    assert row["regcls_lr"] == grid.best(grid.cells[0], "reg+cls", known).lr
    lab = results.lab_settings(grid.cells[0], grid.runs[0])
    assert lab.lr == row["regcls_lr"]


def test_both_variants_try_the_same_settings():
    grid = study.load("fair")
    for cell in grid.cells[:2]:
        reg, regcls = grid.searched[cell, "reg"], grid.searched[cell, "reg+cls"]
        assert [s for s, _ in reg] == [s for s, _ in regcls]
        assert len(reg) == grid.search.budget
        for (_, a), (_, b) in zip(reg, regcls, strict=True):
            assert [(m.lr, m.weight, m.data_seed) for m in a] == [
                (m.lr, m.weight, m.data_seed) for m in b
            ]
