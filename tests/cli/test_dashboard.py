"""`regcls app`: what it hands to Streamlit, and that libraries are loaded before the server starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regcls.cli import dashboard
from regcls.cli.app import app
from tests.helpers.server import ROOT, free_port, wait_until_healthy


def test_streamlit_gets_the_script_the_port_and_all_other_options(monkeypatch):
    seen: list[list[str]] = []
    monkeypatch.setattr(dashboard, "LIBRARIES", ("json", "regcls_no_such_library"))
    monkeypatch.setattr("runpy.run_module", lambda name, **options: seen.append([name, *sys.argv]))
    monkeypatch.setattr(sys, "argv", ["regcls"])
    result = CliRunner().invoke(app, ["app", "--port", "8765", "--server.headless=true"])
    assert result.exit_code == 0, result.output
    ((module, program, run, script, *options),) = seen
    assert (module, program, run) == ("streamlit", "streamlit", "run")
    assert Path(script).name == "app.py" and Path(script).is_file()
    assert options == ["--server.port=8765", "--server.headless=true"]
    assert CliRunner().invoke(app, ["app", "--port", "70000"]).exit_code == 2


LOADED = """
import runpy, sys
from regcls.cli import app, dashboard
runpy.run_module = lambda name, **options: print(*(n for n in (name, *dashboard.LIBRARIES) if n in sys.modules))
app.app(["app"])
"""


def test_the_libraries_of_all_pages_are_loaded_before_streamlit_is():
    command = [sys.executable, "-c", LOADED]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert found.stdout.split() == list(dashboard.LIBRARIES), found.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals differ")
def test_ctrl_c_ends_the_server():
    port = free_port()
    command = [sys.executable, "-m", "regcls", "app", f"--port={port}", "--server.headless=true"]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_healthy(port, server)
        server.send_signal(signal.SIGINT)
        assert server.wait(120) == 0
    finally:
        server.kill()
