"""The app's pages. Each begins with ``through_app()``."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).resolve().parent
KEY = "through_app"  # in the session's state, once app.py has run for this visitor


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
    """Set the title and layout of the app, show the menu and return the page that is open."""
    st.set_page_config(page_title="regcls", page_icon="📐", layout="wide")
    st.session_state[KEY] = True
    return st.navigation(_pages())


def _pages() -> list[st.Page]:
    """List the pages in the order of the menu."""
    return [
        st.Page(FOLDER / "home.py", title="Home", icon=":material/home:", default=True),
        st.Page(FOLDER / "lab.py", title="Lab", icon=":material/experiment:", url_path="lab"),
        st.Page(FOLDER / "study.py", title="Study", icon=":material/grid_on:", url_path="study"),
        st.Page(
            FOLDER / "theory.py", title="Theory", icon=":material/functions:", url_path="theory"
        ),
        st.Page(FOLDER / "age.py", title="Age", icon=":material/face:", url_path="age"),
        st.Page(FOLDER / "depth.py", title="Depth", icon=":material/chair:", url_path="depth"),
        st.Page(
            FOLDER / "progress.py",
            title="Progress",
            icon=":material/movie:",
            url_path="progress",
        ),
        st.Page(
            FOLDER / "predictions.py",
            title="Your predictions",
            icon=":material/fact_check:",
            url_path="predictions",
        ),
        st.Page(
            FOLDER / "table.py", title="Your table", icon=":material/table_chart:", url_path="table"
        ),
        st.Page(
            FOLDER / "models.py", title="Models", icon=":material/deployed_code:", url_path="models"
        ),
    ]
