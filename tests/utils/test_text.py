"""Durations and suggestions in words."""

from __future__ import annotations

import pytest

from regcls.utils.text import closest, suggestion


@pytest.mark.parametrize(("word", "expected"), [("seviere", "severe"), ("xyz", None)])
def test_the_closest_word(word, expected):
    assert closest(word, ["mild", "moderate", "severe"]) == expected


def test_a_suggestion_lists_all_words_when_none_is_close():
    assert suggestion("xyz", ["severe", "mild"]) == "; choose from: mild, severe"
