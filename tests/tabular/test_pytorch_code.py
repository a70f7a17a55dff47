"""PyTorch code: it runs and learns for every kind of network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from regcls.tabular.methods import NETWORKS
from regcls.tabular.plan import BIN_KINDS, DEFAULT_SETTING
from regcls.tabular.pytorch_code import snippet


@pytest.mark.parametrize("bins", BIN_KINDS)
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_code_runs_and_learns(kind, bins):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = 2 * x[:, 0] + x[:, 1]
    names: dict[str, Any] = {}
    setting = replace(DEFAULT_SETTING, bins=bins, lr=5e-3)
    exec(snippet(kind, setting, 'a "quoted" target', rows=300, steps=250), names)
    error = np.abs(names["train"](x, y)(x) - y).mean()
    assert error < 0.5 * np.abs(y - np.median(y)).mean()


def test_trees_have_no_pytorch_code():
    with pytest.raises(ValueError, match="no PyTorch code for 'trees'"):
        snippet("trees", DEFAULT_SETTING, "y", rows=300, steps=250)
