"""How long a watched run takes: estimates before, the rest while it plays, and what is learned."""

from __future__ import annotations

import pytest

from regcls.lab.pace import Pace


def watched(pace: Pace, seconds: float = 20.0, steps: int = 100) -> Pace:
    """Note a run that is played at an even pace from its start."""
    pace.begin()
    for i in range(11):
        pace.note(i * steps // 10, now=100 + i * seconds / 10)
    return pace


def test_nothing_is_known_before_the_second_look():
    pace = Pace()
    assert pace.left(0, 100) is None
    pace.note(10, now=5.0)
    assert pace.left(10, 100) is None


def test_the_rest_takes_as_long_as_the_watched_part_did():
    pace = Pace()
    pace.note(0, now=5.0)
    pace.note(25, now=10.0)
    assert pace.left(25, 100) == pytest.approx(15.0)


def test_pauses_do_not_count():
    pace = Pace()
    pace.note(0, now=0.0)
    pace.note(50, now=10.0)
    pace.pause()
    pace.note(50, now=500.0)
    pace.note(60, now=502.0)
    assert pace.left(60, 100) == pytest.approx(8.0)


def test_later_estimates_are_corrected_by_what_a_run_took():
    pace = watched(Pace(ratio=1.0))
    pace.learn(5.0, 100)
    assert pace.measured and pace.expected(5.0) == pytest.approx(20.0)


def test_a_run_that_was_hardly_watched_teaches_nothing():
    pace = Pace(ratio=1.5)
    pace.note(70, now=0.0)
    pace.note(100, now=1.0)
    pace.learn(5.0, 100)
    assert pace.ratio == 1.5 and not pace.measured


def test_an_estimate_is_at_least_a_second():
    assert Pace(ratio=1.0).expected(0.01) == 1.0
