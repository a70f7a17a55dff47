"""Curves of the runs that are not shown in full, drawn faintly behind the one that is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regcls.lab.run import Lab
from regcls.lab.settings import MODELS

MOST = 9  # other runs: more lines are slow to draw and hide each other


def predictions(lab: Lab, shown: int, points: int = 81) -> pd.DataFrame:
    """Return the predictions of the other runs.

    Parameters
    ----------
    lab : Lab
        The runs.
    shown : int
        Index of the run to leave out, from 0.
    points : int, default 81
        Inputs to predict at.

    Returns
    -------
    DataFrame
        Columns x, model, run and value, of at most `MOST` runs.
    """
    x = np.linspace(-1, 1, points)
    return _curves(x, lab.predict(x), "x", shown)


def errors(lab: Lab, shown: int, points: int = 60) -> pd.DataFrame:
    """Return the test MSE over epochs of the other runs.

    Parameters
    ----------
    lab : Lab
        The runs.
    shown : int
        Index of the run to leave out, from 0.
    points : int, default 60
        Most epochs to include.

    Returns
    -------
    DataFrame
        Columns epoch, model, run and value, of at most `MOST` runs.
    """
    curves = lab.test_errors
    epochs = np.unique(np.linspace(0, len(curves) - 1, points).round().astype(int))
    return _curves(epochs, np.moveaxis(curves[epochs], 0, -1), "epoch", shown)


def _curves(at: np.ndarray, values: np.ndarray, name: str, shown: int) -> pd.DataFrame:
    """Return values (3, R, M) of the other runs as a table."""
    runs = [run for run in range(values.shape[1]) if run != shown][:MOST]
    kept = values[:, runs]
    model, run, point = np.indices(kept.shape).reshape(3, -1)
    return pd.DataFrame(
        {
            name: at[point],
            "model": np.array(MODELS)[model],
            "run": np.array(runs, dtype=int)[run] + 1,
            "value": kept.ravel(),
        }
    )
