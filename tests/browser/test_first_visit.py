"""Paths of a first-time visitor: few clicks, on a server without any visit so far.

The seconds of each path go into the report (`record_property`) and are printed with ``-s``. On a
busy machine they measure the machine rather than the app, so only the clicks have a limit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("pytest_playwright")

from playwright.sync_api import Locator, Page, expect

from tests.browser.steps import open_page

HOME = "Does classification help regression?"
SECONDS = {"control": 15, "predictions": 60, "age": 30}  # goals on an idle machine


class Visitor:
    """A visitor whose clicks are counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1

    def menu(self, page: str) -> None:
        menu = self.page.get_by_test_id("stSidebarNav")
        self.click(menu.get_by_role("link", name=page, exact=True))


@pytest.fixture
def walked(
    new_server_url: str, page: Page, record_property: Callable[[str, object], None]
) -> Iterator[Callable[[str, Callable[[Visitor], None]], int]]:
    """Walk a path from Home and return its clicks; its seconds are reported."""

    def walk(name: str, path: Callable[[Visitor], None]) -> int:
        open_page(page, new_server_url, HOME)
        visitor, start = Visitor(page), time.monotonic()
        path(visitor)
        seconds = time.monotonic() - start
        record_property("seconds", round(seconds, 1))
        print(f"{name}: {visitor.clicks} clicks, {seconds:.1f} s (goal {SECONDS[name]} s)")
        return visitor.clicks

    yield walk


def test_from_home_to_the_comparison_with_the_control(walked) -> None:
    def path(visitor: Visitor) -> None:
        page = visitor.page
        visitor.click(page.get_by_role("link", name="See it in the Study").nth(1))
        expect(page.get_by_role("heading", name="Study", level=1)).to_be_visible()
        expect(page.get_by_text("better in 0 of 60 settings").nth(1)).to_be_visible()

    assert walked("control", path) <= 1


def test_from_home_to_the_verdict_on_predictions(walked) -> None:
    def path(visitor: Visitor) -> None:
        page = visitor.page
        visitor.menu("Your predictions")
        visitor.click(page.get_by_role("button", name="Age (shipped models)"))
        expect(
            page.get_by_text(
                re.compile(
                    r"lower MAE than|practically equal in MAE|No significant difference in MAE"
                )
            ).first
        ).to_be_visible()

    assert walked("predictions", path) <= 2


def test_from_home_to_the_age_of_a_face(walked) -> None:
    def path(visitor: Visitor) -> None:
        visitor.menu("Age")
        expect(visitor.page.get_by_text("(90% interval)").first).to_be_visible()

    assert walked("age", path) <= 1
