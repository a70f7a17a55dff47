"""Target ranges by the shape of the targets, number, width, quantiles or given edges."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.io.tables import TableError
from regcls.predictions.columns import Arrays
from regcls.predictions.ranges import KINDS, target_ranges
from regcls.stats.verdicts import MIN_UNITS


def arrays_of(y: list[float], train: list[float] | None = None) -> Arrays:
    values = np.array(y, float)
    return Arrays(
        values, {"p": values}, np.arange(len(y)), None if train is None else np.array(train)
    )


def edges(found: Arrays, *ranges: object) -> np.ndarray:
    return target_ranges(found, *ranges).edges


def test_ranges_by_number_width_quantile_and_given_edges():
    found = arrays_of([0, 1, 2, 3, 10])
    assert edges(found, "count", 2).tolist() == [0, 5, 10]
    assert edges(found, "width", 4).tolist() == [0, 4, 8, 12]
    assert edges(found, "quantile", 2).tolist() == [0, 2, 10]
    assert edges(found, "edges", 0, "0; 5, 20").tolist() == [0, 5, 20]
    assert edges(arrays_of([0, 1], [0, 30]), "count", 3).tolist() == [0, 10, 20, 30]
    assert edges(found, "quantile", 2).tolist() == [0, 2, 10]
    train = arrays_of([0, 1, 2, 3, 10], [0, 6, 6.5, 8])
    assert edges(train, "quantile", 2).tolist() == [0, 6.25, 10]
    assert edges(arrays_of([1, 10, 100]), "log", 2) == pytest.approx([1, 10, 100])


def test_the_default_is_chosen_by_the_shape_of_the_targets():
    y = np.concatenate((np.zeros(5000), np.random.default_rng(0).lognormal(0, 1.5, 300)))
    made = target_ranges(arrays_of(y.tolist()))
    assert next(iter(KINDS)) == "automatic"
    assert edges(arrays_of(y.tolist())).tolist() == made.edges.tolist()
    assert made.counts[0] == 5000 and len(made.counts) >= 4
    assert made.kind == "equal width on a log scale" and "of the targets" in made.reason
    assert made.imbalance_ratio > 100 and made.counts.sum() == 5300
    assert len(target_ranges(arrays_of(y.tolist()), size=3).counts) == 3


def test_every_automatic_range_has_enough_targets_for_an_interval():
    y = np.concatenate((np.random.default_rng(0).normal(0, 1, 5000), np.geomspace(50, 90, 20)))
    made = target_ranges(arrays_of(y.tolist()))
    rare = made.edges[:-1] > 5
    assert made.counts.min() >= MIN_UNITS and made.counts[rare].sum() == 20 and rare.sum() >= 2


def test_automatic_ranges_cover_the_training_targets_too():
    found = arrays_of(np.linspace(0, 1, 50).tolist(), [-3.0, 7.0])
    assert (edges(found)[0], edges(found)[-1]) == (-3, 7)


def test_requested_ranges_carry_their_kind_and_imbalance():
    found = arrays_of([0, 1, 2, 3, 10])
    for kind, name in (("count", "equal width"), ("width", "equal width"), ("edges", "custom")):
        made = target_ranges(found, kind, 4, "0, 5, 20")
        assert made.kind == name and made.counts.sum() == 5 and made.imbalance_ratio >= 1
    assert "4 wide, as requested" in target_ranges(found, "width", 4).reason


@pytest.mark.parametrize(
    ("kind", "size", "own", "words"),
    [
        ("count", 0, "", "from 1 to 200"),
        ("automatic", 0, "", "from 1 to 200"),
        ("automatic", 201, "", "from 1 to 200"),
        ("log", 3, "", "needs targets above 0, and the lowest is 0"),
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
