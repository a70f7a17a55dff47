"""What README shows must work: its example runs, its links and commands exist."""

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


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_local_links_lead_somewhere(target):
    assert target.startswith("https://") or (ROOT / target).is_file()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`regcls (?!…)(\w+)", README))))
def test_each_command_exists(name):
    registered = {c.name or c.callback.__name__ for c in app.registered_commands}
    assert name in registered | {group.name for group in app.registered_groups}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(regcls(?:\.\w+)+)`", README))))
def test_each_module_exists(name):
    path = ROOT / Path(*name.split("."))
    assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)\b", README)) <= targets
