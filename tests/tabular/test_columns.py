"""Column types, columns that leak the target, unusable tables, and the coding of new rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.exceptions import UserError
from regcls.tabular import columns

N = 60


def table(**more: object) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    a = rng.normal(size=N)
    return pd.DataFrame(
        {"a": a, "kind": ["x", "y", "z"] * 20, "y": 3 * a + rng.normal(size=N)} | more
    )


def suspected(frame: pd.DataFrame) -> dict[str, bool]:
    return {s.column: s.certain for s in columns.make_problem(frame, "y").suspicions}


def test_column_types_are_detected():
    found = columns.make_problem(table(), "y")
    assert [(c.name, c.kind) for c in found.columns] == [("a", "number"), ("kind", "category")]
    assert found.values.shape == (N, 2) and set(found.values[:, 1]) == {0, 1, 2}
    assert not found.notes and not found.suspicions


def test_numbers_as_text_are_numbers():
    text = [f"{1000.5 + i * 37:,}" for i in range(N)]
    found = columns.make_problem(table(price=text), "price")
    assert found.y.tolist() == [1000.5 + i * 37 for i in range(N)]


def test_a_target_of_unclear_decimal_mark_is_refused_with_both_meanings():
    text = [f"{1000 + i * 37:,}" for i in range(N)]
    with pytest.raises(UserError, match=r"1,000 can be 1 .* or 1000 .*choose the decimal mark"):
        columns.make_problem(table(price=text), "price")


@pytest.mark.parametrize(
    ("target", "values", "reason"),
    [
        ("kind", None, "contains words such as 'x'"),
        ("nowhere", None, "there is no column"),
        ("flat", [7.0] * N, "is 7 in every row"),
        ("day", pd.date_range("2020-01-01", periods=N), "contains dates"),
        ("day", [f"2020-01-{1 + i % 28:02d}" for i in range(N)], "contains dates"),
    ],
)
def test_an_unusable_target_is_refused(target, values, reason):
    frame = table() if values is None else table(**{target: values})
    with pytest.raises(UserError, match=reason):
        columns.make_problem(frame, target)


def test_missing_and_infinite_values_are_noted():
    frame = table()
    frame.loc[0, "y"], frame.loc[1, "y"] = np.nan, np.inf
    frame.loc[[2, 3], "a"] = np.nan, -np.inf
    found = columns.make_problem(frame, "y")
    assert len(found.y) == N - 2 and found.rows[0] == 2
    assert any(note.startswith("2 rows have no finite target") for note in found.notes)
    assert any("“a” has 1 infinite" in note for note in found.notes)
    assert np.isnan(found.values[:2, 0]).all()


def test_unusable_columns_are_left_out_with_a_note():
    frame = table(
        same=[1] * N,
        day=pd.date_range("2020-01-01", periods=N),
        name=[f"person {i}" for i in range(N)],
        lists=[[1, 2]] * N,
        empty=[np.nan] * N,
    )
    found = columns.make_problem(frame, "y")
    assert [c.name for c in found.columns] == ["a", "kind"]
    for name in ("same", "day", "name", "lists", "empty"):
        assert any(f"“{name}”" in note for note in found.notes), name


def test_columns_with_the_same_name_are_all_kept():
    frame = table().rename(columns={"kind": "a"})
    found = columns.make_problem(frame, "y")
    assert [c.name for c in found.columns] == ["a", "a (2)"]
    assert "renamed “a (2)”" in found.notes[0]


def test_columns_that_leak_the_target_are_found():
    y = table()["y"]
    order = y.rank()
    assert suspected(table(row_id=range(N))) == {"row_id": True}
    assert suspected(table(copy=y)) == {"copy": True}
    assert suspected(table(curve=np.exp(-y))) == {"curve": True}
    # Ranks permuted in groups of three: rank correlation 1 − 6 · 20 · 8 / (60 · 3599).
    near = order + 2 * (order % 3 == 1) - 2 * (order % 3 == 0)
    assert suspected(table(near=near)) == {"near": False}
    coarse = table()
    coarse["y"] = (coarse["y"] * 2).round()
    coarse["label"] = "grade " + coarse["y"].astype(str)
    assert suspected(coarse) == {"label": True}


def test_leaking_columns_are_left_out_unless_included():
    frame = table(copy=table()["y"])
    assert "copy" not in [c.name for c in columns.make_problem(frame, "y").columns]
    assert "copy" in [c.name for c in columns.make_problem(frame, "y", leave_out=()).columns]


def test_a_table_without_usable_columns_is_refused():
    with pytest.raises(UserError, match="no column is left"):
        columns.make_problem(table(), "y", leave_out=("a", "kind"))


def test_new_rows_are_coded_like_the_training_table():
    found = columns.make_problem(table(), "y")
    new = pd.DataFrame({"kind": ["y", "never seen", None], "a": [1.5, np.inf, "2"]})
    codes = columns.encode(new, found.columns)
    level = found.columns[1].levels.index("y")
    assert codes[:, 1].tolist() == [level, 3, 3]
    assert codes[0, 0] == 1.5 and np.isnan(codes[1, 0]) and codes[2, 0] == 2
    with pytest.raises(UserError, match="lack the column “kind”"):
        columns.encode(new[["a"]], found.columns)
    with pytest.raises(UserError, match=r"do not fit .* 1,234 can be 1\.234 .* or 1234"):
        columns.encode(new.assign(a=["1,234", "5,678", "2"]), found.columns)
