"""Which videos browsers can be expected to play."""

from __future__ import annotations

import pytest

from regcls.io import video
from regcls.tasks.progress import playback, predict
from tests.helpers import video_files


@pytest.mark.parametrize("sample", predict.SHIPPED_SAMPLES, ids=lambda one: one.key)
def test_the_samples_play(sample):
    assert playback.playable(video.open_video(sample.read(), sample.title))


@pytest.mark.parametrize(
    ("name", "codec", "plays"),
    [
        ("a.mp4", "libx264", True),
        ("b.mp4", "mpeg4", False),
        ("c.avi", "libx264", False),
        ("d.mkv", "libx264", False),
    ],
)
def test_other_codecs_and_formats_do_not(tmp_path, name, codec, plays):
    data = video_files.make(tmp_path / name, 12, codec=codec).read_bytes()
    assert playback.playable(video.open_video(data, name)) == plays


def test_a_large_file_or_one_on_disk_is_not_sent(tmp_path, monkeypatch):
    path = video_files.make(tmp_path / "a.mp4", 12, codec="libx264")
    assert not playback.playable(video.open_video(path, "a.mp4"))
    monkeypatch.setattr(playback, "MOST_BYTES", 10)
    assert not playback.playable(video.open_video(path.read_bytes(), "a.mp4"))
