"""Fixtures of the Study's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from regcls import study
from tests.helpers.study_grids import SMALL_TOML, small


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the small grid, trained in this process; tests only read it."""
    path = tmp_path_factory.mktemp("study") / "study.sqlite"
    with study.Store(path) as store:
        progress = study.run(small(), store, jobs=1)
    assert progress.finished
    return path


@pytest.fixture
def longer(tmp_path: Path) -> Path:
    """The file of a grid of many batches that takes some seconds."""
    toml = tmp_path / "longer.toml"
    widths = ", ".join(f"[{n}]" for n in range(2, 14))
    toml.write_text(f"{SMALL_TOML.replace('epochs = 4', 'epochs = 90')}\nhidden = [{widths}]\n")
    return toml
