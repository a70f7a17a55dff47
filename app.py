"""regcls: the entry point of the dashboard; each page is a file in pages/."""

import streamlit as st

from pages import navigate

page = navigate()
st.session_state.setdefault("visited", set()).add(page.url_path)  # for the tour
page.run()
