"""Models page in a real browser: cards, a file refused, one completed and used on its page."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.steps import download, open_page, ready, upload
from tests.helpers import hostile_onnx


def test_cards_and_speed(page, server_url):
    open_page(page, f"{server_url}/models", "Models")
    expect(page.get_by_role("heading", name="Progress")).to_be_visible()
    expect(page.get_by_test_id("stTable")).to_have_count(3)
    page.get_by_text("Cards, training data, all errors and speed").last.click()
    page.get_by_role("button", name="Measure speed").click()
    expect(page.get_by_text("median, slowest and fastest")).to_be_visible()


def test_files_are_refused_or_completed_and_predict_on_their_page(page, server_url, tmp_path):
    open_page(page, f"{server_url}/models?show=own", "Models")
    expect(page.get_by_text("ONNX files", exact=True)).to_be_visible()
    upload(
        page,
        ("words.onnx", b"Dear diary"),
        ("outside.onnx", hostile_onnx.outside()),
        ("mine.onnx", hostile_onnx.honest()),
    )
    expect(page.get_by_text("words.onnx: the file is not an ONNX file")).to_be_visible()
    outside = page.get_by_text("outside.onnx: weight 'secret' is stored in another file")
    expect(outside).to_be_visible()
    page.get_by_role("button", name="Test model").click()
    expect(page.get_by_text("The model passed the test and now has a card.")).to_be_visible()
    assert download(page, "Download model with card", tmp_path).name == "mine_regcls.onnx"
    page.get_by_role("button", name="Use beside the shipped pair").click()
    link = page.get_by_role("link", name="Open the age page")
    expect(link).to_be_visible()
    ready(page)
    link.click()
    expect(page.get_by_text("own reg", exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile(r"^-?\d+ years$"))).to_have_count(3)


def test_a_model_that_allocates_a_hundred_gigabytes_is_refused(page, server_url):
    open_page(page, f"{server_url}/models?show=own", "Models")
    upload(page, ("greedy.onnx", hostile_onnx.greedy()))
    page.get_by_role("button", name="Test model").click()
    refusal = page.get_by_text("the model needs more than the 2 GB")
    expect(refusal).to_be_visible()
