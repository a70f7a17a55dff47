"""Browser tests: the real server on a free port, a real Chromium, and a console without errors or warnings.

What the tests wait for is always a state of the page, never a time: see ``steps.ready``.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator

import pytest

pytest.importorskip("pytest_playwright")

from playwright.sync_api import ConsoleMessage, Page, expect

from tests.browser.steps import PATIENCE, watch_loading
from tests.helpers.server import ROOT, chromium_options, free_port, start_server, stop_server

ARTEFACTS = ROOT / "artefacts"

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Address of the app, served as a user starts it; its output goes to artefacts/server-….log."""
    ARTEFACTS.mkdir(exist_ok=True)
    port = free_port()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    with open(ARTEFACTS / f"server-{worker}.log", "wb") as log:
        server = start_server(port, log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stop_server(server)


@pytest.fixture
def new_server_url() -> Iterator[str]:
    """A server without any visit so far. Name it before ``page``, which it then outlives."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        server = start_server(port, log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            stop_server(server)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    return browser_type_launch_args | chromium_options()


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict) -> dict:
    return browser_context_args | {"viewport": {"width": 1280, "height": 800}}


def _is_problem(message: ConsoleMessage) -> bool:
    """Whether the console shows an error or a warning, apart from two of no concern.

    Streamlit looks for its server under the page's own path first, and finds nothing there. A browser
    without a GPU draws 3D scenes on the CPU, and its driver says that this is slow.
    """
    probe = re.search(r"/[^/]+/_stcore/(health|host-config)$", message.location.get("url", ""))
    slow_drawing = "GL Driver Message" in message.text or "WebGL" in message.text
    return (message.type == "error" and not probe) or (
        message.type == "warning" and not slow_drawing
    )


def _remaining(problems: list[str], page: Page) -> list[str]:
    """Return the problems that are not about an image or film that the page has replaced since.

    Where a step reruns the page while the browser still loads what the last run showed, Streamlit
    has removed that file already. What the page shows in the end must be there.
    """
    shown = page.content() if any("/media/" in problem for problem in problems) else ""
    files = (re.search(r"/media/([^\s?]+)", problem) for problem in problems)
    return [p for p, file in zip(problems, files, strict=True) if not file or file[1] in shown]


@pytest.fixture
def page(page: Page) -> Iterator[Page]:
    """A page of its own at 1280×800 whose console must stay free of errors and warnings."""
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on(
        "console",
        lambda m: problems.append(f"{m.text} {m.location.get('url')}") if _is_problem(m) else None,
    )
    page.on("pageerror", lambda error: problems.append(str(error)))
    watch_loading(page)
    yield page
    problems = _remaining(problems, page)
    assert problems == [], "the browser's console has errors or warnings"
