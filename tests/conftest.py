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


@pytest.fixture(autouse=True)
def _main_module() -> Iterator[None]:
    """Put ``__main__`` back: Streamlit replaces it by the page's script and leaves it so.

    A process that a later test spawns imports ``__main__`` first, and would run that script.
    """
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
