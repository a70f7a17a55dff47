"""Metrics: the note on an RMSE that few samples dominate."""

from __future__ import annotations

import numpy as np

from regcls.stats.metrics import heavy_tailed


def test_only_heavy_tails_are_named():
    rng = np.random.default_rng(0)
    normal = [heavy_tailed(rng.normal(size=1000) ** 2) for _ in range(100)]
    heavy = [heavy_tailed(rng.standard_t(2, size=1000) ** 2) for _ in range(100)]
    assert not any(normal) and np.mean(heavy) > 0.8


def test_few_samples_have_no_largest_percent():
    assert not heavy_tailed(np.array([1.0, 100.0]))
