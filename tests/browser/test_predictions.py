"""Your predictions in a real browser: upload, read the verdict, download the HTML and open it."""

from __future__ import annotations

import pytest

from tests.predictions.test_report import table

expect = pytest.importorskip("playwright.sync_api").expect

SECONDS = 60_000  # ms


def open_page(page, url: str) -> None:
    page.goto(f"{url}/predictions")
    heading = page.get_by_role("heading", name="Your predictions")
    expect(heading).to_be_visible(timeout=SECONDS)


def upload(page, name: str, data: bytes) -> None:
    page.locator('input[type="file"]').first.set_input_files(
        [{"name": name, "mimeType": "text/csv", "buffer": data}]
    )


def test_a_table_to_a_verdict_to_a_file_that_works_offline(page, server_url, tmp_path):
    open_page(page, server_url)
    upload(page, "mine.csv", table().to_csv(index=False).encode())
    expect(page.get_by_text("pred_good errs less than pred_poor")).to_be_visible(timeout=SECONDS)
    page.get_by_role("button", name="Make the report (HTML)").click()
    button = page.get_by_role("button", name="Download the report (HTML)")
    expect(button).to_be_visible(timeout=SECONDS)
    with page.expect_download() as download:
        button.click()
    path = tmp_path / "report.html"
    download.value.save_as(path)
    page.context.set_offline(True)
    page.goto(path.as_uri())
    expect(page.get_by_role("heading", name="mine.csv: errors per target range")).to_be_visible()
    expect(page.locator(".chart svg.marks, .chart canvas.marks")).to_have_count(6)
    page.context.set_offline(False)


def test_a_file_that_is_no_table_loses_nothing(page, server_url):
    open_page(page, server_url)
    upload(page, "mine.csv", table().to_csv(index=False).encode())
    verdict = page.get_by_text("pred_good errs less than pred_poor")
    expect(verdict).to_be_visible(timeout=SECONDS)
    upload(page, "photo.csv", b"\x89PNG\r\n\x1a\n" + bytes(100))
    expect(page.get_by_text("photo.csv is no table: it must be")).to_be_visible(timeout=SECONDS)
    expect(verdict).to_be_visible()
