"""Redraws per second of the live Lab, with server, Chromium and training on one machine.

    python benchmarks/lab.py [--quick] [--json]

A redraw is one animation frame in which the lines of the Lab's first chart change, counted in the
page by a MutationObserver. The Lab runs with its default settings, R = 10 runs of three models.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

EPOCHS = 600
FIRST_CHART = '[data-testid="stVegaLiteChart"] svg'
COUNT = """() => {
  window.redraws = 0;
  let frame = false;
  const place = document.querySelector('[data-testid="stMain"]');
  const first = () => document.querySelector('[data-testid="stVegaLiteChart"]');
  new MutationObserver((changes) => {
    if (frame || !changes.some((c) => first().contains(c.target))) return;
    frame = true;
    requestAnimationFrame(() => { frame = false; window.redraws += 1; });
  }).observe(place, {subtree: true, childList: true, attributes: true, attributeFilter: ["d"]});
}"""


def measure(page, url: str, parts: int, part_seconds: float) -> list[float]:
    """Return the redraws per second in each of ``parts`` periods of a playing run."""
    page.goto(f"{url}/lab?epochs={EPOCHS}")
    page.get_by_role("button", name="Play").click()
    page.get_by_text("so far").first.wait_for(timeout=60_000)
    page.locator(FIRST_CHART).first.wait_for()
    page.evaluate(COUNT)
    rates = []
    for _ in range(parts):
        before, started = page.evaluate("[window.redraws, performance.now()]")
        page.wait_for_timeout(part_seconds * 1000)
        after, ended = page.evaluate("[window.redraws, performance.now()]")
        rates.append((after - before) / (ended - started) * 1000)
        page.get_by_role("button", name="Pause").wait_for(timeout=1000)  # it was playing throughout
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="finish within 50 s")
    parser.add_argument("--json", action="store_true", help="print a JSON object as the last line")
    options = parser.parse_args()
    # Server and Chromium are started as in the tests.
    from playwright.sync_api import sync_playwright

    from tests.helpers.server import chromium_options, free_port, start_server, stop_server

    port = free_port()
    with tempfile.TemporaryFile() as log, sync_playwright() as playwright:
        server = start_server(port, log)
        try:
            browser = playwright.chromium.launch(**chromium_options())
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            parts, seconds = (3, 3.0) if options.quick else (5, 3.0)
            rates = measure(page, f"http://127.0.0.1:{port}", parts, seconds)
            browser.close()
        finally:
            stop_server(server)
    median = statistics.median(rates)
    load = os.getloadavg()[0]
    print(f"{median:.1f} redraws per second (periods: {', '.join(f'{r:.1f}' for r in rates)})")
    print(f"Load average: {load:.1f} on {os.cpu_count()} cores")
    if options.json:
        print(json.dumps({"replicas": 10, "redraws_per_second": median, "parts": rates}))


if __name__ == "__main__":
    main()
