"""`regcls advise`: does classification help the regression of a table?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from regcls.cli.output import AsJson, plainly, progress, say, show_json, show_table
from regcls.utils.text import duration

Size = StrEnum("Size", {name: name for name in ("quick", "normal", "thorough")})
Goal = StrEnum("Goal", {name: name for name in ("balanced", "overall")})


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command()(advise)


@plainly
def advise(
    table: Annotated[Path, typer.Argument(help="CSV, Parquet or Excel, a row a sample.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    budget: Annotated[Size, typer.Option(help="How much is tried.")] = Size.normal,
    goal: Annotated[
        Goal, typer.Option(help="What counts: every target range alike, or every row alike.")
    ] = Goal.balanced,
    group: Annotated[
        str | None, typer.Option(help="Column of what belongs together, such as a person.")
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="A column not to learn from; can be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of folds and first weights.")] = 0,
    onnx: Annotated[
        Path | None, typer.Option(help="Write the models as ONNX files, zipped, here.")
    ] = None,
    as_json: AsJson = False,
):
    """Does adding classification help the regression of this table? What else does?"""
    plan = plan_of(table, target, budget, goal, group, leave_out, seed)
    if not as_json:
        for note in told(plan):
            say(note)
    comparison = compared(plan)
    if onnx is not None:
        from regcls.tabular.onnx_export import onnx_zip

        onnx.write_bytes(onnx_zip(comparison.results, comparison.kept))
    found = record(comparison)
    if as_json:
        return show_json(found)
    print(found["verdict"]["headline"])
    for point in found["verdict"]["points"]:
        print(f"- {point}")
    print(f"{found['verdict']['first']}\n")
    show_table(found["models"], ["kind", "balanced_mae", "mae", "rmse"])


def plan_of(
    path: Path, target: str, budget: str, goal: str, group: str | None = None,
    leave_out: list[str] | None = None, seed: int = 0,
):  # fmt: skip
    """The plan of a comparison of a file. Raises ``ValueError`` where it cannot be."""
    from regcls.io.tables import read_table
    from regcls.tabular import columns
    from regcls.tabular import plan as tabular_plan

    read = read_table(path.read_bytes(), path.name)
    names = columns.unique_names(read.frame)[0].columns
    for name in (*(leave_out or ()), *((group,) if group else ())):
        if name not in names:
            raise columns.AdviseError(f"there is no column “{name}” in {path.name}")
    out = None if leave_out is None else tuple(leave_out)
    problem = columns.problem(read.frame, target, out, group, notes=tuple(read.notes))
    return tabular_plan.Plan(problem, tabular_plan.BUDGETS[budget], goal, seed)


def told(plan) -> list[str]:
    """What a person should know before it begins."""
    out = [s for s in plan.problem.suspicions if s.column not in
           [c.name for c in plan.problem.columns]]  # fmt: skip
    inside = [s for s in plan.problem.suspicions if s not in out]
    return [
        *plan.problem.notes,
        *(f"“{s.column}” is left out: {s.reason}." for s in out),
        *(f"Look at “{s.column}”: {s.reason}; --leave-out leaves it out." for s in inside),
        f"About {duration(plan.seconds)} on this machine.",
    ]


def compared(plan):
    """The comparison, trained to its end with a line of progress."""
    from regcls.tabular.comparison import Comparison

    comparison = Comparison(plan)

    def watch(p) -> None:
        left = "" if p.seconds_left is None else f", {duration(p.seconds_left)} left"
        progress(f"{p.folds_done} of {p.folds} folds, {p.share:.0%}{left}")

    comparison.run(watch)
    progress("")
    if comparison.error:
        raise comparison.error
    return comparison


def record(comparison) -> dict[str, Any]:
    """All that came of it, as plain values."""
    from dataclasses import asdict

    from regcls.tabular.plan import NETWORKS
    from regcls.tabular.verdict import usual, verdict

    results, plan = comparison.results, comparison.plan
    words = verdict(results)
    return {
        "target": plan.problem.target,
        "rows": len(plan.problem.y),
        "columns": [c.name for c in plan.problem.columns],
        "notes": told(plan)[:-1],
        "goal": plan.goal,
        "folds": len(results.folds),
        "seconds": comparison.seconds,
        "verdict": {"headline": words.headline, "points": words.points, "first": words.first},
        "regcls_against_reg": asdict(results.difference("reg+cls", "reg")),
        "regcls_against_control": asdict(results.difference("reg+cls", "control")),
        "models": results.table.to_dict("records"),
        "ranges": results.ranges().to_dict("records"),
        "settings": {kind: asdict(usual(results, kind)) for kind in (*NETWORKS, "trees")},
    }
