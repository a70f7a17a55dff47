"""The Lab's charts: stable specifications between redraws, models that differ beyond colour."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from regcls.lab import charts
from regcls.plotting.style import COLOURS


def bands(name: str, shift: float = 0.0) -> pd.DataFrame:
    at = np.arange(4.0)
    frames = [
        pd.DataFrame(
            {name: at, "model": m, "median": at + 1 + shift, "low": at + 0.5, "high": at + 2}
        )
        for m in COLOURS
    ]
    return pd.concat(frames)


def test_redraw_keeps_the_spec_and_changes_the_data():
    first = charts.history(bands("epoch"), 80, 10)
    second = charts.history(bands("epoch", 1), 80, 10)
    assert first.spec == second.spec
    assert not first.data["history"].equals(second.data["history"])


def test_models_differ_in_more_than_colour():
    spec = json.dumps(charts.history(bands("epoch"), 80, 10).spec)
    assert "strokeDash" in spec
    assert len(set(COLOURS.values())) == 3
