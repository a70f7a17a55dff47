"""Densities of the training targets: masses, and agreement with sampled targets."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.synthetic import data as synthetic_data
from regcls.theory.density import Density, training_density

F = synthetic_data.FUNCTIONS[0]
TWO = Density(np.array([0.0, 1.0, 4.0]), np.array([0.7, 0.1]))  # most targets are below 1


def test_masses_of_a_density():
    assert TWO.relative == pytest.approx([2.8, 0.4])
    assert TWO.at(np.array([0.5, 2.0])) == pytest.approx([2.8, 0.4])
    assert TWO.mass(np.array([0.0, 0.5, 2.0, 4.0])) == pytest.approx([0.35, 0.45, 0.2])


@pytest.mark.parametrize("width", [0.3, 0.1, 0.03])
def test_the_density_is_that_of_the_sampled_targets(width):
    found = training_density(F, 0, width)
    edges = np.linspace(*found.limits, 21)
    assert found.mass(edges).sum() == pytest.approx(1.0)
    y = synthetic_data.make(F, 0, sampling=width, samples=30_000).train.y
    shares = np.histogram(y, edges)[0] / len(y)
    np.testing.assert_allclose(found.mass(edges), shares, atol=0.006)
