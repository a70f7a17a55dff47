"""A small table and a plan that trains in a few seconds."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regcls.nn.threads import one_core_pool
from regcls.tabular import columns
from regcls.tabular.fold import FoldResult, fit_fold
from regcls.tabular.plan import Budget, Plan

TINY = Budget(repeats=1, settings=2, steps=40)
SLOW = Budget(repeats=4, settings=10, steps=4000)


def small_table(rows: int = 120) -> pd.DataFrame:
    """Two numbers, one of them with gaps, a category, and a skewed target ``y``."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, rows))
    kind = rng.choice(["north", "south", "west"], rows)
    y = np.exp(a) + (kind == "west") + 0.1 * rng.normal(size=rows)
    a[rng.random(rows) < 0.1] = np.nan
    return pd.DataFrame({"a": a, "b": b, "kind": kind, "y": y})


def small_plan(budget: Budget = TINY) -> Plan:
    return Plan(columns.make_problem(small_table(), "y"), budget)


def first_fold(plan: Plan) -> FoldResult:
    """Train the first fold in a thread of its own, as a comparison does."""
    with one_core_pool(1, "fold") as pool:
        return pool.submit(fit_fold, plan, 0, 0).result()
