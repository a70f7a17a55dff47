"""Take the README's screenshots from the running app, or those for a look at all pages.

Run `.venv/bin/python docs/screenshots.py` after `make test` has set up; names of pages may follow, to
take only those. With `--review`, every page is taken as it opens: light, dark and on a phone, whole,
into artefacts/screenshots; what is higher than one screen or wider than the phone is printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pages import SECTIONS  # noqa: E402
from regcls.study.catalogue import STORE  # noqa: E402
from tests.browser.steps import PATIENCE, ready, watch_loading  # noqa: E402
from tests.helpers.server import chromium_options, free_port, start_server, stop_server  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
SIZE = {"width": 1440, "height": 900}
REVIEW = ROOT / "artefacts" / "screenshots"
DESKTOP, PHONE = (1440, 900), (390, 844)
LOOKS = {"light": ("light", DESKTOP), "dark": ("dark", DESKTOP), "phone": ("light", PHONE)}
HIGHEST = 8000  # pixels of a page that are taken


@dataclass(frozen=True)
class Shot:
    """A page to photograph: its address and the text that shows that it is complete."""

    address: str
    text: str
    before: Callable[[Page], None] = lambda page: None  # what to click until the text appears


def press(name: str) -> Callable[[Page], None]:
    """Return a step that clicks the button with this label."""
    return lambda page: page.get_by_role("button", name=name).first.click()


SHOTS = {
    "lab": Shot("lab?lr=0.003&epochs=40", "Epoch 40 of 40, finished", press("Play")),
    "study": Shot("study?grid=paper", "What the results say"),
    "theory": Shot("theory?s=0.1", "The three terms add up"),
    "age": Shot("age", "(90% interval)"),
    "depth": Shot("depth?sample=laboratory", "All maps share one scale"),
    "progress": Shot("progress?sample=can", "Mean absolute error"),
    "predictions": Shot(
        "predictions", "Lowest of each column in bold", press("Progress (shipped models)")
    ),
    "models": Shot("models", "Use the age pair"),
}


def take(page: Page, url: str, name: str) -> Path:
    """Open a page, wait until it is complete and save its screenshot."""
    shot = SHOTS[name]
    page.set_default_timeout(PATIENCE)
    watch_loading(page)
    page.goto(f"{url}/{shot.address}")
    shot.before(page)
    page.get_by_text(shot.text).first.wait_for()
    ready(page)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    return path


def review(browser: Browser, url: str, name: str, look: str) -> None:
    """Take a page as it opens, whole."""
    scheme, (width, height) = LOOKS[look]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    watch_loading(page)
    page.goto(f"{url}/{'' if name == 'home' else name}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    ready(page)
    wide, high = page.get_by_test_id("stMain").evaluate("e => [e.scrollWidth, e.scrollHeight]")
    page.set_viewport_size({"width": width, "height": min(high, HIGHEST)})
    ready(page)
    path = REVIEW / f"{name}-{look}.png"
    page.screenshot(path=path)
    page.close()
    print(f"{path.relative_to(ROOT)}: {wide} x {high} pixels")


def take_all(names: list[str], reviewed: bool) -> None:
    """Take the screenshots of these pages, from a server of their own."""
    expect.set_options(timeout=PATIENCE)
    port = free_port()
    server = start_server(port, subprocess.DEVNULL)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(**chromium_options())
            for name, look in product(names, LOOKS) if reviewed else ():
                review(browser, f"http://127.0.0.1:{port}", name, look)
            for name in () if reviewed else names:
                page = browser.new_page(viewport=SIZE)
                path = take(page, f"http://127.0.0.1:{port}", name)
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e3:.0f} kB")
                page.close()
            browser.close()
    finally:
        stop_server(server)


def main() -> None:
    """Take the screenshots of the pages named on the command line, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", nargs="*", help="only these pages")
    parser.add_argument(
        "--review", action="store_true", help="all pages, light, dark and on a phone"
    )
    options = parser.parse_args()
    reviewed = options.review
    known = [name for pages in SECTIONS.values() for name, *_ in pages] if reviewed else list(SHOTS)
    names = options.page or known
    if unknown := set(names) - set(known):
        parser.error(f"unknown page: {', '.join(unknown)}; available: {', '.join(known)}")
    REVIEW.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # An empty store: the Study shows the shipped results.
        os.environ[STORE] = str(Path(folder) / "study.sqlite")
        take_all(names, reviewed)


if __name__ == "__main__":
    main()
