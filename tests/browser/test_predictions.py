"""Your predictions in a real browser: upload, read the verdict, download the HTML and open it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.steps import download, open_page, upload
from tests.helpers.made_tables import table


def mine() -> tuple[str, bytes]:
    return "mine.csv", table().to_csv(index=False).encode()


def test_a_table_to_a_verdict_to_a_file_that_works_offline(page, server_url, new_context, tmp_path):
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    expect(page.get_by_text("pred_good has a lower MAE than pred_poor")).to_be_visible()
    page.get_by_role("button", name="Create HTML report").click()
    report = download(page, "Download HTML report", tmp_path)
    # A browser that has never been online, so that nothing of the app's page is loading in it.
    offline = new_context(offline=True).new_page()
    failed: list[str] = []
    offline.on("requestfailed", lambda request: failed.append(request.url))
    offline.goto(report.as_uri())
    expect(offline.get_by_role("heading", name="mine.csv: errors per target range")).to_be_visible()
    expect(offline.locator(".chart svg.marks, .chart canvas.marks")).to_have_count(6)
    assert failed == []


def test_a_file_that_is_no_table_loses_nothing(page, server_url):
    open_page(page, f"{server_url}/predictions", "Your predictions")
    upload(page, mine())
    verdict = page.get_by_text("pred_good has a lower MAE than pred_poor")
    expect(verdict).to_be_visible()
    upload(page, ("photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(100)))
    expect(page.get_by_text("photo.csv cannot be read as a table")).to_be_visible()
    expect(verdict).to_be_visible()
