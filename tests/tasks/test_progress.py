"""Progress over time: curves, truths, the monotone fit, albums that read in the background."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from regcls.io import images, video
from regcls.tasks.pairs import Pair
from regcls.tasks.progress import gallery, predict
from regcls.tasks.progress import table as progress_table
from regcls.tasks.progress.predict import Curve
from regcls.utils.background import CANCELLED, DONE, FAILED, LEFT, BackgroundJob
from tests.helpers import video_files

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
    fit = predict.monotone(made([0, 40, 20, 90, 120]))["reg"]
    np.testing.assert_allclose(fit, [0, 30, 30, 90, 100])  # pooled to its mean; never above 100


def test_a_sample_is_followed_from_start_to_end(pair, sample):
    curve = predict.curve(sample, list(predict.parts(sample, pair, 40)))
    assert len(curve.seconds) == 40
    assert curve.seconds[0] == 0 and curve.seconds[-1] == pytest.approx(curve.end)
    for model in ("reg", "reg+cls"):
        assert curve.error(curve.progress[model]) < 15  # a test clip; always 50 % has 25
        assert np.corrcoef(curve.truth, curve.progress[model])[0, 1] > 0.9


def test_the_frames_are_those_the_models_were_measured_on(pair):
    """The shipped predictions of this test clip were made by the training code, frame by frame."""
    clip = video.open_video(CAN.read(), CAN.title)  # a re-encoding, so near and not equal
    curve = predict.curve(clip, list(predict.parts(clip, pair, 1000)))
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
    assert records[1]["problem"].startswith("bad.mp4 is no video")
    assert records[2]["problem"].startswith("gone.mp4 cannot be opened")


# Work behind a page


def until(true, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_work_tells_how_far_it_is_and_ends():
    go, seen = threading.Event(), threading.Event()

    def do(work: BackgroundJob) -> None:
        work.tell(0.5)
        seen.set()
        assert go.wait(10)

    work = BackgroundJob(do)
    assert seen.wait(10) and work.done == 0.5 and work.active and work.seconds_left is not None
    go.set()
    assert work.wait(10) and work.state == DONE and work.done == 1.0


def test_work_becomes_a_sentence_when_it_fails():
    def refused(work: BackgroundJob) -> None:
        raise images.MediaError("the file is empty.")

    def broken(work: BackgroundJob) -> None:
        raise KeyError("secret")

    first, second = BackgroundJob(refused), BackgroundJob(broken)
    assert first.wait(10) and first.state == FAILED and first.problem == "The file is empty."
    assert second.wait(10) and "secret" not in second.problem


def test_work_ends_when_nobody_waits_any_more():
    now = [0.0]

    def do(work: BackgroundJob) -> None:
        until(work.stopped)

    work = BackgroundJob(do, present=lambda: False, clock=lambda: now[0])
    now[0] = 4.0
    assert not work.stopped()  # a connection may fail for a moment
    now[0] = 6.0
    assert work.wait(10) and work.state == LEFT
    kept = BackgroundJob(do, clock=lambda: now[0])
    now[0] += 80.0
    kept.seen()
    now[0] += 80.0
    assert not kept.stopped()
    kept.cancel()
    assert kept.wait(10) and kept.state == CANCELLED


# Albums


def test_an_album_reads_cancels_and_reads_again(pair, monkeypatch):
    slow = threading.Event()
    original = predict.parts

    def parts(*args, **options):
        for part in original(*args, **options):
            yield part
            assert slow.wait(30)

    monkeypatch.setattr(predict, "parts", parts)
    album = gallery.Gallery()
    key = album.add(CAN.read(), "can.mp4", pair, 100)
    entry = album.entries[key]
    until(lambda: entry.curve is not None)
    assert album.active and 0 < len(entry.curve.seconds) < 100
    entry.reading.work.cancel()
    slow.set()
    until(lambda: not album.active)
    assert 0 < len(entry.curve.seconds) < 100  # what was read is kept
    album.read_again(key, pair, 100)
    until(lambda: entry.reading.work.state == DONE)
    assert len(entry.curve.seconds) == 100
    assert album.report(pair.reg.card).test_counts.sum() == 100


def test_an_album_makes_a_film(pair):
    album = gallery.Gallery()
    key = album.add(CAN.read(), "can.mp4", pair, 20)
    entry = album.entries[key]
    until(lambda: entry.reading.work.state == DONE)
    album.make_film(key, {"reg": "#D55E00", "reg+cls": "#0072B2"})
    until(lambda: entry.film.work.state == DONE)
    assert video.open_video(entry.film.data, "film").frames == entry.source.frames


def test_an_album_tells_problems_by_name_and_counts_its_bytes(pair, monkeypatch):
    album = gallery.Gallery()
    assert album.add(b"words", "words.mp4", pair, 10) is None
    assert album.problems[0][0] == "words.mp4"
    key = album.add(CAN.read(), "can.mp4", pair, 10)
    assert album.add(CAN.read(), "again.mp4", pair, 10) == key
    monkeypatch.setattr(gallery, "MAX_BYTES", 1000)
    assert album.add(predict.SHIPPED_SAMPLES[0].read(), "more.mp4", pair, 10) is None
    assert "remove one first" in album.problems[1][1]
    album.remove(key)
    assert not album.entries


def test_two_people_read_at_once(pair):
    albums = [gallery.Gallery() for _ in range(2)]
    keys = [a.add(CAN.read(), "can.mp4", pair, 60) for a in albums]
    until(lambda: not any(a.active for a in albums))
    first, second = (a.entries[k].curve for a, k in zip(albums, keys, strict=True))
    np.testing.assert_allclose(first.progress["reg"], second.progress["reg"], atol=1e-3)


def test_a_video_that_can_only_be_read_in_part_keeps_that_part(pair, tmp_path: Path):
    path = video_files.make(
        tmp_path / "cut.mp4", 60, codec="libx264", gop=6, options={"movflags": "faststart"}
    )
    album = gallery.Gallery()
    key = album.add(path.read_bytes()[:-600], "cut.mp4", pair, 60)
    until(lambda: not album.active)
    album.drop_empty()
    assert 1 <= len(album.entries[key].curve.seconds) <= 60
