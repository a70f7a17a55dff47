"""The curves of the runs beside the one that is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regcls.lab import other_runs
from regcls.lab.run import Lab
from regcls.lab.settings import MODELS, LabSettings

SMALL = LabSettings(samples=900, epochs=2, repeats=3, batch=64)


@pytest.fixture(scope="module")
def trained() -> Lab:
    made = Lab(SMALL)
    made.advance(made.total_steps)
    return made


def test_predictions_are_those_of_the_other_runs(trained):
    table = other_runs.predictions(trained, shown=1, points=5)
    assert sorted(table["run"].unique()) == [1, 3]
    expected = trained.predict(np.linspace(-1, 1, 5))
    for (model, run), curve in table.groupby(["model", "run"]):
        np.testing.assert_array_equal(curve["value"], expected[MODELS.index(model), run - 1])


def test_errors_are_those_of_the_history(trained):
    table = other_runs.errors(trained, shown=0)
    history = trained.history[trained.history["run"] > 1]
    both = table.merge(history, on=["epoch", "model", "run"])
    assert len(both) == len(table) == len(history)
    np.testing.assert_array_equal(both["value"], both["test_mse"])


def test_only_some_of_many_runs_are_kept():
    made = Lab(replace(SMALL, repeats=12, epochs=1))
    assert other_runs.errors(made, shown=2)["run"].nunique() == other_runs.MOST
    assert 3 not in set(other_runs.errors(made, shown=2)["run"])


def test_a_single_run_has_no_others():
    made = Lab(replace(SMALL, repeats=1, epochs=1))
    assert other_runs.predictions(made, shown=0).empty
