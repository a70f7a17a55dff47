"""One fold: no leak from held-out targets, and the search on a part of a large table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from regcls.tabular import fold as tabular_fold
from regcls.tabular import plan as tabular_plan
from regcls.tabular import verdict
from regcls.tabular.comparison import Results
from regcls.tabular.methods import KINDS
from regcls.tabular.plan import Plan
from tests.helpers.small_comparison import TINY, first_fold, small_plan


def test_held_out_targets_change_nothing(monkeypatch):
    """Neither training nor selection may use them."""
    one = small_plan()
    assigned, edges, range_index = one.folds(0), one.edges, one.range_index
    y = one.problem.y.copy()
    y[assigned == 0] += 100
    other = Plan(replace(one.problem, y=y), TINY)
    monkeypatch.setattr(Plan, "folds", lambda self, repeat: assigned)
    other.__dict__.update(edges=edges, range_index=range_index)
    a, b = (first_fold(plan).predictions for plan in (one, other))
    for kind in KINDS:
        np.testing.assert_array_equal(a[kind], b[kind])


def test_a_large_table_is_searched_on_a_part_of_its_rows(monkeypatch):
    monkeypatch.setattr(tabular_fold, "SEARCH_ROWS", 60)
    monkeypatch.setattr(tabular_plan, "SEARCH_ROWS", 60)
    plan = small_plan()
    assert plan.subsampled == 36
    sizes = []
    original = tabular_fold.Fitter.__init__

    def recorded(self, plan, train, *rest):
        sizes.append(len(train))
        original(self, plan, train, *rest)

    monkeypatch.setattr(tabular_fold.Fitter, "__init__", recorded)
    found = first_fold(plan)
    assert (sizes[0] < 50 and sizes[1] == 77 - (len(found.test) - 24)) or sizes[1] > 70
    assert "drawn at random" in verdict.verdict(Results(plan, [found])).points[-1]


def test_progress_never_decreases_when_a_part_is_searched(monkeypatch):
    monkeypatch.setattr(tabular_fold, "SEARCH_ROWS", 60)
    shares: list[float] = []
    tabular_fold.fit_fold(small_plan(), 0, 0, shares.append)
    assert shares == sorted(shares) and shares[-1] == 1
