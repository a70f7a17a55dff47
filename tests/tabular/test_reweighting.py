"""Sample weights for rare targets: DIR's formulas written out again, and values by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from regcls.tabular import reweighting

Y = np.repeat([0.0, 1.0], [40, 10])  # two bins
RNG = np.random.default_rng(0)
TARGETS = {
    "skewed": RNG.lognormal(0, 1, 3000),
    "few rows": RNG.normal(size=60),
    "gaps": np.concatenate([RNG.normal(0, 0.1, 1500), RNG.normal(9, 0.1, 20)]),
    "many": np.concatenate([RNG.uniform(0, 1, 60_000), [40.0]]),
}


def counts_by_hand(y: np.ndarray) -> tuple[list[int], list[int]]:
    """Bin of each target and counts of 50 equal bins, value by value."""
    low, high = min(y), max(y)
    which = [min(int((v - low) / (high - low) * 50), 49) for v in y]
    return which, [which.count(k) for k in range(50)]


def gaussian_kernel_by_hand() -> list[float]:
    """DIR: an impulse of five bins under a Gaussian filter whose ends reflect (dcba|abcd|dcba)."""
    taps = {d: math.exp(-(d**2) / 8) for d in range(-8, 9)}  # σ = 2, truncated at 4 σ
    impulse = [0, 0, 1, 0, 0]
    mirrored = impulse + impulse[::-1]
    values = [sum(t * mirrored[(i + d) % 10] for d, t in taps.items()) for i in range(5)]
    return [v / max(values) for v in values]


def dir_weights(y: np.ndarray, variant: str, lds: bool) -> list[float]:
    """Weights as DIR's published code computes them, in plain loops."""
    which, counts = counts_by_hand(y)
    if variant == "sqrt-inverse":
        damped = [math.sqrt(c) for c in counts]
    else:
        damped = [float(min(max(c, 5), 1000)) for c in counts]
    if lds:
        kernel = gaussian_kernel_by_hand()
        damped = [
            sum(kernel[j + 2] * damped[i + j] for j in range(-2, 3) if 0 <= i + j < 50)
            for i in range(50)
        ]
    raw = [1 / damped[k] for k in which]
    return [w * len(raw) / sum(raw) for w in raw]


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("variant", reweighting.VARIANTS)
def test_weights_equal_those_of_dir(name, variant):
    y = TARGETS[name]
    assert reweighting.inverse(y, variant) == pytest.approx(dir_weights(y, variant, False))
    assert reweighting.lds(y, variant) == pytest.approx(dir_weights(y, variant, True))


def test_kernel_of_dir():
    assert reweighting.lds_kernel() == pytest.approx(gaussian_kernel_by_hand())
    assert reweighting.lds_kernel() == pytest.approx([0.858, 0.946, 1, 0.946, 0.858], abs=5e-4)
    with pytest.raises(ValueError, match="odd"):
        reweighting.lds_kernel(size=4)


def test_inverse_weights_by_hand():
    # 1/40 forty times and 1/10 ten times have the mean 2/50.
    assert reweighting.inverse(Y, bins=2)[[0, -1]].tolist() == pytest.approx([0.625, 2.5])
    # Square roots: (40/√40 + 10/√10) / 50.
    mean = (math.sqrt(40) + math.sqrt(10)) / 50
    got = reweighting.inverse(Y, "sqrt-inverse", bins=2)[[0, -1]].tolist()
    assert got == pytest.approx([1 / math.sqrt(40) / mean, 1 / math.sqrt(10) / mean])


def test_no_row_weighs_more_than_two_hundred_times_another():
    y = np.concatenate([np.zeros(228_000), [4.86]])
    weights = reweighting.inverse(y)
    assert weights.max() / weights.min() == pytest.approx(1000 / 5)
    assert weights.mean() == pytest.approx(1)


def test_an_unknown_variant_is_named():
    with pytest.raises(ValueError, match="cubic"):
        reweighting.lds(Y, "cubic")
