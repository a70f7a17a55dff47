"""Meta-analysis against published and independent values, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regcls.stats.meta import by_family, random_effects, regression, signed_rank

# Trials of the BCG vaccine (Colditz et al. 1994): cases and others, vaccinated and not.
BCG = [
    *((4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619)),
    *((33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892)),
    *((29, 7470, 45, 7232), (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338)),
    (27, 16886, 29, 17825),
]


def log_risk_ratios() -> tuple[np.ndarray, np.ndarray]:
    a, b, c, d = np.array(BCG, dtype=float).T
    value = np.log(a / (a + b)) - np.log(c / (c + d))
    return value, np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_the_bcg_trials_have_the_published_estimates():
    """DerSimonian–Laird: −0.7141 with τ² = 0.3088 (Viechtbauer, Journal of Statistical Software 2010)."""
    found = random_effects(*log_risk_ratios())
    assert found.mean == pytest.approx(-0.7141, abs=5e-5)
    assert found.spread**2 == pytest.approx(0.3088, abs=5e-5)
    assert found.units == 13
    assert found.low < found.mean - 2.17 * 0.1787 and found.high > found.mean + 2.17 * 0.1787


def test_without_differences_between_units_the_weights_are_those_of_precision():
    found = random_effects([0.1, 0.2], [0.1, 0.2])
    assert found.spread == 0
    assert found.mean == pytest.approx((0.1 / 0.01 + 0.2 / 0.04) / (1 / 0.01 + 1 / 0.04))
    # Never narrower than the usual interval of a fixed effect.
    assert found.se == pytest.approx(1 / math.sqrt(1 / 0.01 + 1 / 0.04))


@pytest.mark.parametrize("spread", [0.0, 0.05, 0.2])
def test_intervals_of_the_mean_and_of_the_next_unit_hold(spread):
    rng = np.random.default_rng(0)
    held, held_next, held_measured, runs = 0, 0, 0, 600
    for _ in range(runs):
        se = rng.uniform(0.02, 0.15, 21)
        true = 0.1 + spread * rng.normal(size=21)
        value = true + se * rng.normal(size=21)
        found = random_effects(value[:20], se[:20])
        held += found.low <= 0.1 <= found.high
        low, high = found.predicted().interval()
        held_next += low <= true[20] <= high
        low, high = found.predicted(se[20]).interval()
        held_measured += low <= value[20] <= high
    assert held / runs > 0.93
    assert held_measured / runs > 0.93
    if spread:
        assert held_next / runs > 0.92


def test_the_probability_for_the_next_unit_is_calibrated():
    rng = np.random.default_rng(1)
    said, was = [], []
    for _ in range(500):
        centre = 0.2 * rng.normal()
        true = centre + 0.2 * rng.normal(size=26)
        value = true + 0.05 * rng.normal(size=26)
        said.append(random_effects(value[:25], np.full(25, 0.05)).predicted().below(0))
        was.append(true[25] < 0)
    said, was = np.array(said), np.array(was)
    for low, high in ((0, 0.3), (0.3, 0.7), (0.7, 1)):
        some = (said >= low) & (said <= high)
        assert abs(said[some].mean() - was[some].mean()) < 0.1


def test_shrunken_effects_are_nearer_to_the_truth():
    rng = np.random.default_rng(2)
    se = rng.uniform(0.05, 0.4, 200)
    true = 0.1 + 0.1 * rng.normal(size=200)
    value = true + se * rng.normal(size=200)
    found = random_effects(value, se)
    middle, error = found.shrunken(value, se)
    assert np.mean((middle - true) ** 2) < 0.5 * np.mean((value - true) ** 2)
    assert 0.88 < np.mean(np.abs(middle - true) < 1.96 * error) <= 1
    alike = random_effects(np.full(50, 0.1), np.full(50, 0.01))
    assert alike.shrunken([0.5], [1.0])[0][0] == pytest.approx(0.1, abs=0.01)  # all is the mean


def test_a_new_unit_is_combined_with_the_others_as_a_long_simulation_would():
    """Importance sampling over τ and μ, independent of the closed form."""
    rng = np.random.default_rng(5)
    value, se = np.array([-0.3, 0.0, 0.1, 0.25]), np.array([0.05, 0.1, 0.08, 0.1])
    own, error = 0.4, 0.1
    found = random_effects(value, se).combined(own, error)
    tau = 0.1 * np.abs(np.tan(np.pi * (rng.random(400_000) - 0.5)))
    mu = rng.uniform(-2, 2, len(tau))
    fit = np.ones(len(tau))
    for v, s in zip([*value, own], [*se, error], strict=True):
        total = s**2 + tau**2
        fit *= np.exp(-((v - mu) ** 2) / (2 * total)) / np.sqrt(total)
    share = tau**2 / (tau**2 + error**2)
    true = share * own + (1 - share) * mu + np.sqrt(share) * error * rng.normal(size=len(tau))
    weight = fit / fit.sum()
    assert found.centre == pytest.approx(weight @ true, abs=0.01)
    assert found.below(0.3) == pytest.approx(weight @ (true < 0.3), abs=0.02)
    low, high = found.interval()
    assert weight @ ((true > low) & (true < high)) == pytest.approx(0.95, abs=0.01)


def test_a_family_counts_once():
    value, se, names = by_family([0.2, 0.4, 0.0], [0.1, 0.3, 0.2], ["a", "a", "b"])
    assert value.tolist() == pytest.approx([0.3, 0.0]) and se.tolist() == pytest.approx([0.2, 0.2])
    assert names == ["a", "b"]


def test_the_signed_rank_test_equals_a_plain_loop():
    value, margin, draws = [-0.2, 0.01, -0.03, -0.08, 0.12], 0.05, 400
    rng = np.random.default_rng(0)
    weights = rng.dirichlet([0.5, 1, 1, 1, 1, 1], draws)
    z, counts = [0.0, *value], [0, 0, 0]
    for w in weights:
        parts = [0.0, 0.0, 0.0]
        for i in range(6):
            for j in range(6):
                middle = (z[i] + z[j]) / 2
                parts[0 if middle < -margin else 2 if middle > margin else 1] += w[i] * w[j]
        counts[int(np.argmax(parts))] += 1
    assert signed_rank(value, margin, draws) == pytest.approx([c / draws for c in counts])


def test_the_signed_rank_test_sees_gains_losses_and_equality():
    rng = np.random.default_rng(3)
    small = 0.01 * rng.normal(size=25)
    assert signed_rank(small, 0.05)[1] > 0.99
    assert signed_rank(small - 0.2, 0.05)[0] > 0.99
    assert signed_rank(small + 0.2, 0.05)[2] > 0.99
    undecided = signed_rank(0.3 * rng.normal(size=8), 0.05)
    assert max(undecided) < 0.99 and sum(undecided) == pytest.approx(1)


def test_regression_finds_what_changes_the_effect_and_rarely_anything_else():
    rng = np.random.default_rng(4)
    wrong, found_, held, runs = 0, 0, 0, 300
    for _ in range(runs):
        family = np.repeat(np.arange(25), rng.integers(1, 4, 25))
        shared = rng.normal(size=25)[family]
        rows, noise = rng.normal(size=(2, len(family)))
        se = rng.uniform(0.02, 0.1, len(family))
        value = 0.1 * rows + 0.05 * shared + se * rng.normal(size=len(family))
        first, second = regression(
            value, se, {"rows": rows, "noise": noise}, list(map(str, family))
        )
        found_ += first.low > 0
        held += first.low <= 0.1 <= first.high
        wrong += second.p < 0.05
    assert found_ / runs > 0.9 and held / runs > 0.88 and wrong / runs < 0.10


def test_regression_without_enough_families_says_nothing():
    few = regression([0.1, 0.2, 0.3], [0.1] * 3, {"a": [1, 2, 4], "b": [0, 1, 0]}, ["x", "y", "z"])
    assert all(math.isnan(c.value) for c in few)
    constant = regression([0.1, 0.2, 0.3, 0.2], [0.1] * 4, {"a": [1, 1, 1, 1]}, list("wxyz"))
    assert math.isnan(constant[0].low)
