"""Run the command line inside this process."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner, Result

from regcls.cli.app import app
from regcls.cli.output import BAD_INPUT

RUNNER = CliRunner()


def run(*arguments: object) -> Result:
    """Run a command; arguments are converted to text."""
    return RUNNER.invoke(app, [str(a) for a in arguments])


def run_json(*arguments: object) -> dict[str, Any]:
    """Run a command with ``--json`` that must succeed, and return its record."""
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def one_sentence(done: Result) -> None:
    """Assert that a command was refused with one sentence on stderr."""
    assert done.exit_code == BAD_INPUT, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.endswith((".\n", "?\n"))
    assert "Traceback" not in done.stderr
