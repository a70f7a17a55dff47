"""Error rates of an error report: few false findings, true ones found, intervals that cover.

Bounds leave room for chance: a rate of 5% over 300 reports has a standard error of 1.3%.
"""

from __future__ import annotations

import pytest

from tests.simulations import errors

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("rows", "models", "groups", "reports"),
    [(100, 2, 0, 300), (300, 2, 0, 300), (2000, 2, 0, 300), (1000, 2, 30, 200), (300, 8, 0, 60)],
)
def test_equal_models_rarely_get_a_finding(rows, models, groups, reports):
    rate = errors.null_rate(reports, rows, models, groups)
    assert rate <= (0.07 if reports >= 200 else 0.1)


def test_a_true_gain_in_one_range_is_found():
    assert errors.power(150) > 0.8


@pytest.mark.parametrize("clusters", [22, 40])
def test_the_balanced_interval_covers_with_clusters(clusters):
    # 0.92 to 0.97 over many reports; 200 have a standard error of 1.5 to 2%.
    assert 0.89 <= errors.coverage(200, clusters) <= 0.985
