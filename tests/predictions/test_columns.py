"""Columns of a table of predictions as arrays: what is left out is counted, with an example."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.io.reading import TableError
from regcls.predictions.columns import Columns, Training, arrays
from regcls.predictions.detection import detect
from regcls.predictions.interval_columns import IntervalColumns
from tests.helpers.made_tables import table

BAD = {
    "no numbers": (
        pd.DataFrame({"a": ["x", "y"], "b": ["u", "v"]}),
        None,
        "at least one prediction",
    ),
    "one column": (pd.DataFrame({"y": [1.0, 2.0]}), None, "at least one prediction"),
    "constant": (
        pd.DataFrame({"y": [1.0, 1.0], "p": [1.0, 2.0]}),
        Columns("y", ("p",)),
        "values must differ",
    ),
    "no row": (
        pd.DataFrame({"y": [1.0, np.nan], "p": [np.nan, 2.0]}),
        Columns("y", ("p",)),
        "no row has a number",
    ),
    "unknown": (table(), Columns("age", ("none",)), "no column 'none'"),
    "no models": (table(), Columns("age", ()), "at least one column of predictions"),
    "itself": (table(), Columns("age", ("age",)), "cannot be both"),
    "words": (table(), Columns("age", ("site",)), "contains words"),
    "dates": (
        table().assign(day=pd.Timestamp("2024-01-01")),
        Columns("day", ("pred_good",)),
        "contains dates",
    ),
}


@pytest.mark.parametrize(("frame", "columns", "words"), BAD.values(), ids=BAD.keys())
def test_an_invalid_table_is_refused_with_a_reason(frame, columns, words):
    with pytest.raises(TableError, match=words):
        arrays(frame, columns or detect(frame))


def test_rows_without_numbers_are_left_out_and_counted():
    frame = table(10)
    frame.loc[2, "age"], frame.loc[5, "pred_good"] = np.nan, np.inf
    found = arrays(frame, Columns("age", ("pred_good",)))
    assert len(found.y) == 8 and found.rows.tolist() == [1, 2, 4, 5, 7, 8, 9, 10]
    assert found.notes == (
        "Column age: 1 of 10 rows left out: 1 missing, such as row 3 (no number).",
        "Column pred_good: 1 of 10 rows left out: 1 infinite, such as row 6 (inf).",
    )


def test_a_note_quotes_the_cell_of_its_example():
    frame = table(10).astype({"pred_good": object})
    frame.loc[7, "pred_good"] = "failed"
    (*_, note) = arrays(frame, Columns("age", ("pred_good",))).notes
    assert note.endswith("1 of 10 rows left out: 1 missing, such as row 8 ('failed').")


def test_without_a_complete_row_the_error_counts_what_there_is():
    frame = pd.DataFrame({"y": [1.0, 2.0, np.nan], "p": [np.nan, np.nan, 2.0]})
    with pytest.raises(TableError, match="rows with one: y 2, p 1"):
        arrays(frame, Columns("y", ("p",)))


def marked(column: str, rows: int = 40) -> pd.DataFrame:
    frame = table(rows)
    frame.loc[[3, 20], column] = -999.0
    return frame


@pytest.mark.parametrize("column", ["age", "pred_good"])
def test_a_missing_mark_is_named_and_left_out_on_request_only(column):
    columns = Columns("age", ("pred_good",))
    found = arrays(marked(column), columns)
    assert len(found.y) == 40 and [m.column for m in found.marks] == [column]
    assert found.marks[0].sentence.startswith(
        f"−999 occurs in 2 of 40 rows of {column} (first in row 4), far outside the other values ("
    )
    cleaned = arrays(marked(column), columns, missing=[(column, -999.0)])
    assert len(cleaned.y) == 38 and cleaned.marks == ()
    assert cleaned.notes == (
        f"Column {column}: 2 of 40 rows left out: 2 marked as missing, such as row 4 (-999.0).",
    )
    assert len(arrays(marked(column), columns, missing=[("id", -999.0)]).y) == 40
    assert len(arrays(marked(column), columns, missing=[("", -999.0)]).y) == 38


def test_a_mark_is_recognised_in_the_precision_of_its_column():
    frame = table(40).astype({"pred_good": np.float32})
    frame.loc[[1, 2], "pred_good"] = np.float32(-999.9)
    columns = Columns("age", ("pred_good",))
    assert arrays(frame, columns).marks[0].text == "−999.9"
    assert len(arrays(frame, columns, missing=[("", -999.9)]).y) == 38


@pytest.mark.parametrize("own_file", [False, True])
def test_training_targets_are_treated_like_targets(own_file):
    values = np.r_[np.linspace(1, 50, 37), np.nan, np.inf, -999, -999]
    frame = table(41).assign(y_train=values)
    train = Training(values, "y_train") if own_file else None
    columns = Columns("age", ("pred_good",), None if own_file else "y_train")
    found = arrays(frame, columns, train)
    assert len(found.train) == 39 and [m.value for m in found.marks] == [-999]
    assert (
        "Column y_train: 2 of 41 training targets left out: 1 missing, such as row 38"
        in (found.notes[0])
    )
    cleaned = arrays(frame, columns, train, missing=[("y_train", -999.0)])
    assert len(cleaned.train) == 37 and len(cleaned.y) == 41 and cleaned.marks == ()


def test_limits_of_intervals_are_read_and_counted():
    frame = table(10).assign(low=0.0, high=100.0, std=2.0)
    frame.loc[0, "low"], frame.loc[1, "low"] = np.nan, 200.0
    frame.loc[2, "std"] = -1.0
    one = IntervalColumns("low", "high", model="pred_good")
    two = IntervalColumns(std="std", level=0.6827, model="pred_poor")
    found = arrays(frame, Columns("age", ("pred_good", "pred_poor"), intervals=(one, two)))
    assert len(found.y) == 10 and np.isnan(found.intervals["pred_good"].lower[0])
    reach = found.intervals["pred_poor"].upper - found.predictions["pred_poor"]
    assert np.isnan(reach[2]) and reach[3] == pytest.approx(2, rel=1e-3)
    assert [note.split(": ", 1)[1] for note in found.notes] == [
        "1 of 10 rows without an interval: 1 missing, such as row 1 (no number).",
        "1 of 10 rows with an empty interval: 1 above high, such as row 2 (200.0).",
        "1 of 10 rows without an interval: 1 negative, such as row 3 (-1.0).",
    ]


def test_an_interval_needs_its_model_and_its_columns():
    for interval, words in (
        (IntervalColumns(std="none", model="pred_good"), "no column 'none'"),
        (IntervalColumns(std="id", model="other"), "has no model"),
    ):
        with pytest.raises(TableError, match=words):
            arrays(table(), Columns("age", ("pred_good",), intervals=(interval,)))


def test_the_summary_names_every_role():
    columns = Columns(
        "y_true",
        ("reg", "reg+cls"),
        "train",
        "site",
        "clip",
        (
            IntervalColumns(std="reg_std", model="reg"),
            IntervalColumns("a", "b", "", 0.9, "names", "reg+cls"),
        ),
    )
    assert columns.summary == (
        "y_true is the target; reg and reg+cls are predictions; reg_std is the standard deviation of "
        "reg (nominal level 95%: ± 1.96 standard deviations); a and b are the interval of reg+cls "
        "(nominal level 90%); train is the training target; site is the segment; clip is the group."
    )
    assert columns.to_dict()["intervals"][0]["std"] == "reg_std"
