"""Presence: a visit counts as open until Streamlit releases the session's cache."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def script() -> None:
    import streamlit as st

    from pages.components import presence

    if st.button("Disconnect"):
        presence._registered.clear()
    else:
        st.session_state["present"] = presence.visitor_present()


def test_a_visit_ends_with_the_session_and_a_new_run_reopens_it():
    page = AppTest.from_function(script).run()
    present = page.session_state["present"]
    assert present()
    page.button[0].click().run()
    assert not page.exception and not present()
    page.run()
    assert present()


def test_another_visit_of_the_same_session_has_its_own_entry():
    AppTest.from_function(script).run()
    page = AppTest.from_function(script).run()  # under test all sessions have one name
    present = page.session_state["present"]
    page.button[0].click().run()
    assert not page.exception and not present()
