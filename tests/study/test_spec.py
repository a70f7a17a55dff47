"""Models and runs: keys and seeds."""

from __future__ import annotations

from dataclasses import replace

from regcls import study
from tests.helpers.study_grids import small


def test_the_key_of_a_model_never_changes():
    """Results that people have stored are found by it."""
    model = study.load("paper").models()[0]
    assert model.key == "5dc82c7c8d4295a7b06e2b282fcb88027d417285ea4b68bbb40c197c971f0513"
    assert replace(model, init_seed=1).key != model.key


def test_data_sets_share_no_initialisation():
    runs = small(repeats=3).runs
    assert len({run.init_seed for run in runs}) == len(runs) == 18
    assert len({run.data_seed for run in runs}) == 6
