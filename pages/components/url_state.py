"""State in the address: read when a page opens, written when it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import streamlit as st

T = TypeVar("T")


def query() -> dict[str, str]:
    """Return all parameters of the address."""
    return st.query_params.to_dict()


def choice(name: str, offered: Iterable[T], default: T, nearest: bool = False) -> T:
    """Return the option that the address names, else ``default``.

    With ``nearest``, a number that is not available is replaced by the nearest option. A parameter
    that cannot be used is reported in a toast, with the options.
    """
    options = {text(option): option for option in offered}
    named = query().get(name)
    if named is None or named in options:
        return default if named is None else options[named]
    value = _nearest(named, options.values(), default) if nearest else default
    instead = "" if value is None else f"; {text(value)} is used"
    st.toast(
        f"{name} = “{named}” in the address is not available{instead}. "
        f"Available: {', '.join(options)}."
    )
    return value


def _nearest(named: str, options: Iterable[T], default: T) -> T:
    """Return the option nearest to a number, or ``default`` for other values."""
    if not isinstance(default, int | float):
        return default
    try:
        value = type(default)(named)
    except ValueError:
        return default
    return min(options, key=lambda option: abs(option - value))  # type: ignore[operator]  # numbers, as the default


def write(values: Mapping[str, object], defaults: Mapping[str, object] | None = None) -> None:
    """Make ``values`` the whole query of the address, without empty values and defaults."""
    defaults = defaults or {}
    wanted = {
        name: text(value)
        for name, value in values.items()
        if value is not None and value is not False and value not in ("", defaults.get(name))
    }
    if query() != wanted:
        st.query_params.from_dict(wanted)


def remove(name: str) -> None:
    """Remove a parameter from the address, if it is there."""
    st.query_params.pop(name, None)


def text(value: object) -> str:
    """Return a value as written in an address; true is 1, false is 0."""
    return str(int(value)) if isinstance(value, bool) else str(value)
