"""Paired comparisons of independent runs whose true difference is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from regcls.stats.comparison import compare_runs, paired_runs
from regcls.stats.verdicts import MIN_UNITS


def test_paired_runs_verdicts():
    rng = np.random.default_rng(0)
    b = rng.uniform(1, 2, 30)
    assert paired_runs(0.8 * b, b).verdict == "better"
    assert paired_runs(b, 0.8 * b).verdict == "worse"
    unclear = paired_runs(b + rng.normal(0, 0.4, 30), b)
    assert unclear.low < 0 < unclear.high and unclear.verdict == "no significant difference"
    equal = paired_runs(b + rng.normal(0, 0.02, 30), b)
    assert equal.low < 0 < equal.high and equal.verdict == "practically equal"
    better = paired_runs(0.8 * b, b)
    assert better.median_ratio == pytest.approx(0.8) and better.wins == 1
    assert paired_runs(b, b).wins == 0.5


@pytest.mark.parametrize("runs", [1, MIN_UNITS - 1])
def test_few_runs_give_no_verdict(runs):
    result = paired_runs(np.full(runs, 0.1), np.ones(runs))
    assert np.isnan(result.low) and result.verdict == "too few data" and result.wins == 1


def test_the_interval_is_that_of_a_paired_t_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 12))
    expected = stats.ttest_rel(a, b)
    found, (low, high) = paired_runs(a, b), expected.confidence_interval(0.95)
    assert (found.low, found.high, found.p) == pytest.approx((low, high, expected.pvalue))


def test_comparisons_made_together_share_the_error_rate():
    rng = np.random.default_rng(2)
    wrong, trials = 0, 400
    for _ in range(trials):
        own, reg, control = rng.normal(size=(3, 10))
        found = compare_runs(own, {"reg": reg, "control": control})
        wrong += any(c.verdict in ("better", "worse") for c in found.values())
    assert 0.01 < wrong / trials < 0.08  # 5% nominal; four standard errors are 4%


def test_paired_runs_rejects_unequal_lengths():
    with pytest.raises(ValueError, match=r"^b must have"):
        paired_runs([1, 2], [1])
