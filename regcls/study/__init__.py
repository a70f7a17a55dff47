"""Grids of 1D experiments: plan, train, store, compare and chart them.

A grid is described in `spec`, `grid` and, if it tunes its settings, `tuning`; `loader` reads it
from TOML. `worker` trains a batch of models, `runner` a whole grid with joblib or, through
`dask_backend`, on a cluster; `processes` starts runs in the background and `status` reports their
progress. `store` keeps the results (its rows are in `rows`). `results` compares them, `layout` and
`findings` prepare tables and text, `error_chart`, `effect_chart` and `range_chart` draw panels
(`panels`), `catalogue` lists what a page can show, and `records` returns plain values for commands.

The names that commands and pages need are imported here.
"""

from regcls.study.grid import Grid
from regcls.study.loader import load, names
from regcls.study.processes import start, stop
from regcls.study.results import Results, find_cell, read, summary
from regcls.study.rows import Runner
from regcls.study.runner import ON_LOST, Progress, WorkerLost, run
from regcls.study.spec import Cell, GridError, Run
from regcls.study.status import Status, read_status
from regcls.study.store import Store, StoreDamaged, StoreError

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
    "run",
    "start",
    "stop",
    "summary",
]
