"""`regcls app`: start the dashboard."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from regcls.utils.paths import dashboard_folder


def register(app: typer.Typer) -> None:
    """Add this module's command to the program."""
    app.command("app", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
        start
    )


def start(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on.")] = 8501,
) -> None:
    """Start the dashboard on this machine; further options are passed on to Streamlit."""
    script = dashboard_folder() / "app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    try:
        code = subprocess.run([*command, *context.args], check=False).returncode
    except KeyboardInterrupt:  # Ctrl-C reaches Streamlit as well, which then stops by itself
        code = 0
    raise typer.Exit(code)
