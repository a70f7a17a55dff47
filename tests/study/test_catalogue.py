"""Catalogue of grids and results: the order of the sources."""

from __future__ import annotations

import pytest

from regcls import study
from regcls.study import catalogue, summarise
from regcls.study.processes import log_file
from tests.helpers import study_store

GRID = study.load("quick")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """The folder of the shipped results, with those of the grid quick."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for module in ("catalogue", "results"):
        monkeypatch.setattr(f"regcls.study.{module}.SHIPPED", folder)
    store = study_store.make(GRID, tmp_path / "made.sqlite")
    study.read(GRID, store).export(folder / "quick.parquet")
    summarise.write(folder / "quick.parquet")
    return folder


def test_the_store_comes_first_once_it_has_as_many_models(shipped, tmp_path):
    full = catalogue.trained_summary(GRID, tmp_path / "made.sqlite")
    assert list(catalogue.by_source("quick", full)) == ["store", "shipped"]
    store = study_store.make(GRID, tmp_path / "p.sqlite", only=lambda m: m.function < 4)
    part = catalogue.trained_summary(GRID, store)
    assert list(catalogue.by_source("quick", part)) == ["shipped", "store"]


def test_a_store_without_results_of_the_grid_has_no_summary(shipped, tmp_path):
    assert catalogue.trained_summary(GRID, tmp_path / "none.sqlite") is None
    with study.Store(tmp_path / "empty.sqlite"):
        pass
    assert catalogue.trained_summary(GRID, tmp_path / "empty.sqlite") is None
    assert list(catalogue.by_source("quick", None)) == ["shipped"]
    assert catalogue.by_source("bins", None) == {}


def test_each_grid_has_a_log_of_its_own(tmp_path):
    store = tmp_path / "s.sqlite"
    log_file(store, "quick").write_text("Started.\nFinished: 160 of 160.\n\n", encoding="utf-8")
    assert catalogue.last_log_line(store, "quick") == "Finished: 160 of 160."
    assert catalogue.last_log_line(store, "bins") == ""
