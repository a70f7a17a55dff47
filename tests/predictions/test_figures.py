"""Tables of the report for reading."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.predictions import figures
from regcls.predictions.columns import Arrays
from regcls.predictions.figures import Figures
from regcls.predictions.ranges import target_ranges
from regcls.predictions.report import Report
from tests.helpers.prediction_report import make_report


def test_the_lowest_error_of_each_column_is_marked_and_rows_are_counted():
    table = figures.by_shot(make_report())
    assert table.header == ("Model", "Overall", "Balanced", "Many", "Medium", "Few")
    assert table.best == {(0, j) for j in range(1, 6)}
    assert table.rows[-1] == ("Rows", "400", "400", "234", "143", "23")


def test_errors_that_read_the_same_are_both_marked_and_a_single_model_is_not():
    y = np.arange(40.0)
    both = Report(Arrays(y, {"a": y + 1, "b": y + 1.00001}, np.arange(40)), np.array([0.0, 40]))
    assert {row for row, _ in figures.by_shot(both).best} == {0, 1}
    one = Report(Arrays(y, {"a": y + 1}, np.arange(40)), np.array([0.0, 40]))
    assert not figures.by_shot(one).best


def test_names_of_columns_are_shown_as_they_are():
    table = Figures(("Model",), (("a|b *c* <i>",),))
    assert r"a\|b \*c\* \<i\>" in table.markdown()
    assert "a|b *c* &lt;i&gt;" in table.html()


@pytest.mark.parametrize("high", [4, 30])
def test_automatic_ranges_of_integer_targets_end_at_integers(high):
    y = np.floor(high * np.random.default_rng(0).beta(1, 4, 400)) + 1
    found = Arrays(y, {"a": y + 0.5}, np.arange(400))
    made = target_ranges(found)
    assert (made.edges == np.round(made.edges)).all()
    assert np.bincount(Report(found, made).errors.range_of_sample).tolist() == made.counts.tolist()
