"""Tables with one row per sample and model: matched rows, and a count of all others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.io.reading import TableError
from regcls.predictions.columns import Columns, arrays
from regcls.predictions.long_format import LongFormat, pivot

LONG = LongFormat("model", "pred", "y", ("id",))


def made(models: int = 2, rows: int = 5) -> pd.DataFrame:
    y = np.arange(rows, dtype=float)
    return pd.concat(
        [
            pd.DataFrame({"model": f"m{k}", "id": np.arange(rows), "y": y, "pred": y + k})
            for k in range(models)
        ],
        ignore_index=True,
    )


def test_rows_without_a_partner_are_counted_with_an_example():
    wide = pivot(made().drop(index=[7]).reset_index(drop=True), LONG)
    assert wide.frame["id"].tolist() == [0, 1, 3, 4]
    assert wide.notes == (
        "1 of 9 rows left out: their sample does not have a row of every model, such as row 3 "
        "(model m0, id 2).",
    )


def test_of_repeated_rows_the_first_is_used():
    frame = pd.concat([made(), made().iloc[[3]].assign(pred=99.0)], ignore_index=True)
    wide = pivot(frame, LONG)
    assert wide.frame["m0"].tolist() == [0, 1, 2, 3, 4]
    assert wide.notes[0].startswith("1 of 11 rows left out: their sample occurs before")
    assert "such as row 11 (model m0, id 3)" in wide.notes[0]


def test_samples_with_different_targets_are_left_out_or_refused():
    frame = made()
    frame.loc[1, "y"] = 7.0
    wide = pivot(frame, LONG)
    assert len(wide.frame) == 4 and wide.notes == (
        "1 of 5 samples left out: their targets differ between models (rows 2 and 7: y is 1 and 7).",
    )
    frame.loc[:2, "y"] = 7.0
    with pytest.raises(TableError, match="differ in 3 of 5 samples"):
        pivot(frame, LONG)


def test_only_the_first_eight_models_are_compared():
    wide = pivot(made(10), LONG)
    assert wide.models == tuple(f"m{k}" for k in range(8))
    assert wide.notes == ("The first 8 models of model are compared; left out: m8, m9.",)


def test_rows_without_a_model_are_counted():
    frame = made()
    frame.loc[9, "model"] = None
    assert pivot(frame, LONG).notes[0] == (
        "1 of 10 rows left out: model is empty, such as in row 10."
    )


def test_names_of_models_do_not_hide_other_columns():
    frame = made().replace({"model": {"m0": "y", "m1": "id"}})
    wide = pivot(frame, LONG)
    assert wide.models == ("y (model)", "id (model)") and "y" in wide.frame
    numbers = made().replace({"model": {"m0": 1, "m1": 2}})
    assert pivot(numbers, LONG).models == ("model 1", "model 2")


def test_notes_and_the_worst_rows_have_the_numbers_of_the_long_table():
    frame = made().sample(frac=1, random_state=3).reset_index(drop=True)
    broken = int(np.flatnonzero((frame["model"] == "m1") & (frame["id"] == 2))[0])
    frame.loc[broken, "pred"] = np.nan
    wide = pivot(frame, LONG)
    found = arrays(wide.frame, Columns("y", wide.models, long=LONG), rows=wide.rows)
    assert f"such as row {broken + 1} (no number)" in found.notes[0]
    first = frame[frame["model"] == wide.models[0]]
    assert set(found.rows) == set(first.index[first["id"] != 2] + 1)


@pytest.mark.parametrize(
    ("frame", "long", "words"),
    [
        (made(), LongFormat("none", "pred", "y"), "no column 'none'"),
        (made(), LongFormat("model", "y", "y"), "must differ"),
        (made(1), LONG, "has 1 different values"),
        (made().assign(id=np.arange(10)), LONG, "no sample has a row of every model"),
    ],
)
def test_unsuitable_columns_are_refused_with_a_reason(frame, long, words):
    with pytest.raises(TableError, match=words):
        pivot(frame, long)
