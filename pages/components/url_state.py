"""State in the address: read once when a page opens, written when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def choice(name: str, offered: Iterable[T], default: T) -> T:
    """Return the option that the address asks for, else ``default``.

    A parameter that is not offered is reported in a toast, with the values that are.
    """
    asked = st.query_params.get(name)
    if asked is None:
        return default
    options = {text(option): option for option in offered}
    if asked not in options:
        instead = f"; {text(default)} is used" if default is not None else ""
        st.toast(
            f"The address asks for {name} = “{asked}”, which is not available{instead}. "
            f"Available: {', '.join(options)}."
        )
    return options.get(asked, default)


def write(values: Mapping[str, object], defaults: Mapping[str, object] | None = None) -> None:
    """Make ``values`` the whole query of the address, without empty values and defaults."""
    defaults = defaults or {}
    wanted = {
        name: text(value)
        for name, value in values.items()
        if value not in (None, "", False) and value != defaults.get(name)
    }
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def text(value: object) -> str:
    """Write a value as it stands in an address; true is 1, false is 0."""
    return str(int(value)) if isinstance(value, bool) else str(value)
