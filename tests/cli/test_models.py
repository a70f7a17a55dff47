"""`regcls models`: list a folder, check a file."""

from __future__ import annotations

from tests.helpers.command_line import run_json
from tests.helpers.fake_pair import make_pair


def test_models_list_and_check(tmp_path):
    make_pair(tmp_path)
    listed = run_json("models", "list", "--root", tmp_path)["models"]
    assert {m["variant"] for m in listed} == {"reg", "reg+cls"}
    for model in listed:
        checked = run_json("models", "check", model["file"])
        assert checked["variant"] == model["variant"] and checked["milliseconds"] > 0
        assert checked["outputs"]["value"]["shape"] == [2] and checked["outputs"]["value"]["finite"]
