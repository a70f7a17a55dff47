"""The Age page in a real browser: a sample, uploads good and bad, a group photo, a labelled zip."""

from __future__ import annotations

import io
import re
import zipfile

from PIL import Image
from playwright.sync_api import Page, expect

from regcls.tasks.age import predict
from tests.browser.steps import CHART, download, open_page, ready, upload

HEADING = "Age, from a face"


def group_photo() -> bytes:
    canvas = Image.new("RGB", (1100, 620), (90, 110, 130))
    for sample, at in zip(predict.SHIPPED_SAMPLES, ((20, 50), (570, 10)), strict=True):
        canvas.paste(Image.open(io.BytesIO(sample.read())), at)
    out = io.BytesIO()
    canvas.save(out, "JPEG", quality=90)
    return out.getvalue()


def test_first_visit_of_all_may_be_by_address(new_server_url, page):
    """A new server meets the Age page's address before its front page."""
    open_page(page, f"{new_server_url}/age", HEADING)
    expect(page.get_by_role("link", name="Home", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="app", exact=True)).to_have_count(0)


def opened_part(page: Page, label: str) -> None:
    """Open a folded part of the page and wait until it is drawn."""
    page.get_by_text(label, exact=True).click()
    ready(page)


def test_a_sample_photo_gives_two_ages_and_a_csv(page, server_url, tmp_path):
    open_page(page, f"{server_url}/age", HEADING)
    expect(page.get_by_text("(90% interval)")).to_have_count(2)
    expect(page.get_by_text(re.compile(r"^\d+ years$"))).to_have_count(2)
    expect(page.locator(f"{CHART} svg")).to_have_count(1)
    opened_part(page, "Read-outs and classes")
    opened_part(page, "Errors if all ranges were equally frequent")
    expect(page.locator(f"{CHART} svg")).to_have_count(3)
    opened_part(page, "Table of all photos")
    results = download(page, "Download results", tmp_path)
    header, row = results.read_text().strip().splitlines()
    assert header.startswith("photo,face,reg age") and row.startswith("Grace Hopper,1,")


def test_a_sample_is_chosen_by_its_picture_with_the_keyboard(page, server_url):
    open_page(page, f"{server_url}/age", HEADING)
    sample = page.get_by_role("button", name="Eileen Collins")
    picture = sample.evaluate("one => getComputedStyle(one, '::before').backgroundImage")
    assert picture.startswith('url("data:image/jpeg')
    sample.focus()
    page.keyboard.press("Enter")
    expect(
        page.get_by_role("img", name="Eileen Collins")
        .or_(page.get_by_text("Eileen Collins", exact=True))
        .first
    ).to_be_visible()
    expect(page.get_by_label("True age in years, if known")).to_have_value("")


def test_the_errors_are_on_the_first_screen(page, server_url):
    page.set_viewport_size({"width": 1440, "height": 900})
    open_page(page, f"{server_url}/age", HEADING)
    box = page.locator(CHART).bounding_box()
    assert box["y"] + box["height"] <= 900 and box["height"] >= 370


def test_a_phone_shows_results_before_inputs(page, server_url):
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, f"{server_url}/age", HEADING)
    result = page.get_by_text("(90% interval)").first.bounding_box()
    sample = page.get_by_role("button", name="Eileen Collins").bounding_box()
    assert result["y"] < sample["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    assert height <= 4000


def test_a_broken_file_gives_a_message_and_loses_nothing(page, server_url, tmp_path):
    open_page(page, f"{server_url}/age", HEADING)
    good = predict.SHIPPED_SAMPLES[0].read()
    upload(page, ("text.jpg", b"just words"), ("=1+1.jpg", good), ("short.jpg", good[:20_000]))
    expect(page.get_by_text("text.jpg cannot be read as a photo")).to_be_visible()
    expect(page.get_by_text("short.jpg is damaged or incomplete")).to_be_visible()
    expect(page.get_by_text("(90% interval)")).to_have_count(2)
    opened_part(page, "Table of all photos")
    row = download(page, "Download results", tmp_path).read_text().splitlines()[2]
    assert row.startswith("'=1+1.jpg,")  # no formula to a spreadsheet


def test_the_camera_takes_one_photo_after_the_other(page, server_url):
    """Chromium's own test picture has no face in it, which is an answer as well."""
    open_page(page, f"{server_url}/age", HEADING)
    page.get_by_role("radio", name="Camera").click()
    shoot = page.get_by_role("button", name="Take Photo")
    sees = "() => document.querySelector('video')?.videoWidth > 0"  # before, it takes nothing
    page.wait_for_function(sees)
    shoot.click()
    expect(page.get_by_text("No face was found in this photo.")).to_be_visible()
    expect(page.get_by_text("camera 1", exact=True).first).to_be_visible()
    # The test picture starts afresh with each use, and the same photo twice is kept once.
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("camera 1", exact=True)).to_have_count(0)
    ready(page)
    page.get_by_role("button", name="Clear photo").click()
    page.wait_for_function(sees)
    shoot.click()
    expect(page.get_by_text("camera 2", exact=True).first).to_be_visible()


def test_each_face_of_a_group_is_chosen_by_a_click(page, server_url):
    open_page(page, f"{server_url}/age", HEADING)
    upload(page, ("group.jpg", group_photo()))
    ages = page.get_by_text(re.compile(r"^\d+ years$"))
    expect(ages).to_have_count(2)
    before = ages.all_inner_texts()
    page.get_by_role("radio", name="Face 2").click()
    expect(ages.first).not_to_have_text(before[0])
    expect(ages).not_to_have_text(before)


def test_a_labelled_zip_joins_the_chart(page, server_url):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("labels.csv", "file,age\ngrace.jpg,77\ngone.jpg,400\n")
        archive.writestr("grace.jpg", predict.SHIPPED_SAMPLES[1].read())
    open_page(page, f"{server_url}/age", HEADING)
    page.get_by_role("radio", name="Zip").click()
    expect(page.get_by_text("A zip of photos and one CSV")).to_be_visible()
    upload(page, ("mine.zip", out.getvalue()))
    expect(page.get_by_text("gone.jpg: The file is not in the zip.")).to_be_visible()
    expect(page.get_by_text("Diamonds: your own photos.")).to_be_visible()
