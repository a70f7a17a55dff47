"""The page Depth in a real browser: maps, a click, the image slider, depth files and true depth."""

from __future__ import annotations

import io
import re

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from regcls.tasks.depth import predict
from tests.browser.steps import CHART, download, open_page, ready, upload
from tests.helpers.depth_files import as_integers, npy

HEADING = "Depth, from a photo of a room"


def view(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).click()


def opened_part(page: Page, label: str) -> None:
    """Open a folded part of the page and wait until it is drawn."""
    page.get_by_text(label, exact=True).click()
    ready(page)


def truth_input(page: Page) -> Locator:
    uploader = page.get_by_test_id("stFileUploader").filter(has_text="true depth")
    return uploader.locator('input[type="file"]').first  # a second one while the page is redrawn


def test_a_sample_gives_two_maps_that_answer_a_click(page, server_url):
    open_page(page, f"{server_url}/depth", HEADING)
    opened_part(page, "Maps side by side, and their difference")
    expect(page.locator(".js-plotly-plot .heatmaplayer image")).to_have_count(3)
    metres = page.get_by_text(re.compile(r"^\d+\.\d\d m$"))
    expect(metres).to_have_count(2)
    before = metres.all_inner_texts()
    ready(page)  # the maps have their place on the screen only then
    maps = page.locator(".js-plotly-plot").first
    maps.scroll_into_view_if_needed()
    ready(page)
    box = maps.bounding_box()
    page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + 0.8 * box["height"])
    expect(page.get_by_text("Depth at the point you clicked.")).to_be_visible()
    expect(metres).not_to_have_text(before)


def test_the_image_slider_moves_with_the_keys(page, server_url):
    open_page(page, f"{server_url}/depth?sample=hall&view=regcls", HEADING)
    slider = page.get_by_role("slider", name="photo on the left, reg+cls on the right")
    expect(slider).to_be_visible()
    ready(page)
    line = page.locator(".image-slider .line")
    before = line.bounding_box()["x"]
    for _ in range(20):
        slider.press("ArrowRight")
    assert line.bounding_box()["x"] > before + 20


def test_the_depth_under_the_pointer_is_shown(page, server_url):
    open_page(page, f"{server_url}/depth", HEADING)
    values = page.get_by_text(
        re.compile(r"^At the circle: reg \d+\.\d\d m · reg\+cls \d+\.\d\d m$")
    )
    expect(values).to_be_visible()
    before = values.inner_text()
    box = page.locator(".image-slider").bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"])
    expect(values).not_to_have_text(before)


def test_the_switch_changes_the_map_and_the_errors_are_on_the_first_screen(page, server_url):
    page.set_viewport_size({"width": 1440, "height": 900})
    open_page(page, f"{server_url}/depth", HEADING)
    box = page.locator(CHART).bounding_box()
    assert box["y"] + box["height"] <= 900 and box["height"] >= 370
    before = page.locator(".image-slider").bounding_box()
    view(page, "Difference")
    expect(page.locator(".image-slider .right")).to_have_text("reg+cls minus reg")
    ready(page)
    assert page.locator(".image-slider").bounding_box() == before, "nothing jumps"


def test_depth_comes_as_a_file_and_joins_as_truth(page, server_url, tmp_path):
    open_page(page, f"{server_url}/depth?sample=lobby", HEADING)
    page.get_by_role("button", name="Download", exact=True).click()
    path = download(page, page.get_by_role("button", name="16-bit PNG (mm)").first, tmp_path)
    depth_mm = np.asarray(Image.open(path))
    assert depth_mm.ndim == 2 and 300 < np.median(depth_mm) < 10_000
    page.keyboard.press("Escape")
    opened_part(page, "True depth of the photo")
    expect(page.get_by_text("True depth of the photo, if known")).to_be_visible()
    upload(page, path, into=truth_input(page))  # reg's own: no error
    expect(page.get_by_text("Diamonds: your own photos.")).to_be_visible()


def test_a_wrong_true_depth_is_replaced_and_its_unit_changed(page, server_url):
    photo = predict.predict_photo(predict.SHIPPED_SAMPLES[0].read(), "lobby", predict.load())
    wrong, right = npy(8 - photo.depth["reg"]), as_integers(256 * photo.depth["reg"])
    open_page(page, f"{server_url}/depth?sample=lobby", HEADING)
    opened_part(page, "True depth of the photo")
    expect(page.get_by_text("True depth of the photo, if known")).to_be_visible()
    upload(page, ("wrong.npy", wrong), into=truth_input(page))
    expect(page.get_by_text("True depth: wrong.npy")).to_be_visible()
    ready(page)
    upload(page, ("right.png", right), into=truth_input(page))
    expect(page.get_by_text("True depth: right.png")).to_be_visible()
    expect(page.get_by_text("Depth read as metres × 256 (16-bit PNG)")).to_be_visible()
    page.get_by_role("combobox", name="Unit of the true depth").click()
    page.get_by_role("option", name="millimetres").click()
    expect(page.get_by_text("Depth read as millimetres, as chosen")).to_be_visible()
    page.get_by_role("button", name="Remove true depth").click()
    expect(page.get_by_text("True depth: right.png")).to_have_count(0)


def test_unusable_files_are_reported_and_the_photo_stays(page, server_url):
    open_page(page, f"{server_url}/depth?sample=lobby", HEADING)
    opened_part(page, "True depth of the photo")
    expect(page.get_by_text("True depth of the photo, if known")).to_be_visible()
    out = io.BytesIO()
    Image.fromarray(np.full((480, 640), 3, np.uint8)).save(out, "PNG")
    upload(page, ("grey.png", out.getvalue()), into=truth_input(page))
    expect(page.get_by_text("grey.png has 8 bits per pixel")).to_be_visible()
    upload(page, ("words.jpg", b"just words"))
    expect(page.get_by_text("words.jpg cannot be read as a photo")).to_be_visible()
    expect(page.get_by_role("slider", name="photo on the left")).to_be_visible()
