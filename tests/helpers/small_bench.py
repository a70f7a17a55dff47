"""A bench of two small tables that trains in seconds, and a program that runs it."""

from __future__ import annotations

import sys
from pathlib import Path

from regcls.bench import runner
from regcls.bench.collection import Entry
from regcls.bench.spec import Prepared
from regcls.bench.store import Store
from regcls.tabular.columns import make_problem
from regcls.tabular.plan import Budget, Plan
from tests.helpers.small_comparison import small_table

BUDGET = Budget(repeats=1, settings=2, steps=20)


def small_bench() -> list[Prepared]:
    """Two tables with five folds each."""
    found = []
    for name, rows in (("wide", 120), ("short", 90)):
        problem = make_problem(small_table(rows), "y")
        found.append(Prepared(Entry(name, "y", Path(f"{name}.csv")), Plan(problem, BUDGET)))
    return found


if __name__ == "__main__":
    with Store(sys.argv[1]) as store:
        runner.run(small_bench(), store, jobs=2)
