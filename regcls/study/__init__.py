"""Grids of 1D experiments: plan, train, store, compare and chart them.

A grid is described in `spec`, `grid` and, if it tunes its settings, `tuning`; `loader` reads it
from TOML. `worker` trains a batch of models, `runner` a whole grid with joblib or, through
`regcls.utils.dask_backend`, on a cluster; `processes` starts runs in the background and `status`
reports their progress. `store` keeps the results (its rows are in `rows`). `results` compares them,
`layout` and `findings` prepare tables and text, `error_chart`, `effect_chart` and `range_chart`
draw charts, `catalogue` lists what a page can show, and `records` returns plain values for
commands. `summary` holds what a page shows when it opens; `summarise` makes it, also for the
shipped results.

The names that commands and pages need are public here. Each loads its module, and what that needs,
when it is first used: a page that shows a shipped summary needs no table.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from regcls.study.grid import Grid, find_cell
    from regcls.study.loader import load, names
    from regcls.study.processes import start, stop
    from regcls.study.records import record
    from regcls.study.results import Results, read
    from regcls.study.rows import Runner
    from regcls.study.runner import ON_LOST, Progress, WorkerLost, run
    from regcls.study.spec import Cell, GridError, Run
    from regcls.study.status import Status, read_status
    from regcls.study.store import Store, StoreDamaged, StoreError

# Module of each public name.
_PUBLIC = {
    "Cell": "spec",
    "Grid": "grid",
    "GridError": "spec",
    "ON_LOST": "runner",
    "Progress": "runner",
    "Results": "results",
    "Run": "spec",
    "Runner": "rows",
    "Status": "status",
    "Store": "store",
    "StoreDamaged": "store",
    "StoreError": "store",
    "WorkerLost": "runner",
    "find_cell": "grid",
    "load": "loader",
    "names": "loader",
    "read": "results",
    "read_status": "status",
    "record": "records",
    "run": "runner",
    "start": "processes",
    "stop": "processes",
}

__all__ = [
    "ON_LOST",
    "Cell",
    "Grid",
    "GridError",
    "Progress",
    "Results",
    "Run",
    "Runner",
    "Status",
    "Store",
    "StoreDamaged",
    "StoreError",
    "WorkerLost",
    "find_cell",
    "load",
    "names",
    "read",
    "read_status",
    "record",
    "run",
    "start",
    "stop",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'regcls.study' has no attribute {name!r}")
    module = importlib.import_module(f"regcls.study.{_PUBLIC[name]}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
