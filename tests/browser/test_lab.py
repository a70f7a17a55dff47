"""The Lab in a real browser: it plays, the charts move, pause holds, the address reproduces."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.steps import CHART, download, open_page, ready, watch_loading

QUERY = "?samples=9000&repeats=6&epochs=6&classes=8"
LINE = f'{CHART} svg g[aria-roledescription="line mark container"] path'


def open_lab(page: Page, url: str, query: str = QUERY) -> None:
    open_page(page, f"{url}/lab{query}", "Lab")


def lines(page: Page) -> list[str]:
    """The drawn curves, once all that the page was sent is painted."""
    ready(page)
    return page.locator(LINE).evaluate_all("all => all.map(p => p.getAttribute('d'))")


def play_to_the_end(page: Page) -> tuple[str, list[str]]:
    """The verdict's numbers and the drawn lines."""
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("Epoch 6 of 6, finished")).to_be_visible()
    expect(page.get_by_text("Verdict after 6 epochs")).to_be_visible()
    drawn = lines(page)
    return page.get_by_text("Paired difference").first.inner_text(), drawn


def play_for_a_while(page: Page) -> None:
    """Play until the curves have moved after the first verdict."""
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("Verdict after")).to_be_visible()
    before = page.locator(LINE).evaluate_all("all => all.map(p => p.getAttribute('d'))")
    page.wait_for_function(
        "([where, before]) => JSON.stringify([...document.querySelectorAll(where)]"
        ".map(p => p.getAttribute('d'))) !== before",
        arg=[LINE, json.dumps(before, separators=(",", ":"))],
    )


def leave_and_return(page: Page) -> None:
    """Look at Home and come back. What runs meanwhile would show in the curves."""
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="Does classification help")).to_be_visible()
    ready(page)
    page.get_by_role("link", name="Lab").first.click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_plays_moves_and_pauses(page, server_url):
    open_lab(page, server_url, "?repeats=10&epochs=150")
    play_for_a_while(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    held = lines(page)
    leave_and_return(page)
    assert lines(page) == held != []


def test_address_reproduces_the_curves(page, server_url):
    open_lab(page, server_url)
    first = play_to_the_end(page)
    open_lab(page, server_url)
    assert play_to_the_end(page) == first
    assert first[1]


def test_leaving_the_page_stops_the_run(page, server_url):
    open_lab(page, server_url, "?repeats=10&epochs=150")
    play_for_a_while(page)
    leave_and_return(page)
    held = lines(page)
    leave_and_return(page)
    assert lines(page) == held != []


def test_a_run_does_not_block_another_visitor(page, new_context, server_url):
    open_lab(page, server_url, "?epochs=1000&repeats=50")
    page.get_by_role("button", name="Start anyway").click()  # it says: about five minutes
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    other = new_context().new_page()
    watch_loading(other)
    open_lab(other, server_url)
    mine = play_to_the_end(other)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    other.context.close()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    ready(page)
    open_lab(page, server_url)
    assert play_to_the_end(page) == mine


def test_first_visit_of_all_may_be_by_address(new_server_url, page):
    """A new server meets the Lab's address before its front page."""
    open_lab(page, new_server_url, "?sampling=mild")
    expect(page.get_by_role("link", name="Home", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="app", exact=True)).to_have_count(0)
    expect(page.get_by_role("combobox", name="Sampling")).to_have_value("mild")
    assert page.url.endswith("/lab?sampling=mild")


def test_setting_goes_into_the_address(page, server_url):
    open_lab(page, server_url, "")
    page.get_by_role("combobox", name="Preset").click()
    page.get_by_role("option", name="Mild imbalance").click()
    page.wait_for_url("**/lab?sampling=mild")


def test_narrow_screen(page, server_url):
    page.set_viewport_size({"width": 390, "height": 844})
    open_lab(page, server_url)
    play_to_the_end(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_files_come_down(page, server_url, tmp_path):
    open_lab(page, server_url)
    page.get_by_role("button", name="Train one epoch").click()
    expect(page.get_by_text("Verdict after 1")).to_be_visible()
    ready(page)  # charts that are still drawn move what is below them
    page.get_by_text("Downloads").click()
    for label, name in (("History (CSV)", "history.csv"), ("Function (PNG)", "function.png")):
        assert download(page, label, tmp_path).name == name
