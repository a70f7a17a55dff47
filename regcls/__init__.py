"""regcls: see for yourself when classification helps regression.

The public names below load their module, and what that needs, when they are first used::

    from regcls import ErrorReport, Lab, LabSettings

Everything else is documented in its module, such as `regcls.stats` or `regcls.tabular`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from regcls.exceptions import UserError
    from regcls.lab.run import Lab
    from regcls.lab.settings import LabSettings
    from regcls.predictions.report import Report
    from regcls.stats.bins import Bins
    from regcls.stats.comparison import PairedRuns, paired_runs
    from regcls.stats.conformal import conformal_radius
    from regcls.stats.errors import ErrorReport
    from regcls.study.grid import Grid
    from regcls.study.loader import load as load_grid
    from regcls.synthetic.data import Function
    from regcls.tabular.comparison import Comparison
    from regcls.tasks.pairs import Pair, load_pair

# Public name: module, and the name it has there where that differs.
_PUBLIC = {
    "Bins": "regcls.stats.bins",
    "Comparison": "regcls.tabular.comparison",
    "ErrorReport": "regcls.stats.errors",
    "Function": "regcls.synthetic.data",
    "Grid": "regcls.study.grid",
    "Lab": "regcls.lab.run",
    "LabSettings": "regcls.lab.settings",
    "Pair": "regcls.tasks.pairs",
    "PairedRuns": "regcls.stats.comparison",
    "Report": "regcls.predictions.report",
    "UserError": "regcls.exceptions",
    "conformal_radius": "regcls.stats.conformal",
    "load_grid": "regcls.study.loader:load",
    "load_pair": "regcls.tasks.pairs",
    "paired_runs": "regcls.stats.comparison",
}

__all__ = [
    "Bins",
    "Comparison",
    "ErrorReport",
    "Function",
    "Grid",
    "Lab",
    "LabSettings",
    "Pair",
    "PairedRuns",
    "Report",
    "UserError",
    "conformal_radius",
    "load_grid",
    "load_pair",
    "paired_runs",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'regcls' has no attribute {name!r}")
    module, _, there = _PUBLIC[name].partition(":")
    value = globals()[name] = getattr(importlib.import_module(module), there or name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
