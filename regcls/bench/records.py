"""A bench for commands and programs: plan, train, watch, export and show it as plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from regcls.bench import runner, spec
from regcls.bench.collection import collect
from regcls.bench.effects import METRICS
from regcls.bench.evidence import Comparison, Evidence
from regcls.bench.moderators import partial_effects, rule_of_thumb
from regcls.bench.runner import Progress
from regcls.bench.spec import Prepared, Skipped
from regcls.bench.store import Store
from regcls.bench.summarise import summarise
from regcls.exceptions import UserError
from regcls.tabular.methods import NAMES
from regcls.tabular.results import CONSTANT

Sources = Sequence[str | Path]
TABLE = ("table", "family", "domain", "rows", "imbalance", "explained")
EFFECT = ("ratio", "low", "high", "p", "verdict", "shrunken")


def plan(
    sources: Sources, store: Path, budget: str = "normal", goal: str = "balanced"
) -> dict[str, Any]:
    """Return what a bench compares, how much of it is stored and how long the rest takes.

    Parameters
    ----------
    sources : sequence of str or Path
        See `regcls.bench.collection.collect`.
    store : Path
        The SQLite file with the results; it is created if it does not exist.
    budget, goal : str
        See `regcls.bench.spec.prepare`.

    Returns
    -------
    dict
        ``tables`` (name, target, rows, inputs, folds, done), ``skipped`` (name and reason), and
        ``folds``, ``done``, ``share`` and ``seconds_left``.

    Raises
    ------
    UserError
        If a source or the store cannot be used.
    """
    tables, skipped = spec.prepare(collect(sources), budget, goal)
    with Store(store) as opened:
        done, now = opened.done(), runner.progress(tables, opened)
    rows = [
        {
            "table": table.entry.name,
            "target": table.entry.target,
            "rows": len(table.plan.problem.y),
            "inputs": len(table.plan.problem.columns),
            "folds": len(table.tasks),
            "done": sum(task.key in done for task in table.tasks),
        }
        for table in tables
    ]
    return {"tables": rows, **_skipped(skipped), **_progress(now)}


def run(
    sources: Sources,
    store: Path,
    budget: str = "normal",
    goal: str = "balanced",
    jobs: int | None = None,
    scheduler: str | None = None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
    on_note: Callable[[str], None] = lambda note: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Train all folds of a bench that are not stored.

    Parameters
    ----------
    sources, store, budget, goal : see `plan`
        The bench.
    jobs, scheduler, on_progress, should_stop : see `regcls.bench.runner.run`
        How it is trained.
    on_note : callable
        Called with a sentence for each table that cannot be compared.

    Returns
    -------
    dict
        ``folds``, ``done``, ``trained``, ``seconds``, ``stopped`` and ``skipped``.

    Raises
    ------
    UserError
        See `plan`; also if a worker is killed or the scheduler cannot be reached.
    """
    tables, skipped = spec.prepare(collect(sources), budget, goal)
    for one in skipped:
        on_note(f"{one.name} is left out: {one.reason}")
    with Store(store) as opened:
        end = runner.run(
            tables,
            opened,
            jobs=jobs,
            scheduler=scheduler,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    record = {"trained": end.trained, "seconds": end.seconds, "stopped": end.stopped}
    return {**_progress(end), **record, **_skipped(skipped)}


def export(
    sources: Sources, store: Path, out: Path, budget: str = "normal", goal: str = "balanced"
) -> dict[str, Any]:
    """Write the results of a bench as Parquet files.

    Parameters
    ----------
    sources, store, budget, goal : see `plan`
        The bench.
    out : Path
        Folder of the files.

    Returns
    -------
    dict
        ``out``, ``tables`` (their number) and ``megabytes``.

    Raises
    ------
    UserError
        If no table is finished, or the folder cannot be written.
    """
    evidence = _trained(sources, store, budget, goal)
    try:
        evidence.write(out)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror})") from error
    size = sum(file.stat().st_size for file in out.glob("*.parquet"))
    return {"out": str(out), "tables": len(evidence.tables), "megabytes": size / 1e6}


def show(
    folder: Path, a: str = "reg+cls", b: str = "control", metric: str = "balanced_mae"
) -> dict[str, Any]:
    """Compare two methods on all tables of exported results.

    Parameters
    ----------
    folder : Path
        Where the results are.
    a, b : str
        Methods; see `regcls.tabular.methods`.
    metric : str
        A key of `regcls.bench.effects.METRICS`.

    Returns
    -------
    dict
        ``a``, ``b``, ``metric``, ``pooled`` (None with too few families), ``tables``,
        ``properties`` (partial effects) and ``rule`` (of thumb, None with too few families).

    Raises
    ------
    UserError
        If there are no results, or a method or metric is unknown.
    """
    known = (*NAMES, CONSTANT)
    for name, among in ((a, known), (b, known), (metric, tuple(METRICS))):
        if name not in among:
            raise UserError(f"“{name}” is not one of {', '.join(among)}")
    if a == b:
        raise UserError("a method cannot be compared with itself")
    found = Evidence.read(folder).compare(a, b, metric)
    if found.tables.empty:
        raise UserError(f"no table has results in {METRICS[metric]}")
    columns = [name for name in (*TABLE, *EFFECT) if name in found.tables]
    return {
        "a": a,
        "b": b,
        "metric": metric,
        "pooled": pooled(found),
        "tables": found.tables[columns].to_dict("records"),
        **_when(found),
    }


def pooled(found: Comparison) -> dict[str, Any] | None:
    """Return the effect over all tables as plain values; None with too few families."""
    if (one := found.pooled) is None:
        return None
    values = ("ratio", "low", "high", "p", "verdict", "lower", "equal", "higher", "helps")
    return {
        **{name: getattr(one, name) for name in (*values, "next_low", "next_high")},
        "tables": len(found.tables),
        "families": one.found.units,
        "spread": one.found.spread,
    }


def _when(found: Comparison) -> dict[str, Any]:
    partial = [
        {
            "property": prop.label,
            "step": prop.step,
            **{name: math.exp(getattr(effect, name)) for name in ("value", "low", "high")},
            "p": effect.p,
        }
        for prop, effect in partial_effects(found)
    ]
    tried = rule_of_thumb(found)
    rule = tried and {
        "rule": tried.rule.sentence,
        **{name: getattr(tried, name) for name in ("ratio", "low", "high", "always", "holds")},
    }
    return {"properties": partial, "rule": rule}


def _trained(sources: Sources, store: Path, budget: str, goal: str) -> Evidence:
    if not store.is_file():
        raise UserError(f"there is no file {store}; run the bench first")
    tables: list[Prepared] = spec.prepare(collect(sources), budget, goal)[0]
    with Store(store) as opened:
        return summarise(tables, opened)


def _progress(now: Progress) -> dict[str, Any]:
    return {
        "folds": now.folds,
        "done": now.done,
        "share": now.share,
        "seconds_left": now.seconds_left,
    }


def _skipped(skipped: Sequence[Skipped]) -> dict[str, Any]:
    return {"skipped": [{"table": one.name, "reason": one.reason} for one in skipped]}
