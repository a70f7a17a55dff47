"""Durations and suggestions in words."""

from __future__ import annotations

import pytest

from regcls.utils.text import closest, duration, suggestion


@pytest.mark.parametrize(("word", "expected"), [("seviere", "severe"), ("xyz", None)])
def test_the_closest_word(word, expected):
    assert closest(word, ["mild", "moderate", "severe"]) == expected


def test_a_suggestion_lists_all_words_when_none_is_close():
    assert suggestion("xyz", ["severe", "mild"]) == "; choose from: mild, severe"


def test_durations_use_suitable_units():
    assert [duration(s) for s in (5, 600, 7260)] == ["5 s", "10 min", "2 h 01 min"]
