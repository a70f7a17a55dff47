"""Time to read two million rows of predictions, compared with pandas, and to report on them.

python benchmarks/tables.py [--rows 2000000] [--json]
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from regcls.io import tables
from regcls.predictions import columns as predictions_columns
from regcls.predictions import ranges, report
from regcls.predictions.columns import Columns


def synthetic_table(rows: int) -> pd.DataFrame:
    """Skewed targets and the predictions of two models with nearly the same error."""
    rng = np.random.default_rng(0)
    y = rng.gamma(2.0, 10.0, rows)
    columns = {"y": y, "reg": y + rng.normal(0, 5.0, rows), "regcls": y + rng.normal(0, 5.1, rows)}
    return pd.DataFrame(columns).round(4)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def files(frame: pd.DataFrame) -> dict[str, bytes]:
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    return {"CSV": frame.to_csv(index=False).encode(), "Parquet": parquet.getvalue()}


def whole_report(frame: pd.DataFrame) -> report.Report:
    """Compute everything that the page Your predictions shows."""
    found = predictions_columns.arrays(frame, Columns("y", ("reg", "regcls")))
    one = report.Report(found, ranges.edges(found))
    assert one.verdict and len(one.overall) and len(one.shots) and len(one.density)
    assert len(one.bands) and len(one.worst)
    return one


def measure(rows: int) -> list[dict[str, object]]:
    frame = synthetic_table(rows)
    pandas_readers = {"CSV": pd.read_csv, "Parquet": pd.read_parquet}
    found: list[dict[str, object]] = [
        {
            "what": f"read {kind} ({len(data) / 1e6:.0f} MB)",
            "regcls (s)": round(seconds(partial(tables.read_table, data, kind)), 2),
            "plain pandas (s)": round(seconds(partial(pandas_readers[kind], io.BytesIO(data))), 2),
        }
        for kind, data in files(frame).items()
    ]
    report_seconds = round(seconds(lambda: whole_report(frame)), 2)
    return [*found, {"what": "the whole report", "regcls (s)": report_seconds}]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000_000, help="number of rows")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    found = measure(options.rows)
    if options.json:
        print(json.dumps({"rows": options.rows, "machine": platform.machine(), "results": found}))
    else:
        print(f"{options.rows:,} rows\n{pd.DataFrame(found).to_string(index=False, na_rep='')}")


if __name__ == "__main__":
    main()
