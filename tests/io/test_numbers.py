"""regcls.io.numbers: numbers of every style in text columns, and columns without numbers."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from regcls.io import numbers, numerals
from regcls.io.numbers import as_numbers
from regcls.io.reading import TableError

NUMBERS = {
    "points": (["1.5", "-2", "3e2"], [1.5, -2, 300], ""),
    "thousands": (["1,234.5", "2,000,000", "7"], [1234.5, 2e6, 7], ""),
    "decimal commas": (["1,5", "1.234,25", "7"], [1.5, 1234.25, 7], ""),
    "spaces": (["1 234,5", "12\u00a0000,0", "3,25"], [1234.5, 12000, 3.25], ""),
    "lists": (["[1.5]", "array([2])"], [1.5, 2], "2 cells in brackets read as a number"),
    "percent": (["50 %", "12.5%"], [0.5, 0.125], "percentages"),
    "gaps": (["1", "", None, "NA", "-"], [1, np.nan, np.nan, np.nan, np.nan], ""),
    "one word": (
        ["1", "2", "3", "lost"],
        [1, 2, 3, np.nan],
        "1 cell that is not a number counts as missing",
    ),
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
        (["1,234", "5,678"], r"1,234 can be 1\.234 \(decimal comma\) or 1234"),
        (["1,5", "2.5"], r"decimal point \(2\.5, row 2\) and with a decimal comma \(1,5, row 1\)"),
        (["[1, 2]", "[3, 4]"], "contains lists such as"),
        (["5%", "0.5"], "with a percent sign"),
    ],
)
def test_columns_without_numbers_are_rejected_with_a_sentence(values, words):
    with pytest.raises(TableError, match=words):
        as_numbers(pd.Series(values, name="y"))


def test_values_that_are_not_finite_are_counted_in_a_note():
    good, said = numbers.finite(np.array([1, np.nan, np.inf, -np.inf]), "y")
    assert good.tolist() == [True, False, False, False]
    assert said == (
        "Column y: 3 of 4 rows left out (1 missing, first in row 2; 2 infinite, first in row 3)."
    )
    assert numbers.finite(np.array([1.0]), "y")[1] == ""


def test_the_decimal_mark_can_be_given():
    column = pd.Series(["1,234", "5,678"], name="y")
    assert as_numbers(column, "comma")[0].tolist() == [1.234, 5.678]
    assert as_numbers(column, "point")[0].tolist() == [1234, 5678]
    with pytest.raises(TableError, match=r"'1\.5' is not a number with a decimal comma"):
        as_numbers(pd.Series(["1.5", "2.5"], name="y"), "comma")


def test_numbers_among_text_have_a_decimal_point_whatever_the_text_has():
    column = pd.Series(
        ["1,5", 2.125, Decimal("3.5"), [4.25], np.array([5]), None, 10**18], name="y"
    )
    found, _ = as_numbers(column)
    np.testing.assert_array_equal(found, [1.5, 2.125, 3.5, 4.25, 5, np.nan, 1e18])


SAME_KIND = [
    *("1,5", "1,234", "1.234", "0,512", "1,234.5", "12,34,567", "1'234.5", "−2", "–5", "—", "5-"),
    *(
        "(1.5)",
        "(-1)",
        "12%",
        "12 ％",
        "$5",
        "12.5 kg",
        "1e5",
        "1e−5",
        "inf",
        "-∞",
        "[1.2]",
        "[1,2]",
    ),
    *("tensor([[1.2]], device='cuda:0', grad_fn=<AddBackward0>)", "np.float64(1.2)", "(1.2,)"),
    *(
        "N/A",
        "#DIV/0!",
        "",
        "5²",
        "½",
        "1_000",
        "0x10",
        "05.01.2024",
        "1.234.567",
        "1,",
        "1.",
        ".5",
    ),
]


def test_single_cells_and_columns_have_the_same_kinds():
    columns = numerals.analysed(pa.array(SAME_KIND)).kind.tolist()
    assert dict(zip(SAME_KIND, columns, strict=True)) == dict(
        zip(SAME_KIND, numerals.kinds(SAME_KIND), strict=True)
    )


@pytest.mark.parametrize(
    "cell",
    [
        "5-",
        "(-1)",
        "$5",
        "12.5 kg",
        "[1,2]",
        "5²",
        "½",
        "1_000",
        "0x10",
        "05.01.2024",
        "1,",
        "1,23,45",
    ],
)
def test_cells_that_only_look_like_numbers_are_words(cell):
    assert numerals.kinds([cell]) == [numerals.WORD]
