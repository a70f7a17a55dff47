"""Target ranges by number, width, quantiles or given edges."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.io.tables import TableError
from regcls.predictions.columns import Arrays
from regcls.predictions.ranges import edges


def arrays_of(y: list[float], train: list[float] | None = None) -> Arrays:
    values = np.array(y, float)
    return Arrays(
        values, {"p": values}, np.arange(len(y)), None if train is None else np.array(train)
    )


def test_ranges_by_number_width_quantile_and_given_edges():
    found = arrays_of([0, 1, 2, 3, 10])
    assert edges(found, "count", 2).tolist() == [0, 5, 10]
    assert edges(found, "width", 4).tolist() == [0, 4, 8, 12]
    assert edges(found, "quantile", 2).tolist() == [0, 2, 10]
    assert edges(found, "edges", 0, "0; 5, 20").tolist() == [0, 5, 20]
    assert edges(arrays_of([0, 1], [0, 30]), "count", 3).tolist() == [0, 10, 20, 30]


@pytest.mark.parametrize(
    ("kind", "size", "own", "words"),
    [
        ("count", 0, "", "from 1 to 200"),
        ("width", 0, "", "width must be above"),
        ("edges", 0, "1, two", "must be numbers"),
        ("edges", 0, "3, 2, 1", "ascending"),
        ("edges", 0, "2, 5", "must cover the targets"),
        ("colour", 3, "", "not 'colour'"),
    ],
)
def test_invalid_ranges_are_refused_with_a_reason(kind, size, own, words):
    with pytest.raises(TableError, match=words):
        edges(arrays_of([0, 1, 2, 3, 10]), kind, size, own)
