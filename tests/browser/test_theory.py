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
