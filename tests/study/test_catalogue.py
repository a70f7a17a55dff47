"""Catalogue of grids and results: the order of the sources."""

from __future__ import annotations

from regcls import study
from regcls.study import catalogue
from tests.helpers import study_store


def test_the_store_comes_first_once_it_has_as_many_models(monkeypatch, tmp_path):
    grid = study.load("quick")
    quick = study_store.make(grid, tmp_path / "s.sqlite")
    monkeypatch.setattr("regcls.study.catalogue.SHIPPED", tmp_path)
    monkeypatch.setattr("regcls.study.results.SHIPPED", tmp_path)
    study.read(grid, quick).export(tmp_path / "quick.parquet")
    assert list(catalogue.read(grid, quick)) == ["store", "shipped"]
    part = study_store.make(grid, tmp_path / "p.sqlite", only=lambda m: m.function < 4)
    assert list(catalogue.read(grid, part)) == ["shipped", "store"]
