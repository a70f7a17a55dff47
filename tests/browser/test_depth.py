"""The Depth page in a real browser: two maps, a click, the wipe, files out and true depth in."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

expect = pytest.importorskip("playwright.sync_api").expect

SECONDS = 60_000  # ms; the first photo loads both models


def open_depth(page, url: str, query: str = "") -> None:
    page.goto(f"{url}/depth{query}")
    heading = page.get_by_role("heading", name="Depth, from a photo of a room")
    expect(heading).to_be_visible(timeout=SECONDS)


def view(page, name: str) -> None:
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first.click()


def truth_input(page):
    uploader = page.get_by_test_id("stFileUploader").filter(has_text="true depth")
    return uploader.locator('input[type="file"]')


def metres(page) -> list[str]:
    return page.get_by_text(re.compile(r"^\d+\.\d\d m$")).all_inner_texts()


def test_a_sample_gives_two_maps_that_answer_a_click(page, server_url):
    open_depth(page, server_url)
    page.get_by_role("button", name="A lobby").click()
    expect(page.locator(".js-plotly-plot .heatmaplayer image")).to_have_count(2, timeout=SECONDS)
    before = metres(page)
    assert len(before) == 2
    box = page.locator(".js-plotly-plot").bounding_box()
    page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + 0.8 * box["height"])
    expect(page.get_by_text("At the place you clicked.")).to_be_visible(timeout=SECONDS)
    assert metres(page) != before


def test_the_wipe_moves_with_the_keys(page, server_url):
    open_depth(page, server_url, "?sample=hall&view=wipe")
    slider = page.get_by_role("slider", name="reg on the left, reg+cls on the right")
    expect(slider).to_be_visible(timeout=SECONDS)
    line = page.locator(".wipe .line")
    before = line.bounding_box()["x"]
    for _ in range(20):
        slider.press("ArrowRight")
    assert line.bounding_box()["x"] > before + 20


def test_depth_comes_as_a_file_and_joins_as_truth(page, server_url, tmp_path):
    open_depth(page, server_url, "?sample=lobby")
    page.get_by_role("button", name="Download", exact=True).click(timeout=SECONDS)
    with page.expect_download() as download:
        page.get_by_role("button", name="16-bit PNG (mm)").first.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    depth_mm = np.asarray(Image.open(path))
    assert depth_mm.ndim == 2 and 300 < np.median(depth_mm) < 10_000
    page.keyboard.press("Escape")
    view(page, "Errors")
    expect(page.get_by_text("The photo's true depth, if you have it")).to_be_visible()
    truth_input(page).set_input_files(str(path))  # reg's own: no error
    expect(page.get_by_text("Diamonds: your own photos.")).to_be_visible(timeout=SECONDS)


def test_files_that_are_neither_lose_nothing(page, server_url):
    open_depth(page, server_url, "?sample=lobby&view=errors")
    expect(page.get_by_text("The photo's true depth, if you have it")).to_be_visible(
        timeout=SECONDS
    )
    out = io.BytesIO()
    Image.fromarray(np.full((480, 640), 3, np.uint16)).save(out, "PNG")
    bad = [
        {"name": "metres.png", "mimeType": "image/png", "buffer": out.getvalue()},
    ]
    truth_input(page).set_input_files(bad)
    expect(page.get_by_text("metres.png looks like metres")).to_be_visible(timeout=SECONDS)
    page.locator('input[type="file"]').first.set_input_files(
        [{"name": "words.jpg", "mimeType": "image/jpeg", "buffer": b"just words"}]
    )
    expect(page.get_by_text("words.jpg is not a photo")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("Error per target range, over the training data")).to_be_visible()
