"""The guess of the target column: names, values and places."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.tabular import samples
from regcls.tabular.targets import possible_targets

N = 200
RNG = np.random.default_rng(0)
CONTINUOUS = RNG.normal(size=N)
ROOMS = RNG.integers(1, 8, N)


def guess(**columns: object) -> str:
    return possible_targets(pd.DataFrame(columns))[0].column


def test_a_price_before_a_number_of_rooms_is_the_target():
    assert guess(price=CONTINUOUS, area=CONTINUOUS + 1, rooms=ROOMS) == "price"
    assert guess(price=RNG.integers(1000, 9000, N), rooms=ROOMS) == "price"


@pytest.mark.parametrize("name", ["rooms", "overall_condition", "x9"])
def test_few_integers_are_never_the_target_where_there_is_a_better_column(name):
    assert guess(**{"width": CONTINUOUS, name: ROOMS}) == "width"
    assert guess(**{name: ROOMS, "longitude": CONTINUOUS, "width": CONTINUOUS + 2}) == "width"
    assert guess(**{name: ROOMS}) == name


def test_without_names_the_last_column_of_numbers_is_the_target():
    found = possible_targets(pd.DataFrame({"a": CONTINUOUS, "b": CONTINUOUS, "c": ["x"] * N}))
    assert [(f.column, f.reason) for f in found] == [
        ("b", "as the last column of numbers"),
        ("a", "by its values"),
    ]


def test_what_identifies_or_places_a_row_is_not_the_target():
    frame = {"size": CONTINUOUS, "row": np.arange(N), "year": 1900 + np.arange(N) % 90}
    assert guess(**frame) == "size"
    assert guess(length=CONTINUOUS, counter=np.arange(N)) == "length"


@pytest.mark.parametrize("name", ["y", "Target", "house_value", "medianHouseValue", "y_true"])
def test_a_name_decides_wherever_the_column_is(name):
    assert guess(**{name: CONTINUOUS, "a": CONTINUOUS, "b": CONTINUOUS}) == name


@pytest.mark.parametrize("name", ["diabetes", "tips"])
def test_the_target_of_a_sample_is_found(name):
    assert possible_targets(samples.load(name))[0].column == samples.SAMPLES[name].target


def test_words_and_constants_are_no_targets():
    frame = pd.DataFrame({"a": ["x", "y"], "b": [1, 2], "c": [3, 3]})
    assert [found.column for found in possible_targets(frame)] == ["b"]
    assert possible_targets(frame[["a", "c"]]) == []
