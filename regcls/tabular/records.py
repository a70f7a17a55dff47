"""Comparison of a table in a file, with its results as plain values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from regcls.exceptions import UserError
from regcls.io.reading import AUTOMATIC, Reading
from regcls.io.tables import Table, read_file
from regcls.tabular import split_column
from regcls.tabular.columns import make_problem, unique_names
from regcls.tabular.comparison import Comparison, Progress
from regcls.tabular.methods import KINDS
from regcls.tabular.plan import BUDGETS, RANGES, Plan
from regcls.tabular.results import ESTIMAND
from regcls.tabular.verdict import usual, verdict


def compare_file(
    path: Path,
    target: str,
    *,
    budget: str = "normal",
    goal: str = "balanced",
    group: str | None = None,
    split: str | None = None,
    leave_out: Sequence[str] | None = None,
    ranges: int = RANGES,
    seed: int = 0,
    reading: Reading = AUTOMATIC,
    onnx: Path | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Train and compare all kinds of models on a table in a file.

    Parameters
    ----------
    path : Path
        CSV, Parquet or Excel file with one row per sample.
    target : str
        Column to predict.
    budget : str
        A key of `regcls.tabular.plan.BUDGETS`.
    goal : str
        One of `regcls.tabular.plan.GOALS`.
    group : str, optional
        Column of rows that belong together.
    split : str, optional
        Column with train, val or test for each row; by default, without ``group``, a column that is
        a split by its name and values. "" for none.
    leave_out : sequence of str, optional
        Columns to leave out of the inputs; by default, those that certainly leak the
        target.
    ranges : int
        Maximum number of target ranges; their edges are chosen by the shape of the target.
    seed : int
        Seed of the folds and of the initial weights.
    reading : Reading
        How to read the file; what is not given is detected.
    onnx : Path, optional
        Zip file to write the models to, as ONNX files.
    on_plan : callable, optional
        Called with the plan before the training starts.
    on_progress : callable, optional
        Called with the progress about twice per second.

    Returns
    -------
    dict
        See `record`; with ``reading``, how the file was read.

    Raises
    ------
    UserError
        If the table cannot be read, a column is missing, or nothing can be predicted.
    """
    table = read_file(path, reading)
    plan = plan_table(
        table, path.name, target, budget, goal, group, leave_out, ranges, seed, split=split
    )
    if on_plan is not None:
        on_plan(plan)
    comparison = Comparison(plan)
    comparison.run(on_progress or (lambda progress: None))
    if comparison.error:
        raise comparison.error
    if onnx is not None:
        from regcls.tabular.onnx_export import onnx_zip

        onnx.write_bytes(onnx_zip(comparison.models, plan.problem))
    return record(comparison) | {"reading": table.record}


def plan_table(
    table: Table,
    name: str,
    target: str,
    budget: str,
    goal: str,
    group: str | None = None,
    leave_out: Sequence[str] | None = None,
    ranges: int = RANGES,
    seed: int = 0,
    split: str | None = None,
) -> Plan:
    """Return the plan of a comparison on a table from a file; see `compare_file`.

    Parameters
    ----------
    table : Table
        The table.
    name : str
        Name of its file in messages.
    target, budget, goal, group, leave_out, ranges, seed, split : see `compare_file`
        What is compared.

    Returns
    -------
    Plan
        The prepared table, the settings to search and the folds.

    Raises
    ------
    UserError
        If a column is missing, or nothing can be predicted.
    """
    names = unique_names(table.frame)[0].columns
    if split is None and not group:  # whole groups are held out, unless a split is asked for
        split = split_column.likely(table.frame)
    for column in (*(leave_out or ()), *((group,) if group else ()), *((split,) if split else ())):
        if column not in names:
            raise UserError(f"there is no column “{column}” in {name}")
    remarks = (table.summary, *table.notes)
    problem = make_problem(table.frame, target, leave_out, group, remarks, split or None)
    return Plan(problem, BUDGETS[budget], goal, seed, ranges=ranges)


def notes(plan: Plan) -> list[str]:
    """Return sentences on what was changed in the table and which columns are suspicious.

    Parameters
    ----------
    plan : Plan
        The plan of a comparison.

    Returns
    -------
    list of str
        Notes on rows and columns, then one sentence per suspicious column.
    """
    used = {column.name for column in plan.problem.columns}
    suspicions = sorted(plan.problem.suspicions, key=lambda found: found.column in used)
    return [
        *plan.problem.notes,
        *(
            f"Look at “{found.column}”: {found.reason}; --leave-out leaves it out."
            if found.column in used
            else f"“{found.column}” is left out: {found.reason}."
            for found in suspicions
        ),
    ]


def record(comparison: Comparison) -> dict[str, Any]:
    """Return the results of a finished comparison as plain values.

    Parameters
    ----------
    comparison : Comparison
        A comparison that has been trained.

    Returns
    -------
    dict
        The problem, what the intervals are for, the target ranges, the verdict in words, reg+cls against reg and the
        control, errors per model, all comparisons, changes per target range, and the setting
        selected most often for each kind.

    Raises
    ------
    ValueError
        If no fold is finished.
    """
    results, plan = comparison.results, comparison.plan
    if results is None:
        raise ValueError("the comparison has no finished fold")
    found = verdict(results)
    return {
        "target": plan.problem.target,
        "rows": len(plan.problem.y),
        "columns": [column.name for column in plan.problem.columns],
        "notes": notes(plan),
        "goal": plan.goal,
        "folds": len(results.folds),
        "seconds": comparison.seconds,
        "estimand": ESTIMAND,
        "target_ranges": plan.target_ranges.to_dict(),
        "verdict": asdict(found),
        "regcls_against_reg": asdict(results.difference("reg+cls", "reg")),
        "regcls_against_control": asdict(results.difference("reg+cls", "control")),
        "models": results.table.to_dict("records"),
        "comparisons": results.comparisons().to_dict("records"),
        "ranges": results.ranges().to_dict("records"),
        "settings": {kind: asdict(usual(results, kind)) for kind in KINDS},
    }
