"""The Study: grids of 1D experiments, planned, run, kept and read.

``study_plan`` describes grids, ``study_train`` trains batches, ``study_run`` runs them through
joblib, ``study_store`` keeps the results. What commands and pages need is gathered here.
"""

from regcls.study_plan import GridError, load, names
from regcls.study_run import Progress, estimate, run
from regcls.study_store import Store, StoreDamaged, StoreError

__all__ = [
    "GridError",
    "Progress",
    "Store",
    "StoreDamaged",
    "StoreError",
    "estimate",
    "load",
    "names",
    "run",
]
