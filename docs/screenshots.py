"""Take the README's screenshots from the running app.

Run `.venv/bin/python docs/screenshots.py` after `make test` has set up; names of pages may follow, to
take only those.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from regcls.study.catalogue import STORE  # noqa: E402
from tests.helpers.server import chromium_options, free_port, start_server, stop_server  # noqa: E402

SIZE = {"width": 1280, "height": 860}
WAIT = 90_000  # ms


def seen(page: Page, text: str) -> None:
    page.get_by_text(text).first.wait_for(timeout=WAIT)


def lab(page: Page) -> None:
    page.get_by_role("button", name="Play").first.click(timeout=WAIT)
    seen(page, "Verdict after")
    seen(page, "Epoch 40 of 40, finished")


def age(page: Page) -> None:
    page.get_by_role("button", name="Grace Hopper").click(timeout=WAIT)
    seen(page, "90% interval")


def study(page: Page) -> None:
    seen(page, "What the results say")
    page.wait_for_timeout(2_500)  # charts have their places
    page.get_by_role("tab", name="Test error").evaluate("tab => tab.scrollIntoView()")


# Address, and what to do until the page is worth a picture.
PAGES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "lab": ("lab?lr=0.003&epochs=40", lab),
    "study": ("study?grid=paper", study),
    "theory": ("theory?s=0.1", lambda page: seen(page, "The three terms add up")),
    "age": ("age", age),
    "depth": ("depth?sample=laboratory", lambda page: seen(page, "One scale of metres")),
    "progress": ("progress?sample=can", lambda page: seen(page, "Mean error")),
    "predictions": (
        "predictions",
        lambda page: (
            page.get_by_role("button", name="Progress of videos (ours)").click(timeout=WAIT),
            seen(page, "Share of the targets in each range"),
        ),
    ),
    "models": ("models", lambda page: seen(page, "Use the age pair")),
}


def take(page: Page, url: str, name: str) -> Path:
    address, ready = PAGES[name]
    page.goto(f"{url}/{address}")
    ready(page)
    page.wait_for_timeout(2_500)  # charts are drawn, spinners are gone
    path = ROOT / "docs" / "pictures" / f"{name}.png"
    page.screenshot(path=path)
    return path


def main() -> None:
    names = sys.argv[1:] or list(PAGES)
    if unknown := set(names) - set(PAGES):
        sys.exit(f"There is no page {', '.join(unknown)}; there are {', '.join(PAGES)}.")
    with tempfile.TemporaryDirectory() as folder:
        # What ships, not what this machine has run.
        os.environ[STORE] = str(Path(folder) / "study.sqlite")
        take_all(names)


def take_all(names: list[str]) -> None:
    """Of a server of their own."""
    port = free_port()
    server = start_server(port, subprocess.DEVNULL)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**chromium_options())
            for name in names:
                page = browser.new_page(viewport=SIZE)
                path = take(page, f"http://127.0.0.1:{port}", name)
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:.0f} kB")
                page.close()
            browser.close()
    finally:
        stop_server(server)


if __name__ == "__main__":
    main()
