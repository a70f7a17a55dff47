"""The Lab in a real browser: it plays, the charts move, pause holds, the address reproduces."""

import json

import pytest

expect = pytest.importorskip("playwright.sync_api").expect

QUERY = "?samples=9000&repeats=6&epochs=6&classes=8"
CHART = '[data-testid="stVegaLiteChart"]'
FIRST_LINE = f'{CHART} svg g[aria-roledescription="line mark container"] path'


def open_lab(page, url: str, query: str = QUERY) -> None:
    page.goto(f"{url}/lab{query}")
    expect(page.get_by_role("heading", name="Lab")).to_be_visible(timeout=30_000)


def lines(page) -> list[str]:
    return page.locator(FIRST_LINE).evaluate_all("all => all.map(p => p.getAttribute('d'))")


def settled(page) -> list[str]:
    """The lines once they rest: the last chart is painted a moment after its script has ended."""
    expect(page.locator('[data-testid="stStatusWidget"]')).to_have_count(0)
    for _ in range(20):
        before = lines(page)
        page.wait_for_timeout(500)
        if lines(page) == before:
            return before
    raise AssertionError("the lines never came to rest")


def play_to_the_end(page) -> tuple[str, list[str]]:
    """The verdict's numbers and the drawn lines."""
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("Epoch 6 of 6, finished")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Verdict after 6 epochs")).to_be_visible()
    return page.get_by_text("Paired difference").first.inner_text(), settled(page)


def test_plays_moves_and_pauses(page, server_url):
    open_lab(page, server_url, "?repeats=10&epochs=150")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("Verdict after")).to_be_visible(timeout=60_000)
    before = lines(page)
    page.wait_for_function(
        "([where, before]) => JSON.stringify([...document.querySelectorAll(where)]"
        ".map(p => p.getAttribute('d'))) !== before",
        arg=[FIRST_LINE, json.dumps(before, separators=(",", ":"))],
    )
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    held = settled(page)
    page.wait_for_timeout(1500)  # nothing to wait for: what counts is that nothing happens
    assert lines(page) == held
    assert held != before


def test_address_reproduces_the_curves(page, server_url):
    open_lab(page, server_url)
    first = play_to_the_end(page)
    open_lab(page, server_url)
    assert play_to_the_end(page) == first
    assert first[1]


def test_leaving_the_page_stops_the_run(page, server_url):
    open_lab(page, server_url, "?repeats=10&epochs=150")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("Verdict after")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="Lab", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Lab").first.click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    held = settled(page)
    page.wait_for_timeout(1500)  # nothing to wait for: what counts is that nothing happens
    assert lines(page) == held != []


def test_a_run_does_not_block_another_visitor(page, browser, server_url):
    open_lab(page, server_url, "?epochs=1000&repeats=50")
    page.get_by_role("button", name="Start anyway").click()  # it says: about five minutes
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=30_000)
    other = browser.new_context().new_page()
    open_lab(other, server_url)
    mine = play_to_the_end(other)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    other.context.close()
    page.get_by_role("button", name="Pause").click()
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
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_files_come_down(page, server_url):
    open_lab(page, server_url)
    page.get_by_role("button", name="One epoch").click()
    expect(page.get_by_text("Verdict after 1")).to_be_visible(timeout=60_000)
    page.get_by_text("Downloads").click()
    for label, name in (("History (CSV)", "history.csv"), ("function PNG", "function.png")):
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        assert download.value.suggested_filename == name
