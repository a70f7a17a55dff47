"""Grids from TOML: shipped grids, and descriptions that are invalid."""

from __future__ import annotations

import pytest

from regcls import study
from regcls.study import loader
from tests.helpers.study_grids import SEARCH, small


def test_every_shipped_grid_loads():
    assert set(study.names()) == {
        "paper",
        "quick",
        "fair",
        "architecture",
        "losses",
        "optimizers",
        "bins",
    }
    hashes = {study.load(name).hash for name in study.names()}
    assert len(hashes) == len(study.names())
    assert all(study.load(name).title for name in study.names())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampeling": ["mild"]}, "did you mean 'sampling'"),
        ({"sampling": ["mlid"]}, "did you mean 'mild'"),
        ({"sampling": ["own"]}, "sampling has an unknown value"),
        ({"version": 2}, "version = 1"),
        ({"classes": [4, 1024]}, "samples must be at least"),
        ({"batch": 4000}, "samples must be at least"),
        ({"classes": []}, "classes must be a list"),
        ({"classes": [4.5]}, "classes has a value of the wrong type"),
        ({"lr": ["papre"]}, "lr must be numbers or 'paper'"),
        ({"lr": [-1]}, "lr must be from"),
        ({"functions": [11]}, "numbers from 1 to 10"),
        ({"data_seeds": 0}, "data_seeds must be a whole number"),
        ({"epochs": "many"}, "epochs must be one number"),
        ({"hidden": [15]}, "hidden has a value of the wrong type"),
        ({"roles": ["reg", "contrl"]}, "did you mean 'control'"),
        ({"search": SEARCH}, "classes is tuned by the search"),
    ],
)
def test_an_invalid_grid_is_rejected(changes, message):
    with pytest.raises(study.GridError, match=message):
        small(**changes)


def test_an_invalid_search_is_rejected():
    def searched(**changes):
        return loader.from_dict("fair", {"version": 1, "search": SEARCH | changes})

    with pytest.raises(study.GridError, match="did you mean 'budget'"):
        searched(budgte=3)
    with pytest.raises(study.GridError, match=r"search.lr must be \[lowest, highest\]"):
        searched(lr=[1e-2, 1e-3])
    with pytest.raises(study.GridError, match="invalid setting: classes must be"):
        searched(classes=[1])
    with pytest.raises(study.GridError, match="the search lacks lr"):
        loader.from_dict("fair", {"version": 1, "search": {"budget": 3}})
