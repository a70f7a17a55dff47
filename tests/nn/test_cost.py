"""Estimated training times: what they grow with."""

from __future__ import annotations

import pytest

from regcls.nn.cost import comparison_seconds, network_seconds

SIZE = {"runs": 10, "batch": 256, "steps": 1000}


@pytest.mark.parametrize("larger", [{"runs": 20}, {"batch": 512}, {"steps": 2000}])
def test_comparison_takes_longer_with_more_work(larger):
    assert comparison_seconds((6, 15), 4, **SIZE) < comparison_seconds((6, 15), 4, **SIZE | larger)
    assert comparison_seconds((6, 15), 4, **SIZE) < comparison_seconds((60, 15), 4, **SIZE)
    assert comparison_seconds((6, 15), 4, **SIZE) < comparison_seconds((6, 15), 400, **SIZE)


def test_network_is_linear_in_samples_and_epochs():
    once = network_seconds((6, 15), 16, samples=1000, epochs=1)
    assert network_seconds((6, 15), 16, samples=2000, epochs=3) == pytest.approx(6 * once)
    assert network_seconds((6, 15), 0, samples=1000, epochs=1) < once
