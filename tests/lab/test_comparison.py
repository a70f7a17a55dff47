"""One comparison of the Lab, trained to its end."""

from __future__ import annotations

import pandas as pd
import pytest

from regcls.exceptions import UserError
from regcls.lab.comparison import train_comparison
from regcls.lab.settings import MODELS, LabSettings


def test_comparison_returns_errors_and_verdicts_and_writes_the_history(tmp_path):
    settings = LabSettings(samples=3000, epochs=2, repeats=2, batch=128)
    seen = []
    path = tmp_path / "history.csv"
    result = train_comparison(settings, path, lambda epoch, epochs: seen.append((epoch, epochs)))
    assert seen == [(1, 2), (2, 2)]
    assert set(result["test_mse"]) == set(MODELS)
    assert [(v["a"], v["b"]) for v in result["verdicts"]] == [
        ("reg+cls", "reg"),
        ("reg+cls", "control"),
    ]
    assert len(pd.read_csv(path)) == 3 * 3 * 2


def test_comparison_beyond_the_memory_limit_is_refused():
    large = LabSettings(samples=300_000, repeats=50, batch=4096, classes=1024, hidden=(256, 256))
    with pytest.raises(UserError, match="memory"):
        train_comparison(large, None, lambda epoch, epochs: None)
