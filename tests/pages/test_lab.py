"""Lab page without a browser: presets, addresses, buttons and changes during a run."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from regcls.lab.run import Lab
from regcls.lab.settings import PRESETS
from tests.helpers.app_page import imported_by, opened, query_of

SMALL = {"samples": "3000", "batch": "128", "repeats": "2", "epochs": "2"}


def button(page: AppTest, label: str) -> Button:
    return next(b for b in page.button if b.label == label)


def run_of(page: AppTest) -> Lab | None:
    return page.session_state["lab"].run


@pytest.mark.parametrize("name", PRESETS)
def test_preset_sets_the_address_and_describes_itself(name):
    page = opened("lab").selectbox(key="lab_preset").select(name).run()
    assert not page.exception
    assert query_of(page) == PRESETS[name][0].to_query()
    assert any(name in caption.value for caption in page.caption)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_trains(name):
    page = opened("lab").selectbox(key="lab_preset").select(name).run()
    page.number_input(key="lab_samples").set_value(3 * 1024)
    page.number_input(key="lab_repeats").set_value(2)
    page.number_input(key="lab_epochs").set_value(2).run()
    button(page, "Train one epoch").click().run()
    assert not page.exception
    assert run_of(page).epoch == 1
    assert any("Verdict after 1" in s.value for s in page.subheader)


def test_address_sets_the_widgets():
    page = opened("lab", sampling="mild", repeats="3", hidden="5-7", scenario="noisy")
    assert page.selectbox(key="lab_sampling").value == "mild"
    assert page.number_input(key="lab_repeats").value == 3
    assert page.text_input(key="lab_hidden").value == "5-7"
    assert page.number_input(key="lab_weight").value == 1000.0
    assert not page.warning


def test_invalid_parameters_are_reported_and_ignored():
    page = opened("lab", repeats="many", colour="red")
    assert not page.exception
    assert [w.value for w in page.warning if "repeats" in w.value or "colour" in w.value]
    assert page.number_input(key="lab_repeats").value == 10
    assert query_of(page) == {}


@pytest.mark.parametrize(("repeats", "noun"), [(1, "1 network of"), (3, "3 networks of")])
def test_the_invitation_names_the_button_and_counts(repeats, noun):
    page = opened("lab", repeats=str(repeats))
    assert f"Press **Play** to train {noun} each kind" in page.info[-1].value
    assert any(button.label == "Play" for button in page.button)


def test_a_costly_run_is_started_by_the_button_that_is_named():
    page = opened("lab", repeats="50", classes="1024", epochs="1000")
    label = next(button.label for button in page.button if button.label in ("Play", "Start anyway"))
    assert page.warning and label == "Start anyway"
    assert f"Press **{label}**" in page.info[-1].value


def test_play_runs_to_the_end_and_stops():
    page = opened("lab", **SMALL)
    button(page, "Play").click().run()
    while page.session_state["lab"].playing:  # each run of the script trains for a slice of time
        page.run()
        assert not page.exception
    assert run_of(page).done


def test_a_paused_run_stays_where_it_is():
    page = opened("lab", **{**SMALL, "epochs": "200", "samples": "30000"})
    button(page, "Play").click().run()
    button(page, "Pause").click().run()
    step = run_of(page).step
    page.run()
    assert run_of(page).step == step > 0


def test_a_change_during_a_run_starts_a_new_one():
    page = opened("lab", **{**SMALL, "epochs": "1000"})
    button(page, "Play").click().run()
    first = run_of(page)
    page.selectbox(key="lab_sampling").select("uniform").run()
    assert not page.exception
    assert run_of(page) is not first
    assert run_of(page).settings.sampling == "uniform"
    page.selectbox(key="lab_function").select(0).run()
    page.selectbox(key="lab_sampling").select("own").run()
    page.selectbox(key="lab_scenario").select("ood").run()
    assert not page.exception
    assert run_of(page).settings.weight == 10000.0


def test_reset_discards_the_run():
    page = opened("lab", **SMALL)
    button(page, "Train one epoch").click().run()
    button(page, "Reset").click().run()
    assert run_of(page) is None


def test_one_run_with_absolute_targets():
    page = opened("lab", **SMALL)
    button(page, "Train one epoch").click().run()
    page.selectbox(key="lab_shown").select("Run 2").run()
    assert not page.exception
    page.button_group(key="lab_axis").select("Absolute").run()
    assert not page.exception


def test_invalid_settings_are_reported_in_a_sentence():
    page = opened("lab", **SMALL)
    page.text_input(key="lab_hidden").set_value("six").run()
    assert not page.exception
    assert "layer sizes such as 6-15" in page.error[0].value


def test_long_and_large_runs_are_announced():
    slow = opened("lab", classes="1024", repeats="50")
    assert "minute" in slow.warning[0].value
    assert button(slow, "Start anyway")
    large = opened(
        "lab", samples="300000", repeats="50", batch="4096", classes="1024", hidden="256-256"
    )
    assert "memory" in large.warning[0].value
    assert next(b for b in large.button if b.icon and "play" in b.icon).disabled


def test_page_opens_without_torch():
    assert imported_by("lab", ("torch",)) == []
