"""Paired comparisons on data whose true difference is known."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.stats import comparison
from regcls.stats.comparison import MIN_RUNS, paired_runs

FUNCTIONS, SEEDS = 10, 5


def layout(inits: int = 1, shared: str = "no"):
    """Function, data seed and initialisation of each run."""
    function, seed, init = np.indices((FUNCTIONS, SEEDS, inits)).reshape(3, -1)
    if shared == "no":
        init = np.arange(len(init))
    return function, seed, init


def covered(scale: tuple[float, float, float], inits: int, shared: str, trials: int = 120) -> float:
    """Share of 95 % intervals of the mean difference that contain the true value, 0."""
    function, seed, init = layout(inits, shared)
    rng, hits = np.random.default_rng(7), 0
    for n in range(trials):
        effect = (
            scale[0] * rng.normal(size=FUNCTIONS)[function]
            + scale[1] * rng.normal(size=(FUNCTIONS, SEEDS))[function, seed]
            + scale[2] * rng.normal(size=init.max() + 1)[init]
        )
        c = comparison.compare(
            effect + 5, 0 * effect + 5, function, seed, init, resamples=300, seed=n
        )
        hits += c.low <= 0 <= c.high
    return hits / trials


def test_intervals_cover_the_truth_when_functions_differ_most():
    assert 0.89 <= covered((0.3, 0.1, 0.0), 1, "no") <= 1


def test_intervals_cover_the_truth_with_several_initialisations():
    assert 0.9 <= covered((0.1, 0.1, 0.2), 3, "no") <= 1


def test_crossed_initialisations_are_resampled_independently():
    assert covered((0.1, 0.1, 0.3), 6, "crossed") >= 0.88


def test_one_shared_initialisation_is_not_listed_as_resampled():
    rng = np.random.default_rng(0)
    function, seed, init = layout(1, "all")
    a = rng.uniform(1, 2, len(init))
    assert init.max() == 0
    assert comparison.compare(a, a + 0.1, function, seed, init).resampled == (
        "functions", "data seeds",
    )  # fmt: skip
    assert covered((0.1, 0.1, 0.3), 1, "all") < 0.6  # hence the list of resampled levels
    own = comparison.compare(a, a + 0.1, function, seed, layout()[2])
    assert "initialisations" in own.resampled


def test_one_data_set_per_function_does_not_list_data_seeds():
    a = np.linspace(1, 2, FUNCTIONS)
    none = np.zeros(FUNCTIONS, int)
    c = comparison.compare(a, a + 1, np.arange(FUNCTIONS), none, none)
    assert c.resampled == ("functions",)


def test_a_clear_gain_is_better_and_its_mirror_worse():
    rng = np.random.default_rng(3)
    where = layout()
    b = rng.uniform(0.5, 1.5, len(where[0]))
    a = b * rng.uniform(0.7, 0.9, len(b))
    c, mirror = comparison.compare(a, b, *where), comparison.compare(b, a, *where)
    assert c.verdict == "better"
    assert mirror.verdict == "worse"
    assert c.wins == 1
    assert 0.7 < c.ratio_low < c.median_ratio < c.ratio_high < 0.9
    assert c.p < 1e-6
    assert c.median_ratio == pytest.approx(np.median(a / b))
    assert c.mean_difference == pytest.approx((a - b).mean())


def test_equal_errors_are_no_clear_difference():
    a = np.linspace(1, 2, 50)
    c = comparison.compare(a, a, *layout())
    assert (c.verdict, c.p, c.wins, c.median_ratio) == ("no significant difference", 1.0, 0.5, 1.0)


def test_few_functions_give_no_interval():
    a = np.array([1.0, 2.0])
    c = comparison.compare(a, a + 1, np.array([0, 1]), np.array([0, 0]), np.array([0, 1]))
    assert np.isnan([c.ratio_low, c.ratio_high, c.low, c.high]).all()
    assert c.verdict == "too few functions"


def test_a_run_that_diverged_counts_as_lost():
    where = layout()
    b = np.linspace(1, 2, 50)
    a = b * 0.9
    a[:30] = np.inf
    c = comparison.compare(a, b, *where)
    assert c.wins == pytest.approx(0.4)
    assert c.median_ratio == np.inf
    assert np.isnan(c.mean_difference)
    assert c.ratio_low == pytest.approx(0.9)
    assert comparison.compare(np.full(50, np.inf), np.full(50, np.inf), *where).wins == 0.5


def test_wilcoxon_is_over_data_sets_not_initialisations():
    rng = np.random.default_rng(1)
    one = rng.normal(0.1, 1, 50)
    once = comparison.compare(one + 5, np.full(50, 5.0), *layout())
    thrice = comparison.compare(np.repeat(one, 3) + 5, np.full(150, 5.0), *layout(3))
    assert thrice.p == pytest.approx(once.p)


def test_holm_by_hand_and_with_gaps():
    assert comparison.holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    with_gap = comparison.holm([0.5, np.nan, 0.9])
    assert with_gap[[0, 2]].tolist() == [1.0, 1.0]
    assert np.isnan(with_gap[1])


def test_invalid_input_is_named():
    a = np.ones(50)
    with pytest.raises(ValueError, match="lists of the same length"):
        comparison.compare(a, a[:-1], *layout())
    with pytest.raises(ValueError, match="NaN"):
        comparison.compare(a * np.nan, a, *layout())


def test_paired_runs_verdicts():
    rng = np.random.default_rng(0)
    b = rng.uniform(1, 2, 30)
    assert paired_runs(0.8 * b, b).verdict == "better"
    assert paired_runs(b, 0.8 * b).verdict == "worse"
    unclear = paired_runs(b + rng.normal(0, 0.1, 30), b)
    assert unclear.low < 0 < unclear.high and unclear.verdict == "no significant difference"
    better = paired_runs(0.8 * b, b)
    assert better.median_ratio == pytest.approx(0.8) and better.wins == 1
    assert paired_runs(b, b).wins == 0.5


@pytest.mark.parametrize("runs", [1, MIN_RUNS - 1])
def test_few_runs_give_no_verdict(runs):
    result = paired_runs(np.full(runs, 0.1), np.ones(runs))
    assert (
        np.isnan(result.low) and result.verdict == "no significant difference" and result.wins == 1
    )


def test_paired_runs_rejects_unequal_lengths():
    with pytest.raises(ValueError, match=r"^b must have"):
        paired_runs([1, 2], [1])
