"""Grids: sizes, hashes and shared models."""

from __future__ import annotations

import itertools

import pandas as pd

from regcls import study
from tests.helpers.study_grids import small


def test_the_size_of_the_papers_grid():
    grid = study.load("paper")
    models = grid.models()
    assert len(grid.cells) == 60
    assert sum(model.classes > 0 for model in models) == 3000
    plain = [model.weight for model in models if not model.classes]
    assert (len(plain), plain.count(1.0)) == (1200, 600)  # reg, and a control for each
    assert len({model.key for model in models}) == len(models) == 4200


def test_architectures_have_the_same_number_of_parameters():
    counts = []
    for hidden in study.load("architecture").hidden:
        sizes = (1, *hidden, 1)
        counts.append(sum((a + 1) * b for a, b in itertools.pairwise(sizes)))
    assert max(counts) - min(counts) <= 2
    assert 133 in counts


def test_the_hash_depends_on_settings_only():
    assert small().hash == small("other", title="another").hash
    assert small(weight=[100]).hash == small(weight=[100.0]).hash
    assert small(epochs=5).hash != small().hash


def test_cells_share_reg_and_control():
    grid = small(weight=[10, 100])
    assert len(grid.cells) == 4
    by_kind = pd.Series([(m.variant, m.weight) for m in grid.models()]).value_counts()
    assert by_kind.to_dict() == {
        ("reg", 1.0): 6,
        ("reg", 10.0): 6,
        ("reg", 100.0): 6,
        ("reg+cls", 10.0): 12,
        ("reg+cls", 100.0): 12,
    }
