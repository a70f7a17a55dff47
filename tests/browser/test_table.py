"""Your table in a real browser: a sample to an answer, and the files that come of it."""

import io
import re
import zipfile

import pytest

expect = pytest.importorskip("playwright.sync_api").expect


def test_a_sample_to_an_answer(page, server_url):
    page.goto(f"{server_url}/table")
    expect(page.get_by_role("heading", name="Your table")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Tips").click()
    page.get_by_role("radio", name="every row alike").click()
    expect(page).to_have_url(re.compile("goal=overall"))
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("of 5 folds are done")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("What to try first.")).to_be_visible(timeout=120_000)
    expect(page.get_by_text("On your data")).to_be_visible()
    expect(page.get_by_role("heading", name="Take it with you")).to_be_visible(timeout=120_000)
    expect(page.locator('[data-testid="stVegaLiteChart"]')).to_have_count(2)
    with page.expect_download() as got:
        page.get_by_role("button", name="Models (ONNX)").click()
    data = got.value.path().read_bytes()
    assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == 9
    with page.expect_download() as got:
        page.get_by_role("button", name="Held-out predictions").click()
    lines = got.value.path().read_text().splitlines()
    assert len(lines) == 245 and "reg+cls" in lines[0]
    assert "sample=tips" in page.url
    page.get_by_role("link", name="Lab").click()
    expect(page.get_by_role("heading", name="Lab")).to_be_visible(timeout=30_000)
    page.get_by_role("link", name="Your table").click()
    expect(page.get_by_text("What to try first.")).to_be_visible(timeout=30_000)
