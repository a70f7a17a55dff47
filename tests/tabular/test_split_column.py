"""A given split: how it is found and read, and that a comparison keeps it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.exceptions import UserError
from regcls.io.tables import Table
from regcls.tabular import columns, split_column
from regcls.tabular.fold import fit_fold
from regcls.tabular.plan import Plan
from regcls.tabular.records import plan_table
from tests.helpers.small_comparison import TINY, first_fold, small_table


def split_table(valid: bool = True) -> pd.DataFrame:
    """Rows 0 to 69 train, 70 to 89 choose (or train as well), 90 to 119 test."""
    words = np.repeat(["train", "val" if valid else "train", "test"], [70, 20, 30])
    return small_table().assign(split=words)


def split_plan(valid: bool = True) -> Plan:
    return Plan(columns.make_problem(split_table(valid), "y", split="split"), TINY)


def test_a_split_is_known_by_its_name_and_its_words():
    assert split_column.likely(split_table()) == "split"
    assert split_column.likely(split_table().rename(columns={"split": "kind2"})) is None
    numbered = split_table().assign(split=np.arange(120) % 3)
    assert split_column.likely(numbered) is None
    assert split_column.likely(small_table()) is None
    only_train = small_table().assign(split="train")
    assert split_column.likely(only_train) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train"] * 50 + ["holdout"] * 70, "row 51 has “holdout”"),
        (["train"] * 115 + ["test"] * 5, "has 115 rows to train and 5 to test"),
        (["test"] * 120, "has 0 rows to train and 120 to test"),
        (["train"] * 60 + [None] * 60, "row 61 has"),
    ],
)
def test_another_column_is_refused_with_its_first_wrong_row(words, message):
    with pytest.raises(UserError, match=message):
        columns.make_problem(small_table().assign(part=words), "y", split="part")


def test_only_test_rows_are_held_out_and_each_seed_trains_anew():
    plan = split_plan()
    assert plan.splits == [(seed, 0) for seed in range(5)]
    assert len(plan.train_y) == 90 and (plan.folds(0) == plan.folds(3)).all()
    assert "70 rows train, 20 choose settings, 30 are held out" in " ".join(plan.problem.notes)
    assert "split" not in [column.name for column in plan.problem.columns]
    first = first_fold(plan)
    assert first.test.tolist() == list(range(90, 120))
    assert first.constant == np.median(plan.problem.y[:90])
    other = fit_fold(plan, 1, 0)
    assert (first.predictions["reg"] != other.predictions["reg"]).any()


def test_validation_rows_choose_and_do_not_train():
    """Wild targets of the validation rows change which setting is chosen, never the training."""
    table = split_table()
    table.loc[70:89, "y"] = 1e6
    wild = Plan(columns.make_problem(table, "y", split="split"), TINY)
    assert np.abs(fit_fold(wild, 0, 0).predictions["ridge"]).max() < 100


def test_without_validation_rows_some_training_rows_choose():
    plan = split_plan(valid=False)
    assert "a fifth of them choose settings" in " ".join(plan.problem.notes)
    assert first_fold(plan).test.tolist() == list(range(90, 120))


def test_groups_are_held_out_whole_unless_a_split_is_asked_for():
    table = Table(split_table().assign(person=np.arange(120) // 4))
    grouped = plan_table(table, "t.csv", "y", "quick", "balanced", group="person")
    assert grouped.problem.parts is None and grouped.problem.groups is not None
    asked = plan_table(table, "t.csv", "y", "quick", "balanced", group="person", split="split")
    assert asked.problem.parts is not None
    assert plan_table(table, "t.csv", "y", "quick", "balanced").problem.parts is not None
    assert plan_table(table, "t.csv", "y", "quick", "balanced", split="").problem.parts is None
