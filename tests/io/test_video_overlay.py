"""regcls.io.video_overlay: bars as long as their values, and stopping early."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from regcls.io import video, video_overlay
from tests.helpers import video_files

SIZE = (48, 64)
FRAMES = 60
COLOURS = {"reg": "#FF0000", "reg+cls": "#00FF00"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video_files.make(tmp_path_factory.mktemp("video") / "clip.mp4", FRAMES)


def test_bars_are_as_long_as_their_values(clip, tmp_path):
    found = video.open_video(clip, "clip.mp4")
    seconds = np.array([0.0, 2.0])
    bars = {"reg": np.array([0.0, 1.0]), "reg+cls": np.array([0.5, 0.5])}
    reported: list[float] = []
    out = video_overlay.with_bars(
        found,
        tmp_path / "bars.mp4",
        seconds,
        bars,
        COLOURS,
        truth=seconds / 2,
        report=reported.append,
    )
    film = video.open_video(out, "bars.mp4")
    assert film.frames == FRAMES
    assert film.seconds == pytest.approx(found.seconds, abs=0.05)
    assert reported == sorted(reported) and reported[-1] > 0.9
    for second in (0.5, 1.5):
        frame = video.frame_at(film, second).astype(int)
        band = frame[SIZE[0] :]
        red = (band[..., 0] > 150) & (band[..., 1] < 100)
        green = (band[..., 1] > 150) & (band[..., 0] < 100)
        width, half = red.any(axis=0).sum(), green.any(axis=0).sum()
        assert width / (2 * half) == pytest.approx(second / 2, abs=0.06)


def test_a_video_that_is_stopped_is_shorter(clip, tmp_path):
    found = video.open_video(clip, "clip.mp4")
    reported: list[float] = []
    video_overlay.with_bars(
        found,
        tmp_path / "bars.mp4",
        np.zeros(1),
        {"reg": np.zeros(1)},
        COLOURS,
        report=reported.append,
        stop=lambda: len(reported) >= 10,
    )
    assert len(reported) == 10
