"""Time of a table's comparison on the available cores.

    python benchmarks/advise.py [--quick] [--rows 10000] [--columns 20] [--budget normal] [--json]

The table is synthetic: numbers, two categories, missing values, and a skewed target that depends on
some of the columns. First results are those of the first finished fold.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from regcls.tabular.columns import make_problem
from regcls.tabular.comparison import Comparison, Progress
from regcls.tabular.plan import BUDGETS, Plan
from regcls.utils.cpu import cores


def synthetic_table(rows: int, columns: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, columns - 2))
    frame = pd.DataFrame(numbers, columns=[f"number {i}" for i in range(columns - 2)])
    frame["region"] = rng.choice(["north", "south", "east", "west"], rows)
    frame["level"] = rng.choice([f"level {i}" for i in range(12)], rows)
    signal = numbers[:, 0] + np.sin(2 * numbers[:, 1]) + 0.5 * numbers[:, 2] * numbers[:, 3]
    frame["y"] = np.exp(signal + (frame["region"] == "west") + 0.3 * rng.normal(size=rows))
    frame.loc[rng.random(rows) < 0.05, "number 0"] = np.nan
    return frame


def measure(rows: int, columns: int, budget: str) -> dict[str, object]:
    """Return the seconds until the first results and until the end, and the estimate beforehand."""
    plan = Plan(make_problem(synthetic_table(rows, columns), "y"), BUDGETS[budget])
    first: list[float] = []
    comparison = Comparison(plan)

    def watch(progress: Progress) -> None:
        if progress.folds_done and not first:
            first.append(comparison.seconds)

    comparison.run(watch)
    if comparison.error:
        raise comparison.error
    return {
        "rows": rows,
        "columns": columns,
        "budget": budget,
        "cores": cores(),
        "estimated_seconds": round(plan.seconds, 1),
        "first_result_seconds": round(first[0], 1),
        "seconds": round(comparison.seconds, 1),
        "rows_left_out_of_search": plan.subsampled,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of a table's comparison.")
    parser.add_argument("--quick", action="store_true", help="2 000 rows, quick budget")
    parser.add_argument("--rows", type=int, default=10_000, help="number of rows")
    parser.add_argument("--columns", type=int, default=20, help="number of columns")
    parser.add_argument(
        "--budget", choices=list(BUDGETS), default="normal", help="size of the search"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.budget = 2000, "quick"
    found = measure(options.rows, options.columns, options.budget)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):25}{value}")


if __name__ == "__main__":
    main()
