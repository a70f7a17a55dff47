"""Turn the stored predictions of a bench into the results that ship."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from regcls.bench import collection
from regcls.bench.effects import about, range_errors, table_effects
from regcls.bench.evidence import Evidence
from regcls.bench.spec import Prepared
from regcls.bench.store import Store
from regcls.exceptions import UserError
from regcls.tabular.results import Results


def summarise(
    tables: Sequence[Prepared], store: Store, on_table: Callable[[str], None] = lambda name: None
) -> Evidence:
    """Compute errors and effects of all tables that are finished.

    Parameters
    ----------
    tables : sequence of Prepared
        Tables with plans.
    store : Store
        Their held-out predictions.
    on_table : callable
        Called with the name of each table before it is computed.

    Returns
    -------
    Evidence
        ``tables``: one row per table with name, target, family, domain, source, what it is like
        (see `regcls.bench.effects.about`), and how it was compared. ``errors``: table, metric,
        method, error. ``effects``: table, metric, methods a and b, logarithm of the ratio of their
        errors with standard error, degrees of freedom and units. ``ranges``: errors per range.

    Raises
    ------
    UserError
        If no table is finished.
    """
    families = collection.families(
        [(p.entry, [c.name for c in p.plan.problem.columns], len(p.plan.problem.y)) for p in tables]
    )
    described: list[dict[str, object]] = []
    parts: dict[str, list[pd.DataFrame]] = {"errors": [], "effects": [], "ranges": []}
    for prepared in tables:
        stored = store.results(prepared.tasks)
        if len(stored) < len(prepared.tasks):
            continue
        name = prepared.entry.name
        on_table(name)
        results = Results(prepared.plan, [one.result for one in stored])
        errors, effects = table_effects(results)
        made = {"errors": errors, "effects": effects, "ranges": range_errors(results)}
        for part, frame in made.items():
            parts[part].append(frame.assign(table=name))
        described.append(
            {
                "table": name,
                "target": prepared.entry.target,
                "family": families[name],
                "domain": prepared.entry.domain,
                "source": prepared.entry.source,
                "split": prepared.plan.problem.parts is not None,
                "folds": len(stored),
                "seconds": sum(one.seconds for one in stored),
                **about(results),
            }
        )
    if not described:
        raise UserError("no table is finished yet; run the bench first")
    frames = {part: _compact(pd.concat(found)) for part, found in parts.items()}
    return Evidence(pd.DataFrame(described), **frames)


def _compact(frame: pd.DataFrame) -> pd.DataFrame:
    """Store numbers in float32, and text as categories."""
    made: dict[str, pd.Series] = {}
    for name, column in frame.items():
        if column.dtype == np.float64:
            made[str(name)] = column.astype(np.float32)
        elif column.dtype == object or isinstance(column.dtype, pd.StringDtype):
            made[str(name)] = column.astype("category")
        else:
            made[str(name)] = column
    return pd.DataFrame(made).reset_index(drop=True)
