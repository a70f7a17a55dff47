"""Your table in a real browser: a sample to an answer, and the files that come of it."""

from __future__ import annotations

import re
import zipfile

from playwright.sync_api import expect

from regcls.tabular.methods import KINDS
from tests.browser.steps import CHART, download, open_page, ready


def test_a_sample_to_an_answer(page, server_url, tmp_path):
    open_page(page, f"{server_url}/table", "Your table")
    page.get_by_role("button", name="Tips").click()
    page.get_by_role("radio", name="Each row").click()
    expect(page).to_have_url(re.compile("goal=overall"))
    page.get_by_role("button", name="Compare").click()
    answer = page.get_by_text("What to try first.")
    expect(page.get_by_text("of 5 folds complete").or_(answer)).to_be_visible()
    expect(answer).to_be_visible()
    expect(page.get_by_text("On your data")).to_be_visible()
    expect(page.get_by_role("heading", name="Download")).to_be_visible()
    expect(page.locator(CHART)).to_have_count(2)
    code = download(page, "Code (Python)", tmp_path)
    assert code.name.startswith("train_"), "regcls.py would hide the package"
    models = download(page, "Models (ONNX)", tmp_path)
    assert len(zipfile.ZipFile(models).namelist()) == len(KINDS)
    lines = download(page, "Held-out predictions", tmp_path).read_text().splitlines()
    assert len(lines) == 245 and "reg+cls" in lines[0]
    assert "sample=tips" in page.url
    ready(page)
    page.get_by_role("link", name="Lab").click()
    expect(page.get_by_role("heading", name="Lab", level=1)).to_be_visible()
    ready(page)
    page.get_by_role("link", name="Your table").click()
    expect(answer).to_be_visible()


def test_verdict_and_forest_plot_stay_in_place_on_the_first_screen(page, server_url):
    page.set_viewport_size({"width": 1440, "height": 900})
    open_page(page, f"{server_url}/table?sample=tips", "Your table")
    expect(page.get_by_text("Columns to leave out")).to_be_visible()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("of 5 folds complete")).to_be_visible()
    expect(page.get_by_text("Columns to leave out")).to_be_hidden()
    status = page.get_by_text("of 5 folds complete")
    before = status.bounding_box()["y"]
    expect(page.get_by_role("heading", name="Download")).to_be_visible()
    ready(page)
    assert abs(status.bounding_box()["y"] - before) <= 4
    verdict = page.get_by_role("heading", name="On your data").bounding_box()
    chart = page.locator(CHART).first.bounding_box()
    assert verdict["y"] + verdict["height"] <= 900 and chart["y"] + chart["height"] <= 900
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_text("Columns to leave out")).to_be_visible()
