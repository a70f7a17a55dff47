"""The fake depth pair and a photo of a room."""

from __future__ import annotations

import pytest

from regcls.tasks import pairs
from regcls.tasks.pairs import Pair
from tests.helpers import fake_depth


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Pair:
    root = tmp_path_factory.mktemp("models")
    fake_depth.make_pair(root)
    return pairs.load_pair("depth", root)
