"""What a table's columns are, what tells the answer, and tables that cannot be worked on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.tabular import columns, preprocessing
from regcls.tabular import plan as tabular_plan
from regcls.tabular.columns import AdviseError

N = 60


def table(**more) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    a = rng.normal(size=N)
    return pd.DataFrame(
        {"a": a, "kind": ["x", "y", "z"] * 20, "y": 3 * a + rng.normal(size=N)} | more
    )


def suspected(frame: pd.DataFrame) -> dict[str, bool]:
    return {s.column: s.certain for s in columns.problem(frame, "y").suspicions}


def test_numbers_and_categories_are_told_apart():
    found = columns.problem(table(), "y")
    assert [(c.name, c.kind) for c in found.columns] == [("a", "number"), ("kind", "category")]
    assert found.values.shape == (N, 2) and set(found.values[:, 1]) == {0, 1, 2}
    assert not found.notes and not found.suspicions


def test_text_numbers_count_as_numbers():
    text = [f"{1000 + i * 37:,}" for i in range(N)]
    found = columns.problem(table(price=text), "price")
    assert found.y.tolist() == [1000 + i * 37 for i in range(N)]


@pytest.mark.parametrize(
    ("target", "values", "reason"),
    [
        ("kind", None, "does not hold numbers"),
        ("nowhere", None, "there is no column"),
        ("flat", [7.0] * N, "is 7 in every row"),
        ("day", pd.date_range("2020-01-01", periods=N), "holds dates"),
        ("day", [f"2020-01-{1 + i % 28:02d}" for i in range(N)], "holds dates"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_told(target, values, reason):
    frame = table() if values is None else table(**{target: values})
    with pytest.raises(AdviseError, match=reason):
        columns.problem(frame, target)


def test_missing_and_infinite_values_are_counted_and_named():
    frame = table()
    frame.loc[0, "y"], frame.loc[1, "y"] = np.nan, np.inf
    frame.loc[[2, 3], "a"] = np.nan, -np.inf
    found = columns.problem(frame, "y")
    assert len(found.y) == N - 2 and found.rows[0] == 2
    assert any(note.startswith("2 rows have no finite target") for note in found.notes)
    assert any("“a” has 1 infinite" in note for note in found.notes)
    assert np.isnan(found.values[:2, 0]).all()


def test_what_no_network_can_use_is_left_out_with_a_word():
    frame = table(
        same=[1] * N,
        day=pd.date_range("2020-01-01", periods=N),
        name=[f"person {i}" for i in range(N)],
        lists=[[1, 2]] * N,
        empty=[np.nan] * N,
    )
    found = columns.problem(frame, "y")
    assert [c.name for c in found.columns] == ["a", "kind"]
    for name in ("same", "day", "name", "lists", "empty"):
        assert any(f"“{name}”" in note for note in found.notes), name


def test_columns_of_one_name_are_all_kept():
    frame = table().rename(columns={"kind": "a"})
    found = columns.problem(frame, "y")
    assert [c.name for c in found.columns] == ["a", "a (2)"]
    assert "is now “a (2)”" in found.notes[0]


def test_columns_that_tell_the_answer_are_pointed_out():
    y = table()["y"]
    order = y.rank()
    assert suspected(table(row_id=range(N))) == {"row_id": True}
    assert suspected(table(copy=y)) == {"copy": True}
    assert suspected(table(curve=np.exp(-y))) == {"curve": True}
    # Ranks that change places three by three: rank correlation 1 − 6 · 20 · 8 / (60 · 3599).
    near = order + 2 * (order % 3 == 1) - 2 * (order % 3 == 0)
    assert suspected(table(near=near)) == {"near": False}
    coarse = table()
    coarse["y"] = (coarse["y"] * 2).round()
    coarse["label"] = "grade " + coarse["y"].astype(str)
    assert suspected(coarse) == {"label": True}


def test_suspected_columns_stay_out_unless_put_back():
    frame = table(copy=table()["y"])
    assert "copy" not in [c.name for c in columns.problem(frame, "y").columns]
    assert "copy" in [c.name for c in columns.problem(frame, "y", leave_out=()).columns]


def test_nothing_to_learn_from_is_told():
    with pytest.raises(AdviseError, match="no column is left"):
        columns.problem(table(), "y", leave_out=("a", "kind"))


def test_too_few_rows_are_told():
    found = columns.problem(table().head(3), "y", leave_out=())
    with pytest.raises(AdviseError, match=r"at least 50 rows.* has 3"):
        tabular_plan.Plan(found, tabular_plan.BUDGETS["quick"])


def test_groups_must_be_enough_and_stay_together():
    frame = table(person=[i // 5 for i in range(N)])
    plan = tabular_plan.Plan(
        columns.problem(frame, "y", group="person"), tabular_plan.BUDGETS["quick"]
    )
    folds = plan.folds(0).reshape(-1, 5)
    assert (folds == folds[:, :1]).all() and set(folds.ravel()) == set(range(5))
    frame["person"] = [i // 20 for i in range(N)]
    with pytest.raises(AdviseError, match="at least 10 values, and has 3"):
        tabular_plan.Plan(
            columns.problem(frame, "y", group="person"), tabular_plan.BUDGETS["quick"]
        )


def test_new_rows_are_coded_alike():
    found = columns.problem(table(), "y")
    new = pd.DataFrame({"kind": ["y", "never seen", None], "a": [1.5, np.inf, "2"]})
    codes = columns.encode(new, found.columns)
    level = found.columns[1].levels.index("y")
    assert codes[:, 1].tolist() == [level, 3, 3]
    assert codes[0, 0] == 1.5 and np.isnan(codes[1, 0]) and codes[2, 0] == 2
    with pytest.raises(AdviseError, match="lack the column “kind”"):
        columns.encode(new[["a"]], found.columns)


def test_preparation_by_hand():
    """One number with a gap, one category: scaled, flagged, one-hot."""
    named = (columns.Column("a", "number"), columns.Column("k", "category", ("p", "q")))
    values = np.array([[0.0, 0], [2.0, 1], [np.nan, 0], [1.0, 1], [1.0, 0], [1.0, 1]])
    fitted = preprocessing.fit(named, values, np.arange(6.0))
    got = preprocessing.inputs(fitted, np.array([[1.0, 0], [np.nan, 2], [99.0, 1]]))
    # Median and mean are 1: a gap is 0; 99 is cut at 5. Unknown categories are neither p nor q.
    assert got[:, 0].tolist() == [0, 0, 5]
    assert got[:, 1].tolist() == [0, 1, 0]
    assert got[:, 2:].tolist() == [[1, 0], [0, 0], [0, 1]]


def test_five_thousand_columns_become_the_three_hundred_strongest():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 5000))
    named = tuple(columns.Column(f"c{i}", "number") for i in range(5000))
    fitted = preprocessing.fit(named, values, 10 * values[:, 4321] + rng.normal(size=80))
    assert preprocessing.inputs(fitted, values).shape == (80, columns.MOST_INPUTS)
    assert fitted[2].get_support()[4321]
    frame = pd.DataFrame(values, columns=[c.name for c in named]).assign(y=values[:, 1])
    assert "Of 4,999 columns the 300" in columns.problem(frame, "y").notes[-1]


def test_ranges_of_a_skewed_target_all_hold_rows():
    y = np.exp(np.random.default_rng(0).normal(size=500) * 2)
    edges = tabular_plan.range_edges(y)
    counts = np.histogram(y, edges)[0]
    assert counts.sum() == 500 and counts.min() >= tabular_plan.LEAST_IN_RANGE
    assert (edges[0], edges[-1]) == (y.min(), y.max()) and len(counts) >= 2


def test_folds_share_every_part_of_the_target():
    y = np.random.default_rng(0).permutation(100).astype(float)
    folds = tabular_plan.deal(y, None, 5, seed=1)
    for low in range(0, 100, 20):
        assert np.bincount(folds[(y >= low) & (y < low + 20)]).tolist() == [4] * 5


def test_score_weights_add_up_to_both_errors():
    which = np.array([0, 0, 0, 2])
    assert tabular_plan.score_weights(which, "overall").tolist() == [0.25] * 4
    assert tabular_plan.score_weights(which, "balanced").tolist() == pytest.approx(
        [1 / 6] * 3 + [0.5]
    )
