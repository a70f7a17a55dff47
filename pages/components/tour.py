"""The tour: four steps through the pages, with a strip that leads from one to the next."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from pages import FOLDER
from regcls.lab import replay
from regcls.study import answer

KEY = "tour"  # in the session's state while a tour is under way: the sampling chosen on Home
VISITED = "visited"  # in the session's state: addresses of the pages visited, kept by app.py
_CSS = """<style>
.st-key-tour { padding: .4rem .9rem .6rem !important; }
ol.tour.tour { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; list-style: none; margin: 0;
  padding: 0; font-size: .9rem; }
.tour li { margin: 0; white-space: nowrap; }
.tour [aria-current] { font-weight: 700; }
@media (max-width: 640px) { .tour li:not([aria-current]) { display: none; } }
</style>"""


@dataclass(frozen=True)
class Step:
    """A step of the tour: a page, opened with a query, and what to do there."""

    page: str
    name: str
    title: str
    text: str
    query: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """File of the page."""
        return FOLDER / f"{self.page}.py"


def steps(sampling: str) -> tuple[Step, ...]:
    """Return the steps; the first opens the setting of Home's replay in the Lab."""
    return (
        Step(
            "lab",
            "Lab",
            "Watch it happen",
            "Press **Play** to train ten networks of each kind. The *control* (green) is *reg* with "
            "the loss scale of *reg+cls* (blue): compare them with *reg* (orange).",
            replay.load(sampling).settings.to_query(),
        ),
        Step(
            "study",
            "Study",
            "See all settings",
            _study_text(),
            {"grid": answer.PAPER, "against": "control"},
        ),
        Step(
            "progress",
            "Progress",
            "See it on real data",
            "Two networks estimate how much of a robot's task is done. The last fifth is rare in "
            "their training data, and in this video both have large errors there.",
            {"sample": "drive"},
        ),
        Step(
            "predictions",
            "Your predictions",
            "Check your own model",
            "Choose an example, or upload targets and predictions of any model. The report shows the "
            "errors per target range with confidence intervals.",
        ),
    )


def _study_text() -> str:
    """Return the finding against the control in one sentence."""
    found = [f.compared for f in answer.findings() if f.compared.against == "control"]
    if not found:
        return "The map shows where *reg+cls* has a lower error than the *control*."
    better, counted = found[0].count(answer.BETTER), found[0].counted
    return (
        f"Compared with the *control*, *reg+cls* is significantly better in {better} of {counted} "
        "settings. Choose a setting to see its errors."
    )


def cards(sampling: str) -> None:
    """Draw the steps as cards; a click on one starts the tour there."""
    visited = st.session_state.get(VISITED, set())
    chosen = None
    found = steps(sampling)
    for number, (column, step) in enumerate(zip(st.columns(len(found)), found, strict=True), 1):
        icon = "check_circle" if step.page in visited else f"counter_{number}"
        with column.container(border=True, height="stretch", gap="xsmall"):
            label = f"**{number}. {step.title}**"
            key = f"tour_{step.page}"
            if st.button(label, key=key, type="tertiary", icon=f":material/{icon}:"):
                chosen = step
            st.markdown(step.text)
    if chosen:
        st.session_state[KEY] = sampling
        st.switch_page(chosen.path, query_params=chosen.query)


def strip(page: str) -> None:
    """Draw the way to the next step on a page of the tour, while one is under way.

    Parameters
    ----------
    page : str
        Address of the page that is open, such as "lab".
    """
    if KEY not in st.session_state:
        return
    found = steps(st.session_state[KEY])
    here = next((i for i, step in enumerate(found) if step.page == page), None)
    if here is None:
        return
    with st.container(border=True, key="tour", gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(_CSS + _list(found, here), width="stretch")
            if here + 1 < len(found):
                step = found[here + 1]
                st.page_link(
                    step.path,
                    label=f"**Next: {step.name}**",
                    icon=":material/arrow_forward:",
                    query_params=step.query,
                )
            else:
                st.page_link(FOLDER / "home.py", label="**Back to Home**", icon=":material/home:")
            st.button(
                "End tour", key="tour_end", type="tertiary", icon=":material/close:", on_click=_end
            )
        st.caption(found[here].text)


def _list(found: tuple[Step, ...], here: int) -> str:
    """Return the steps as a list in HTML: a tick for pages visited, the present one in bold."""
    visited = st.session_state.get(VISITED, set())
    items = []
    for number, step in enumerate(found, 1):
        now, done = number - 1 == here, step.page in visited
        mark = "✓" if done and not now else str(number)
        spoken = ' aria-label="visited"' if mark == "✓" else ""
        current = ' aria-current="step"' if now else ""
        items.append(
            f"<li{current}><span{' role=img' if spoken else ''}{spoken}>{mark}</span> "
            f"{html.escape(step.name)}</li>"
        )
    return f'<ol class="tour" aria-label="Tour">{"".join(items)}</ol>'


def _end() -> None:
    """End the tour."""
    st.session_state.pop(KEY, None)
