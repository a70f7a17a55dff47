"""regcls.io.numbers: numbers of every style in text columns, and columns without numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.io import numbers
from regcls.io.numbers import as_numbers
from regcls.io.tables import TableError

NUMBERS = {
    "points": (["1.5", "-2", "3e2"], [1.5, -2, 300], ""),
    "thousands": (["1,234.5", "2,000,000", "7"], [1234.5, 2e6, 7], "thousands separators"),
    "decimal commas": (["1,5", "1.234,25", "7"], [1.5, 1234.25, 7], "decimal points"),
    "spaces": (["1 234,5", "12\u00a0000,0", "3,25"], [1234.5, 12000, 3.25], "decimal points"),
    "ambiguous": (["1,234", "5,678"], [1234, 5678], "thousands separators"),
    "percent": (["50 %", "12.5%"], [0.5, 0.125], "percentages"),
    "gaps": (["1", "", None, "NA", "-"], [1, np.nan, np.nan, np.nan, np.nan], ""),
    "one word": (["1", "2", "3", "lost"], [1, 2, 3, np.nan], "1 values that are not numbers"),
}


@pytest.mark.parametrize(("texts", "values", "note"), NUMBERS.values(), ids=NUMBERS.keys())
def test_text_is_converted_to_numbers(texts, values, note):
    found, said = as_numbers(pd.Series(texts, name="y", dtype="string"))
    np.testing.assert_allclose(found, values)
    assert note in said and bool(said) == bool(note)


def test_numbers_stay_numbers():
    for values in ([1, 2], [1.5, np.nan], [True, False], pd.array([1, None], "Int64")):
        found, said = as_numbers(pd.Series(values, name="y"))
        assert found.dtype == np.float64 and said == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["red", "green"], "words such as 'red'"),
        (["2024-01-05", "2024-02-06"], "contains dates"),
        (["05/01/2024", "16.02.2024"], "contains dates"),
        (pd.to_datetime(["2024-01-05", "2024-02-06"]), "contains dates"),
        (["", None], "is empty"),
    ],
)
def test_columns_without_numbers_are_rejected_with_a_sentence(values, words):
    with pytest.raises(TableError, match=words):
        as_numbers(pd.Series(values, name="y"))


def test_values_that_are_not_finite_are_counted_in_a_note():
    good, said = numbers.finite(np.array([1, np.nan, np.inf, -np.inf]), "y")
    assert good.tolist() == [True, False, False, False]
    assert "Column y: 3 of 4 rows" in said and "1 missing" in said and "2 infinite" in said
    assert numbers.finite(np.array([1.0]), "y")[1] == ""
