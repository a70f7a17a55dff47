"""The Study in a real browser: a grid is started, watched, stopped, resumed and opened in the Lab."""

from __future__ import annotations

import re
import shutil

import pytest
from playwright.sync_api import expect

from regcls import study
from regcls.study import catalogue
from tests.browser.steps import CHART, ready
from tests.helpers import study_store

# Long enough that a busy machine's page can still stop it half-way.
GRID = """
version = 1
title = "Small and quick"
functions = [1, 2, 3]
data_seeds = 1
classes = [8, 16]
samples = 3000
batch = 64
epochs = 1000
hidden = [[3], [4], [5], [6], [7], [8]]
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A grid of some seconds and a store of its own; name it before the server."""
    toml = tmp_path / "small.toml"
    toml.write_text(GRID)
    monkeypatch.setenv(catalogue.GRID, str(toml))
    monkeypatch.setenv(catalogue.STORE, str(tmp_path / "study.sqlite"))
    yield tmp_path / "study.sqlite"
    study.stop(tmp_path / "study.sqlite")
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_start_watch_stop_resume_and_open_in_the_lab(small, new_server_url, page):
    page.goto(f"{new_server_url}/study?grid=small")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("button", name="Stop the run")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^[1-9]\d* of 72 models"))).to_be_visible()
    page.get_by_role("button", name="Stop the run").click()
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    assert 0 < study.read_status(study.load(str(small.with_name("small.toml"))), small).done < 72
    resume.click()
    expect(page.get_by_text("72 of 72 models")).to_be_visible()
    expect(page.get_by_text("Findings")).to_be_visible()
    page.get_by_role("button", name="Open in Lab").click()
    page.wait_for_url("**/lab?**")
    for part in ("repeats=1", "classes=8", "epochs=1000", "samples=3000", "hidden=3"):
        assert part in page.url
    expect(page.get_by_role("heading", name="Lab")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Samples")).to_have_value("3000")


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """The grid quick with results; name it before the server."""
    store = study_store.make(study.load("quick"), tmp_path / "study.sqlite")
    monkeypatch.setenv(catalogue.STORE, str(store))


def test_a_click_on_a_cell_shows_its_runs_and_goes_into_the_address(quick, new_server_url, page):
    page.goto(f"{new_server_url}/study?grid=quick")
    page.get_by_role("tab", name="Does it help?").click()
    cells = page.get_by_role("tabpanel", name="Does it help?").locator(CHART)
    number = cells.last.locator("text", has_text=re.compile(r"^\d\.\d\d$")).last
    expect(number).to_be_visible()
    ready(page)
    number.scroll_into_view_if_needed()
    number.click(force=True)  # the chart's own frame lies over its marks and passes clicks on
    page.wait_for_url("**cell=severe_64**")
    expect(page.get_by_role("combobox", name="Setting")).to_have_value("severe, clean, C = 64")
