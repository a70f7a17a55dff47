"""The Progress page in a real browser: two curves, downloads, cancel, and files that are no videos."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from regcls.io import video
from tests.helpers import video_files

expect = pytest.importorskip("playwright.sync_api").expect

SECONDS = 60_000  # ms; the first video loads both models


def open_progress(page, url: str, query: str = "") -> None:
    page.goto(f"{url}/progress{query}")
    heading = page.get_by_role("heading", name="Progress, from a video")
    expect(heading).to_be_visible(timeout=SECONDS)


def upload(page, *files: Path) -> None:
    page.set_input_files('input[type="file"]', [str(file) for file in files])


def test_a_sample_gives_two_curves_a_csv_and_a_film(page, server_url, tmp_path):
    open_progress(page, server_url)
    page.get_by_role("button", name="Can picked up").click()
    expect(page.get_by_text(re.compile(r"Mean error: reg \d"))).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text(re.compile(r"^\d+ %$"))).to_have_count(2, timeout=SECONDS)
    expect(page.locator('[data-testid="stVegaLiteChart"] svg')).to_have_count(2)
    expect(page).to_have_url(re.compile("sample=can"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Curve as CSV").click()
    rows = download.value.path().read_text().strip().splitlines()
    assert rows[0] == "seconds,reg (%),reg+cls (%),true (%)" and len(rows) == 123
    page.get_by_role("button", name="Draw both bars into the video").click()
    film = page.get_by_role("button", name="Video with bars (mp4)")
    expect(film).to_be_visible(timeout=SECONDS)
    with page.expect_download() as download:
        film.click()
    download.value.save_as(tmp_path / "bars.mp4")
    assert video.open_video(tmp_path / "bars.mp4", "bars.mp4").frames == 122


def test_the_scrubber_shows_another_moment(page, server_url):
    open_progress(page, server_url, "?sample=banana")
    shown = page.get_by_text(re.compile(r"^Banana onto plate at "))
    expect(shown).to_be_visible(timeout=SECONDS)
    before = shown.inner_text()
    page.get_by_role("slider", name="Moment (s)").press("End")
    expect(shown).not_to_have_text(before)
    expect(page.get_by_text("By the video's clock: 100 %.")).to_be_visible()


def test_files_that_are_no_videos_lose_nothing(page, server_url, tmp_path):
    good = video_files.make(tmp_path / "good.mp4", 30)
    words = tmp_path / "words.mp4"
    words.write_text("Dear diary")
    open_progress(page, server_url)
    upload(page, good, words, video_files.sound_only(tmp_path / "song.mp4"))
    expect(page.get_by_text("words.mp4 is no video that can be read")).to_be_visible(
        timeout=SECONDS
    )
    expect(page.get_by_text("song.mp4 has no video stream")).to_be_visible()
    expect(page.get_by_text(re.compile("^good.mp4 at "))).to_be_visible(timeout=SECONDS)


def test_a_long_video_can_be_cancelled_and_keeps_what_was_read(page, server_url, tmp_path):
    long = video_files.make(tmp_path / "long.mp4", 6000, size=(240, 320), gop=250)
    open_progress(page, server_url, "?frames=5000")
    upload(page, long)
    cancel = page.get_by_role("button", name="Cancel")
    expect(cancel).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("Progress over time")).to_be_visible(timeout=SECONDS)
    cancel.click()
    expect(page.get_by_role("button", name="Read it to the end")).to_be_visible(timeout=SECONDS)
    expect(page.get_by_role("button", name="Curve as CSV")).to_be_visible()
