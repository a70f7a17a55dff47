"""Models and runs: keys and seeds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regcls import study
from regcls.study.grid import Grid
from regcls.synthetic.data import SAMPLINGS, SCENARIOS
from tests.helpers.study_grids import small


def test_the_key_of_a_model_never_changes():
    """Results that people have stored are found by it, those of the first data sets as well."""
    grid = Grid("paper", scenario=SCENARIOS, sampling=SAMPLINGS, classes=(4, 16, 64, 256, 1024))
    model = grid.models()[0]
    assert model.key == "df074f00fe7ac88603c5e4c8587b990ee6b5ca8608d274441ac965b672adeea1"
    first = replace(model, samples=60_000, data_version=1)
    assert first.key == "5dc82c7c8d4295a7b06e2b282fcb88027d417285ea4b68bbb40c197c971f0513"
    assert study.load("paper").models()[0].key == model.key
    assert replace(model, init_seed=1).key != model.key


def test_data_sets_that_are_no_longer_made_are_not_trained(tmp_path):
    grid = small(samples=900, data_version=1)
    assert grid.hash != small(samples=900).hash
    with (
        study.Store(tmp_path / "s.sqlite") as store,
        pytest.raises(study.GridError, match="new models need data_version = 2"),
    ):
        study.run(grid, store, jobs=1)
    with pytest.raises(study.GridError, match="data_version must be from 1 to 2, not 3"):
        small(data_version=3)


def test_data_sets_share_no_initialisation():
    runs = small(repeats=3).runs
    assert len({run.init_seed for run in runs}) == len(runs) == 18
    assert len({run.data_seed for run in runs}) == 6
