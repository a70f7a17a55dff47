"""Depth metrics and shots."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.tasks.depth import metrics as depth_metrics


def test_metrics_by_hand():
    found = depth_metrics.metrics(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0]))
    assert found["rmse"] == pytest.approx(np.sqrt(5 / 3))
    assert found["mae"] == pytest.approx(1.0)
    assert found["abs_rel"] == pytest.approx((0 + 0.5 + 0.5) / 3)
    assert found["log10"] == pytest.approx((np.log10(1.5) + np.log10(2)) / 3)
    assert found["delta1"] == pytest.approx(1 / 3)  # ratios 1, 1.5, 2 against 1.25, 1.5625, 1.953
    assert found["delta2"] == pytest.approx(2 / 3) and found["delta3"] == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="no pixel with a known depth"):
        depth_metrics.metrics(np.array([]), np.array([]))


def test_shots_of_nyud2_dir():
    metres = np.array([0.75, 0.95, 4.55, 4.75, 6.35, 9.99])
    assert depth_metrics.nyud2_dir_shots(metres).tolist() == [
        "medium", "many", "many", "many", "medium", "few",
    ]  # fmt: skip


def test_own_shots_use_the_limits_of_nyud2_dir():
    counts = np.array([960, 20, 15, 5])
    assert depth_metrics.own_shots(counts).tolist() == ["many", "medium", "medium", "few"]
