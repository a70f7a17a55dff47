"""Study page without a browser: full, partial and no results, links, runs, and unusable stores."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from regcls import study
from regcls.study import catalogue, layout, processes, summarise
from regcls.study.processes import NOTES, log_file
from tests.helpers import study_store
from tests.helpers.app_page import html, query_of, ran, text_of
from tests.helpers.app_page import opened as opened_page


@pytest.fixture(scope="module")
def quick(tmp_path_factory) -> Path:
    return study_store.make(study.load("quick"), tmp_path_factory.mktemp("s") / "study.sqlite")


@pytest.fixture(scope="module")
def half(tmp_path_factory) -> Path:
    only = lambda m: m.sampling == "severe"
    folder = tmp_path_factory.mktemp("h")
    return study_store.make(study.load("quick"), folder / "study.sqlite", only=only)


@pytest.fixture(autouse=True)
def shipped(monkeypatch, tmp_path) -> Path:
    """Hide the shipped results, which would replace those that a test leaves out."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    monkeypatch.setattr("regcls.study.results.SHIPPED", folder)
    monkeypatch.setattr("regcls.study.catalogue.SHIPPED", folder)
    return folder


def opened(monkeypatch, store: Path, *folds: str, **query: str) -> AppTest:
    """Open the page at an address, and some of its folds."""
    monkeypatch.setenv(catalogue.STORE, str(store))
    page = opened_page("study", 300, **query)
    for fold in folds:
        key = f"run_{query['grid']}" if fold == "run" else fold
        page.session_state[f"study_fold_{key}"] = True
    return ran(page.run()) if folds else page


def test_the_finding_the_tiles_and_the_heat_map_come_first(monkeypatch, quick):
    page = opened(monkeypatch, quick, grid="quick")
    assert page.markdown[0].value.startswith("## Over all settings, reg+cls has a lower error than")
    tiles = html(page)
    assert tiles.count('class="study-tile"') == 2  # nothing is tuned here
    assert "better in 4 of 4 settings" in tiles
    made = summarise.summarise(study.read(study.load("quick"), quick))
    for compared in made.comparisons.values():
        assert f"<b>{compared.ratio:.3f}</b>[{compared.low:.3f}, {compared.high:.3f}]" in tiles
    assert len(page.get("vega_lite_chart")) == 2  # the heat map and the setting beside it
    assert query_of(page) == {"grid": "quick", "cell": "uniform_4"}


def test_what_the_results_say_is_at_most_five_points_of_one_sentence(monkeypatch, quick):
    page = opened(monkeypatch, quick, grid="quick")
    at = [m.value for m in page.markdown].index(
        next(m.value for m in page.markdown if m.value.startswith("- **Plain reg:**"))
    )
    points = page.markdown[at].value.splitlines()
    assert 3 <= len(points) <= 5
    assert all(point.startswith("- **") and ". " not in point for point in points)


