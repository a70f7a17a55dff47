"""`regcls app`: start the dashboard."""

from __future__ import annotations

import contextlib
import importlib
import runpy
import sys
from typing import Annotated

import typer

from regcls.utils.paths import dashboard_folder

# What nearly all pages need and takes longest to load; plotly is for Depth.
LIBRARIES = ("pandas", "pyarrow", "altair", "scipy.special", "plotly.graph_objects")


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
    sys.argv = ["streamlit", "run", script, f"--server.port={port}", *context.args]
    _load()
    # In this process, so that signals reach Streamlit and the libraries are there for it.
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _load() -> None:
    """Load libraries before the server starts, so that the first visitor need not wait for them.

    Not beside it in a thread: Streamlit and plotly would find half-loaded modules.
    """
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # the page that needs it says what is missing
            importlib.import_module(name)
