"""Steps that several browser tests take: open a page, upload files, wait until all is shown."""

from __future__ import annotations

import time
from pathlib import Path
from weakref import WeakKeyDictionary

from playwright.sync_api import Locator, Page, Request, expect

PATIENCE = 300_000  # ms; how long a state may take on a busy machine before a test fails
# Resolves when the browser has nothing left to compute or paint: it was idle, drew a frame and let
# its timers run several times, and nothing on the page changed meanwhile. Charts are drawn in steps.
IDLE = """patience => new Promise((done, fail) => {
    const end = performance.now() + patience;
    let changed = false, quiet = 0;
    const observer = new MutationObserver(() => { changed = true; });
    observer.observe(document.body,
        { subtree: true, childList: true, attributes: true, characterData: true });
    const look = () => {
        quiet = changed ? 0 : quiet + 1;
        changed = false;
        if (quiet >= 6) { observer.disconnect(); done(); }
        else if (performance.now() > end) { fail(new Error("the page keeps changing")); }
        else requestIdleCallback(() => requestAnimationFrame(() => setTimeout(look, 50)));
    };
    look();
})"""
PARTS = {"document", "script", "stylesheet", "font", "image", "fetch", "xhr"}
CHART = '[data-testid="stVegaLiteChart"]'
TYPE = "application/octet-stream"


_loading: WeakKeyDictionary[Page, set[Request]] = WeakKeyDictionary()


def watch_loading(page: Page) -> None:
    """Note from now on which parts of the page are being loaded, for ``ready``."""
    loading = _loading[page] = set()
    page.on("request", lambda r: loading.add(r) if r.resource_type in PARTS else None)
    page.on("requestfinished", lambda r: loading.discard(r))
    page.on("requestfailed", lambda r: loading.discard(r))


def ready(page: Page) -> None:
    """Wait until the page's script has run, its parts are loaded and the browser is idle.

    A test that leaves the page, goes offline, measures a place on the screen or compares drawings
    needs all three: on a busy machine the page still loads and paints after its script has ended.
    """
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-connection-state", "CONNECTED")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    end = time.monotonic() + PATIENCE / 1000
    while _loading[page]:
        assert time.monotonic() < end, f"still loading: {_loading[page]}"
        page.evaluate(IDLE, PATIENCE)
    page.evaluate(IDLE, PATIENCE)


def open_page(page: Page, address: str, heading: str) -> None:
    """Go to an address and wait until the page with this heading is ready."""
    page.goto(address)
    expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
    ready(page)


def upload(page: Page, *files: tuple[str, bytes] | Path, into: Locator | None = None) -> None:
    """Choose files, each a path or (name, content), in an uploader; by default the page's first."""
    into = page.locator('input[type="file"]').first if into is None else into
    into.set_input_files(
        [
            {"name": f[0], "mimeType": TYPE, "buffer": f[1]}
            if isinstance(f, tuple)
            else {"name": f.name, "mimeType": TYPE, "buffer": f.read_bytes()}
            for f in files
        ]
    )


def download(page: Page, button: str | Locator, folder: Path) -> Path:
    """Click a download button and return the file that came down."""
    if isinstance(button, str):
        button = page.get_by_role("button", name=button)
    with page.expect_download() as coming:
        button.click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path
