"""The Progress page in a real browser: two curves, downloads, cancel, and files that are no videos."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from regcls.io import video
from tests.browser.steps import CHART, download, open_page, upload
from tests.helpers import video_files

HEADING = "Progress, from a video"


def moment(page: Page) -> Locator:
    """Return the line that names the moment shown."""
    return page.get_by_text(re.compile(r"^At \d+\.\d s"))


def test_a_sample_gives_two_curves_a_csv_and_a_film(page, server_url, tmp_path):
    open_page(page, f"{server_url}/progress", HEADING)
    expect(page.get_by_text(re.compile(r"Mean error: reg \d"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"^\d+%$"))).to_have_count(2)
    expect(page.locator(f"{CHART} svg")).to_have_count(1)
    expect(page).to_have_url(re.compile("sample=can"))
    rows = download(page, "Curve (CSV)", tmp_path).read_text().strip().splitlines()
    assert rows[0] == "seconds,reg (%),reg+cls (%),true (%)" and len(rows) == 123
    page.get_by_role("button", name="Draw progress bars into the video").click()
    film = download(page, "Video with progress bars (MP4)", tmp_path)
    assert video.open_video(film, "bars.mp4").frames == 122


def test_curves_and_predictions_go_in_step_with_the_video(page, server_url):
    open_page(page, f"{server_url}/progress?sample=banana", HEADING)
    film = page.locator("video")
    film.evaluate("film => film.pause()")
    film.evaluate("film => { film.currentTime = 5; }")
    expect(moment(page)).to_have_text(re.compile(r"^At 5\.\d s · true progress 2\d%$"))
    page.get_by_role("slider", name="Moment (s)").press("End")
    expect(moment(page)).to_contain_text("true progress 100%")
    assert film.evaluate("film => film.currentTime") > 20
    curves = page.get_by_role("img", name=re.compile("^Correct predictions rise"))
    box = curves.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_function("() => document.querySelector('video').currentTime < 15")
    expect(moment(page)).to_contain_text("true progress 4")


def test_video_curves_and_errors_are_on_the_first_screen(page, server_url):
    page.set_viewport_size({"width": 1440, "height": 900})
    open_page(page, f"{server_url}/progress", HEADING)
    for part in (
        page.locator("video"),
        page.get_by_role("img", name=re.compile("^Correct predictions rise")),
        page.locator(CHART),
    ):
        box = part.bounding_box()
        assert box["y"] + box["height"] <= 900


def test_the_scrubber_shows_another_moment_of_a_video_that_does_not_play(
    page, server_url, tmp_path
):
    old = video_files.make(tmp_path / "old.mp4", 60)  # MPEG-4 Part 2
    open_page(page, f"{server_url}/progress", HEADING)
    upload(page, old)
    shown = page.get_by_text(re.compile(r"^old.mp4 at "))
    expect(shown).to_be_visible()
    before = shown.inner_text()
    page.get_by_role("slider", name="Moment (s)").press("End")
    expect(shown).not_to_have_text(before)


def test_files_that_are_no_videos_lose_nothing(page, server_url, tmp_path):
    good = video_files.make(tmp_path / "good.mp4", 30)
    song = video_files.sound_only(tmp_path / "song.mp4")
    open_page(page, f"{server_url}/progress", HEADING)
    upload(page, good, ("words.mp4", b"Dear diary"), song)
    expect(page.get_by_text("words.mp4 cannot be read as a video")).to_be_visible()
    expect(page.get_by_text("song.mp4 has no video stream")).to_be_visible()
    expect(page.get_by_text(re.compile("^good.mp4 at "))).to_be_visible()


def test_a_long_video_can_be_cancelled_and_keeps_what_was_read(page, server_url, tmp_path):
    long = video_files.make(tmp_path / "long.mp4", 10_000, size=(240, 320), gop=250)
    open_page(page, f"{server_url}/progress?frames=10000", HEADING)
    upload(page, long)
    # Exact: while a file travels, the upload has a "Cancel upload" of its own.
    cancel = page.get_by_role("button", name="Cancel", exact=True)
    expect(cancel).to_be_visible()
    expect(page.get_by_text("Progress over time")).to_be_visible()
    cancel.click()
    expect(page.get_by_role("button", name="Finish reading")).to_be_visible()
    expect(page.get_by_role("button", name="Curve (CSV)")).to_be_visible()
