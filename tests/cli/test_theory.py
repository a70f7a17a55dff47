"""`regcls theory`: the terms of the losses per target range."""

from __future__ import annotations

import pytest

from tests.helpers.command_line import one_sentence, run, run_json


def test_terms_per_range():
    record = run_json("theory", "--s", "0.1", "--classes", "4")
    assert record["s"] == 0.1 and record["model"] == "ideal"
    assert len(record["rows"]) > 3 and record["residual"] < 1e-6


@pytest.mark.parametrize("option", [("--function", 11), ("--model", "best"), ("--s", 0)])
def test_invalid_options_get_one_sentence(option):
    done = run("theory", *option)
    one_sentence(done)
    assert option[0] in done.stderr
