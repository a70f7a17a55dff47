"""Grids that tune reg and reg+cls: same settings, final models on other data sets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from regcls import study
from regcls.study import loader
from tests.helpers import study_store
from tests.helpers.study_grids import SEARCH, SMALL

ONE = {"searches": 1}
DESCRIBED = {k: v for k, v in SMALL.items() if k != "classes"}


def repeated(searches: int = 3, **search) -> study.Grid:
    functions = list(range(1, 8))
    described = DESCRIBED | {
        "functions": functions,
        "search": SEARCH | {"searches": searches} | search,
    }
    return loader.from_dict("fair", described)


def test_searches_are_independent():
    grid = repeated(functions=[2, 5])
    assert repeated().search == loader.from_dict("fair", DESCRIBED | {"search": SEARCH}).search
    for a, b in itertools.combinations(grid.searches, 2):
        assert not set(grid.search.settings(a)) & set(grid.search.settings(b))
    seeds = [
        {run.data_seed for run in of(k)}
        for k in grid.searches
        for of in (grid.search_runs, grid.final_runs)
    ]
    assert sum(map(len, seeds)) == len(set.union(*seeds)) == 3 * (2 + 7 * 2)
    drawn = [grid.search.draw_functions(k, grid.functions) for k in grid.searches]
    assert drawn[0] == (2, 5)
    assert len(set(drawn)) > 1 and {len(d) for d in drawn} == {2}


def test_one_search_stays_what_it_was():
    """Its models and hash are those of stored results."""
    one, three = repeated(1), repeated(3)
    assert set(one.roster()) < set(three.roster())
    assert study.load("fair").hash.startswith("5247a1bc41e0")
    assert one.hash != three.hash
    assert len(study.load("fair").models()) == 72 * 2 * 32 * 5


def test_each_search_chooses_its_own_setting_and_trains_its_own_finals(tmp_path):
    grid = repeated()
    effect = {1: 0.7, 2: 1.0, 3: 1.3}
    search_of = {run.data_seed: k for k in grid.searches for run in grid.final_runs(k)}

    def error(model):
        factor = effect[search_of.get(model.data_seed, 2)] if model.classes else 1
        return (1 + model.function / 10 + model.lr) * factor

    results = study.read(grid, study_store.make(grid, tmp_path / "s.sqlite", error))
    (cell,) = grid.cells
    runs = results.runs(cell)
    assert runs.groupby("search").size().to_dict() == {1: 14, 2: 14, 3: 14}
    assert runs[["reg", "reg+cls"]].notna().all(axis=None)
    chosen = [grid.best(cell, "reg+cls", results.known, k) for k in grid.searches]
    assert [s.lr for s in chosen] == [min(s.lr for s in grid.search.settings(k)) for k in (1, 2, 3)]
    finals = results.table.query("phase == 'final' and role == 'reg+cls'")
    assert finals.groupby("search")["lr"].unique().explode().tolist() == [s.lr for s in chosen]
    row = results.cells.iloc[0]
    assert row["regcls_lr"] == [s.lr for s in chosen]
    assert len(row["reg_search"]) == 3
    ratios = (runs["reg+cls"] / runs["reg"]).groupby(runs["search"]).first()
    assert row["ratio"] == pytest.approx(np.exp(np.log(ratios).mean()), rel=0.01)
    found = results.pooled["reg"]
    assert (found.overall.searches, found.overall.functions) == (3, 7)
    # All functions agree, but searches differ: no verdict on new searches.
    assert found.overall.verdict == row["verdict"] == "no significant difference"
    assert found.overall.high > 2
    assert "The interval includes the variability of 3 searches." in found.basis
    for k in grid.searches:
        lab = results.lab_settings(cell, grid.final_runs(k)[0])
        assert lab.lr == chosen[k - 1].lr


def test_results_of_one_search_are_read_by_a_grid_with_three(tmp_path):
    store = study_store.make(repeated(1), tmp_path / "s.sqlite")
    results = study.read(repeated(3), store)
    (runs,) = (results.runs(cell) for cell in results.grid.cells)
    assert runs.dropna(subset=["reg", "reg+cls"]).groupby("search").size().to_dict() == {1: 14}
    effect = results.pooled["reg"].overall
    assert (effect.searches, effect.pairs, effect.planned) == (1, 14, 42)
    assert results.cells["ratio"].notna().all()
    assert "28 of 42 pairs of runs are not trained yet." in results.pooled["reg"].basis


def test_too_many_searches_are_rejected():
    with pytest.raises(study.GridError, match="times searches, must be less than 100"):
        repeated(34)
    with pytest.raises(study.GridError, match=r"search\.searches must be"):
        repeated(0)


def test_tuning_searches_on_validation_data_and_tests_on_other_data_sets(tmp_path):
    grid = loader.from_dict("fair", DESCRIBED | {"hidden": [[5], [9]], "search": SEARCH | ONE})
    assert len(grid.models()) == 2 * 2 * 3  # networks × variants × settings
    assert len(grid.placeholders()) == 2 * 2 * 6
    with study.Store(tmp_path / "s.sqlite") as store:
        progress = study.run(grid, store, jobs=1)
        assert (progress.done, progress.models) == (36, 36)
        known = store.known()
    searched = {run.data_seed for run in grid.search_runs()}
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
            m.key for s, models in grid.searched[cell, "reg+cls", 1] if s == best for m in models
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
        reg, regcls = grid.searched[cell, "reg", 1], grid.searched[cell, "reg+cls", 1]
        assert [s for s, _ in reg] == [s for s, _ in regcls]
        assert len(reg) == grid.search.budget
        for (_, a), (_, b) in zip(reg, regcls, strict=True):
            assert [(m.lr, m.weight, m.data_seed) for m in a] == [
                (m.lr, m.weight, m.data_seed) for m in b
            ]
