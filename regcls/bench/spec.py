"""What is compared on every table of a collection, and one held-out fold of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from regcls.bench.collection import Entry
from regcls.exceptions import UserError
from regcls.tabular.methods import KINDS
from regcls.tabular.plan import BUDGETS, Plan
from regcls.tabular.records import plan_table

# Raised when the same configuration gives other results, so that stored ones are not mixed up.
ENGINE = 1


@dataclass(frozen=True)
class Task:
    """One held-out fold of one table, or one seed where the table has a split of its own.

    Attributes
    ----------
    key : str
        Hash of everything that its result depends on.
    table : str
        Name of the table.
    repeat, fold : int
        Numbers of the repeat and the fold.
    seconds : float
        Estimated time on one core.
    """

    key: str
    table: str
    repeat: int
    fold: int
    seconds: float


@dataclass(frozen=True)
class Prepared:
    """A table with the plan of its comparison.

    Attributes
    ----------
    entry : Entry
        Where it is from.
    plan : Plan
        What is compared.
    """

    entry: Entry
    plan: Plan

    @cached_property
    def key(self) -> str:
        """Hash of the table's data and of the comparison."""
        problem, plan = self.plan.problem, self.plan
        made = hashlib.sha256()
        for array in (problem.values, problem.y, problem.rows, problem.groups, problem.parts):
            if array is not None:
                made.update(np.ascontiguousarray(array).tobytes())
        about = {
            "columns": [asdict(column) for column in problem.columns],
            "budget": asdict(plan.budget),
            "goal": plan.goal,
            "seed": plan.seed,
            "ranges": plan.ranges,
            "methods": KINDS,
            "engine": ENGINE,
        }
        made.update(json.dumps(about, sort_keys=True).encode())
        return made.hexdigest()

    @property
    def tasks(self) -> list[Task]:
        """All folds of the comparison."""
        each = self.plan.fold_seconds
        return [
            Task(f"{self.key}-{repeat}-{fold}", self.entry.name, repeat, fold, each)
            for repeat, fold in self.plan.splits
        ]


@dataclass(frozen=True)
class Skipped:
    """A table that cannot be compared.

    Attributes
    ----------
    name : str
        Its name.
    reason : str
        Why, as a sentence.
    """

    name: str
    reason: str


def prepare(
    entries: Sequence[Entry], budget: str = "normal", goal: str = "balanced", seed: int = 0
) -> tuple[list[Prepared], list[Skipped]]:
    """Read all tables and plan their comparisons.

    Parameters
    ----------
    entries : sequence of Entry
        The tables.
    budget : str
        A key of `regcls.tabular.plan.BUDGETS`.
    goal : {"balanced", "overall"}
        Metric that selects settings.
    seed : int
        Seed of folds, search and initial weights.

    Returns
    -------
    list of Prepared
        Tables with plans.
    list of Skipped
        Tables that cannot be used, with the reason.

    Raises
    ------
    UserError
        If there is no such budget.
    """
    if budget not in BUDGETS:
        raise UserError(f"the budget must be one of {', '.join(BUDGETS)}, not “{budget}”")
    found, skipped = [], []
    for entry in entries:
        try:
            plan = plan_table(
                entry.read(),
                entry.name,
                entry.target,
                budget,
                goal,
                entry.group,
                entry.leave_out,
                seed=seed,
            )
            found.append(Prepared(entry, plan))
        except UserError as error:
            skipped.append(Skipped(entry.name, error.sentence))
    return found, skipped
