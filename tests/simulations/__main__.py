"""Print error rates, power and coverage: ``python -m tests.simulations --reports 1000``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

from tests.simulations import errors, study, table

PARTS: dict[str, Callable[[int, int], dict[str, float]]] = {
    "errors": errors.rates,
    "table": table.rates,
    "study": study.rates,
}


def main() -> None:
    """Simulate the parts asked for and print one line per rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=list(PARTS), choices=[*PARTS, []])
    parser.add_argument("--reports", type=int, default=300, help="reports, tables or grids each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = {}
    for part in options.parts:
        found[part] = PARTS[part](options.reports, options.seed)
        if not options.json:
            for name, rate in found[part].items():
                print(f"{part:7} {rate:7.1%}  {name}", flush=True)
    if options.json:
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
