"""Figures that others published, each with its source, to stand beside ours."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pandas as pd

FILE_1D = Path(__file__).parent / "reference" / "published_1d.csv"
PAPER = (
    "Pintea, Lin, Dijkstra, van Gemert: A step towards understanding why classification helps "
    "regression, ICCV 2023"
)
# The 1D figures are means over the logs that the paper's authors publish with their code, whose
# script trains with equal-width classes.
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
    """Means over ``runs`` of test MSE, and the share of runs that reg+cls wins."""

    scenario: str
    sampling: str
    classes: int
    runs: int
    reg_mse: float
    regcls_mse: float
    wins: float


@dataclass(frozen=True)
class Published:
    """One figure: ``value`` of ``metric`` on a ``part`` of the test data."""

    task: str
    data: str
    metric: str
    method: str
    part: str
    value: float
    source: str


@cache
def published_1d() -> dict[tuple[str, str, int], Published1D]:
    """The 1D figures by (scenario, sampling, classes)."""
    rows = pd.read_csv(FILE_1D).itertuples(index=False)
    figures = (Published1D(*row[:3], *row[3:]) for row in rows)
    return {(f.scenario, f.sampling, f.classes): f for f in figures}


@cache
def published() -> tuple[Published, ...]:
    """The figures on real data. Depth in metres (RMSE), age in years (MAE), progress 0 to 1."""
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
        Published(*what, method, part, value, source)
        for what, method, parts, values, source in rows
        for part, value in zip(parts, values, strict=True)
    )


def published_table(task: str | None = None) -> pd.DataFrame:
    """A row a figure on real data, of one task or of all."""
    rows = [asdict(figure) for figure in published() if task in (None, figure.task)]
    if not rows:
        tasks = sorted({figure.task for figure in published()})
        raise ValueError(f"task must be one of {', '.join(tasks)}, not {task!r}")
    return pd.DataFrame(rows)
