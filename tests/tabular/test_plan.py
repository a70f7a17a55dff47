"""The plan of a comparison: least rows and groups, target ranges, folds and score weights."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.exceptions import UserError
from regcls.tabular import columns
from regcls.tabular import plan as tabular_plan
from regcls.tabular.plan import BUDGETS, Plan
from regcls.utils import pace
from tests.helpers.small_comparison import small_table


def test_too_few_rows_are_refused():
    found = columns.make_problem(small_table(3), "y", leave_out=())
    with pytest.raises(UserError, match=r"at least 50 rows.* has 3"):
        Plan(found, BUDGETS["quick"])


def test_an_unknown_goal_is_refused():
    found = columns.make_problem(small_table(60), "y")
    with pytest.raises(UserError, match="one of balanced, overall"):
        Plan(found, BUDGETS["quick"], "median")


def grouped(size: int) -> Plan:
    """Return the plan for 60 rows in groups of ``size`` rows."""
    frame = small_table(60).assign(person=[i // size for i in range(60)])
    return Plan(columns.make_problem(frame, "y", group="person"), BUDGETS["quick"])


def test_groups_stay_together():
    folds = grouped(5).folds(0).reshape(-1, 5)
    assert (folds == folds[:, :1]).all() and set(folds.ravel()) == set(range(5))


def test_too_few_groups_are_refused():
    with pytest.raises(UserError, match="at least 10 values, and has 3"):
        grouped(20)


def test_ranges_of_a_skewed_target_all_have_rows():
    y = np.exp(np.random.default_rng(0).normal(size=500) * 2)
    edges = tabular_plan.range_edges(y)
    counts = np.histogram(y, edges)[0]
    assert counts.sum() == 500 and counts.min() >= tabular_plan.MIN_ROWS_PER_RANGE
    assert (edges[0], edges[-1]) == (y.min(), y.max()) and len(counts) >= 2


def test_the_rare_part_of_a_target_is_several_ranges_with_rows_in_every_fold():
    rng = np.random.default_rng(0)
    y = np.concatenate((rng.normal(0, 1, 2000), rng.uniform(50, 90, 20)))
    edges = tabular_plan.range_edges(y)
    rare = np.histogram(y, edges)[0][edges[:-1] > 5]
    assert len(edges) == tabular_plan.RANGES + 1 and len(rare) >= 2 and rare.sum() == 20
    folds = tabular_plan.assign_folds(y, None, tabular_plan.FOLDS, seed=0)
    index = np.searchsorted(edges[1:-1], y, side="right")
    for fold in range(tabular_plan.FOLDS):
        assert np.bincount(index[folds != fold], minlength=len(edges) - 1).min() >= 3


def test_the_number_of_ranges_can_be_chosen_and_their_choice_is_explained():
    problem = columns.make_problem(small_table(400), "y")
    plan = Plan(problem, BUDGETS["quick"], ranges=4)
    assert len(plan.edges) == 5 and plan.target_ranges.kind == "quantiles, tails split"
    assert "with 4 ranges of equal width" in plan.target_ranges.reason
    assert np.bincount(plan.range_index).tolist() == plan.target_ranges.counts.tolist()
    with pytest.raises(UserError, match="from 1 to 50, not 0"):
        Plan(problem, BUDGETS["quick"], ranges=0)


def test_folds_are_stratified_by_the_target():
    y = np.random.default_rng(0).permutation(100).astype(float)
    folds = tabular_plan.assign_folds(y, None, 5, seed=1)
    for low in range(0, 100, 20):
        assert np.bincount(folds[(y >= low) & (y < low + 20)]).tolist() == [4] * 5


def test_score_weights_add_up_to_both_errors():
    range_index = np.array([0, 0, 0, 2])
    assert tabular_plan.score_weights(range_index, "overall").tolist() == [0.25] * 4
    assert tabular_plan.score_weights(range_index, "balanced").tolist() == pytest.approx(
        [1 / 6] * 3 + [0.5]
    )


@pytest.mark.parametrize("high", [3, 9, 40, 3000])
def test_ranges_of_an_integer_target_end_at_integers(high):
    rng = np.random.default_rng(0)
    y = np.floor(high * rng.beta(1, 4, 600)) + 1
    problem = columns.make_problem(small_table(600).assign(y=y), "y")
    plan = Plan(problem, BUDGETS["quick"])
    assert (plan.edges == np.round(plan.edges)).all() and (np.diff(plan.edges) > 0).all()
    counts = np.bincount(plan.range_index, minlength=len(plan.edges) - 1)
    assert counts.tolist() == plan.target_ranges.counts.tolist() and counts.min() >= 5
    assert plan.edges[0] <= y.min() and y.max() <= plan.edges[-1]


def test_the_estimate_follows_what_the_machine_has_shown(monkeypatch, tmp_path):
    monkeypatch.setenv(pace.PACE, str(tmp_path / "pace.json"))
    plan = Plan(columns.make_problem(small_table(200), "y"), BUDGETS["quick"])
    assert plan.seconds == plan.estimated
    pace.record(tabular_plan.PACE, plan.estimated, 4 * plan.estimated)
    assert plan.seconds == pytest.approx(4 * plan.estimated)
