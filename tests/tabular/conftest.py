"""A finished comparison that the tests of this folder share."""

import pytest

from regcls.tabular.comparison import Comparison
from tests.helpers.small_comparison import small_plan


@pytest.fixture(scope="package")
def done() -> Comparison:
    comparison = Comparison(small_plan())
    comparison.run()
    assert comparison.error is None
    return comparison
