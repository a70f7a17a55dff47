"""Time until every page shows something, and until it is complete, in a real browser.

    python benchmarks/pages.py [--page study …] [--quick] [--json]

A cold visit is the first one of a new server, by the page's address: it pays for the libraries that
the page needs. A warm visit comes by the menu, in a session that has already seen the page once. The
first content is the page's heading; a page is complete at its last change before it stays still
with its script ended, its charts drawn and nothing left to load. Warm times are medians over the
visits; with ``--quick`` there is one.

Measure on an idle machine: server and browser share its cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pages import SECTIONS  # noqa: E402
from tests.browser.steps import PATIENCE, ready, watch_loading  # noqa: E402
from tests.helpers.server import chromium_options, free_port, start_server, stop_server  # noqa: E402

TITLES = {name: title for pages in SECTIONS.values() for name, title, _ in pages}
VISITS = 5
GOALS = {"warm_first": 0.5, "warm_complete": 1.0, "cold_complete": 3.0}  # seconds
COLUMNS = ("cold_first", "cold_complete", "warm_first", "warm_complete")
# Notes, from `start` on, when a heading of level 1 with other text than before appeared, and when the
# page changed last. Times are in milliseconds of the browser's clock.
NOTE = """() => {
    window.noted = {start: 0, first: null, last: null, before: null};
    const heading = () => document.querySelector('[data-testid="stMain"] h1')?.innerText ?? null;
    window.begin = () => {
        const now = performance.now();
        Object.assign(window.noted, {start: now, first: null, last: now, before: heading()});
    };
    new MutationObserver(() => {
        const now = performance.now(), text = heading();
        window.noted.last = now;
        if (window.noted.first === null && text && text !== window.noted.before)
            window.noted.first = now;
    }).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
}"""


@contextmanager
def server() -> Iterator[str]:
    """Run a new server and return its address."""
    port = free_port()
    process = start_server(port, subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        stop_server(process)


def new_page(browser: Browser) -> Page:
    """Return a page that notes its times."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(PATIENCE)
    page.add_init_script(f"({NOTE})()")
    watch_loading(page)
    return page


def seconds(page: Page) -> tuple[float, float]:
    """Return the seconds until the first content and until the page was complete."""
    ready(page)
    noted = page.evaluate("window.noted")
    return tuple((noted[name] - noted["start"]) / 1000 for name in ("first", "last"))


def cold(browser: Browser, name: str) -> tuple[float, float]:
    """Time the first visit of a new server, by the page's address."""
    with server() as url:
        page = new_page(browser)
        page.goto(f"{url}/{'' if name == 'home' else name}")
        times = seconds(page)
        page.close()
    return times


def warm(browser: Browser, url: str, name: str, visits: int) -> tuple[float, float]:
    """Return the median times of visits by the menu, coming from another page."""
    page = new_page(browser)
    page.goto(url)
    menu = page.get_by_test_id("stSidebarNav")
    away = TITLES["theory" if name != "theory" else "home"]
    times = []
    for _ in range(visits + 1):
        menu.get_by_role("link", name=away, exact=True).click()
        ready(page)
        page.evaluate("window.begin()")
        menu.get_by_role("link", name=TITLES[name], exact=True).click()
        times.append(seconds(page))
    page.close()
    first, complete = zip(*times[1:], strict=True)  # the session's first visit fills its caches
    return statistics.median(first), statistics.median(complete)


def measure(names: list[str], visits: int) -> list[dict[str, float | str]]:
    """Return one row per page."""
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium_options())
        with server() as url:
            warm_times = {name: warm(browser, url, name, visits) for name in names}
        for name in names:
            times = (*cold(browser, name), *warm_times[name])
            rows.append(
                {"page": name} | {c: round(t, 2) for c, t in zip(COLUMNS, times, strict=True)}
            )
        browser.close()
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--page", action="append", choices=list(TITLES), help="only this page")
    parser.add_argument("--quick", action="store_true", help="one warm visit a page")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    expect.set_options(timeout=PATIENCE)
    rows = measure(options.page or list(TITLES), 1 if options.quick else VISITS)
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{'seconds':12}" + "".join(f"{column.replace('_', ' '):>15}" for column in COLUMNS))
    for row in rows:
        marks = ["*" if row[c] > GOALS.get(c, float("inf")) else " " for c in COLUMNS]
        figures = (f"{row[c]:14.2f}{m}" for c, m in zip(COLUMNS, marks, strict=True))
        print(f"{row['page']:12}" + "".join(figures))
    goals = ", ".join(f"{name.replace('_', ' ')} {goal} s" for name, goal in GOALS.items())
    print(f"* above the goal ({goals})")


if __name__ == "__main__":
    main()
