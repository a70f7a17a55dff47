"""The app's pages. Each begins with ``through_app()``."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).resolve().parent
KEY = "through_app"  # in the session's state, once app.py has run for this visitor
MENU_WIDTH = 256  # pixels
# Sections of the menu: file, title and icon of each page.
SECTIONS = {
    "Learn": (
        ("home", "Home", "home"),
        ("lab", "Lab", "experiment"),
        ("theory", "Theory", "functions"),
    ),
    "Evidence": (("study", "Study", "grid_on"),),
    "Try models": (
        ("age", "Age", "face"),
        ("depth", "Depth", "chair"),
        ("progress", "Progress", "movie"),
        ("models", "Models", "deployed_code"),
    ),
    "Your data": (
        ("predictions", "Your predictions", "fact_check"),
        ("table", "Your table", "table_chart"),
    ),
}


def through_app() -> None:
    """Start over through app.py if Streamlit runs this page by itself.

    Until a script has called `st.navigation`, a Streamlit server treats a folder ``pages/`` as its
    older kind of multipage app, without the theme, layout and titles of app.py. The first visitor
    of a new server who opens a page by its address meets this; one call ends it for good.
    """
    # Without an address there is no server: a test runs the page.
    if KEY in st.session_state or st.context.url is None:
        return
    navigate()
    st.rerun()


def navigate() -> st.Page:
    """Draw the menu, set the title and layout of the tab, and return the page that is open.

    The icon is set before the menu is drawn: a browser would else fetch the icon of the page from
    Google's servers for its tab.
    """
    st.session_state[KEY] = True
    st.set_page_config(
        page_icon=FOLDER / "assets" / "icon.svg", layout="wide", initial_sidebar_state=MENU_WIDTH
    )
    page = st.navigation(
        {
            section: [
                st.Page(
                    FOLDER / f"{name}.py",
                    title=title,
                    icon=f":material/{icon}:",
                    default=name == "home",
                    url_path=None if name == "home" else name,
                )
                for name, title, icon in pages
            ]
            for section, pages in SECTIONS.items()
        }
    )
    st.set_page_config(page_title="regcls" if page.url_path == "" else f"{page.title} · regcls")
    return page
