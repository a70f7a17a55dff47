"""The Models page in a real browser: cards, a file refused, one completed and used on its page."""

from __future__ import annotations

import re

import pytest

from tests.helpers import hostile_onnx as hostile

expect = pytest.importorskip("playwright.sync_api").expect

SECONDS = 60_000  # ms


def open_models(page, url: str, query: str = "") -> None:
    page.goto(f"{url}/models{query}")
    expect(page.get_by_role("heading", name="Models")).to_be_visible(timeout=SECONDS)


def upload(page, *files: tuple[str, bytes]) -> None:
    page.set_input_files(
        'input[type="file"]',
        [{"name": n, "mimeType": "application/octet-stream", "buffer": d} for n, d in files],
    )


def test_cards_and_speed(page, server_url):
    open_models(page, server_url)
    expect(page.get_by_role("heading", name="Progress")).to_be_visible(timeout=SECONDS)
    page.get_by_role("button", name="How fast is it here?").last.click()
    expect(page.get_by_text("median, slowest and fastest")).to_be_visible(timeout=SECONDS)


def test_files_are_refused_and_accepted_and_answer_on_their_page(page, server_url):
    open_models(page, server_url, "?show=own")
    expect(page.get_by_text("ONNX files", exact=True)).to_be_visible(timeout=SECONDS)
    upload(
        page,
        ("words.onnx", b"Dear diary"),
        ("outside.onnx", hostile.outside()),
        ("mine.onnx", hostile.honest()),
    )
    expect(page.get_by_text("words.onnx: it is not an ONNX file")).to_be_visible(timeout=SECONDS)
    expect(
        page.get_by_text("outside.onnx: its weight 'secret' lies in another file")
    ).to_be_visible()
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("It runs and keeps the contract now.")).to_be_visible(timeout=SECONDS)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the conforming file").click()
    assert download.value.suggested_filename == "mine_regcls.onnx"
    page.get_by_role("button", name="Use it beside the shipped pair").click()
    page.get_by_role("link", name="To the age page").click(timeout=SECONDS)
    page.get_by_role("button", name="Grace Hopper").click(timeout=SECONDS)
    expect(page.get_by_text("own reg", exact=True).first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text(re.compile(r"^-?\d+ years$"))).to_have_count(3)


def test_a_model_that_asks_for_a_hundred_gigabytes_is_refused(page, server_url):
    open_models(page, server_url, "?show=own")
    upload(page, ("greedy.onnx", hostile.greedy()))
    page.get_by_role("button", name="Try it").click(timeout=SECONDS)
    expect(page.get_by_text("It cannot be used so: it asks for more than the 2 GB")).to_be_visible(
        timeout=SECONDS
    )
