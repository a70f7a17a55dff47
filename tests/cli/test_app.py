"""All commands: help, JSON, light imports, and one sentence for invalid input."""

from __future__ import annotations

import subprocess
import sys

import pytest

from regcls.cli.output import BAD_INPUT
from tests.helpers.command_line import one_sentence, run

COMMANDS = (
    ("lab",),
    ("errors",),
    ("predict",),
    ("evaluate",),
    ("train",),
    ("export",),
    ("theory",),
    ("advise",),
    ("models", "list"),
    ("models", "check"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_json(command):
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "--json" in done.stdout


@pytest.mark.parametrize("command", [(), ("lab",), ("study", "run"), ("advise",)], ids=" ".join)
def test_help_is_light(command):
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom regcls.cli.app import app\n"
        f"assert CliRunner().invoke(app, {[*command, '--help']}).exit_code == 0\n"
        "print(sorted({'torch', 'pandas', 'onnxruntime', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


BAD = {
    "no such file": ("errors", "absent.csv"),
    "not a setting": ("lab", "--set", "colour=blue"),
    "not NAME=VALUE": ("lab", "--set", "colour"),
    "not a preset": ("lab", "--preset", "Everything"),
    "not a number": ("lab", "--set", "lr=fast"),
    "out of range": ("lab", "--repeats", "0"),
    "too much memory": ("lab", "--classes", "1024", "--repeats", "50", "--set", "batch=4096"),
    "no photo": ("predict", "age", "absent.jpg"),
    "no folder": ("models", "list", "--root", "absent"),
    "no model": ("models", "check", "absent.onnx"),
    "no faces": ("train", "age", "--data", "absent.zip"),
    "no runs": ("export", "age", "--data", "absent.zip"),
}


@pytest.mark.parametrize("arguments", BAD.values(), ids=BAD.keys())
def test_invalid_input_gets_one_sentence(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one_sentence(run(*arguments))


def test_an_unknown_task_is_refused():
    done = run("evaluate", "weather")
    assert done.exit_code == BAD_INPUT
    assert "age" in done.stderr
