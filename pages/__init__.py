"""The app's pages. A page begins with ``through_app()``, whoever opens it first."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def through_app() -> None:
    """Start over through app.py when Streamlit runs a page by itself.

    Until app.py has called st.navigation once, Streamlit takes any folder "pages" for its older
    kind of app: no theme, no layout, file names for titles. That meets whoever opens a shared
    address first on a new server. (The flag is Streamlit's own; its version is pinned, and a
    browser test on a fresh server tells when it goes.)
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
