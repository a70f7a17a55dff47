"""The shipped progress pair."""

from __future__ import annotations

import pytest

from regcls.tasks.pairs import Pair
from regcls.tasks.progress import predict


@pytest.fixture(scope="module")
def pair() -> Pair:
    return predict.load()
