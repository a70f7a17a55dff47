"""Whether a visitor's page is still open, for jobs that run while it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st


@dataclass
class Visit:
    """One visitor's connection to the app."""

    open: bool = True

    def close(self) -> None:
        """Note that the connection has ended."""
        self.open = False


@st.cache_resource(
    scope="session", on_release=Visit.close, hash_funcs={Visit: id}, show_spinner=False
)
def _registered(visit: Visit) -> Visit:
    """Keep the visit in the session's cache, which Streamlit releases on disconnection."""
    return visit


def visitor_present() -> Callable[[], bool]:
    """Return a function that tells, from any thread, whether this visitor's page is still open.

    Call this on every run of the page: a page that reconnects counts as open again.
    """
    visit = st.session_state.setdefault("visit", Visit())
    visit.open = True
    _registered(visit)
    return lambda: visit.open
