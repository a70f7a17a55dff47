"""State in the address: options read, invalid values replaced, defaults left out."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.helpers.app_page import query_of, ran


def read_choices() -> None:
    import streamlit as st

    from pages.components import url_state

    st.session_state["read"] = {
        "view": url_state.choice("view", {"maps": 1, "space": 2}, "maps"),
        "sample": url_state.choice("sample", ["hall", "lobby"], None),
        "monotone": url_state.choice("monotone", (False, True), False),
        "s": url_state.choice("s", (1.0, 0.3, 0.1), 0.3, nearest=True),
        "function": url_state.choice("function", range(1, 11), 1, nearest=True),
        "model": url_state.choice("model", ("ideal", "reg"), "ideal", nearest=True),
    }


def write_values(values: dict[str, object], defaults: dict[str, object] | None = None) -> None:
    from pages.components import url_state

    url_state.write(values, defaults)


def remove_parameter() -> None:
    from pages.components import url_state

    url_state.remove("cell")
    url_state.remove("missing")


DEFAULTS = {
    "view": "maps",
    "sample": None,
    "monotone": False,
    "s": 0.3,
    "function": 1,
    "model": "ideal",
}


def reading(**query: str) -> AppTest:
    """Return a page after its choices have been read from this query."""
    page = AppTest.from_function(read_choices)
    for name, value in query.items():
        page.query_params[name] = value
    return ran(page.run())


def test_an_address_without_a_query_gives_the_defaults():
    page = reading()
    assert page.session_state["read"] == DEFAULTS
    assert not page.toast


def test_available_options_are_taken_with_their_type():
    query = {"view": "space", "sample": "hall", "monotone": "1", "s": "0.1", "function": "7"}
    page = reading(**query)
    taken = {"view": "space", "sample": "hall", "monotone": True, "s": 0.1, "function": 7}
    assert page.session_state["read"] == DEFAULTS | taken
    assert not page.toast


@pytest.mark.parametrize(
    ("name", "value", "taken", "message"),
    [
        ("view", "wide", "maps", "“wide” in the address is not available; maps is used."),
        ("sample", "attic", None, "not available. Available: hall, lobby."),
        ("monotone", "yes", False, "0 is used. Available: 0, 1."),
        ("s", "0.11", 0.1, "s = “0.11” in the address is not available; 0.1 is used."),
        ("s", "0.30", 0.3, "0.3 is used"),
        ("s", "-5", 0.1, "0.1 is used"),
        ("s", "narrow", 0.3, "0.3 is used"),
        ("function", "99", 10, "10 is used"),
        ("function", "2.5", 1, "1 is used"),
        ("model", "best", "ideal", "ideal is used. Available: ideal, reg."),
    ],
)
def test_an_unavailable_value_is_replaced_and_reported(name, value, taken, message):
    page = reading(**{name: value})
    assert page.session_state["read"] == DEFAULTS | {name: taken}
    assert [message in toast.value for toast in page.toast] == [True]


def test_empty_values_and_defaults_are_left_out_of_the_address():
    values = {
        "sample": None,
        "cell": "",
        "monotone": False,
        "seed": 0,
        "s": 0.03,
        "view": "maps",
        "live": True,
    }
    page = AppTest.from_function(write_values, args=(values, {"view": "maps"}))
    page.query_params["view"] = "space"
    page.query_params["other"] = "1"
    assert query_of(ran(page.run())) == {"seed": "0", "s": "0.03", "live": "1"}


def test_one_parameter_is_removed():
    page = AppTest.from_function(remove_parameter)
    page.query_params["cell"] = "severe_4"
    page.query_params["grid"] = "quick"
    assert query_of(ran(page.run())) == {"grid": "quick"}
