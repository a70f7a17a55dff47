"""Preprocessing: values by hand, and the selection of the strongest inputs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from regcls.tabular import columns, preprocessing


def test_values_by_hand():
    """A number with a missing value and a category: scaled, flagged, one-hot."""
    named = (columns.Column("a", "number"), columns.Column("k", "category", ("p", "q")))
    values = np.array([[0.0, 0], [2.0, 1], [np.nan, 0], [1.0, 1], [1.0, 0], [1.0, 1]])
    fitted = preprocessing.fit(named, values, np.arange(6.0))
    got = preprocessing.inputs(fitted, np.array([[1.0, 0], [np.nan, 2], [99.0, 1]]))
    # Median and mean are 1: a missing value becomes 0; 99 is clipped at 5. Unknown: all zeros.
    assert got[:, 0].tolist() == [0, 0, 5]
    assert got[:, 1].tolist() == [0, 1, 0]
    assert got[:, 2:].tolist() == [[1, 0], [0, 0], [0, 1]]


def test_five_thousand_columns_become_the_three_hundred_strongest():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 5000))
    named = tuple(columns.Column(f"c{i}", "number") for i in range(5000))
    fitted = preprocessing.fit(named, values, 10 * values[:, 4321] + rng.normal(size=80))
    assert preprocessing.inputs(fitted, values).shape == (80, columns.MAX_INPUTS)
    assert fitted[2].get_support()[4321]
    frame = pd.DataFrame(values, columns=[c.name for c in named]).assign(y=values[:, 1])
    assert "Of 4,999 columns, the 300" in columns.make_problem(frame, "y").notes[-1]
