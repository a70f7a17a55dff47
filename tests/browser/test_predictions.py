"""Your predictions in a real browser: upload, read the verdict, download the HTML and open it."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.steps import CHART, download, open_page, ready, upload
from tests.helpers.made_tables import table

VERDICT = "pred_good has a lower MAE than pred_poor"


def mine() -> tuple[str, bytes]:
    return "mine.csv", table().to_csv(index=False).encode()


def test_a_table_to_a_verdict_to_a_file_that_works_offline(page, server_url, new_context, tmp_path):
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    expect(page.get_by_role("heading", name=VERDICT)).to_be_visible()
    report = download(page, "Report (HTML)", tmp_path)
    assert report.name == "report-mine.html"
    # A browser that has never been online, so that nothing of the app's page is loading in it.
    offline = new_context(offline=True).new_page()
    failed: list[str] = []
    offline.on("requestfailed", lambda request: failed.append(request.url))
    offline.goto(report.as_uri())
    warned: list[str] = []
    offline.on("console", lambda m: warned.append(m.text) if m.type != "log" else None)
    offline.reload()
    expect(offline.get_by_role("heading", name="mine.csv", level=1)).to_be_visible()
    expect(offline.locator(".chart svg.marks, .chart canvas.marks")).to_have_count(7)
    slider = offline.get_by_role("slider")
    marked = offline.get_by_label(re.compile("^number: "))
    before = [mark.get_attribute("aria-label") for mark in marked.all()]
    slider.fill("100")
    for label in before:
        expect(offline.get_by_label(str(label), exact=True)).to_have_count(0)
    expect(marked).to_have_count(len(before))
    assert failed == [] and warned == []


def test_the_finding_and_its_chart_are_on_the_first_screen(page, server_url):
    page.set_viewport_size({"width": 1440, "height": 900})
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    expect(page.get_by_role("heading", name=VERDICT)).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^pred_good"))).to_be_visible()
    ready(page)
    first, second = (page.locator(CHART).nth(i).bounding_box() for i in (0, 1))
    assert first["y"] + first["height"] <= 900 < second["y"]


def test_on_a_phone_nothing_is_wider_than_the_screen(page, server_url):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    expect(page.get_by_role("heading", name=VERDICT)).to_be_visible()
    ready(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth") <= 390
    assert main.evaluate("e => e.scrollHeight") <= 4000


def test_the_form_folds_and_opens_again(page, server_url):
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    expect(page.get_by_role("heading", name=VERDICT)).to_be_visible()
    target = page.get_by_text("True target", exact=True)
    expect(target).to_be_hidden()
    page.get_by_role("button", name="Change").click()
    expect(target).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(target).to_be_hidden()


def test_a_file_that_is_no_table_loses_nothing(page, server_url):
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    verdict = page.get_by_role("heading", name=VERDICT)
    expect(verdict).to_be_visible()
    page.get_by_role("button", name="Change").click()
    expect(page.get_by_role("button", name="Close")).to_be_visible()
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
