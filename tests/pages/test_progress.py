"""The page Progress without a browser: samples, the address, broken files, broken models."""

from __future__ import annotations

import pytest

from regcls.tasks.progress import predict
from regcls.tasks.progress.gallery import Gallery
from tests.helpers import video_files
from tests.helpers.app_page import broken_pair, click, html, opened, settled


def test_it_opens_with_samples_and_a_privacy_note():
    page = opened("progress")
    titles = {sample.title for sample in predict.SHIPPED_SAMPLES}
    assert titles <= {button.label for button in page.button}
    assert any("nothing leaves the machine" in caption.value for caption in page.caption)
    assert page.info[0].value.startswith("Upload a video")


def test_a_sample_gives_two_curves_their_errors_and_downloads():
    page = settled(click(opened("progress"), "Can picked up"))
    assert len(page.get("vega_lite_chart")) == 3
    shown = html(page)
    assert shown.count(" %</span>") == 2
    table = page.dataframe[0].value
    assert table["video"].tolist() == ["Can picked up"]
    assert (table[["reg mean error", "reg+cls mean error"]] < 15).all(axis=None)
    assert {b.label for b in page.get("download_button")} >= {"Curve (CSV)", "Download results"}
    assert page.query_params["sample"] == "can"


def test_an_address_opens_a_sample_with_its_settings():
    page = settled(opened("progress", sample="drive", frames="50", monotone="1"))
    table = page.dataframe[0].value
    assert table["frames"].tolist() == [50]
    assert "reg monotone error" in table
    assert page.query_params["frames"] == "50"


def test_unknown_values_in_the_address_are_reported_and_removed():
    page = opened("progress", sample="dancing", frames="lots")
    toasts = " ".join(toast.value for toast in page.toast)
    assert "sample = “dancing”" in toasts and "frames = “lots”" in toasts
    assert "sample" not in page.query_params


def test_a_part_of_an_activity_has_no_errors():
    page = settled(click(opened("progress"), "Can picked up"))
    box = next(b for b in page.checkbox if b.label.startswith("This video shows"))
    box.uncheck().run()
    assert page.dataframe[0].value["reg mean error"].isna().all()
    assert not any("your own whole videos" in caption.value for caption in page.caption)


def test_more_frames_are_offered_and_read():
    page = settled(opened("progress", sample="can", frames="50"))
    page.select_slider[0].set_value(200).run()
    settled(click(page, "Read again with up to 200 frames"))
    assert page.dataframe[0].value["frames"].tolist() == [122]


def test_a_video_with_progress_bars_can_be_made():
    page = settled(
        click(
            settled(click(opened("progress"), "Can picked up")), "Draw progress bars into the video"
        )
    )
    assert "Video with progress bars (MP4)" in {b.label for b in page.get("download_button")}


def test_files_that_are_not_videos_are_reported_and_the_rest_stays(tmp_path):
    page = settled(click(opened("progress"), "Can picked up"))
    gallery: Gallery = page.session_state["progress_gallery"]
    gallery.add(b"words", "words.mp4", predict.load(), 50)
    sound = video_files.sound_only(tmp_path / "song.mp4")
    gallery.add(sound.read_bytes(), "song.mp4", predict.load(), 50)
    page.run()
    warnings = [warning.value for warning in page.warning]
    assert warnings[0].startswith("words.mp4 cannot be read as a video") and warnings[1].startswith(
        "song.mp4 has no"
    )
    assert page.dataframe[0].value["video"].tolist() == ["Can picked up"]
    click(page, "Hide messages")
    assert not page.warning


@pytest.mark.parametrize("name", ["reg.onnx", "regcls.onnx"])
def test_a_broken_pair_is_reported_by_file_name(tmp_path, monkeypatch, name):
    broken_pair("progress", name, tmp_path, monkeypatch)
    page = click(opened("progress"), "Can picked up")
    assert name in page.error[0].value
