"""Your predictions in a real browser: upload, read the verdict, download the HTML and open it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.steps import download, open_page, ready, upload
from tests.helpers.made_tables import table

VERDICT = "pred_good has a lower MAE than pred_poor"


def mine() -> tuple[str, bytes]:
    return "mine.csv", table().to_csv(index=False).encode()


def test_a_table_to_a_verdict_to_a_file_that_works_offline(page, server_url, new_context, tmp_path):
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    expect(page.get_by_role("heading", name=VERDICT)).to_be_visible()
    page.get_by_role("button", name="Create HTML report").click()
    report = download(page, "Download HTML report", tmp_path)
    # A browser that has never been online, so that nothing of the app's page is loading in it.
    offline = new_context(offline=True).new_page()
    failed: list[str] = []
    offline.on("requestfailed", lambda request: failed.append(request.url))
    offline.goto(report.as_uri())
    expect(offline.get_by_role("heading", name="mine.csv: errors per target range")).to_be_visible()
    expect(offline.locator(".chart svg.marks, .chart canvas.marks")).to_have_count(7)
    slider = offline.get_by_role("slider")
    marked = offline.get_by_label(re.compile("^number: "))
    before = [mark.get_attribute("aria-label") for mark in marked.all()]
    slider.fill("100")
    for label in before:
        expect(offline.get_by_label(str(label), exact=True)).to_have_count(0)
    expect(marked).to_have_count(len(before))
    assert failed == []


def test_a_file_that_is_no_table_loses_nothing(page, server_url):
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    verdict = page.get_by_role("heading", name=VERDICT)
    expect(verdict).to_be_visible()
    upload(page, ("photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(100)))
    expect(page.get_by_text("photo.csv cannot be read as a table")).to_be_visible()
    expect(verdict).to_be_visible()


def test_the_slider_moves_the_mark_from_natural_to_balanced_targets(page, server_url):
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    slider = page.get_by_role("slider", name=re.compile("Distribution of the test targets"))
    expect(slider).to_have_value("0")
    slider.press("End")
    expect(slider).to_have_value("100")
    ready(page)
    page.get_by_role("button", name="Save chart").nth(1).click()
    expect(page.get_by_role("button", name="Chart (SVG)")).to_be_visible()
