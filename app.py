"""regcls: the entry point of the dashboard; each page is a file in pages/."""

import streamlit as st

from pages import navigate
from pages.components import frame, presence, tour

page = navigate()
presence.visitor_present()  # so that a job goes on when a connection is lost and comes back
st.session_state.setdefault("visited", set()).add(page.url_path)  # for the tour
frame.begin()
try:
    tour.strip(page.url_path)
    page.run()
finally:  # also where a page stops early
    frame.end()
