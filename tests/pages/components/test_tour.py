"""The tour's strip: where it is drawn, what it says, and where it leads."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import tour
from regcls.lab import replay
from regcls.synthetic.data import SAMPLINGS
from tests.helpers.app_page import html, ran, text_of

SCRIPT = """
from pages import navigate
from pages.components import tour
navigate()
tour.strip({page!r})
"""


def strip(page: str, visited: set[str] = frozenset(), sampling: str | None = "mild") -> AppTest:
    shown = AppTest.from_string(SCRIPT.format(page=page), default_timeout=300)
    shown.session_state["visited"] = {page, *visited}
    if sampling:
        shown.session_state["tour"] = sampling
    return ran(shown.run())


def test_there_are_at_most_four_steps_each_with_its_own_page():
    pages = [step.page for step in tour.steps("severe")]
    assert pages == ["lab", "study", "progress", "predictions"]


@pytest.mark.parametrize("page", ["", "theory", "models"])
def test_pages_beside_the_tour_have_no_strip(page):
    assert not strip(page).main.children


def test_without_a_tour_there_is_no_strip():
    assert not strip("lab", sampling=None).main.children


@pytest.mark.parametrize(("page", "following"), [("lab", "study"), ("study", "progress")])
def test_the_strip_leads_to_the_next_page_with_its_query(page, following):
    shown = strip(page)
    (link,) = shown.get("page_link")
    step = next(step for step in tour.steps("mild") if step.page == following)
    assert link.proto.label == f"**Next: {step.name}**"
    assert link.proto.page == following
    assert dict(p.split("=") for p in link.proto.query_string.split("&")) == step.query
    here = next(step for step in tour.steps("mild") if step.page == page)
    assert here.text in text_of(shown)


def test_the_last_step_leads_home():
    (link,) = strip("predictions").get("page_link")
    assert link.proto.label == "**Back to Home**"


def test_visited_pages_have_a_tick_and_the_present_one_is_marked():
    found = html(strip("study", visited={"lab"}))
    assert found.count("✓") == 1
    assert found.index("✓") < found.index("Lab") < found.index('aria-current="step"')
    assert found.index('aria-current="step"') < found.index("Study")


def test_the_strip_can_be_closed():
    shown = strip("lab")
    ran(shown.button(key="tour_end").click().run())
    assert "tour" not in shown.session_state
    assert not shown.main.children


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_lab_step_has_the_sampling_chosen(sampling):
    assert tour.steps(sampling)[0].query == replay.load(sampling).settings.to_query()
