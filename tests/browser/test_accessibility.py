"""axe-core finds nothing serious on any page, light or dark, and each tab has its page's name."""

from __future__ import annotations

import pytest

pytest.importorskip("pytest_playwright")

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from pages import SECTIONS
from tests.browser.steps import ready

PAGES = {name: title for pages in SECTIONS.values() for name, title, _ in pages}
SERIOUS = {"serious", "critical"}
# Streamlit's menu puts its sections, as <div>, into a <ul>, and offers no other menu.
MENU, RULES_OF_LISTS = '[data-testid="stSidebarNav"]', {"list", "listitem"}


def serious(page: Page) -> list[str]:
    """Return what axe-core finds serious on the page, one line per element."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{violation['id']}: {' '.join(map(str, node['target']))}\n  {node['html'][:160]}\n"
        f"  {node['failureSummary']}"
        for violation in found
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
        if not (violation["id"] in RULES_OF_LISTS and in_menu(page, node["target"][0]))
    ]


def in_menu(page: Page, selector: str) -> bool:
    """Return whether an element is part of Streamlit's menu."""
    return page.locator(f"css={selector}").evaluate(f"e => e.closest('{MENU}') !== null")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(page: Page, server_url: str, name: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{server_url}/{'' if name == 'home' else name}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    ready(page)
    found = serious(page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", PAGES)
def test_the_tab_has_the_name_of_the_page(page: Page, server_url: str, name: str) -> None:
    page.goto(f"{server_url}/{'' if name == 'home' else name}")
    expect(page).to_have_title("regcls" if name == "home" else f"{PAGES[name]} · regcls")
