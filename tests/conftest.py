"""Fixtures of all tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from regcls.study import processes


@pytest.fixture(scope="session", autouse=True)
def _notes_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep studies that run outside the tests and those that the tests start apart."""
    os.environ[processes.NOTES] = str(tmp_path_factory.mktemp("notes"))


@pytest.fixture(scope="session", autouse=True)
def _runs_of_the_tests_take_their_turn() -> None:
    """Give the studies that tests start and wait for the priority of the tests.

    On a machine whose cores are busy, a run of lower priority trains nothing for minutes.
    """
    os.environ[processes.NICENESS] = "0"


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """Put ``__main__`` back: Streamlit replaces it by the page's script and leaves it so.

    A process that a later test spawns imports ``__main__`` first, and would run that script.
    """
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session", autouse=True)
def _pace_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the times of the tests' runs out of the estimates of this machine."""
    os.environ["REGCLS_PACE"] = str(tmp_path_factory.mktemp("pace") / "pace.json")
