"""The page Progress without a browser: samples, the address, broken files, broken models."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from regcls.tasks.progress import predict
from regcls.tasks.progress.gallery import Gallery
from tests.helpers import video_files
from tests.helpers.app_page import (
    broken_pair,
    click,
    html,
    imported_by,
    opened,
    ran,
    settled,
    text_of,
)


def with_table(page: AppTest) -> AppTest:
    """Return the page with the folded table of all videos."""
    page.session_state["progress_fold_table"] = True
    return ran(page.run())


def test_it_opens_with_a_sample_that_is_read_already():
    page = opened("progress")
    gallery: Gallery = page.session_state["progress_gallery"]
    assert not gallery.active
    titles = {sample.title for sample in predict.SHIPPED_SAMPLES}
    assert titles <= {button.label for button in page.button}
    assert any("nothing leaves the machine" in caption.value for caption in page.caption)
    assert len(page.get("video")) == 1 and len(page.get("vega_lite_chart")) == 1


def test_a_sample_gives_two_curves_their_errors_and_downloads():
    page = with_table(settled(click(opened("progress"), "Drive onto book")))
    table = page.dataframe[0].value
    assert table["video"].tolist() == ["Can picked up", "Drive onto book"]
    assert (table[["reg mean error", "reg+cls mean error"]] < 15).all(axis=None)
    assert "points; a constant 50%" in text_of(page) and "percentage" in text_of(page)
    assert {b.label for b in page.get("download_button")} >= {"Curve (CSV)", "Download results"}
    assert page.query_params["sample"] == "drive"


def test_errors_have_one_unit():
    """Progress is in percent, its errors in points: also in the chart's axis."""
    page = opened("progress")
    spec = page.get("vega_lite_chart")[0].proto.spec
    assert "mean absolute error (points)" in spec and "progress (%)" in spec
    assert "error (%)" not in spec
    for part in ("readouts", "balance"):
        page.session_state[f"progress_fold_{part}"] = True
    ran(page.run())
    specs = " ".join(chart.proto.spec for chart in page.get("vega_lite_chart"))
    assert "error (%)" not in specs and "MAE (points)" in page.table[0].value.columns


def test_no_chart_has_a_layer_without_data():
    """Vega warns of such layers: "Infinite extent for field mae"."""
    page = opened("progress")
    page.session_state["progress_fold_balance"] = True
    ran(page.run())
    for chart in page.get("vega_lite_chart"):
        assert all(one.data.data for one in chart.proto.datasets)


def test_a_video_that_browsers_cannot_play_shows_single_frames(tmp_path):
    page = opened("progress")
    gallery: Gallery = page.session_state["progress_gallery"]
    data = video_files.make(tmp_path / "old.mp4", 30).read_bytes()  # MPEG-4 Part 2
    key = gallery.add(data, "old.mp4", predict.load(), 20)
    page.session_state["progress_shown"] = key
    settled(page)
    assert not page.get("video") and len(page.get("vega_lite_chart")) == 2
    assert html(page).count(">%</span>") == 2
    assert page.slider[0].label == "Moment (s)"


def test_an_address_opens_a_sample_with_its_settings():
    page = with_table(settled(opened("progress", sample="drive", frames="50", monotone="1")))
    table = page.dataframe[0].value
    assert table["frames"].tolist() == [50]
    assert "reg monotone error" in table
    assert page.query_params["frames"] == "50"


def test_unknown_values_in_the_address_are_reported_and_removed():
    page = opened("progress", sample="dancing", frames="lots")
    toasts = " ".join(toast.value for toast in page.toast)
    assert "sample = “dancing”" in toasts and "frames = “lots”" in toasts
    assert page.query_params["sample"] == "can"


def test_a_part_of_an_activity_has_no_errors():
    page = with_table(opened("progress"))
    assert page.checkbox[1].value
    box = next(b for b in page.checkbox if b.label.startswith("This video shows"))
    box.uncheck().run()
    assert page.dataframe[0].value["reg mean error"].isna().all()
    assert not any("your own whole videos" in caption.value for caption in page.caption)


def test_more_frames_are_offered_and_read():
    page = settled(opened("progress", sample="can", frames="50"))
    page.select_slider[0].set_value(200).run()
    with_table(settled(click(page, "Read again with up to 200 frames")))
    assert page.dataframe[0].value["frames"].tolist() == [122]


def test_a_video_with_progress_bars_can_be_made():
    page = settled(click(opened("progress"), "Draw progress bars into the video"))
    assert "Video with progress bars (MP4)" in {b.label for b in page.get("download_button")}


def test_files_that_are_not_videos_are_reported_and_the_rest_stays(tmp_path):
    page = with_table(opened("progress"))
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
    page = opened("progress")
    assert name in page.error[0].value


def test_problems_of_earlier_uploads_disappear():
    page = opened("progress")
    ran(page.file_uploader[0].set_value([("words.mp4", b"words", "video/mp4")]).run())
    assert page.warning[0].value.startswith("words.mp4 cannot be read")
    click(page, "Remove")
    assert not page.warning


def test_nothing_heavy_is_imported_when_the_page_opens():
    assert imported_by("progress", ("torch", "onnxruntime", "scipy.stats", "cv2", "sklearn")) == []
