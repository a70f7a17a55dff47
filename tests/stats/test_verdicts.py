"""Verdicts: known answers, Holm's procedure, and agreement of intervals with verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from regcls.stats.verdicts import (
    BETTER,
    EQUAL,
    TOO_FEW,
    UNDECIDED,
    VERDICTS,
    WORSE,
    decide,
    holm,
    phrase,
    tally,
)


def test_a_single_difference_has_the_interval_of_a_t_test():
    values = np.random.default_rng(0).normal(0.3, 1, 20)
    found = decide(values.mean(), stats.sem(values), 19, 20)
    expected = stats.ttest_1samp(values, 0)
    low, high = expected.confidence_interval(0.95)
    assert (found.low[0], found.high[0], found.p[0]) == pytest.approx((low, high, expected.pvalue))


def test_holm_agrees_with_the_definition():
    rng = np.random.default_rng(0)
    for _ in range(50):
        p = rng.uniform(size=rng.integers(1, 12)) ** 3
        order = np.argsort(p)
        expected = np.empty(len(p))
        largest = 0.0
        for step, i in enumerate(order):
            largest = max(largest, (len(p) - step) * p[i])
            expected[i] = min(largest, 1)
        np.testing.assert_allclose(holm(p), expected)


@pytest.mark.parametrize("weighted", [False, True])
def test_an_interval_excludes_zero_exactly_if_the_corrected_p_is_significant(weighted):
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(300):
        m = int(rng.integers(1, 15))
        value, se = rng.normal(0, 3, m), rng.uniform(0.5, 2, m)
        dof = rng.integers(5, 200, m)
        weight = rng.uniform(0.1, 1, m) if weighted else 1.0
        found = decide(value, se, dof, dof + 1, weight=weight)
        excluded = (found.high < 0) | (found.low > 0)
        np.testing.assert_array_equal(excluded, found.p < 0.05)
        np.testing.assert_array_equal(found.verdict == BETTER, excluded & (value < 0))
        np.testing.assert_array_equal(found.verdict == WORSE, excluded & (value > 0))
        seen |= set(found.verdict)
    assert seen == {BETTER, WORSE, UNDECIDED}


def test_practical_equality_is_at_least_as_strict_as_two_one_sided_tests():
    rng = np.random.default_rng(2)
    equal = 0
    for _ in range(500):
        value, se, margin = rng.normal(0, 0.5), rng.uniform(0.05, 0.5), 0.7
        found = decide(value, se, 30, 31, margin)
        upper = stats.t.sf((margin - value) / se, 30)
        lower = stats.t.sf((margin + value) / se, 30)
        if found.verdict[0] == EQUAL:
            equal += 1
            assert max(upper, lower) < 0.025
    assert 50 < equal < 450


def test_few_units_and_unknown_errors_get_no_verdict_and_cost_the_others_nothing():
    alone = decide(-1, 0.3, 20, 21)
    found = decide([-1, -5, -5], [0.3, 0.1, np.nan], [20, 4, 20], [21, 5, 21])
    assert found.verdict.tolist() == [BETTER, TOO_FEW, TOO_FEW]
    assert found.low[0] == alone.low[0] and np.isnan(found.low[1:]).all()


def test_no_spread_is_certain_and_no_difference_is_none():
    found = decide([-1, 0], [0, 0], 9, 10, margin=0.1)
    assert found.verdict.tolist() == [BETTER, EQUAL]
    assert decide(0, 0, 9, 10, margin=0).verdict.tolist() == [EQUAL]  # both models are perfect
    assert found.low.tolist() == [-1, 0] and found.high.tolist() == [-1, 0]


def test_swapped_decisions_are_on_the_other_model():
    found = decide([-1.0, 1.0, 0.1], 0.2, 30, 31)
    back = found.swapped()
    assert back.verdict.tolist() == [WORSE, BETTER, UNDECIDED]
    np.testing.assert_array_equal(back.low, -found.high)
    assert back.record(0)["verdict"] == WORSE


def test_every_verdict_has_words():
    texts = {phrase(verdict, "reg+cls", "reg", "MAE") for verdict in VERDICTS}
    assert len(texts) == len(VERDICTS) and all("reg+cls" in text for text in texts)
    assert tally([EQUAL, WORSE, WORSE], "m") == (
        "Of 3 ranges, m is better in 0 and worse in 2; practically equal (within ±5%) in 1."
    )
