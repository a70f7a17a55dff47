"""The videos of one session: background reading, cancellation, overlays, problems."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from regcls.io import video
from regcls.tasks.progress import gallery as progress_gallery
from regcls.tasks.progress import predict
from regcls.utils.background import DONE
from tests.helpers import video_files
from tests.helpers.waiting import until

CAN = predict.SHIPPED_SAMPLES[2]


def test_a_video_is_read_cancelled_and_read_again(pair, monkeypatch):
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
    assert gallery.report(pair.reg.card) is None, "an upload may show a part of the activity"
    entry.whole = True
    assert gallery.report(pair.reg.card).test_counts.sum() == 100


def test_a_video_gets_an_overlay(pair):
    gallery = progress_gallery.Gallery()
    key = gallery.add(CAN.read(), "can.mp4", pair, 20)
    entry = gallery.entries[key]
    until(lambda: entry.reading.job.state == DONE)
    gallery.render_overlay(key, {"reg": "#D55E00", "reg+cls": "#0072B2"})
    until(lambda: entry.overlay.job.state == DONE)
    assert video.open_video(entry.overlay.data, "film").frames == entry.source.frames


def test_problems_are_listed_by_name_and_total_size_is_limited(pair, monkeypatch):
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


def test_two_sessions_read_at_once(pair):
    galleries = [progress_gallery.Gallery() for _ in range(2)]
    keys = [a.add(CAN.read(), "can.mp4", pair, 60) for a in galleries]
    until(lambda: not any(a.active for a in galleries))
    first, second = (a.entries[k].curve for a, k in zip(galleries, keys, strict=True))
    np.testing.assert_allclose(first.progress["reg"], second.progress["reg"], atol=1e-3)


def test_a_damaged_video_keeps_its_readable_part(pair, tmp_path: Path):
    path = video_files.make(
        tmp_path / "cut.mp4", 60, codec="libx264", gop=6, options={"movflags": "faststart"}
    )
    gallery = progress_gallery.Gallery()
    key = gallery.add(path.read_bytes()[:-600], "cut.mp4", pair, 60)
    until(lambda: not gallery.active)
    gallery.drop_empty()
    assert 1 <= len(gallery.entries[key].curve.seconds) <= 60


def test_only_samples_are_taken_to_show_the_whole_activity(pair, tmp_path):
    """A fragment would get a wrong error; its owner can say that it is not one."""
    gallery = progress_gallery.Gallery()
    upload = gallery.add(video_files.make(tmp_path / "own.mp4", 30).read_bytes(), "own", pair, 10)
    sample = gallery.add(CAN.read(), "can.mp4", pair, 10, sample=CAN.key)
    until(lambda: not gallery.active)
    assert not gallery.entries[upload].whole and gallery.entries[sample].whole
    report = gallery.report(pair.reg.card)
    assert report is not None and report.test_counts.sum() == len(
        gallery.entries[sample].curve.seconds
    )
