"""How long two million rows of predictions take: our reader beside plain pandas, and the report.

python benchmarks/tables.py [--rows 2000000] [--json]
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from regcls.io import tables
from regcls.predictions import columns as predictions_columns
from regcls.predictions import ranges, report
from regcls.predictions.columns import Columns


def made(rows: int) -> pd.DataFrame:
    """Skewed targets, and two models that err alike but for a little."""
    rng = np.random.default_rng(0)
    y = rng.gamma(2.0, 10.0, rows)
    columns = {"y": y, "reg": y + rng.normal(0, 5.0, rows), "regcls": y + rng.normal(0, 5.1, rows)}
    return pd.DataFrame(columns).round(4)


def seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def files(frame: pd.DataFrame) -> dict[str, bytes]:
    parquet = io.BytesIO()
    frame.to_parquet(parquet)
    return {"CSV": frame.to_csv(index=False).encode(), "Parquet": parquet.getvalue()}


def whole_report(frame: pd.DataFrame) -> report.Report:
    """Everything that the page shows."""
    found = predictions_columns.arrays(frame, Columns("y", ("reg", "regcls")))
    one = report.Report(found, ranges.edges(found))
    assert one.verdict and len(one.overall) and len(one.shots) and len(one.density)
    assert len(one.bands) and len(one.worst)
    return one


def measured(rows: int) -> list[dict]:
    frame = made(rows)
    plain = {"CSV": pd.read_csv, "Parquet": pd.read_parquet}
    found = [
        {
            "what": f"read {kind} ({len(data) / 1e6:.0f} MB)",
            "regcls (s)": round(seconds(partial(tables.read_table, data, kind)), 2),
            "plain pandas (s)": round(seconds(partial(plain[kind], io.BytesIO(data))), 2),
        }
        for kind, data in files(frame).items()
    ]
    return [
        *found,
        {"what": "the whole report", "regcls (s)": round(seconds(lambda: whole_report(frame)), 2)},
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = measured(asked.rows)
    if asked.json:
        print(json.dumps({"rows": asked.rows, "machine": platform.machine(), "results": rows}))
    else:
        print(f"{asked.rows:,} rows\n{pd.DataFrame(rows).to_string(index=False, na_rep='')}")


if __name__ == "__main__":
    main()
