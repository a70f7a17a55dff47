"""Fixtures of all tests."""

from __future__ import annotations

import os

import pytest

from regcls.study import processes


@pytest.fixture(scope="session", autouse=True)
def _notes_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep studies that run outside the tests and those that the tests start apart."""
    os.environ[processes.NOTES] = str(tmp_path_factory.mktemp("notes"))
