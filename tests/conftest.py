"""Fixtures of the browser tests: the real server on a free port, and a page of a real Chromium."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from regcls.study.processes import NOTES

ROOT = Path(__file__).resolve().parents[1]
ARTEFACTS = ROOT / "artefacts"
START_SECONDS = 60
PATIENCE = 30_000  # ms that a page may take to show what it is asked for, on a busy machine


def chromium_options() -> dict:
    """The machine's Chromium where there is one, else the one that Playwright fetched."""
    names = ("chromium", "chromium-browser", "google-chrome")  # as in the Makefile
    path = next(filter(None, map(shutil.which, names)), None)
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    return {"args": ["--no-sandbox", *camera], **({"executable_path": path} if path else {})}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_server(port: int, log) -> subprocess.Popen:
    """`streamlit run app.py`, and wait until it says that it is well."""
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless=true",
    ]
    options = [
        f"--server.port={port}",
        "--server.address=127.0.0.1",
        "--server.fileWatcherType=none",
    ]
    environment = {**os.environ, "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false"}
    server = subprocess.Popen(
        command + options,
        cwd=ROOT,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
    )
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as r:
                if r.status == 200:
                    return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    stop_server(server)
    raise RuntimeError(f"the server did not start within {START_SECONDS} s")


def stop_server(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture(scope="session", autouse=True)
def _own_notes(tmp_path_factory) -> None:
    """Studies that go on outside the tests are no business of the tests, nor the other way round."""
    os.environ[NOTES] = str(tmp_path_factory.mktemp("notes"))


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Address of the app, served as a user starts it; the server's words go to artefacts/."""
    ARTEFACTS.mkdir(exist_ok=True)
    port = free_port()
    with open(ARTEFACTS / "server.log", "wb") as log:
        server = start_server(port, log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stop_server(server)


@pytest.fixture
def new_server_url() -> Iterator[str]:
    """A server that nobody has visited yet. Name it before ``page``: it outlives the page then."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        server = start_server(port, log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stop_server(server)


@pytest.fixture(scope="session")
def browser() -> Iterator:
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=PATIENCE)
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**chromium_options())
        yield chromium
        chromium.close()


def _words(message) -> str:
    return f"{message.text} {message.location.get('url', '')}"


def _is_error(message) -> bool:
    """Streamlit looks for its server under the page's own path first, and finds nothing there."""
    probe = re.search(r"/[^/]+/_stcore/(health|host-config)$", message.location.get("url", ""))
    return message.type == "error" and not probe


@pytest.fixture
def page(browser, request) -> Iterator:
    """A page of its own at 1280×800; a screenshot is kept, and the console must stay clean."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    problems: list[str] = []
    tab.on("console", lambda m: problems.append(_words(m)) if _is_error(m) else None)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    yield tab
    ARTEFACTS.mkdir(exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9]+", "_", request.node.nodeid.split("/")[-1]).strip("_")
    tab.screenshot(path=ARTEFACTS / f"{name}.png")
    context.close()
    assert problems == [], "the browser's console has errors"
