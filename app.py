"""regcls: navigation and theme only; each page is a file in pages/."""

import streamlit as st

st.set_page_config(page_title="regcls", page_icon="📐", layout="wide")

page = st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True),
        st.Page("pages/lab.py", title="Lab", icon=":material/experiment:", url_path="lab"),
        st.Page("pages/study.py", title="Study", icon=":material/grid_on:", url_path="study"),
        st.Page("pages/theory.py", title="Theory", icon=":material/functions:", url_path="theory"),
        st.Page("pages/age.py", title="Age", icon=":material/face:", url_path="age"),
        st.Page("pages/depth.py", title="Depth", icon=":material/chair:", url_path="depth"),
        st.Page(
            "pages/progress.py",
            title="Progress",
            icon=":material/movie:",
            url_path="progress",
        ),
        st.Page(
            "pages/predictions.py",
            title="Your predictions",
            icon=":material/fact_check:",
            url_path="predictions",
        ),
        st.Page(
            "pages/table.py", title="Your table", icon=":material/table_chart:", url_path="table"
        ),
        st.Page(
            "pages/models.py", title="Models", icon=":material/deployed_code:", url_path="models"
        ),
    ]
)
st.session_state.setdefault("visited", set()).add(page.url_path)  # for the tour
page.run()
