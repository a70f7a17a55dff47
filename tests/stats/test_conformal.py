"""Conformal radii: coverage per range, ranks, groups as units, ranges with too few units."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.stats.conformal import conformal_radius, units_per_range


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_cover_the_truth_in_each_range(level):
    rng = np.random.default_rng(3)
    edges = np.linspace(0, 10, 6)

    def sample(n):
        prediction = rng.uniform(0, 10, n)
        return prediction + rng.normal(size=n) * (0.5 + prediction / 5), prediction

    radius = conformal_radius(*sample(5000), edges, level)
    assert (np.diff(radius) > 0).all(), "the noise grows with the target"
    y, prediction = sample(50_000)
    which = np.searchsorted(edges[1:-1], prediction, side="right")
    hit = np.abs(y - prediction) <= radius[which]
    for k in range(5):  # 1000 calibration points: one standard error is about 0.013
        assert hit[which == k].mean() == pytest.approx(level, abs=0.05)


def test_rank_and_ranges_with_too_few_units():
    error = np.arange(1.0, 10)  # nine points, level 0.9: the ninth smallest
    prediction = np.full(9, 0.5)
    radius = conformal_radius(prediction + error, prediction, [0, 1, 2, 3], 0.9)
    assert radius.tolist() == [9, np.inf, np.inf], "empty ranges have no interval"
    few = conformal_radius(prediction[:8] + error[:8], prediction[:8], [0, 1, 2], 0.9)
    assert np.isinf(few).all(), "eight samples are too few for level 0.9"


def test_groups_of_one_are_samples():
    rng = np.random.default_rng(0)
    y, prediction = rng.normal(size=(2, 200))
    edges = [-3, 0, 3]
    alone = conformal_radius(y, prediction, edges, 0.9)
    np.testing.assert_array_equal(alone, conformal_radius(y, prediction, edges, 0.9, range(200)))
    counts = units_per_range(prediction, edges)
    assert counts.sum() == 200
    np.testing.assert_array_equal(counts, units_per_range(prediction, edges, range(200)))


def test_groups_weigh_the_same_whatever_their_size():
    # Ten groups of error k, the first with 1000 samples; 0.9 · 11 = 9.9 groups: the tenth.
    group = np.repeat(np.arange(10), [1000] + [3] * 9)
    error = group + 1.0
    radius = conformal_radius(error, np.zeros(len(error)), [-1, 1], 0.9, group)
    assert radius.tolist() == [10]
    # Eight groups are too few, however many samples they have.
    few = group < 8
    assert np.isinf(conformal_radius(error[few], np.zeros(few.sum()), [-1, 1], 0.9, group[few]))


@pytest.mark.parametrize("groups", [20, 60])
def test_intervals_cover_samples_of_new_groups(groups):
    """Errors share a scale and a shift per group; samples as units would cover too little."""
    rng = np.random.default_rng(5)

    def sample(count):
        shift = rng.normal(size=count) * np.exp(rng.normal(size=count) * 0.5)
        y = shift[:, None] + 0.3 * rng.normal(size=(count, 40))
        return y.ravel(), np.repeat(np.arange(count), 40)

    covered = []
    for _ in range(300):
        y, group = sample(groups)
        radius = conformal_radius(y, np.zeros(len(y)), [-1, 1], 0.9, group)
        new, _ = sample(50)
        covered.append((np.abs(new) <= radius).mean())
    assert 0.895 <= np.mean(covered) <= 0.955


def test_invalid_input_is_named():
    with pytest.raises(ValueError, match="y_pred"):
        conformal_radius([1, 2], [1], [0, 3])
    with pytest.raises(ValueError, match="level"):
        conformal_radius([1, 2], [1, 2], [0, 3], 1.0)
