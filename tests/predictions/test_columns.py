"""Column roles of a table of predictions, and its columns as arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.io.tables import TableError
from regcls.predictions.columns import Columns, arrays, detect, training_targets
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers.made_tables import table


def test_column_roles_are_detected_from_names_and_correlations():
    frame = table().rename(columns={"age": "y_true"})
    found = detect(frame)
    assert found == Columns("y_true", ("pred_good", "pred_poor"), None, "site")
    blind = frame.rename(columns={"pred_good": "a", "pred_poor": "b"})
    assert detect(blind).models == ("a", "b")  # the id is not correlated with the target


def test_training_targets_are_found_in_the_same_table():
    frame = table().assign(y_train=1.0)
    assert detect(frame).train == "y_train"


def test_column_roles_of_shipped_predictions():
    for task in ("age", "depth", "progress"):
        path = MODELS_FOLDER / task / "test_predictions.parquet"
        found = detect(pd.read_parquet(path))
        assert found.target == "y_true" and {"reg", "regcls"} <= set(found.models)


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
    assert found.notes[0].startswith("Column age: 1 of") and "(1 missing)" in found.notes[0]
    assert found.notes[1].startswith("Column pred_good: 1 of") and "(1 infinite)" in found.notes[1]


def test_training_targets_of_another_file():
    frame = pd.DataFrame({"age": [1.0, np.nan, 3.0], "note": ["a", "b", "c"]})
    assert training_targets(frame, "train.csv", "age").tolist() == [1, 3]
    with pytest.raises(TableError, match=r"train\.csv needs a column called y"):
        training_targets(pd.DataFrame({"a": [1.0], "b": [2.0]}), "train.csv", "y")
