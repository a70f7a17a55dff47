"""The Lab in a real browser: it plays without a blink, pause holds, the address reproduces."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import CHART, PATIENCE, download, open_page, ready, watch_loading
from tests.browser.test_accessibility import serious

QUERY = "?samples=9000&repeats=6&epochs=6&classes=8"
LINE = f'{CHART} svg g[aria-roledescription="line mark container"] path'
# Samples what a viewer sees in each frame: where the page stands, how high it is, and whether any
# of the charts is missing, empty or faded.
WATCH = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    window.seen = [];
    const look = () => {
        const charts = [...document.querySelectorAll('[data-testid="stVegaLiteChart"]')];
        const opacity = (e) => e === document.body ? 1 :
            Math.min(Number(getComputedStyle(e).opacity), opacity(e.parentElement));
        window.seen.push({
            time: performance.now(),
            scrollTop: main.scrollTop,
            height: main.scrollHeight,
            tops: charts.map(e => Math.round(e.getBoundingClientRect().top)),
            boxes: charts.map(e => Math.round(e.getBoundingClientRect().height)),
            status: Boolean(document.querySelector('[data-testid="stStatusWidget"]')?.offsetParent),
            drawn: charts.filter(e => e.querySelector('svg path, canvas')).length,
            opacity: Math.min(...charts.map(opacity)),
        });
        window.watching = requestAnimationFrame(look);
    };
    look();
}"""
SECONDS = 20  # of watching; sampling takes its time


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
    drawn = lines(page)
    expect(page.get_by_text("so far")).to_have_count(0)
    return page.get_by_text("Test MSE: reg+cls").first.inner_text(), drawn


def play_for_a_while(page: Page) -> None:
    """Play until the curves have moved after the first verdict."""
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("so far").first).to_be_visible()
    before = page.locator(LINE).evaluate_all("all => all.map(p => p.getAttribute('d'))")
    page.wait_for_function(
        "([where, before]) => JSON.stringify([...document.querySelectorAll(where)]"
        ".map(p => p.getAttribute('d'))) !== before",
        arg=[LINE, json.dumps(before, separators=(",", ":"))],
    )


def leave_and_return(page: Page) -> None:
    """Look at Home and come back. What runs meanwhile would show in the curves."""
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Lab")
    ready(page)
    page.get_by_role("link", name="Lab").first.click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def seen(page: Page) -> list[dict]:
    """Return what was sampled since the watch began."""
    return page.evaluate("() => { cancelAnimationFrame(window.watching); return window.seen; }")


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_nothing_moves_or_blinks_while_it_plays(page, server_url, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_lab(page, server_url, "?epochs=1000")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("so far").first).to_be_visible()
    expect(page.locator(f"{CHART} svg")).to_have_count(4)
    page.get_by_test_id("stMain").evaluate("e => e.scrollTo(0, 150)")
    page.evaluate(WATCH)
    page.wait_for_function(
        f"() => window.seen.at(-1).time - window.seen[0].time > {SECONDS * 1000}", timeout=PATIENCE
    )
    frames = seen(page)
    expect(page.get_by_role("button", name="Pause")).to_be_visible()  # it has played throughout
    for name in ("scrollTop", "height", "tops", "boxes", "status"):
        assert len({str(frame[name]) for frame in frames}) == 1, name
    assert {frame["drawn"] for frame in frames} == {4}
    assert min(frame["opacity"] for frame in frames) == 1


@pytest.mark.parametrize("size", [(1440, 900), (1280, 800), (390, 844)])
def test_the_first_results_take_places_that_were_kept(page, server_url, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_lab(page, server_url, "?epochs=1000")
    before = places(page)
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_text("so far").first).to_be_visible()
    expect(page.locator(f"{CHART} svg")).to_have_count(4)
    page.get_by_role("button", name="Pause").click()
    ready(page)
    assert places(page) == before


def places(page: Page) -> dict[str, int]:
    """Return where the places of the results begin, and how high the page is."""
    return page.evaluate(
        """() => Object.fromEntries([
            ["page", document.querySelector('[data-testid="stMain"]').scrollHeight],
            ...[...document.querySelectorAll('[class*="st-key-lab_"]')].map(e => [
                [...e.classList].find(name => name.startsWith("st-key-lab_")),
                Math.round(e.getBoundingClientRect().top)]),
        ])"""
    )


def test_all_that_moves_is_on_the_first_screen(page, server_url):
    page.set_viewport_size({"width": 1440, "height": 900})
    open_lab(page, server_url)
    play_to_the_end(page)
    moving = [
        *page.locator(CHART).all(),
        page.get_by_text("Test MSE: reg+cls").last,
    ]
    assert len(moving) == 5
    for part in moving:
        box = part.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 900
    function, history = (chart.bounding_box() for chart in page.locator(CHART).all()[:2])
    assert function["y"] == history["y"]
    assert function["width"] / (function["width"] + history["width"]) == pytest.approx(
        0.6, abs=0.02
    )


def test_play_is_reached_in_few_steps_of_the_keyboard(page, server_url):
    open_lab(page, server_url)
    page.get_by_test_id("stMain").evaluate("e => { e.tabIndex = -1; e.focus(); }")
    for _ in range(5):
        page.keyboard.press("Tab")
        if "Play" in page.evaluate("document.activeElement.textContent"):
            return
    pytest.fail("Play is further than five steps away")


def test_results_are_accessible(page, server_url):
    open_lab(page, server_url)
    play_to_the_end(page)
    assert not serious(page)


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
    page.get_by_role("button", name="Play").click()  # it says: several minutes
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
    page.get_by_text("Data", exact=True).click()
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
    assert page.get_by_test_id("stMain").evaluate("e => e.scrollHeight") <= 4000


def test_files_come_down(page, server_url, tmp_path):
    open_lab(page, server_url)
    page.get_by_role("button", name="Train one epoch").click()
    expect(page.get_by_text("Epoch 1 of 6")).to_be_visible()
    ready(page)  # charts that are still drawn move what is below them
    page.get_by_text("Downloads").click()
    for label, name in (("History (CSV)", "history.csv"), ("Function (PNG)", "function.png")):
        assert download(page, label, tmp_path).name == name
