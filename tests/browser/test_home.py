"""Home in a real browser: the answer, the replay and its controls, and the tour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from regcls.lab import replay
from regcls.lab.settings import MODELS, LabSettings
from tests.browser.steps import open_page, ready, watch_loading

HEADING = "Does classification help regression?"
LAST = len(replay.load("severe").epochs) - 1


def player(page: Page) -> Locator:
    return page.locator(".replay")


def state(page: Page, name: str) -> None:
    expect(player(page)).to_have_attribute("data-state", name)


def scrubber(page: Page) -> Locator:
    return page.get_by_role("slider", name="Epoch")


def errors(page: Page) -> list[float]:
    return [float(text) for text in player(page).locator("td.number").all_inner_texts()]


def shown_at(frame: int, sampling: str = "severe") -> list[float]:
    return [round(error, 3) for error in replay.load(sampling).test_mse[frame]]


def sampling_slider(page: Page) -> Locator:
    return page.get_by_role("slider", name=re.compile("Sampling of the training targets"))


@pytest.fixture
def calm(browser: Browser, server_url: str) -> Iterator[Page]:
    """Home for a visitor who asks for less motion."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    watch_loading(page)
    open_page(page, server_url, HEADING)
    yield page
    context.close()


@pytest.mark.parametrize(
    "size", [(1440, 900), (1280, 800), (390, 844)], ids=["wide", "desktop", "phone"]
)
def test_home_fits_the_screen(page, server_url, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_page(page, server_url, HEADING)
    expect(player(page).locator("svg.fit path[data-model]")).to_have_count(len(MODELS))
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    main = page.get_by_test_id("stMain")
    assert main.evaluate("main => main.scrollHeight") < 4000
    if size == (1440, 900):  # the answer and the whole replay without scrolling
        box = player(page).bounding_box()
        assert box and box["y"] + box["height"] <= 900


def test_the_replay_plays_once_and_a_second_visit_shows_its_end(page, server_url):
    page.set_viewport_size({"width": 1440, "height": 900})
    open_page(page, server_url, HEADING)
    state(page, "ended")  # after it has played: it starts before training
    assert page.evaluate("sessionStorage.getItem('regcls-replay-seen')") == "1"
    assert errors(page) == shown_at(LAST)
    open_page(page, server_url, HEADING)
    state(page, "ended")
    expect(player(page)).to_have_attribute("data-frame", str(LAST))


def test_with_reduced_motion_the_last_frame_is_shown(calm):
    state(calm, "ended")
    expect(player(calm)).to_have_attribute("data-frame", str(LAST))
    assert errors(calm) == shown_at(LAST)
    assert calm.evaluate("sessionStorage.getItem('regcls-replay-seen')") is None


def test_the_scrubber_shows_each_frame_by_keyboard(calm):
    scrubber(calm).focus()
    calm.keyboard.press("Home")
    expect(player(calm)).to_have_attribute("data-frame", "0")
    assert errors(calm) == shown_at(0)
    expect(scrubber(calm)).to_have_attribute("aria-valuetext", "epoch 0.0 of 80")
    calm.keyboard.press("ArrowRight")
    expect(player(calm)).to_have_attribute("data-frame", "1")
    assert errors(calm) == shown_at(1)
    state(calm, "paused")


def test_lines_lie_where_the_recording_says(calm):
    """The ends of each line, read from its path with the ticks of the axes as a ruler."""
    drawn = player(calm).evaluate("""root => {
        const texts = [...root.querySelectorAll("svg.fit text")], at = (text) =>
            Number(texts.find((node) => node.textContent === text).getAttribute("y")) - 4;
        const ys = (path) => path.getAttribute("d").split(/[ML]/).slice(1)
            .map((pair) => Number(pair.split(",")[1]));
        const lines = [...root.querySelectorAll("path[data-model]")];
        return { zero: at("0.0"), one: at("1.0"), lines: lines.map(ys) };
    }""")
    per_unit = drawn["one"] - drawn["zero"]
    for line, expected in zip(drawn["lines"], replay.load("severe").predictions()[-1], strict=True):
        found = [(y - drawn["zero"]) / per_unit for y in line]
        assert found == pytest.approx(expected.tolist(), abs=0.01)


def test_playing_pausing_and_going_on_does_not_run_the_page(page, server_url):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append(1)))
    open_page(page, server_url, HEADING)
    player(page).scroll_into_view_if_needed()
    state(page, "ended")
    ready(page)
    before = len(sent)
    player(page).get_by_role("button", name="Replay").click()
    player(page).get_by_role("button", name="Pause").click()
    state(page, "paused")
    player(page).get_by_role("button", name="Play", exact=True).click()
    state(page, "ended")
    assert len(sent) == before


def test_the_sampling_is_in_the_address_and_keeps_the_frame(calm):
    scrubber(calm).focus()
    calm.keyboard.press("Home")
    sampling_slider(calm).focus()
    calm.keyboard.press("ArrowLeft")
    calm.wait_for_url("**/?sampling=moderate")
    ready(calm)
    expect(player(calm)).to_have_attribute("data-frame", "0")
    assert errors(calm) == shown_at(0, "moderate")
    label = player(calm).locator("svg.fit")
    expect(label).to_have_attribute("aria-label", re.compile(re.escape(_caption("moderate"))))
    calm.reload()
    ready(calm)
    expect(sampling_slider(calm)).to_have_attribute("aria-valuetext", "moderate")


def _caption(sampling: str) -> str:
    return replay.load(sampling).caption


def test_the_lab_opens_with_the_setting_of_the_replay(page, server_url):
    open_page(page, f"{server_url}/?sampling=mild", HEADING)
    page.get_by_role("link", name="Open in the Lab").click()
    page.wait_for_url("**/lab?*")
    ready(page)
    query = {name: value for name, (value,) in parse_qs(urlsplit(page.url).query).items()}
    assert LabSettings.from_query(query) == (replay.load("mild").settings, [])


def test_a_tile_leads_to_the_study_against_the_control(page, server_url):
    open_page(page, server_url, HEADING)
    page.locator(".st-key-home_tile_control").get_by_role("link").click()
    page.wait_for_url("**/study?*against=control*")
    expect(page.get_by_role("heading", name="Study", level=1)).to_be_visible()


def test_the_tour_leads_from_page_to_page_and_remembers_its_steps(page, server_url):
    open_page(page, f"{server_url}/?sampling=mild", HEADING)
    main = page.get_by_test_id("stMain")
    main.get_by_role("button", name="1. Watch it happen").click()
    page.wait_for_url("**/lab?*sampling=mild*")
    for name, address in (
        ("Study", "**/study?*against=control*"),
        ("Progress", "**/progress?*sample=drive*"),
        ("Your predictions", "**/predictions*"),
    ):
        ready(page)
        main.get_by_role("link", name=f"Next: {name}").click()
        page.wait_for_url(address)
        expect(main.get_by_role("listitem").filter(has_text=name)).to_have_attribute(
            "aria-current", "step"
        )
    ready(page)
    main.get_by_role("link", name="Back to Home").click()
    for step in ("1. Watch it happen", "4. Check your own model"):
        button = main.get_by_role("button", name=step)
        expect(button.get_by_text("check_circle")).to_be_visible()


def test_the_tour_ends_where_it_is_closed(page, server_url):
    open_page(page, server_url, HEADING)
    main = page.get_by_test_id("stMain")
    main.get_by_role("button", name="4. Check your own model").click()
    page.wait_for_url("**/predictions*")
    main.get_by_role("button", name="End tour").click()
    expect(main.get_by_role("button", name="End tour")).to_have_count(0)
