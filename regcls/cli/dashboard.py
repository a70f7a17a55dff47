"""`regcls app`: start the dashboard."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from regcls.utils.paths import dashboard_folder


def register(app: typer.Typer) -> None:
    """Add this group's command to the program."""
    # Unknown options go to Streamlit.
    passed_on = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command("app", context_settings=passed_on)(start)


def start(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the server.")] = 8501,
) -> None:
    """Start the dashboard on this machine; other options are passed to Streamlit."""
    script = str(dashboard_folder() / "app.py")
    streamlit = [sys.executable, "-m", "streamlit", "run", script, f"--server.port={port}"]
    command = [*streamlit, *context.args]
    if os.name == "posix":
        os.execv(sys.executable, command)  # so that signals reach Streamlit itself
    raise typer.Exit(subprocess.run(command, check=False).returncode)
