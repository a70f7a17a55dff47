"""Sample weights for rare targets: values by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regcls.tabular import reweighting

Y = np.array([0.0, 0.0, 0.0, 0.0, 1.0])  # two bins of 4 and 1


def test_inverse_weights_by_hand():
    # 1/4 four times and 1/1 once have the mean 2/5.
    assert reweighting.inverse(Y, bins=2).tolist() == pytest.approx([0.625] * 4 + [2.5])


def test_square_root_of_inverse_weights_by_hand():
    # 1/2 four times and 1 once have the mean 3/5.
    got = reweighting.inverse(Y, power=0.5, bins=2)
    assert got.tolist() == pytest.approx([0.5 / 0.6] * 4 + [1 / 0.6])


def test_smoothing_by_hand():
    k = math.exp(-0.5)
    got = reweighting.smoothed(np.array([4.0, 0, 1]), size=3, sigma=1.0)
    assert got.tolist() == pytest.approx([4, 4 * k + k, 1])
    with pytest.raises(ValueError, match="odd"):
        reweighting.smoothed(np.ones(3), size=2)


def test_lds_weighs_by_the_smoothed_count():
    # Counts 4 and 1; smoothed: 4 + k and 1 + 4k.
    k = math.exp(-0.5)
    raw = np.array([1 / (4 + k)] * 4 + [1 / (1 + 4 * k)])
    got = reweighting.lds(Y, bins=2, size=3, sigma=1.0)
    assert got.tolist() == pytest.approx((raw / raw.mean()).tolist())
    # Smoothing lies between no weights and inverse ones.
    assert 1 < got[-1] < reweighting.inverse(Y, bins=2)[-1]
