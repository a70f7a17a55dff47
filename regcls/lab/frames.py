"""Data frames for the Lab's charts: bands over runs, training densities, class probabilities."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regcls.lab.settings import MODELS
from regcls.stats import bins

BAND = (0.1, 0.9)  # quantiles of the runs between which a band lies


def bands(at: np.ndarray, values: np.ndarray, name: str) -> pd.DataFrame:
    """Return the median and the band over runs of each model.

    Parameters
    ----------
    at : ndarray of shape (M,)
        Positions on the x-axis.
    values : ndarray of shape (3, R, M)
        Values of each model and run.
    name : str
        Name of the column of positions.

    Returns
    -------
    DataFrame
        Columns ``name``, model, median, low and high.
    """
    low, middle, high = np.quantile(values, [BAND[0], 0.5, BAND[1]], axis=1)
    return pd.DataFrame(
        {
            name: np.tile(at, len(MODELS)),
            "model": np.repeat(MODELS, len(at)),
            "median": middle.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
        }
    )


def input_density(x: np.ndarray, cells: int) -> pd.DataFrame:
    """Return how training inputs are distributed over [−1, 1].

    Parameters
    ----------
    x : ndarray
        Training inputs.
    cells : int
        Number of equal cells.

    Returns
    -------
    DataFrame
        Columns left, right and share.
    """
    count, edges = np.histogram(x, np.linspace(-1, 1, cells + 1))
    return pd.DataFrame({"left": edges[:-1], "right": edges[1:], "share": count / count.sum()})


def target_density(y: np.ndarray, limits: tuple[float, float], ranges: int) -> pd.DataFrame:
    """Return how training targets are distributed over equal target ranges.

    Parameters
    ----------
    y : ndarray
        Training targets; those beyond the limits count towards the outermost ranges.
    limits : tuple of float
        Lowest and highest target.
    ranges : int
        Number of ranges.

    Returns
    -------
    DataFrame
        Columns low, high and share.
    """
    edges = bins.ranges(*limits, ranges)
    count = np.bincount(bins.Bins(edges, "equal-width").label(y.ravel()), minlength=ranges)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": count / count.sum()})


def probability_grid(
    probability: np.ndarray,
    edges: np.ndarray,
    columns: np.ndarray,
    rows: np.ndarray,
) -> pd.DataFrame:
    """Return class probabilities on a common grid of inputs and targets, averaged over runs.

    The probability of a class is spread evenly over its width.

    Parameters
    ----------
    probability : ndarray of shape (R, M, C)
        Class probabilities of each run, at the centres of the columns.
    edges : ndarray of shape (R, C + 1)
        Class edges of each run.
    columns : ndarray of shape (M + 1,)
        Edges of the grid's columns, in x.
    rows : ndarray of shape (K + 1,)
        Edges of the grid's rows, in target units.

    Returns
    -------
    DataFrame
        Columns left, right, low, high and probability.
    """
    per_run = [p @ _overlap(e, rows) for p, e in zip(probability, edges, strict=True)]
    mass = np.mean(per_run, axis=0)
    column, row = np.indices(mass.shape).reshape(2, -1)
    return pd.DataFrame(
        {
            "left": columns[column],
            "right": columns[column + 1],
            "low": rows[row],
            "high": rows[row + 1],
            "probability": mass.ravel(),
        }
    )


def _overlap(edges: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return the share of each bin's width that lies in each cell of the grid, (C, K)."""
    low = np.maximum(edges[:-1, None], grid[None, :-1])
    high = np.minimum(edges[1:, None], grid[None, 1:])
    return np.clip(high - low, 0, None) / np.diff(edges)[:, None]
