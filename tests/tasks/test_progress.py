"""Progress over time: curves, truths, the monotone fit, galleries that read in the background."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from regcls.io import video
from regcls.tasks.pairs import Pair
from regcls.tasks.progress import gallery as progress_gallery
from regcls.tasks.progress import predict
from regcls.tasks.progress import table as progress_table
from regcls.tasks.progress.predict import Curve
from regcls.utils.background import DONE
from tests.helpers import video_files
from tests.helpers.waiting import until

CAN = predict.SHIPPED_SAMPLES[2]


@pytest.fixture(scope="module")
def pair() -> Pair:
    return predict.load()


@pytest.fixture(scope="module")
def sample() -> video.Video:
    return video.open_video(CAN.read(), CAN.title)


def made(reg: list[float], regcls: list[float] | None = None, end: float | None = None) -> Curve:
    seconds = np.arange(len(reg), dtype=float)
    values = {"reg": np.array(reg, float), "reg+cls": np.array(regcls or reg, float)}
    return Curve(seconds, values, end or float(seconds[-1]), (), {"reg": 1.0, "reg+cls": 1.0})


def test_the_truth_is_the_videos_own_clock():
    curve = made([0, 10, 60, 70, 100])
    np.testing.assert_allclose(curve.truth, [0, 25, 50, 75, 100])
    assert curve.error(curve.progress["reg"]) == pytest.approx((0 + 15 + 10 + 5 + 0) / 5)
    assert curve.at(2.6) == 3


def test_the_monotone_fit_pools_what_falls():
    fit = predict.monotone_fit(made([0, 40, 20, 90, 120]))["reg"]
    np.testing.assert_allclose(fit, [0, 30, 30, 90, 100])  # pooled to its mean; never above 100


def test_a_sample_is_followed_from_start_to_end(pair, sample):
    curve = predict.curve_from(sample, list(predict.predict_frames(sample, pair, 40)))
    assert len(curve.seconds) == 40
    assert curve.seconds[0] == 0 and curve.seconds[-1] == pytest.approx(curve.end)
    for model in ("reg", "reg+cls"):
        assert curve.error(curve.progress[model]) < 15  # a test clip; always 50 % has 25
        assert np.corrcoef(curve.truth, curve.progress[model])[0, 1] > 0.9


def test_the_frames_are_those_the_models_were_measured_on(pair):
    """The shipped predictions of this test clip were made by the training code, frame by frame."""
    clip = video.open_video(CAN.read(), CAN.title)  # a re-encoding, so near and not equal
    curve = predict.curve_from(clip, list(predict.predict_frames(clip, pair, 1000)))
    table = pair.predictions
    sizes = table.groupby("clip").size()
    errors = []
    for number in sizes[sizes == len(curve.seconds)].index:
        stored = 100 * table.loc[table["clip"] == number, "reg"].to_numpy()
        errors.append(np.abs(stored - curve.progress["reg"]).mean())
    assert min(errors) < 4


def test_own_errors_count_each_whole_video_as_one_cluster(pair):
    curves = [made([0, 50, 100]), made([20, 70, 90])]
    report = predict.own_report(curves, pair.reg.card)
    assert list(report.test_counts) == [2, 0, 2, 0, 2]
    assert predict.own_report([], pair.reg.card) is None


def test_tables_and_rows_know_no_truth_of_a_part():
    curve = made([0, 40, 100], [10, 50, 90])
    whole, part = progress_table.table(curve, True, True), progress_table.table(curve, False)
    assert whole["true (%)"].tolist() == [0, 50, 100]
    assert "reg monotone (%)" in whole and "true (%)" not in part
    row = progress_table.row("a", curve, True)
    assert row["reg mean error"] == pytest.approx(10 / 3, abs=0.01)
    assert row["always 50 % error"] == pytest.approx(100 / 3, abs=0.01)
    assert progress_table.row("a", curve, False)["reg mean error"] is None


def test_files_of_the_command_line_get_a_curve_or_a_problem(pair, tmp_path):
    good = video_files.make(tmp_path / "good.mp4", 12)
    bad = tmp_path / "bad.mp4"
    bad.write_text("just words")
    records = progress_table.predict_files([good, bad, tmp_path / "gone.mp4"], pair, budget=6)
    assert len(records[0]["curve"]["seconds"]) == 6
    assert records[1]["problem"].startswith("bad.mp4 cannot be read as a video")
    assert records[2]["problem"].startswith("gone.mp4 cannot be opened")


# Albums


def test_an_album_reads_cancels_and_reads_again(pair, monkeypatch):
    slow = threading.Event()
    original = predict.predict_frames

    def parts(*args, **options):
        for part in original(*args, **options):
            yield part
            assert slow.wait(30)

    monkeypatch.setattr(predict, "predict_frames", parts)
    gallery = progress_gallery.Gallery()
    key = gallery.add(CAN.read(), "can.mp4", pair, 100)
    entry = gallery.entries[key]
    until(lambda: entry.curve is not None)
    assert gallery.active and 0 < len(entry.curve.seconds) < 100
    entry.reading.job.cancel()
    slow.set()
    until(lambda: not gallery.active)
    assert 0 < len(entry.curve.seconds) < 100  # what was read is kept
    gallery.read_again(key, pair, 100)
    until(lambda: entry.reading.job.state == DONE)
    assert len(entry.curve.seconds) == 100
    assert gallery.report(pair.reg.card).test_counts.sum() == 100


def test_an_album_makes_a_film(pair):
    gallery = progress_gallery.Gallery()
    key = gallery.add(CAN.read(), "can.mp4", pair, 20)
    entry = gallery.entries[key]
    until(lambda: entry.reading.job.state == DONE)
    gallery.render_overlay(key, {"reg": "#D55E00", "reg+cls": "#0072B2"})
    until(lambda: entry.overlay.job.state == DONE)
    assert video.open_video(entry.overlay.data, "film").frames == entry.source.frames


def test_an_album_tells_problems_by_name_and_counts_its_bytes(pair, monkeypatch):
    gallery = progress_gallery.Gallery()
    assert gallery.add(b"words", "words.mp4", pair, 10) is None
    assert gallery.problems[0][0] == "words.mp4"
    key = gallery.add(CAN.read(), "can.mp4", pair, 10)
    assert gallery.add(CAN.read(), "again.mp4", pair, 10) == key
    monkeypatch.setattr(progress_gallery, "MAX_BYTES", 1000)
    assert gallery.add(predict.SHIPPED_SAMPLES[0].read(), "more.mp4", pair, 10) is None
    assert "remove a video first" in gallery.problems[1][1]
    gallery.remove(key)
    assert not gallery.entries


def test_two_people_read_at_once(pair):
    galleries = [progress_gallery.Gallery() for _ in range(2)]
    keys = [a.add(CAN.read(), "can.mp4", pair, 60) for a in galleries]
    until(lambda: not any(a.active for a in galleries))
    first, second = (a.entries[k].curve for a, k in zip(galleries, keys, strict=True))
    np.testing.assert_allclose(first.progress["reg"], second.progress["reg"], atol=1e-3)


def test_a_video_that_can_only_be_read_in_part_keeps_that_part(pair, tmp_path: Path):
    path = video_files.make(
        tmp_path / "cut.mp4", 60, codec="libx264", gop=6, options={"movflags": "faststart"}
    )
    gallery = progress_gallery.Gallery()
    key = gallery.add(path.read_bytes()[:-600], "cut.mp4", pair, 60)
    until(lambda: not gallery.active)
    gallery.drop_empty()
    assert 1 <= len(gallery.entries[key].curve.seconds) <= 60