def test_the_tiles_are_those_of_the_shipped_results(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv(catalogue.STORE, str(tmp_path / "none.sqlite"))
    page = opened_page("study", 300)
    paper, fair = (catalogue.by_source(name, None)["shipped"] for name in ("paper", "fair"))
    tiles = html(page)
    for summary, key in ((paper, "reg"), (paper, "control"), (fair, "tuned")):
        assert f"<b>{summary.comparisons[key].ratio:.3f}</b>" in tiles
    assert tiles.count("grid “fair”") == 1
    assert "grid “paper”" not in tiles  # it is the one shown
    assert paper.headline in text_of(page)


def test_opening_the_page_reads_no_table_of_models(monkeypatch, tmp_path):
    """Summaries ship, so that the page opens at once."""
    monkeypatch.undo()
    monkeypatch.setenv(catalogue.STORE, str(tmp_path / "none.sqlite"))

    def refused(*args) -> None:
        raise AssertionError("the table of models was read")

    monkeypatch.setattr("regcls.study.results.read_shipped", refused)
    for query in ({}, {"against": "control"}, {"against": "tuned"}, {"grid": "fair"}):
        assert len(opened_page("study", 300, **query).get("vega_lite_chart")) == 2


def test_guidance_of_the_tuned_grid_is_named_in_other_grids(monkeypatch, tmp_path):
    """It once stood unnamed inside other grids."""
    monkeypatch.undo()
    monkeypatch.setenv(catalogue.STORE, str(tmp_path / "none.sqlite"))
    page = opened_page("study", 300, grid="paper")
    points = next(m.value for m in page.markdown if m.value.startswith("- **Plain reg:**"))
    (tuned,) = (line for line in points.splitlines() if "tuned" in line)
    assert tuned.startswith("- **Both sides tuned (grid “fair”):**")
    assert not any("Easier to tune" in m.value for m in page.markdown)


def test_only_open_folds_are_drawn(monkeypatch, quick):
    page = opened(monkeypatch, quick, grid="quick")
    assert not page.dataframe
    assert len(page.get("vega_lite_chart")) == 2
    page = opened(monkeypatch, quick, "runs", "curves", "tables", grid="quick")
    assert len(page.get("vega_lite_chart")) == 3
    runs, groups, cells = (table.value for table in page.dataframe)
    assert len(runs) == 20
    assert groups["settings"].tolist() == [4, 2, 2, 2, 2] * 2
    assert len(cells) == 4
    assert "new functions and new training runs" in text_of(page)


def test_without_results_a_run_can_be_started(monkeypatch, tmp_path):
    page = opened(monkeypatch, tmp_path / "s.sqlite", grid="quick")
    assert "No models of this grid are trained yet" in text_of(page)
    assert page.button(key="study_start").label == "Start"
    assert not (tmp_path / "s.sqlite").exists()


@pytest.mark.parametrize("grid", ["paper", "fair"])
def test_a_grid_of_earlier_data_sets_is_shown_and_not_started(monkeypatch, tmp_path, grid):
    if study.load(grid).trainable:
        pytest.skip("this grid has today's data sets")
    page = opened(monkeypatch, tmp_path / "s.sqlite", grid=grid)
    assert any("for earlier data sets" in info.value for info in page.info)
    assert "study_start" not in {button.key for button in page.button}


def test_partial_results_show_every_cell(monkeypatch, half):
    page = opened(monkeypatch, half, "run", "tables", grid="quick")
    assert page.button(key="study_start").label == "Resume"
    assert list(page.dataframe[1].value["runs"]) == [0, 0, 20, 20]
    assert "of 2 settings (4 planned)" in text_of(page)
    assert "No models of this setting are trained yet." in text_of(page)  # uniform, C = 4


def test_a_link_opens_its_cell_and_comparison(monkeypatch, quick):
    query = {"grid": "quick", "against": "control", "cell": "severe_64"}
    page = opened(monkeypatch, quick, **query)
    assert query_of(page) == query
    assert page.selectbox(key="study_cell").value == "severe_64"
    assert "divided by that of the control" in text_of(page)
    assert "times the test MSE of the control" in text_of(page)


def test_the_cell_outlives_a_visit_to_the_lab(monkeypatch, quick):
    """The browser's Back button brings the page back without widgets and with the Lab's query."""
    query = {"grid": "quick", "against": "control", "cell": "severe_64"}
    page = opened(monkeypatch, quick, **query)
    kept = page.session_state["study"]
    monkeypatch.setenv(catalogue.STORE, str(quick))
    again = AppTest.from_file(str(Path(page._script_path)), default_timeout=300)
    again.session_state["study"] = kept
    again.query_params["classes"] = "64"
    assert query_of(ran(again.run())) == query
    assert again.selectbox(key="study_cell").value == "severe_64"


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


def test_the_switch_to_tuned_shows_the_settings_of_its_grid(monkeypatch, quick, shipped):
    grid = study.load("fair")
    only = lambda m: m.scenario == "clean" and m.sampling == "severe"
    store = study_store.make(grid, shipped / "made.sqlite", only=only)
    study.read(grid, store).export(shipped / "fair.parquet")
    summarise.write(shipped / "fair.parquet")
    page = opened(monkeypatch, quick, grid="quick", cell="severe_64")
    ran(page.segmented_control(key="study_against").set_value("tuned").run())
    assert "Settings of the grid “fair”" in text_of(page)
    assert page.selectbox(key="study_cell").value in layout.cells_by_slug(grid)
    assert not page.warning
    ran(page.segmented_control(key="study_against").set_value("reg").run())
    assert page.selectbox(key="study_cell").value in layout.cells_by_slug(study.load("quick"))
    assert not page.warning


def test_the_fair_grid_compares_best_with_best(monkeypatch, tmp_path):
    store = tmp_path / "s.sqlite"
    clean = lambda m: m.scenario == "clean" and m.sampling == "severe"
    study_store.make(study.load("fair"), store, only=clean)
    page = opened(monkeypatch, store, grid="fair")
    assert "compared with tuned reg" in text_of(page)
    assert query_of(page)["against"] == "tuned"
    assert "of 6 settings (72 planned)" in text_of(page)


def test_one_run_is_shown_and_opens_in_the_lab(monkeypatch, quick):
    page = opened(monkeypatch, quick, "runs", grid="quick", cell="severe_64")
    run = "function 3, data seed 201, initialisation 201"
    ran(page.selectbox(key="study_run").select(run).run())
    assert "The Lab trains function 3 with data seed 201." in text_of(page)
    results = study.read(study.load("quick"), quick)
    cell = layout.cells_by_slug(results.grid)["severe_64"]
    query = results.lab_settings(cell, study.Run(3, 201, 201)).to_query()
    assert query == {"function": "3", "classes": "64", "seed": "201", "repeats": "1"}


# The status of a run


def test_a_finished_run_leaves_no_status_line(monkeypatch, quick, tmp_path):
    """“The run goes on” once stood at 160 of 160."""
    store = shutil.copy(quick, tmp_path / "s.sqlite")
    log_file(store, "quick").write_text("Finished: 160 of 160 models are stored.")
    page = opened(monkeypatch, store, "run", grid="quick")
    state = page.session_state["study_run_state"]
    state.stopping = True  # asked for while it ran
    ran(page.run())
    text = text_of(page)
    assert "160 of 160 models trained on this machine" in progress_text(page)
    assert "The run continues" not in text
    assert "The run stops" not in text
    assert "Last line" not in text


def progress_text(page: AppTest) -> str:
    return " ".join(element.proto.text for element in page.get("progress"))


def test_while_the_first_models_train_the_page_says_so(monkeypatch, tmp_path):
    """“Nothing is trained yet” once stood there while it trained."""
    with study.Store(tmp_path / "s.sqlite") as store:
        runner = store.start("quick")
        page = opened(monkeypatch, tmp_path / "s.sqlite", grid="quick")
        text = text_of(page)
        assert "The first models are being trained" in text
        assert "No models of this grid are trained yet" not in text
        assert "The run continues when you close this page." in text
        assert page.button(key="study_stop").label == "Stop the run"
        page.session_state["study_run_state"].stopping = True
        assert "The run stops after the current epoch" in text_of(ran(page.run()))
        store.finish(runner)
    text = text_of(ran(page.run()))
    assert "The run stops after the current epoch" not in text
    assert "No models of this grid are trained yet" in text


def test_the_log_of_another_grid_is_not_shown(monkeypatch, half):
    log_file(half, "bins").write_text("Stopped: 3 of 9.")
    page = opened(monkeypatch, half, "run", grid="quick")
    assert "Stopped: 3 of 9." not in text_of(page)
    log_file(half, "quick").write_text("Stopped: 80 of 160.")
    page = opened(monkeypatch, half, "run", grid="quick")
    assert "Last line of this grid's log: Stopped: 80 of 160." in text_of(page)


def test_a_problem_with_one_grid_is_not_shown_with_another(monkeypatch, half):
    page = opened(monkeypatch, half, "run", grid="quick")
    page.session_state["study_run_state"].problem = "The run was not started."
    assert "The run was not started." in text_of(ran(page.run()))
    ran(page.selectbox(key="study_grid").select("bins").run())
    assert "The run was not started." not in text_of(page)


def test_a_damaged_store_is_kept_and_a_fresh_one_offered(monkeypatch, tmp_path):
    store = tmp_path / "s.sqlite"
    store.write_bytes(b"torn" * 1000)
    page = opened(monkeypatch, store, grid="quick")
    assert "is damaged" in page.error[0].value
    next(b for b in page.button if b.label.startswith("Move it aside")).click().run()
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
