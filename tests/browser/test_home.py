"""Home in a real browser: it fits the screen, and the tour leads on and remembers its steps."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.steps import CHART, open_page, ready

HEADING = "Does classification help regression?"


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["desktop", "phone"])
def test_browser_shows_home_and_leads_to_the_lab(page, server_url, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_page(page, server_url, HEADING)
    expect(page.locator(CHART).locator("canvas, svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.get_by_test_id("stMain").get_by_role("link", name="Lab").click()
    page.wait_for_url("**/lab")
    expect(page.get_by_role("heading", name="Lab", level=1)).to_be_visible()


def test_the_tour_leads_on_and_remembers_its_steps(page, server_url):
    open_page(page, server_url, HEADING)
    main = page.get_by_test_id("stMain")
    steps = ("1. Watch it happen", "2. See it on real data", "3. Check your own model")
    for step, path in zip(steps, ("lab", "progress", "predictions"), strict=True):
        main.get_by_role("link", name=step).click()
        page.wait_for_url(f"**/{path}*")
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
        ready(page)
        page.get_by_test_id("stSidebar").get_by_role("link", name="Home").click()
        done = main.get_by_role("link", name=step).get_by_text("check_circle")
        expect(done).to_be_visible()
