"""Error report of made predictions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from regcls.predictions.columns import Columns, arrays
from regcls.predictions.ranges import target_ranges
from regcls.predictions.report import Report
from tests.helpers.made_tables import table


def make_report(frame: pd.DataFrame | None = None, **roles: Any) -> Report:
    """Report on ``frame``, or a made table, in eight ranges."""
    columns = Columns("age", ("pred_good", "pred_poor"), **roles)
    found = arrays(table() if frame is None else frame, columns)
    return Report(found, target_ranges(found, "count", 8))
