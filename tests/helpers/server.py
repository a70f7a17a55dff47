"""Start the dashboard as its user does, and find the machine's Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180  # before a server that does not answer is given up, on a busy machine


def chromium_options() -> dict:
    """Launch options: the machine's Chromium where there is one, else Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")  # as in the Makefile
    path = next(filter(None, map(shutil.which, names)), None)
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    return {"args": ["--no-sandbox", *camera], **({"executable_path": path} if path else {})}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until_healthy(port: int, process: subprocess.Popen) -> None:
    """Wait until the server answers; raise ``RuntimeError`` if it ends or never does."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as r:
                if r.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    stop_server(process)
    raise RuntimeError(f"the server did not answer within {START_SECONDS} s")


def start_server(port: int, log: IO[bytes]) -> subprocess.Popen:
    """Run ``regcls app``, as ``make run`` does, on this port and wait until it answers."""
    options = ("--server.headless=true", "--server.address=127.0.0.1")
    server = subprocess.Popen(
        [sys.executable, "-m", "regcls", "app", f"--port={port}", *options],
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"},
    )
    wait_until_healthy(port, server)
    return server


def stop_server(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
