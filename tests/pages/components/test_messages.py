"""Messages about files: each shown, many as a table, all hidden by a click."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.helpers.app_page import click, ran


def show_problems(count: int) -> None:
    import streamlit as st

    from pages.components import messages

    names = [f"photo{number}.jpg" for number in range(count)]
    found = [
        (name, f"{name} is damaged." if n == 0 else "No face.") for n, name in enumerate(names)
    ]
    kept = st.session_state.setdefault("problems", found)
    messages.problems(kept, "age")
    messages.link("models", "Change your models")


def showing(count: int) -> AppTest:
    return ran(AppTest.from_function(show_problems, args=(count,)).run())


def test_a_file_is_named_once():
    shown = [warning.value for warning in showing(2).warning]
    assert shown == ["photo0.jpg is damaged.", "photo1.jpg: No face."]


def test_many_problems_become_a_table():
    page = showing(5)
    assert not page.warning
    assert len(page.dataframe[0].value) == 5
    assert page.expander[0].label == "5 files or rows have a problem"


def test_a_click_hides_the_messages():
    page = click(showing(1), "Hide messages")
    assert not page.warning
    assert not page.button


def test_a_link_without_other_pages_is_a_caption():
    assert showing(0).caption[0].value == "Change your models"
