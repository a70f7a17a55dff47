"""README: its example runs and its commands exist; tests/test_docs.py checks names and links."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from regcls.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_runs(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "reg+cls" in done.stdout and "mine" in done.stdout


def test_there_is_an_example():
    assert EXAMPLES


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`regcls (?!…)(\w+)", README))))
def test_each_command_exists(name):
    registered = {c.name or c.callback.__name__ for c in app.registered_commands}
    assert name in registered | {group.name for group in app.registered_groups}
