"""Intervals over rows and trained models: values by hand, coverage, too few models."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.tabular.intervals import HeldOut


def held_out(rows: int = 200, models: int = 10) -> HeldOut:
    row = np.tile(np.arange(rows), 2)
    model = np.concatenate([np.arange(rows) % 5, 5 + np.arange(rows) % 5]) % models
    return HeldOut(row, model, np.where(row < 150, 0, 1))


def test_differences_by_hand():
    some = held_out()
    b = np.ones(400)
    a = np.where(some.range_index == 0, 0.5, 2.0)
    # Balanced: (0.5 + 2) / 2 − 1; over rows: 0.75 · 0.5 + 0.25 · 2 − 1. No spread, so no width.
    for goal, value in (("balanced", 0.25), ("overall", -0.125)):
        found = some.difference(a, b, goal)
        assert found.value == pytest.approx(value) and found.share == pytest.approx(value)
    assert some.difference(a, b, "balanced").low == pytest.approx(0.25)
    assert some.difference(a, b, only=1).value == pytest.approx(1)
    assert some.difference(a, a).verdict == "no significant difference"


def test_one_lucky_model_of_ten_is_no_clear_difference():
    some = held_out()
    rng = np.random.default_rng(0)
    b = 1 + 0.01 * rng.random(400)
    lucky = b - 0.9 * (some.model == 3)
    assert some.difference(lucky, b).verdict == "no significant difference"
    assert some.difference(b - 0.5, b).verdict == "better"
    assert some.difference(b + 0.5, b).verdict == "worse"


def test_few_intervals_exclude_a_true_difference_of_zero():
    """Rows and models both vary around a mean difference of zero."""
    missed, rng = 0, np.random.default_rng(5)
    some = held_out()
    for _ in range(60):
        noise = rng.normal(size=10)[some.model] + rng.normal(size=200)[some.row]
        b = np.full(400, 5.0)
        missed += some.difference(b + noise, b).verdict != "no significant difference"
    assert missed <= 5


def test_two_models_are_too_few_for_an_interval():
    few = held_out(models=2)
    assert few.difference(np.zeros(400), np.ones(400)).verdict == "too early"


def test_a_range_without_predictions_has_no_difference():
    assert np.isnan(held_out().difference(np.zeros(400), np.ones(400), only=7).value)
