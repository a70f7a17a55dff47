"""Study page without a browser: full, partial and no results, links, and unusable stores."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from regcls import study
from regcls.study import catalogue, layout, processes
from regcls.study.processes import NOTES
from tests.helpers import study_store
from tests.helpers.app_page import opened as opened_page
from tests.helpers.app_page import query_of, text_of


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> Path:
    return study_store.make(study.load("quick"), tmp_path_factory.mktemp("s") / "study.sqlite")


@pytest.fixture(autouse=True)
def _nothing_shipped(monkeypatch, tmp_path):
    """Hide the shipped results, which would replace those that a test leaves out."""
    monkeypatch.setattr("regcls.study.results.SHIPPED", tmp_path / "none")
    monkeypatch.setattr("regcls.study.catalogue.SHIPPED", tmp_path / "none")


def opened(monkeypatch, store: Path, **query: str) -> AppTest:
    monkeypatch.setenv(catalogue.STORE, str(store))
    return opened_page("study", 120, **query)


def test_all_results_are_shown(monkeypatch, quick):
    page = opened(monkeypatch, quick, grid="quick")
    assert (
        "reg+cls is significantly better in 4 of 4 settings and significantly worse in 0"
        in text_of(page)
    )
    first = page.markdown[1].value
    assert first.startswith("#### Compared with the control, the test MSE of reg+cls is")
    assert "Equivalence within 5 %" in first and "new functions and new training runs" in text_of(
        page
    )
    assert page.dataframe[0].value["settings"].tolist() == [4, 2, 2, 2, 2] * 2
    assert len(page.dataframe[2].value) == 4
    assert query_of(page) == {"grid": "quick", "cell": "uniform_4"}


def test_without_results_a_run_can_be_started(monkeypatch, tmp_path):
    page = opened(monkeypatch, tmp_path / "s.sqlite", grid="quick")
    assert "No models of this grid are trained yet" in text_of(page)
    assert page.button(key="study_start").label == "Start"
    assert not (tmp_path / "s.sqlite").exists()


@pytest.mark.parametrize("grid", ["paper", "fair"])
def test_a_grid_of_earlier_data_sets_is_shown_and_not_started(monkeypatch, tmp_path, grid):
    page = opened(monkeypatch, tmp_path / "s.sqlite", grid=grid)
    assert any("for earlier data sets" in info.value for info in page.info)
    assert "study_start" not in {button.key for button in page.button}
    assert not page.exception


def test_partial_results_show_every_cell(monkeypatch, tmp_path):
    store = tmp_path / "s.sqlite"
    study_store.make(study.load("quick"), store, only=lambda m: m.sampling == "severe")
    page = opened(monkeypatch, store, grid="quick")
    assert page.button(key="study_start").label == "Resume"
    assert list(page.dataframe[2].value["runs"]) == [0, 0, 20, 20]
    assert "of 2 settings" in text_of(page)


def test_a_link_opens_its_cell_and_comparison(monkeypatch, quick):
    query = {"grid": "quick", "against": "control", "cell": "severe_64"}
    page = opened(monkeypatch, quick, **query)
    assert query_of(page) == query
    assert page.selectbox(key="study_cell").value == "severe_64"
    assert "divided by that of the control" in text_of(page)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"grid": "quik"}, "No grid is called 'quik'; did you mean 'quick'? Showing quick."),
        ({"grid": "/etc/grid.toml"}, "Showing paper."),
        ({"grid": "quick", "cell": "severe_63"}, "No setting is called 'severe_63'"),
        ({"grid": "quick", "against": "contrl"}, "did you mean 'control'?"),
    ],
)
def test_an_unknown_name_in_the_address_is_reported(monkeypatch, quick, query, message):
    assert message in text_of(opened(monkeypatch, quick, **query))


def test_tuned_reg_without_results_of_its_grid_is_reported(monkeypatch, quick):
    page = opened(monkeypatch, quick, grid="quick", against="tuned")
    assert "The grid “fair” has no results yet" in text_of(page)


def test_the_fair_grid_compares_best_with_best(monkeypatch, tmp_path):
    store = tmp_path / "s.sqlite"
    clean = lambda m: m.scenario == "clean" and m.sampling == "severe"
    study_store.make(study.load("fair"), store, only=clean)
    page = opened(monkeypatch, store, grid="fair")
    assert "**Compared with tuned reg**" in text_of(
        page
    ) and "Both sides are tuned in this grid" in text_of(page)
    assert query_of(page)["against"] == "tuned"
    assert "72 settings are planned." in text_of(page)


def test_one_run_is_shown_and_opens_in_the_lab(monkeypatch, quick):
    page = opened(monkeypatch, quick, grid="quick", cell="severe_64")
    page.selectbox(key="study_run").select("function 3, data seed 201, initialisation 201").run()
    assert not page.exception
    assert "The Lab trains function 3 with data seed 201." in text_of(page)
    results = study.read(study.load("quick"), quick)
    cell = layout.cells_by_slug(results.grid)["severe_64"]
    query = results.lab_settings(cell, study.Run(3, 201, 201)).to_query()
    assert query == {"function": "3", "classes": "64", "seed": "201", "repeats": "1"}


def test_a_damaged_store_is_kept_and_a_fresh_one_offered(monkeypatch, tmp_path):
    store = tmp_path / "s.sqlite"
    store.write_bytes(b"torn" * 1000)
    page = opened(monkeypatch, store, grid="quick")
    assert "is damaged" in page.error[0].value
    page.button[0].click().run()
    assert "The damaged store was moved to" in text_of(page)
    assert [p.read_bytes() for p in tmp_path.glob("s.sqlite.damaged-*")] == [b"torn" * 1000]
    assert page.button(key="study_start").label == "Start"


def test_a_store_of_another_version_is_reported(monkeypatch, tmp_path, quick):
    store = tmp_path / "s.sqlite"
    store.write_bytes(quick.read_bytes())
    with sqlite3.connect(store) as db:
        db.execute("PRAGMA user_version = 99")
    page = opened(monkeypatch, store, grid="quick")
    assert "another version of regcls" in page.error[0].value


def test_a_folder_that_cannot_be_written_is_reported(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    page = opened(monkeypatch, tmp_path / "file" / "s.sqlite", grid="quick")
    page.button(key="study_start").click().run()
    assert "The run was not started." in text_of(page)
    assert "cannot be created" in text_of(page)


def test_one_grid_at_a_time(monkeypatch, tmp_path):
    with study.Store(tmp_path / "s.sqlite") as store:
        runner = store.start("paper")
        page = opened(monkeypatch, tmp_path / "s.sqlite", grid="quick")
        assert "paper is running in this store. Only one grid can run at a time." in text_of(page)
        store.finish(runner)


def test_a_run_elsewhere_on_the_machine_is_reported_and_none_can_be_started(monkeypatch, tmp_path):
    monkeypatch.setenv(NOTES, str(tmp_path))
    with processes.announced("paper", tmp_path / "other.sqlite"):
        page = opened(monkeypatch, tmp_path / "s.sqlite", grid="quick")
        assert "paper is running on this machine" in text_of(page)
        assert "study_start" not in {button.key for button in page.button}
    page = opened(monkeypatch, tmp_path / "s.sqlite", grid="quick")
    assert page.button(key="study_start").label == "Start"
