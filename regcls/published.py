"""Published results of others, each with its source, for comparison with ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

FILE_1D = Path(__file__).parent / "reference" / "published_1d.csv"
PAPER = (
    "Pintea, Lin, Dijkstra, van Gemert: A step towards understanding why classification helps "
    "regression, ICCV 2023"
)
# The 1D results are means over the logs published with the paper's code, whose script trains with
# equal-width classes.
SOURCE_1D = f"{PAPER}; logs published with the code, github.com/SilviaLauraPintea/reg-cls"
SOURCE_PROGRESS = f"{PAPER}; results published with the code, github.com/SilviaLauraPintea/reg-cls"
SOURCE_DIR = (
    "Yang, Zha, Chen, Wang, Katabi: Delving into Deep Imbalanced Regression, ICML 2021; reproduced "
    "benchmarks published with the code, github.com/YyzHarry/imbalanced-regression"
)
SHOTS = ("overall", "many", "medium", "few")
SPLITS = ("S1", "S2", "S3", "S4")


@dataclass(frozen=True)
class Published1D:
    """Published result of one cell of the 1D experiments.

    Attributes
    ----------
    scenario, sampling : str
        Scenario and sampling of the data.
    classes : int
        Number of classes of reg+cls.
    runs : int
        Number of runs.
    reg_mse, regcls_mse : float
        Mean test MSE over the runs.
    wins : float
        Share of runs in which reg+cls has the lower error.
    """

    scenario: str
    sampling: str
    classes: int
    runs: int
    reg_mse: float
    regcls_mse: float
    wins: float


@dataclass(frozen=True)
class Published:
    """Published result on real data.

    Attributes
    ----------
    task : {"age", "depth", "progress"}
        Task.
    data : str
        Data set.
    metric : {"MAE", "RMSE"}
        Metric, in target units.
    method : str
        Method.
    part : str
        Part of the test data: a group of shots or a split.
    value : float
        Value of the metric.
    source : str
        Reference.
    """

    task: str
    data: str
    metric: str
    method: str
    part: str
    value: float
    source: str


@cache
def published_1d() -> dict[tuple[str, str, int], Published1D]:
    """Return the published 1D results.

    Returns
    -------
    dict of (str, str, int) to Published1D
        Results by scenario, sampling and number of classes.

    Examples
    --------
    >>> published_1d()["clean", "severe", 4].wins
    0.94
    """
    results = (Published1D(*row) for row in pd.read_csv(FILE_1D).itertuples(index=False))
    return {(r.scenario, r.sampling, r.classes): r for r in results}


@cache
def published() -> tuple[Published, ...]:
    """Return the published results on real data.

    Returns
    -------
    tuple of Published
        Depth in metres (RMSE), age in years (MAE) and progress from 0 to 1 (RMSE).
    """
    depth = ("depth", "NYUD2-DIR", "RMSE")
    age = ("age", "IMDB-WIKI-DIR", "MAE")
    progress = ("progress", "Breakfast", "RMSE")
    rows = [
        (depth, "LDS", SHOTS, (1.387, 0.671, 0.913, 1.954), SOURCE_DIR),
        (depth, "FDS", SHOTS, (1.442, 0.615, 0.940, 2.059), SOURCE_DIR),
        (depth, "LDS + FDS", SHOTS, (1.301, 0.731, 0.832, 1.799), SOURCE_DIR),
        (age, "LDS", SHOTS, (7.87, 7.31, 12.45, 22.60), SOURCE_DIR),
        (age, "FDS", SHOTS, (7.66, 7.06, 12.60, 22.37), SOURCE_DIR),
        (age, "LDS + FDS", SHOTS, (7.68, 7.07, 12.79, 21.85), SOURCE_DIR),
        (progress, "reg", SPLITS, (0.281, 0.293, 0.284, 0.283), SOURCE_PROGRESS),
        (progress, "reg+cls", SPLITS, (0.256, 0.263, 0.255, 0.255), SOURCE_PROGRESS),
    ]
    return tuple(
        Published(*setting, method, part, value, source)
        for setting, method, parts, values, source in rows
        for part, value in zip(parts, values, strict=True)
    )
