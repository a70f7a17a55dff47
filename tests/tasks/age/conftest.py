"""The fake age pair."""

from __future__ import annotations

import pytest

from regcls.tasks import pairs
from tests.helpers import fake_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    fake_pair.make_pair(root)
    return pairs.load_pair("age", root)
