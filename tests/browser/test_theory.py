"""The Theory page in a real browser: slide the imbalance, and the gap grows."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.steps import CHART, download, ready


def largest_gap(page: Page, folder: Path) -> float:
    ready(page)  # until then the button gives the table of the setting before
    with download(page, "Table (CSV)", folder).open() as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "regression"]
    return max(float(row["gap"]) for row in rows)


def test_the_gap_grows_as_the_imbalance_slides(page, server_url, tmp_path):
    page.goto(f"{server_url}/theory?s=0.3")
    expect(page.get_by_text("The three terms add up")).to_be_visible()
    expect(page.locator(f"{CHART} svg")).to_have_count(3)
    before = largest_gap(page, tmp_path)
    slider = page.get_by_role("slider").first
    for expected in ("0.2", "0.14", "0.1", "0.07"):
        slider.press("ArrowRight")
        expect(page).to_have_url(re.compile(f"s={re.escape(expected)}$"))
    assert largest_gap(page, tmp_path) > before + 0.5


def test_formula_slider_and_both_plots_are_on_the_first_screen(page, server_url):
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{server_url}/theory")
    plots = page.locator(CHART)
    expect(page.locator(f"{CHART} svg")).to_have_count(3)
    ready(page)
    formula = page.locator(".katex-display").first.bounding_box()
    slider = page.get_by_role("slider").first.bounding_box()
    left, right = (plots.nth(i).bounding_box() for i in (0, 1))
    assert formula["y"] < slider["y"] < left["y"]
    assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
    assert left["y"] + left["height"] <= 900


def test_a_phone_shows_all_without_scrolling_sideways(page, server_url):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server_url}/theory")
    expect(page.locator(f"{CHART} svg")).to_have_count(3)
    ready(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_test_id("stMain").evaluate("part => part.scrollHeight") <= 4000
    formula = page.locator(".katex-display").first
    assert formula.evaluate("part => part.scrollWidth <= part.clientWidth")


def test_each_chart_has_a_file_of_its_own(page, server_url, tmp_path):
    """“Chart as SVG” once gave the first chart only."""
    page.goto(f"{server_url}/theory")
    expect(page.locator(f"{CHART} svg")).to_have_count(3)
    ready(page)
    titles = ("Regression: loss", "Classification: gap", "Mean gap by degree of imbalance")
    for number, title in enumerate(titles):
        page.get_by_role("button", name="Save chart").nth(number).click()
        saved = download(page, "Chart (SVG)", tmp_path).read_text()
        assert title in saved
        page.keyboard.press("Escape")
