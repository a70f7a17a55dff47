"""Conformal radii: coverage per range, ranks and neighbours."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.stats.conformal import conformal_radius


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


def test_rank_and_use_of_neighbours():
    error = np.arange(1.0, 10)  # nine points, level 0.9: the ninth smallest
    prediction = np.full(9, 0.5)
    radius = conformal_radius(prediction + error, prediction, [0, 1, 2, 3], 0.9)
    assert radius.tolist() == [9, 9, 9], "empty ranges use the samples of their neighbours"
    few = conformal_radius(prediction[:8] + error[:8], prediction[:8], [0, 1, 2], 0.9)
    assert np.isinf(few).all(), "eight samples are too few for level 0.9"


def test_invalid_input_is_named():
    with pytest.raises(ValueError, match="y_pred"):
        conformal_radius([1, 2], [1], [0, 3])
    with pytest.raises(ValueError, match="level"):
        conformal_radius([1, 2], [1, 2], [0, 3], 1.0)
