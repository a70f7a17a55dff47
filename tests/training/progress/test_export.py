"""Export of the progress pair: random sub-segments, the clock, shots."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.training.progress.data import Clips
from regcls.training.progress.export import SHORTEST, clock, own_shots, segments


def _clips(lengths: tuple[int, ...], tasks: tuple[str, ...]) -> Clips:
    """Return clips with empty frames, ten per second."""
    return Clips(
        frames=np.zeros((sum(lengths), 1), np.uint8),
        progress=np.concatenate([np.linspace(0, 1, n, dtype=np.float32) for n in lengths]),
        starts=np.cumsum((0, *lengths)),
        seconds=np.array(lengths) / 10,
        cuts=np.ones(len(lengths)),
        names=tuple(map(str, lengths)),
        tasks=tasks,
    )


def test_segments_stay_in_their_clip_and_their_time_starts_at_zero():
    clips = _clips((100, 200), ("a", "b"))
    cut = segments(clips, each=50)
    assert (clips.clip_of_frame[cut.at] == cut.clip).all()
    starts = np.flatnonzero(cut.seconds == 0)
    assert len(starts) == 100
    parts = np.split(clips.progress[cut.at], starts[1:])
    assert all((np.diff(part) >= 0).all() for part in parts)
    first = np.array([part[0] for part in parts])
    assert first.max() <= 1 - SHORTEST + 0.01 and first.std() > 0.1
    assert np.array_equal(segments(clips, each=50).at, cut.at)


def test_clock_uses_the_mean_length_of_the_task():
    train = _clips((100, 300, 50), ("a", "a", "b"))  # means: 20 s and 5 s
    test = _clips((80, 80), ("b", "a"))
    answer = clock(train, test, np.array([0, 1, 0]), np.array([2.5, 2.5, 99.0]))
    assert answer == pytest.approx([0.5, 0.125, 1.0])


def test_shots_are_relative_to_the_fullest_bucket():
    shots = own_shots(np.array([100, 80, 79, 40, 39, 0]))
    assert shots.tolist() == ["many", "many", "medium", "medium", "few", "few"]
