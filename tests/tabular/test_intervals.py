"""Differences over rows and trained models: values by hand, verdicts, rates of wrong verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.stats.verdicts import BETTER, EQUAL, TOO_FEW, UNDECIDED, WORSE
from regcls.tabular.intervals import Difference, HeldOut, differences
from tests.simulations import table


def held_out(rows: int = 200, models: int = 10) -> HeldOut:
    row = np.tile(np.arange(rows), 2)
    model = np.concatenate([np.arange(rows) % 5, 5 + np.arange(rows) % 5]) % models
    return HeldOut(row, model, np.where(row < 150, 0, 1))


def decided(some: HeldOut, a: np.ndarray, b: np.ndarray, **options) -> Difference:
    return differences([some.estimate(a, b, **options)])[0]


def test_differences_by_hand():
    some = held_out()
    b = np.ones(400)
    a = np.where(some.range_index == 0, 0.5, 2.0)
    # Balanced: (0.5 + 2) / 2 − 1; over rows: 0.75 · 0.5 + 0.25 · 2 − 1. No spread, so no width.
    for goal, value in (("balanced", 0.25), ("overall", -0.125)):
        found = decided(some, a, b, goal=goal)
        assert found.value == pytest.approx(value) and found.share == pytest.approx(value)
    assert decided(some, a, b).low == pytest.approx(0.25)
    assert decided(some, a, b, only=1).value == pytest.approx(1)
    assert decided(some, a, a).verdict == EQUAL


def test_the_standard_error_of_independent_rows_by_hand():
    """One prediction per row, no effect of models: the textbook formula for a mean."""
    rng = np.random.default_rng(2)
    n = 2000
    some = HeldOut(np.arange(n), np.arange(n) % 5, np.zeros(n, np.int64))
    a = np.ones(n)
    noise = rng.normal(size=n)
    for model in range(5):
        noise[model::5] -= noise[model::5].mean()
    estimate = some.estimate(a + 0.1 * noise, np.ones(n))
    expected = 0.1 * noise.std(ddof=1) / np.sqrt(n)
    assert estimate.se == pytest.approx(expected) and estimate.units == n


def test_rows_of_a_group_are_one_unit():
    rng = np.random.default_rng(0)
    group, model = np.arange(400) // 10, np.arange(400) // 80
    noise = rng.normal(size=40)[group]
    some = [HeldOut(unit, model, np.zeros(400, np.int64)) for unit in (group, np.arange(400))]
    grouped, single = (held.estimate(5 + noise, np.full(400, 5.0)) for held in some)
    assert grouped.units == 40 and single.units == 400
    assert grouped.se > 2 * single.se or grouped.dof < single.dof


def test_both_intervals_of_a_difference_are_one():
    some = held_out()
    rng = np.random.default_rng(1)
    found = decided(some, 4 + rng.random(400), 4 + rng.random(400))
    scale = found.value / found.share
    assert found.low == pytest.approx(scale * found.share_low)
    assert found.high == pytest.approx(scale * found.share_high)
    assert found.smallest > (found.share_high - found.share_low) / 2


def test_one_lucky_model_of_ten_is_no_clear_difference():
    some = held_out()
    rng = np.random.default_rng(0)
    b = 1 + 0.01 * rng.random(400)
    lucky = b - 0.9 * (some.model == 3)
    assert decided(some, lucky, b).verdict == UNDECIDED
    assert decided(some, b - 0.5, b).verdict == BETTER
    assert decided(some, b + 0.5, b).verdict == WORSE


def test_few_intervals_exclude_a_true_difference_of_zero():
    """Rows and models both vary around a mean difference of zero."""
    missed, rng = 0, np.random.default_rng(5)
    some = held_out()
    for _ in range(400):
        noise = rng.normal(size=10)[some.model] + rng.normal(size=200)[some.row]
        b = np.full(400, 5.0)
        missed += decided(some, b + noise, b).verdict != UNDECIDED
    assert 0.02 <= missed / 400 <= 0.07


def test_fewer_models_than_one_repeat_are_too_few():
    few = held_out(models=4)
    found = decided(few, np.zeros(400), np.ones(400))
    assert found.verdict == TOO_FEW and np.isnan(found.low) and np.isnan(found.smallest)


def test_a_range_with_few_or_no_rows_has_no_verdict():
    row = np.arange(100)
    some = HeldOut(row, row % 5, np.where(row < 5, 0, 1))
    a, b = np.zeros(100), np.ones(100)
    found = differences([some.estimate(a, b, only=k) for k in (0, 1, 7)])
    assert [one.verdict for one in found] == [TOO_FEW, BETTER, TOO_FEW]
    assert found[0].value == -1 and np.isnan(found[2].value)


def test_a_range_of_one_group_widens_the_interval_instead_of_narrowing_it():
    """Its own spread is unknown; without one, it would seem to be certain."""
    rng = np.random.default_rng(3)
    group = np.arange(300) // 10
    where = np.where(group == 29, 1, 0)
    b = np.full(300, 5.0)
    a = b + rng.normal(size=30)[group] + 0.1 * rng.normal(size=300)
    single = HeldOut(group, group % 5, where).estimate(a, b).se
    joined = HeldOut(group, group % 5, 0 * where).estimate(a, b).se
    assert single > joined


def test_verdicts_of_more_comparisons_need_more():
    some = held_out()
    rng = np.random.default_rng(4)
    b = 5 + rng.normal(size=400)
    worse = [b + shift + rng.normal(size=400) for shift in (0.14, *[0.0] * 9)]
    estimates = [some.estimate(a, b) for a in worse]
    alone, among = differences(estimates[:1])[0], differences(estimates)[0]
    assert among.share_high - among.share_low > alone.share_high - alone.share_low
    assert among.p >= alone.p and among.smallest > alone.smallest


@pytest.mark.slow
@pytest.mark.parametrize("design", [table.Design(300, 1), table.Design(2000, 2)])
def test_null_tables_are_decided_as_often_as_promised_and_gains_are_found(design):
    rates = table.simulate(design, 600)
    assert 0.02 <= rates["decided, one null comparison"] <= 0.07
    assert 0.02 <= rates["decided, any of two null comparisons"] <= 0.07
    assert rates["decided, any null target range"] <= 0.07
    if design.repeats == 2:
        found, known = (
            rates[f"9% gain found{how}"] for how in (", one comparison", " at known variance")
        )
        assert found > 0.75 and found > known - 0.06


@pytest.mark.slow
def test_a_true_gain_is_found_where_the_noise_is_moderate():
    """At a standard error of 2.4%, also where two comparisons share the error rate."""
    rates = table.simulate(table.Design(2000, 2, noise=0.75), 300)
    assert rates["9% gain found, first of two"] > 0.8
    assert rates["decided, any of two null comparisons"] <= 0.07


@pytest.mark.slow
def test_rows_in_groups_do_not_raise_the_rate():
    rates = table.simulate(table.Design(300, 1, grouped=True), 300)
    assert rates["decided, any of two null comparisons"] <= 0.07
    assert rates["decided, any null target range"] <= 0.07
