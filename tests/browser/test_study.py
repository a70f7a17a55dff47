"""The Study in a real browser: a grid is started, watched, stopped, resumed and opened in the Lab."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from regcls import study
from regcls.study import catalogue
from tests.browser.steps import CHART, ready
from tests.helpers import study_store

GRID = """
version = 1
title = "Small and quick"
functions = [1, 2, 3]
data_seeds = 1
classes = [8, 16]
samples = 3000
batch = 64
epochs = EPOCHS
hidden = HIDDEN
"""


@pytest.fixture
def small(request, tmp_path, monkeypatch):
    """A grid of some seconds or minutes, by epochs and widths of the network; name it before the server."""
    toml = tmp_path / "small.toml"
    epochs, widths = request.param
    hidden = [[3 + width] for width in range(widths)]
    toml.write_text(GRID.replace("EPOCHS", str(epochs)).replace("HIDDEN", str(hidden)))
    monkeypatch.setenv(catalogue.GRID, str(toml))
    monkeypatch.setenv(catalogue.STORE, str(tmp_path / "study.sqlite"))
    yield tmp_path / "study.sqlite"
    study.stop(tmp_path / "study.sqlite")
    shutil.rmtree(tmp_path, ignore_errors=True)


# So long that a busy machine's page can still stop it half-way.
@pytest.mark.parametrize("small", [(1000, 24)], indirect=True)
def test_start_watch_stop_and_resume(small, new_server_url, page):
    page.goto(f"{new_server_url}/study?grid=small")
    expect(page.get_by_text("Run it yourself")).to_be_visible()
    ready(page)
    done = stopped_after_some(page, "Start", small)
    assert 0 < done < 288
    assert done < stopped_after_some(page, "Resume", small, beyond=done) < 288


def stopped_after_some(page: Page, start: str, store: Path, beyond: int = 0) -> int:
    """Start or resume, stop once more than ``beyond`` models are trained; how many were kept."""
    page.get_by_role("button", name=start).click()
    stop = page.get_by_role("button", name="Stop the run")
    expect(stop).to_be_visible()
    page.wait_for_function(
        """beyond => document.body.innerText.match(/(\\d+) of 288 models/)?.[1] > beyond""",
        arg=beyond,
    )
    stop.click()
    expect(stop).to_have_count(0)
    # Who stopped a run finds where to resume it, without opening anything.
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    ready(page)
    return study.read_status(study.load(str(store.with_name("small.toml"))), store).done


@pytest.mark.parametrize("small", [(100, 2)], indirect=True)
def test_a_finished_run_shows_findings_and_opens_in_the_lab(small, new_server_url, page):
    page.goto(f"{new_server_url}/study?grid=small")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("What the results say")).to_be_visible()
    expect(page.get_by_text("Run it yourself")).to_be_visible()
    for outlived in ("The run continues", "The first models are being trained"):
        expect(page.get_by_text(outlived)).to_have_count(0)
    ready(page)
    page.get_by_role("button", name="Open in Lab").click()
    page.wait_for_url("**/lab?**")
    expect(page.get_by_role("heading", name="Lab", level=1)).to_be_visible()
    ready(page)
    # The Lab writes the settings that it has taken to the address.
    for part in ("repeats=1", "classes=8", "epochs=100", "samples=3000", "hidden=3"):
        assert part in page.url


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """The grid quick with results; name it before the server."""
    store = study_store.make(study.load("quick"), tmp_path / "study.sqlite")
    monkeypatch.setenv(catalogue.STORE, str(store))


def cell_of(page: Page, text: str) -> Locator:
    """Return the number of a cell in the heat map, once it can be clicked."""
    number = page.locator(CHART).first.locator("text", has_text=re.compile(text)).last
    expect(number).to_be_visible()
    ready(page)
    return number


def test_a_click_on_a_cell_shows_it_and_the_way_back_from_the_lab_leads_to_it(
    quick, new_server_url, page
):
    page.goto(f"{new_server_url}/study?grid=quick&against=control")
    number = cell_of(page, r"^\d\.\d\d$")
    number.scroll_into_view_if_needed()
    number.click(force=True)  # the chart's own frame lies over its marks and passes clicks on
    page.wait_for_url("**cell=severe_64**")
    setting = page.get_by_role("combobox", name="Setting")
    expect(setting).to_have_value("severe, clean, C = 64")
    ready(page)
    page.get_by_role("button", name="Open in Lab").click()
    page.wait_for_url("**/lab?**")
    expect(page.get_by_role("heading", name="Lab", level=1)).to_be_visible()
    ready(page)
    page.go_back()
    expect(setting).to_have_value("severe, clean, C = 64")
    page.wait_for_url("**cell=severe_64**")
    assert "against=control" in page.url and "grid=quick" in page.url


def test_a_cell_can_be_chosen_with_the_keyboard(quick, new_server_url, page):
    page.goto(f"{new_server_url}/study?grid=quick")
    cell_of(page, r"^\d\.\d\d$")
    setting = page.get_by_role("combobox", name="Setting")
    setting.focus()
    setting.press("ArrowDown")
    setting.fill("severe, clean, C = 64")
    setting.press("Enter")
    page.wait_for_url("**cell=severe_64**")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_the_page_fits_its_screen(quick, new_server_url, page, size):
    """On a desktop, finding, tiles and heat map are on the first screen; a phone's page is short."""
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    page.goto(f"{new_server_url}/study")
    expect(page.locator(f"{CHART} svg")).to_have_count(2)
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    if size[0] > 1000:
        chart = page.locator(CHART).first.bounding_box()
        assert chart["y"] + chart["height"] <= size[1]
    else:
        main = page.get_by_test_id("stMain")
        assert main.evaluate("part => part.scrollHeight") <= 4000
