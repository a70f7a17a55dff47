"""The Study: grids of 1D experiments, planned, run, kept and read.

``study_plan`` describes grids and ``study_fair`` those that search, ``study_train`` trains batches,
``study_run`` runs them through joblib, ``study_store`` keeps the results, ``study_read`` compares
them. What commands and pages need is gathered here.
"""

from regcls.study.grid import Grid
from regcls.study.loader import load, names
from regcls.study.processes import begin, stop
from regcls.study.results import Results, find_cell, read, summary
from regcls.study.runner import ON_LOST, Progress, WorkerLost, run
from regcls.study.spec import Cell, GridError, Run
from regcls.study.status import Status, read_status
from regcls.study.store import Runner, Store, StoreDamaged, StoreError

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
    "begin",
    "find_cell",
    "load",
    "names",
    "read",
    "read_status",
    "run",
    "stop",
    "summary",
]
