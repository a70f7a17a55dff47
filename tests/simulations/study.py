"""Error rates of the Study's verdicts on grids of models that do not differ.

No training: log errors are drawn with the structure that the grids have. Functions, cells and data
sets differ, models that cells share make their ratios alike, and each search shifts a whole cell.
"""

from __future__ import annotations

import numpy as np

from regcls.stats.verdicts import BETTER, WORSE
from regcls.study.ratios import Ratios, error_ratios, judge, pool

FUNCTIONS, SEEDS, CELLS = 10, 5, 60
# Standard deviations of log ratios, about the medians of the shipped results: of functions, shared by
# all cells or in one cell, of runs, and of a cell whose two sides have chosen different settings.
SHARED, OWN, RUN, SEARCH = 0.05, 0.1, 0.45, 0.33


def null_grid(
    rng: np.random.Generator, searches: int = 1, search_sd: float = 0.0, cells: int = CELLS
) -> list[Ratios]:
    """Return the error ratios of a grid whose two roles have the same expected log error."""
    shape = (cells, searches, FUNCTIONS, SEEDS)
    log = (
        rng.normal(0, SHARED, (1, 1, FUNCTIONS, 1))
        + rng.normal(0, OWN, (cells, 1, FUNCTIONS, 1))
        + rng.normal(0, search_sd, (cells, searches, 1, 1))
        + RUN * rng.standard_t(5, shape) / np.sqrt(5 / 3)
    ).reshape(cells, -1)
    search, function, _ = np.indices(shape[1:]).reshape(3, -1)
    base = np.exp(rng.normal(-1, 0.5, log.shape))
    return [error_ratios(base[i] * np.exp(log[i]), base[i], function, search) for i in range(cells)]


def rates(grids: int, seed: int = 0) -> dict[str, float]:
    """Return shares of null grids with a verdict "better" or "worse".

    "any cell" and "pooled" are for grids without a search, "…, 3 searches" for grids that tune both
    sides three times; "any cell, 1 search" shows why one search is not enough, and is not bounded.
    """
    rng = np.random.default_rng(seed)
    designs = {"": (1, 0.0), ", 3 searches": (3, SEARCH), ", 1 search": (1, SEARCH)}
    hits = {f"{what}{name}": 0 for name in designs for what in ("any cell", "pooled")}
    for _ in range(grids):
        for name, (searches, search_sd) in designs.items():
            cells = null_grid(rng, searches, search_sd)
            hits[f"any cell{name}"] += _decided([[cell] for cell in cells])
            hits[f"pooled{name}"] += _decided([cells])
    return {name: count / grids for name, count in hits.items()}


def _decided(groups: list[list[Ratios]]) -> bool:
    """Return whether any group of the family is better or worse."""
    verdicts = judge([pool(cells) for cells in groups]).verdict
    return bool(np.isin(verdicts.astype(str), (BETTER, WORSE)).any())
